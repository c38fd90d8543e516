"""Pieces of work in this process and on processes of their own: each once, errors as raised, nobody left behind."""

import collections
import functools
import importlib
import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.runs.executor_local import IN_FLIGHT_PER_WORKER
from syndr_curate.curate.runs.executor_worker import WorkerTraceback
from syndr_curate.curate.runs.executors import InProcess, Processes, make_executor
from syndr_curate.curate.runs.threads import cores

FOLDER = Path(__file__).parent


@pytest.fixture
def work(monkeypatch):
    """The module of pieces, where worker processes find it too: they get the search path of this one."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("pieces_of_work")


@pytest.mark.parametrize("executor", [InProcess(), Processes(1), Processes(3)], ids=["in-process", "one", "three"])
@pytest.mark.parametrize("count", [0, 1, 40])
def test_every_piece_is_carried_out_once(executor, count, work):
    assert sorted(executor.run(work.square, range(count))) == [(n, n * n) for n in range(count)]
    assert multiprocessing.active_children() == []


def test_more_workers_than_cores_are_allowed_and_all_of_them_work(work):
    count = cores() + 2
    processes = {pid for _, pid in Processes(count).run(work.process_of, range(3 * count))}
    assert len(processes) == count
    assert os.getpid() not in processes


def test_one_local_worker_is_the_calling_process(work):
    executor = make_executor("local", workers=1)
    assert dict(executor.run(work.process_of, range(2))) == {0: os.getpid(), 1: os.getpid()}
    assert make_executor("local", workers=7).workers == 7
    assert make_executor("local").workers == cores()


@pytest.mark.parametrize("executor", [InProcess(), Processes(2)])
def test_indexes_are_read_only_a_few_ahead(executor, work):
    read = []

    def indexes():
        for number in range(1000):
            read.append(number)
            yield number

    results = executor.run(work.square, indexes())
    assert read == []  # nothing begins before a result is asked for
    for taken in range(1, 6):
        next(results)
        assert len(read) <= taken + IN_FLIGHT_PER_WORKER * executor.workers
    results.close()


def test_the_function_and_its_data_are_sent_once_to_each_process(work, tmp_path):
    function = functools.partial(work.offset, work.CountedTable(tmp_path))
    assert sorted(Processes(2).run(function, range(50))) == [(n, 1000 + n) for n in range(50)]
    assert len(list(tmp_path.glob("copy*"))) == 2


@pytest.mark.parametrize("executor", [InProcess(), Processes(2)])
def test_what_a_piece_refuses_is_raised_and_the_endless_rest_is_left(executor, work, tmp_path):
    with pytest.raises(CurateError, match=r"^row 3 has no label; expected one per row$"):
        collections.deque(executor.run(functools.partial(work.refuse_3, tmp_path), itertools.count()), maxlen=0)
    assert multiprocessing.active_children() == []


def test_an_error_that_is_a_bug_keeps_its_kind_and_says_where_in_the_worker(work):
    with pytest.raises(KeyError, match="7") as raised:
        list(Processes(1).run(work.look_up, [0, 7]))
    assert isinstance(raised.value.__cause__, WorkerTraceback)
    assert "in look_up" in str(raised.value.__cause__)


def test_an_error_that_cannot_be_pickled_keeps_its_words(work):
    with pytest.raises(RuntimeError, match="TwoArgumentsError: kodim07: no such plane"):
        list(Processes(1).run(work.raise_unpicklable, [0]))


def test_a_result_that_cannot_be_pickled_is_an_error_and_no_hang(work):
    with pytest.raises((AttributeError, TypeError, RuntimeError), match="pickle"):
        list(Processes(1).run(work.unpicklable, [0]))


def test_a_function_that_workers_cannot_load_is_an_error_and_no_hang(work, monkeypatch):
    run = Processes(1).run(work.square, [0])
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p != str(FOLDER)])
    with pytest.raises(ModuleNotFoundError, match="pieces_of_work"):
        list(run)


def test_a_process_that_is_killed_is_one_clear_error(work):
    with pytest.raises(CurateError, match=r"a worker process died \(signal 9\) at piece 5.*the same command resumes"):
        collections.deque(Processes(2).run(work.kill_itself_at_5, itertools.count()), maxlen=0)
    assert multiprocessing.active_children() == []


def test_a_worker_without_memory_is_one_clear_error(work):
    with pytest.raises(CurateError, match="a worker ran out of memory at piece 0: fewer workers need less"):
        list(Processes(1).run(work.run_out_of_memory, [0]))


def test_work_given_up_tidies_up_behind_itself(work, tmp_path):
    with pytest.raises(CurateError, match="piece 0 fails"):
        list(Processes(2).run(functools.partial(work.tidy_up, tmp_path), [0, 1]))
    assert list(tmp_path.iterdir()) == []


def test_closing_the_results_ends_the_work_at_once(work, tmp_path):
    started = time.monotonic()
    results = Processes(2).run(functools.partial(work.refuse_3, tmp_path), itertools.chain([1, 2], itertools.count(4)))
    next(results)
    results.close()
    assert multiprocessing.active_children() == []
    assert time.monotonic() - started < 30  # not the hour that the rest would take


def test_a_worker_uses_one_thread_per_library_though_it_loads_them_late(work):
    ((_, threads),) = Processes(1).run(work.threads_in_use, [0])
    assert {"cv2", "numba", "torch"} < set(threads)
    assert set(threads.values()) == {1}, threads


def test_a_worker_loads_nothing_that_its_work_does_not_need(work):
    ((_, modules),) = Processes(1).run(work.modules_loaded, [0])
    assert not {"torch", "pandas", "typer", "ray", "pytest"} & set(modules)


def script(tmp_path, text):
    file = tmp_path / "script.py"
    file.write_text(textwrap.dedent(text))
    return file


UNGUARDED = """
    import operator, functools
    from syndr_curate.curate.runs.executors import make_executor
    print("main")
    print(sorted(make_executor("local", workers=2).run(functools.partial(operator.mul, 3), range(4))))
