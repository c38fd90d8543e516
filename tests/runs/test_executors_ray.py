"""Pieces of work on Ray: what goes wrong is one line in bounded time; a lost node loses no work."""

import json
import math
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import pytest
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.manifest.provenance import RENDERING_LIBRARIES, library_versions
from syndr_curate.curate.runs import executor_ray, ray_connection
from syndr_curate.curate.runs.executor_worker import Done
from syndr_curate.curate.runs.executors import make_executor


def test_without_ray_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(CurateError, match=r'pip install "syndr-curate\[ray\]"'):
        make_executor("ray")


@pytest.mark.parametrize("address", ["here", "ray://127.0.0.1:10001", "127.0.0.1:", ":6379"])
def test_an_address_that_is_none_is_refused_before_any_work(address):
    with pytest.raises(CurateError, match="expected auto, or host:port"):
        make_executor("ray", ray_address=address)


def test_a_port_without_a_listener_is_one_line(monkeypatch):
    monkeypatch.setattr(ray_connection, "CONNECT_SECONDS", 1.0)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(CurateError, match=f"the Ray cluster {address} does not answer") as raised:
            next(make_executor("ray", ray_address=address).run(math.sqrt, [4]))
    assert "\n" not in str(raised.value)


def test_a_port_where_somebody_else_listens_is_no_hang(monkeypatch):
    monkeypatch.setattr(ray_connection, "JOIN_SECONDS", 2.0)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(CurateError, match="could not be joined within 2 s; does Ray listen there"):
            next(make_executor("ray", ray_address=address).run(math.sqrt, [4]))
    assert time.monotonic() - started < 20


def test_a_node_with_another_library_refuses_to_work(monkeypatch):
    monkeypatch.setattr(executor_ray, "one_thread_per_library", lambda: None)  # this process keeps its threads
    versions = library_versions(RENDERING_LIBRARIES)
    assert executor_ray.carry_out(math.sqrt, versions, 4) == Done(4, 2.0)
    refused = executor_ray.carry_out(math.sqrt, {**versions, "numpy": "0.9", "absent": "1.0"}, 4)
    assert isinstance(refused.error, CurateError)
    assert f"has absent none instead of 1.0, numpy {versions['numpy']} instead of 0.9; inst" in str(refused.error)


def driven(tmp_path, text, environment=None, **kwargs):
    """Run a script that drives Ray in a process of its own, so that no state of Ray stays in this one."""
    file = tmp_path / "driver.py"
    file.write_text(textwrap.dedent(text))
    return subprocess.Popen(
        [sys.executable, file],
        env=environment or {**os.environ, "HOME": str(tmp_path)},  # Ray keeps a token at home
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **kwargs,
    )


def gone(processes, seconds=20):
    files, deadline = [Path(f"/proc/{pid}") for pid in processes], time.monotonic() + seconds
    while any(file.exists() for file in files) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(file.exists() for file in files)


def test_a_ray_started_here_does_the_work_and_is_gone_afterwards(tmp_path):
    driver = driven(
        tmp_path,
        """
        import json, os
        from syndr_curate.curate.runs.executors import make_executor
        from syndr_curate.curate.errors import CurateError
        def piece(index):
            import cv2
            if index == 9:
                raise CurateError("piece 9 has no label")
            return index * index, os.getpid(), cv2.getNumThreads()
        results = make_executor("ray", workers=2).run(piece, [0, 1, 2, 3, 9])
        try:
            for index, (square, process, threads) in results:
                print(json.dumps([index, square, process, threads]))
        except CurateError as error:
            print(json.dumps(str(error)))
        """,
    )
    said, complaints = driver.communicate(timeout=120)
    *rows, error = [json.loads(line) for line in said.splitlines()]
    assert error == "piece 9 has no label"
    assert all(square == index * index for index, square, _, _ in rows)
    assert {threads for *_, threads in rows} <= {1}
    assert driver.pid not in {process for _, _, process, _ in rows}
    assert gone(process for _, _, process, _ in rows)
    assert complaints == ""