"""


def test_a_script_without_a_guard_runs_once(tmp_path):
    done = subprocess.run([sys.executable, script(tmp_path, UNGUARDED)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("main\n[(0, 0), (1, 3), (2, 6), (3, 9)]\n", "")


def test_what_is_typed_into_a_python_without_a_script_works(tmp_path):
    text = textwrap.dedent(UNGUARDED)
    done = subprocess.run([sys.executable, "-"], input=text, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("main\n[(0, 0), (1, 3), (2, 6), (3, 9)]\n", "")


def test_a_function_of_a_guarded_script_works(tmp_path):
    file = script(
        tmp_path,
        """
        from syndr_curate.curate.runs.executors import make_executor
        def triple(index):
            return 3 * index
        if __name__ == "__main__":
            print(sorted(make_executor("local", workers=2).run(triple, range(4))))
        """,
    )
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[(0, 0), (1, 3), (2, 6), (3, 9)]\n", "")


SLEEPERS = """
    import sys, functools, pathlib
    sys.path.insert(0, {folder!r})
    import pieces_of_work
    from syndr_curate.curate.runs.executors import make_executor
    try:
        piece = functools.partial(pieces_of_work.sleep_in, pathlib.Path({out!r}))
        list(make_executor("local", workers=2).run(piece, range(9)))
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.fixture
def sleeping(tmp_path):
    """A script in a process group of its own, whose two workers sleep; and the workers' process ids."""
    out = tmp_path / "out"
    out.mkdir()
    file = script(tmp_path, SLEEPERS.format(folder=str(FOLDER), out=str(out)))
    parent = subprocess.Popen([sys.executable, file], stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 60
    while len(list(out.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    yield parent, [int(sleeper.name) for sleeper in out.iterdir()]
    if parent.poll() is None:
        parent.kill()
    parent.communicate()


def gone(processes, seconds):
    deadline = time.monotonic() + seconds
    while any(Path(f"/proc/{pid}").exists() for pid in processes) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(Path(f"/proc/{pid}").exists() for pid in processes)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes in /proc")
def test_an_interrupt_from_the_terminal_ends_everything_promptly(sleeping):
    parent, workers = sleeping
    assert len(workers) == 2
    os.killpg(parent.pid, signal.SIGINT)  # as a terminal does: to parent and workers alike
    _, said = parent.communicate(timeout=20)
    assert (parent.returncode, said) == (130, "")
    assert gone(workers, 1)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes in /proc")
def test_workers_end_when_their_parent_is_killed(sleeping):
    parent, workers = sleeping
    assert len(workers) == 2
    parent.kill()
    assert gone(workers, 10)


def test_an_unknown_executor_names_those_there_are():
    with pytest.raises(CurateError, match="executor is 'dask'; expected one of local, ray"):
        make_executor("dask")


def test_settings_that_do_not_fit_are_refused():
    with pytest.raises(CurateError, match="workers is 0; expected a whole number, 1 or more"):
        make_executor("local", workers=0)
    with pytest.raises(CurateError, match=r"a Ray address \(auto\) needs the executor ray"):
        make_executor("local", ray_address="auto")