@pytest.mark.slow
def test_what_ray_gives_up_is_one_line(tmp_path):
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "only_here.py").write_text("def piece(index):\n    return index\n")
    driver = driven(
        tmp_path,
        f"""
        import os, sys
        sys.path.insert(0, {str(tmp_path / "modules")!r})
        import only_here
        from syndr_curate.curate.runs.executors import make_executor
        from syndr_curate.curate.errors import CurateError
        def die(index):
            os.kill(os.getpid(), 9)
        executor = make_executor("ray", workers=1)
        for piece in only_here.piece, die:
            try:
                list(executor.run(piece, [7]))
            except CurateError as error:
                print(error)
        """,
    )
    said, _ = driver.communicate(timeout=240)
    absent, died = said.splitlines()
    assert absent.startswith("Ray gave up piece 7 (ray.exceptions.RaySystemError: System error: No module named 'only")
    assert died.startswith("Ray gave up piece 7 (The worker died unexpectedly")
    assert died.endswith("the same command resumes")


@pytest.mark.slow
def test_an_interrupt_ends_a_ray_started_here(tmp_path):
    driver = driven(
        tmp_path,
        f"""
        import os, sys, time, pathlib
        from syndr_curate.curate.runs.executors import make_executor
        def piece(index):
            pathlib.Path({str(tmp_path)!r}, f"pid{{os.getpid()}}").write_text("x")
            time.sleep(600)
        try:
            list(make_executor("ray", workers=2).run(piece, range(9)))
        except KeyboardInterrupt:
            sys.exit(130)
        """,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("pid*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = [int(file.name.removeprefix("pid")) for file in tmp_path.glob("pid*")]
    assert len(workers) == 2
    os.killpg(driver.pid, signal.SIGINT)
    driver.communicate(timeout=60)
    assert driver.returncode == 130
    assert gone(workers)


TWO_NODES = """
    import json, os, pathlib, time, ray
    from syndr_curate.curate.runs.executors import make_executor
    def piece(index):
        node = ray.get_runtime_context().get_node_id()
        with (pathlib.Path({folder!r}) / f"begun{{index}}").open("a") as file:
            file.write(node + "\\n")
        time.sleep(0.5)
        return index * index, node
    for index, (square, node) in make_executor("ray", ray_address={address!r}).run(piece, range(30)):
        print(json.dumps([index, square, node]), flush=True)
"""


@pytest.mark.slow
def test_a_node_killed_in_the_middle_loses_no_piece_and_repeats_no_result(tmp_path, two_node_cluster):
    cluster = two_node_cluster
    text = TWO_NODES.format(folder=str(tmp_path), address=cluster.address)
    driver = driven(tmp_path, text, cluster.environment)
    rows = []
    for line in driver.stdout:  # of which Ray must say nothing there: it is the caller's
        rows.append(json.loads(line))
        if len(rows) == 12:
            before = Counter(node for *_, node in rows)
            lost = next_begun(tmp_path, cluster.second)
            cluster.kill_second()
    _, complaints = driver.communicate(timeout=120)
    assert driver.returncode == 0, complaints

    assert before[cluster.head] >= 3
    assert before[cluster.second] >= 3  # both worked
    assert sorted(index for index, *_ in rows) == list(range(30))  # each exactly once
    assert all(square == index * index for index, square, _ in rows)
    assert {node for *_, node in rows[20:]} == {cluster.head}
    assert (tmp_path / f"begun{lost}").read_text().split() == [cluster.second, cluster.head]


def next_begun(folder, node):
    """Wait for a node to begin one more piece, and return its number."""

    def begun():
        return {file for file in folder.glob("begun*") if node in file.read_text()}

    before, deadline = begun(), time.monotonic() + 60
    while not (more := begun() - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    return int(more.pop().name.removeprefix("begun"))


@pytest.mark.slow
def test_a_cluster_smaller_than_asked_for_is_one_line(tmp_path, two_node_cluster):
    driver = driven(
        tmp_path,
        f"""
        import math
        from syndr_curate.curate.runs.executors import make_executor
        from syndr_curate.curate.errors import CurateError
        try:
            list(make_executor("ray", workers=9, ray_address={two_node_cluster.address!r}).run(math.sqrt, [4]))
        except CurateError as error:
            print(error)
        executor = make_executor("ray", workers=2, ray_address={two_node_cluster.address!r})
        print(sorted(executor.run(math.sqrt, [1, 4])))
        executor.num_gpus = 1
        try:
            list(executor.run(math.sqrt, [4]))
        except CurateError as error:
            print(error)
        """,
        two_node_cluster.environment,
    )
    said, complaints = driver.communicate(timeout=120)
    small, works, no_gpu = said.splitlines()
    assert "has 2 processors, 9 workers were asked for" in small
    assert works == "[(1, 1.0), (4, 2.0)]"
    assert "has 0 GPUs; each piece needs 1" in no_gpu
    assert complaints == ""
