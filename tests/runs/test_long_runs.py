"""Long runs: interrupted, shared out, retried and refused, and always the same bytes in the end."""

import hashlib
import io
import json
import os
import signal
import stat
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from syndr_curate import CurateError, read_manifest
from syndr_curate.curate.checks.run_status import run_merge, status_of
from syndr_curate.curate.demo.scenes import paint_scene
from syndr_curate.curate.manifest.provenance import read_provenance
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.runs.options import LongRun, parse_share
from syndr_curate.curate.runs.run_lock import run_lock
from syndr_curate.curate.runs.shards import Mode, Share
from syndr_curate.curate.storage.images import PNG_ENCODING, encode_image

from ..conftest import SCRIPT
from ..making import paint_cities

FLAGS = ("--types", "1,9,11", "--levels", "1,3", "--rows-per-shard", "4", "--quiet")
SETTINGS = {"types": (1, 9, 11), "levels": (1, 3), "run": LongRun(rows_per_shard=4)}

# Before an image, a part, a file of the plan and (the 13th file: 3 of the plan, 9 parts) the manifest has its name.
CRASHES = ("before-image-rename:3", "before-image-rename:36", "part:1", "part:5", "before-rename:2", "before-rename:13")


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    return paint_cities(tmp_path_factory.mktemp("long") / "photos", 6, side=48)


@pytest.fixture(scope="module")
def undisturbed(photos, tmp_path_factory) -> dict[str, str]:
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    run_distort(photos, out, **SETTINGS)
    return tree(out)


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder, hidden ones too, by content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() or path.is_symlink():
            # The manifest names its references' folder relative to itself.
            found[path.relative_to(folder).as_posix()] = hashlib.sha256(neutral(path)).hexdigest()
        elif path.name.startswith("."):
            found[path.relative_to(folder).as_posix()] = "a hidden folder"
    return found


def neutral(path: Path) -> bytes:
    if path.name != "manifest.parquet":
        return path.read_bytes()
    table = pq.read_table(path)
    facts = json.loads(table.schema.metadata[b"syndr_curate"])
    facts["roots"].pop("references")
    return json.dumps([table.to_pylist(), facts], sort_keys=True).encode()


def command(photos: Path, out: Path, *more: str) -> list[str]:
    return [str(SCRIPT), "distort", str(photos), "--out", str(out), *FLAGS, *more]


def go(arguments: list[str], **settings: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=300, **settings)


@pytest.mark.parametrize("crash", CRASHES)
def test_a_run_killed_between_write_and_rename_goes_on_to_the_same_bytes(photos, tmp_path, undisturbed, crash):
    out = tmp_path / "out"
    killed = go(command(photos, out, "--workers", "1"), env={**os.environ, "SYNDR_CURATE_CRASH_AT": crash})
    assert killed.returncode == -signal.SIGKILL
    assert not (out / "manifest.parquet").exists()
    assert go(command(photos, out, "--workers", "1")).returncode == 0
    assert tree(out) == undisturbed


def test_a_run_killed_at_a_random_moment_goes_on_to_the_same_bytes(photos, tmp_path, undisturbed):
    kill_and_resume(photos, tmp_path / "out", 1.7, undisturbed)


@pytest.mark.slow
def test_a_run_killed_at_20_random_moments_goes_on_to_the_same_bytes(photos, tmp_path, undisturbed):
    started = time.monotonic()
    assert go(command(photos, tmp_path / "whole", "--workers", "2")).returncode == 0
    whole = time.monotonic() - started
    moments = np.random.Generator(np.random.PCG64(0)).uniform(0.1 * whole, whole, 20)
    stopped = [kill_and_resume(photos, tmp_path / f"out{k}", t, undisturbed) for k, t in enumerate(moments)]
    assert sum(stopped) >= 10  # most moments lie inside the run, not after its end


@pytest.mark.slow
def test_a_run_killed_again_and_again_comes_to_its_end(photos, tmp_path, undisturbed):
    out = tmp_path / "out"
    for n in range(1, 9):
        crash = {"SYNDR_CURATE_CRASH_AT": f"part:{1 + n % 2}"}
        assert go(command(photos, out, "--workers", "1"), env={**os.environ, **crash}).returncode == -signal.SIGKILL
    assert go(command(photos, out)).returncode == 0
    assert tree(out) == undisturbed


def kill_and_resume(photos: Path, out: Path, seconds: float, undisturbed: dict[str, str]) -> bool:
    process = subprocess.Popen(
        command(photos, out, "--workers", "2"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(seconds)
    was_running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = go(command(photos, out, "--workers", "2"))
    assert done.returncode == 0, done.stderr
    assert tree(out) == undisturbed
    return was_running


@pytest.mark.parametrize("layout", ["files", "webdataset", "parquet"])
def test_one_run_and_three_shares_write_the_same_bytes(photos, tmp_path, layout):
    settings = {**SETTINGS, "layout": layout}
    run_distort(photos, tmp_path / "one", **settings)
    for number in (2, 1, 3):
        share = LongRun(Mode(share=Share(number, 3)), rows_per_shard=4)
        run_distort(photos, tmp_path / "shares", **{**settings, "run": share})
    run_merge(tmp_path / "shares")
    assert exact_tree(tmp_path / "shares") == exact_tree(tmp_path / "one")


@pytest.mark.parametrize(
    "layout",
    ["files", pytest.param("webdataset", marks=pytest.mark.slow), pytest.param("parquet", marks=pytest.mark.slow)],
)
def test_one_worker_and_four_write_the_same_bytes(photos, tmp_path, layout):
    # 72 rows: enough for processes to be worth it, so that four of them really work.
    run_distort(photos, tmp_path / "one", **{**SETTINGS, "levels": (1, 2, 3, 4), "layout": layout})
    assert len(read_manifest(tmp_path / "one" / "manifest.parquet")) == 72
    flags = ("--layout", layout, "--levels", "1,2,3,4", "--workers", "4")
    done = go(command(photos, tmp_path / "four", *flags))
    assert done.returncode == 0, done.stderr
    assert exact_tree(tmp_path / "four") == exact_tree(tmp_path / "one")


def exact_tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_share_leaves_the_rest_to_others_and_merge_says_what_is_missing(photos, tmp_path):
    out = tmp_path / "out"
    second = {**SETTINGS, "run": LongRun(Mode(share=Share(2, 3)), rows_per_shard=4)}
    assert run_distort(photos, out, **second)["shards_done"] == 3
    assert status_of(out) == {
        **{"stage": "distort", "state": "stopped", "shards": 9, "shards_done": 3, "rows": 36, "rows_done": 12},
        **{"statuses": {"ok": 12}, "out": str(out / "manifest.parquet")},
    }
    with pytest.raises(CurateError, match=r"6 \(number 0, 2, 3, 5, 6 and 1 more\) of 9 shards are not done"):
        run_merge(out)


def test_the_members_of_a_slurm_array_share_the_run(monkeypatch):
    for task, expected in ((4, Share(1, 3)), (6, Share(2, 3)), (8, Share(3, 3))):
        for name, value in {"ID": task, "COUNT": 3, "MIN": 4, "STEP": 2}.items():
            monkeypatch.setenv(f"SLURM_ARRAY_TASK_{name}", str(value))
        assert parse_share("slurm") == expected
        monkeypatch.setenv("SLURM_ARRAY_TASK_MAX", "9")  # of --array=4-9:2
        assert parse_share("slurm") == expected
    monkeypatch.delenv("SLURM_ARRAY_TASK_COUNT")
    with pytest.raises(CurateError, match="SLURM_ARRAY_TASK_COUNT, which is None: is this an array job"):
        parse_share("slurm")


def test_an_array_with_gaps_says_how_many_tasks_there_are_in_all(monkeypatch):
    for name, value in {"ID": "9", "COUNT": "2", "MIN": "4", "STEP": "5"}.items():
        monkeypatch.setenv(f"SLURM_ARRAY_TASK_{name}", value)
    assert parse_share("slurm:32") == Share(10, 32)
    for text, said in (("slurm:9", "this is task 9; expected 0 to 8"), ("slurm:0", "expected the number of all tasks")):
        with pytest.raises(CurateError, match=said):
            parse_share(text)
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "31")
    with pytest.raises(CurateError, match=r"of an array of 2 with gaps.* give the number of all tasks.*slurm:32"):
        parse_share("slurm")


@pytest.mark.parametrize("task", ["4", "5", "9"])
def test_every_task_of_an_array_with_gaps_is_refused_without_the_number_of_all(task, monkeypatch):
    for name, value in {"ID": task, "COUNT": "3", "MIN": "4", "MAX": "9", "STEP": "1"}.items():
        monkeypatch.setenv(f"SLURM_ARRAY_TASK_{name}", value)
    with pytest.raises(CurateError, match=rf"task {task} is of an array of 3 with gaps"):
        parse_share("slurm")
    assert parse_share("slurm:32") == Share(int(task) + 1, 32)


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/", "-1/3"])
def test_a_share_that_is_none_is_refused(text):
    with pytest.raises(CurateError, match="expected a share such as 1/3"):
        parse_share(text)


def test_shares_cover_every_shard_once():
    assert sorted(shard for k in (1, 2, 3) for shard in Share(k, 3).shards(10)) == list(range(10))


def test_a_finished_run_is_not_done_again(photos, tmp_path):
    out = tmp_path / "out"
    run_distort(photos, out, **SETTINGS)
    image = out / "images" / "p0" / "p0_01_01.png"
    image.unlink()
    before = (out / "manifest.parquet").stat().st_mtime_ns
    run_distort(photos, out, **SETTINGS)
    assert (out / "manifest.parquet").stat().st_mtime_ns == before
    assert not image.exists()
    run_distort(photos, out, **{**SETTINGS, "run": LongRun(Mode(overwrite=True), rows_per_shard=4)})
    assert image.exists()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"levels": (1, 5)}, r"config\.levels was \[1, 3\], is now \[1, 5\]"),
        ({"types": (1, 9)}, r"config\.types was \[1, 9, 11\], is now \[1, 9\]"),
        ({"seed": 7}, r"config\.seed was 123, is now 7"),
        ({"image_format": "bmp"}, r'config\.format was "png", is now "bmp"'),
        ({"layout": "webdataset"}, r'config\.layout was "files", is now "webdataset"'),
        ({"run": LongRun(rows_per_shard=5)}, "rows_per_shard was 4, is now 5"),
    ],
)
def test_another_setting_does_not_go_on_with_a_run(photos, tmp_path, change, named):
    out = tmp_path / "out"
    run_distort(photos, out, **{**SETTINGS, "run": LongRun(Mode(share=Share(1, 2)), rows_per_shard=4)})
    with pytest.raises(CurateError, match=f"cannot resume .*{named}.*--overwrite starts over"):
        run_distort(photos, out, **{**SETTINGS, **change})


def test_a_changed_input_is_named(photos, tmp_path):
    source = copy_of(photos, tmp_path / "photos")
    out = tmp_path / "out"
    run_distort(source, out, **{**SETTINGS, "run": LongRun(Mode(share=Share(1, 2)), rows_per_shard=4)})
    (source / "p3.png").write_bytes(encode_image(paint_scene("sky", 1, side=50)))
    with pytest.raises(CurateError, match=r"inputs\.photos has changed \(changed: p3\.png\)"):
        run_distort(source, out, **SETTINGS)


def test_another_version_does_not_go_on_with_a_run(photos, tmp_path, monkeypatch):
    from syndr_curate.curate.manifest import provenance

    out = tmp_path / "out"
    run_distort(photos, out, **{**SETTINGS, "run": LongRun(Mode(share=Share(1, 2)), rows_per_shard=4)})
    now = provenance.library_versions()
    monkeypatch.setattr(provenance, "library_versions", lambda *_: {**now, "numba": "0.0.1"})
    with pytest.raises(CurateError, match=r'versions\.numba was ".*", is now "0\.0\.1"'):
        run_distort(photos, out, **SETTINGS)


def test_a_release_that_wrote_other_png_bytes_does_not_share_a_run(photos, tmp_path):
    out = tmp_path / "out"
    run_distort(photos, out, **{**SETTINGS, "run": LongRun(Mode(share=Share(1, 2)), rows_per_shard=4)})
    plan = json.loads((out / "run" / "plan.json").read_text())
    assert plan["identity"]["config"].pop("png") == PNG_ENCODING  # releases before it was recorded
    (out / "run" / "plan.json").write_text(json.dumps(plan))
    with pytest.raises(CurateError, match=r'cannot resume .*config\.png was null, is now "rle"; --overwrite'):
        run_distort(photos, out, **SETTINGS)


def test_recipes_say_nothing_of_png_also_where_their_rows_come_from_stored_images(photos, tmp_path):
    run_distort(photos, tmp_path / "stored", **SETTINGS)
    run_distort(tmp_path / "stored" / "manifest.parquet", tmp_path / "recipes", types=None, recipe_only=True)
    tables = [read_manifest(tmp_path / name / "manifest.parquet") for name in ("stored", "recipes")]
    assert [read_provenance(table)["config"].get("png") for table in tables] == ["rle", None]


def test_overwrite_leaves_nothing_of_an_unfinished_run(photos, tmp_path, undisturbed):
    out = tmp_path / "out"
    run_distort(photos, out, **{**SETTINGS, "seed": 9, "run": LongRun(Mode(share=Share(1, 2)), rows_per_shard=4)})
    run_distort(photos, out, **{**SETTINGS, "run": LongRun(Mode(overwrite=True), rows_per_shard=4)})
    assert tree(out) == undisturbed


@pytest.mark.parametrize("older", [{"levels": (2, 5)}, {"layout": "webdataset"}, {"image_format": "bmp"}])
def test_overwrite_leaves_no_image_of_an_older_result_and_every_file_of_others(photos, tmp_path, undisturbed, older):
    out = tmp_path / "out"
    run_distort(photos, out, **{**SETTINGS, **older})
    notes = out / "images" / "notes.txt"
    notes.write_text("mine")
    run_distort(photos, out, **{**SETTINGS, "run": LongRun(Mode(overwrite=True), rows_per_shard=4)})
    notes.unlink()
    assert tree(out) == undisturbed


def test_retrying_does_only_the_rows_that_failed(photos, tmp_path, undisturbed):
    source, out = copy_of(photos, tmp_path / "photos"), tmp_path / "out"
    whole = (source / "p2.png").read_bytes()
    (source / "p2.png").write_bytes(whole[:400])
    assert run_distort(source, out, **SETTINGS)["rows_not_ok"] == 6
    assert status_of(out)["statuses"] == {"ok": 30, "unreadable": 6}
    times = {path: path.stat().st_mtime_ns for path in (out / "images").rglob("*.png")}
    (source / "p2.png").write_bytes(whole)
    retry = {**SETTINGS, "run": LongRun(Mode(retry_failed=True), rows_per_shard=4)}
    assert run_distort(source, out, **retry)["rows_not_ok"] == 0
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert tree(out) == undisturbed


@pytest.mark.parametrize("layout", ["webdataset", "parquet"])
def test_retrying_completes_an_archive(photos, tmp_path, layout):
    settings = {**SETTINGS, "layout": layout}
    source, out = copy_of(photos, tmp_path / "photos"), tmp_path / "out"
    whole = (source / "p2.png").read_bytes()
    (source / "p2.png").write_bytes(whole[:400])
    run_distort(source, out, **settings)
    (source / "p2.png").write_bytes(whole)
    run_distort(source, out, **{**settings, "run": LongRun(Mode(retry_failed=True), rows_per_shard=4)})
    run_distort(source, tmp_path / "fresh", **settings)
    assert exact_tree(out) == exact_tree(tmp_path / "fresh")


def test_retrying_copies_nothing_but_images_from_an_archive(photos, tmp_path):
    settings = {**SETTINGS, "layout": "webdataset"}
    source, out = copy_of(photos, tmp_path / "photos"), tmp_path / "out"
    whole = (source / "p2.png").read_bytes()
    (source / "p2.png").write_bytes(whole[:400])
    run_distort(source, out, **settings)
    (source / "p2.png").write_bytes(whole)
    for archive in (out / "images").glob("*.tar"):
        with tarfile.open(archive) as tar:
            names = [member.name for member in tar if not member.name.endswith(".json")]
        with tarfile.open(archive, "w") as tar:
            for name in names:
                member = tarfile.TarInfo(name)
                member.size = 4
                tar.addfile(member, io.BytesIO(b"root"))
    with pytest.raises(CurateError, match=r"which an earlier attempt made, is no longer its image: not an image"):
        run_distort(source, out, **{**settings, "run": LongRun(Mode(retry_failed=True), rows_per_shard=4)})


def test_retrying_refuses_a_change_under_good_rows(photos, tmp_path):
    source, out = copy_of(photos, tmp_path / "photos"), tmp_path / "out"
    (source / "p2.png").write_bytes(b"torn")
    run_distort(source, out, **SETTINGS)
    (source / "p4.png").write_bytes(encode_image(paint_scene("sky", 1, side=50)))
    with pytest.raises(CurateError, match=r"changed: p4\.png"):
        run_distort(source, out, **{**SETTINGS, "run": LongRun(Mode(retry_failed=True), rows_per_shard=4)})


def test_two_runs_in_one_folder_are_detected(photos, tmp_path):
    out = tmp_path / "out"
    with subprocess.Popen(
        [str(SCRIPT), "distort", str(photos), "--out", str(out), "--types", "all", "--quiet", "--workers", "1"],
        stdout=subprocess.DEVNULL,
    ) as first:
        wait_for(out / "run" / "plan.json")
        second = go([str(SCRIPT), "distort", str(photos), "--out", str(out), "--types", "all", "--shard", "1/2"])
        running = go([str(SCRIPT), "status", str(out), "--json"])
        first.kill()
    assert second.returncode == 2
    assert second.stderr.count("\n") == 1
    assert f"another run is working in {out / 'run'}" in second.stderr
    assert json.loads(running.stdout)["state"] == "running"


def test_shares_that_overlap_are_detected(tmp_path):
    with run_lock(tmp_path / "run") as lock:
        lock.claim_shards([2])
        code = f"""
from pathlib import Path
from syndr_curate.curate.runs.run_lock import run_lock
with run_lock(Path({str(tmp_path / "run")!r})) as lock:
    lock.claim_shards([1, 3])
    lock.claim_shards([2])
"""
        done = go([str(SCRIPT.with_name("python")), "-c", code])
    assert "another run is working on shard 2" in done.stderr


def wait_for(path: Path) -> None:
    for _ in range(600):
        if path.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} did not appear")


def test_a_file_size_limit_stops_with_one_line_and_resumes(photos, tmp_path, undisturbed):
    out = tmp_path / "out"
    limited = f"ulimit -f 4; exec {' '.join(command(photos, out, '--workers', '1'))}"
    done = go(["bash", "-c", limited])
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith("error: cannot write ")
    assert go(command(photos, out)).returncode == 0
    assert tree(out) == undisturbed


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = go(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)])
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small disk: {mounted.stderr.strip()}")
    yield folder
    go(["umount", str(folder)])


def test_a_full_disk_stops_with_one_line_and_resumes(photos, small_disk, undisturbed):
    out = small_disk / "out"
    done = go(command(photos, out, "--workers", "1"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "No space left on device" in done.stderr
    assert not list(out.rglob(".tmp-*/*"))
    assert go(["mount", "-o", "remount,size=50m", str(small_disk)]).returncode == 0
    assert go(command(photos, out)).returncode == 0
    assert tree(out) == undisturbed


def test_an_output_that_may_not_be_written_and_an_input_that_may_not_be_read_say_so(photos, tmp_path, unprivileged):
    source = copy_of(photos, tmp_path / "photos")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    done = go([*unprivileged, *command(source, closed / "out")])
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "Permission denied" in done.stderr
    source.chmod(0o000)
    done = go([*unprivileged, *command(source, tmp_path / "out")])
    source.chmod(0o755)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "Permission denied" in done.stderr
    assert not (tmp_path / "out" / "manifest.parquet").exists()


def test_nothing_that_a_run_makes_is_writable_by_everybody(photos, tmp_path):
    arguments = command(photos, tmp_path / "out", "--workers", "1")
    assert go(["sh", "-c", f"umask 0; exec {' '.join(arguments)}"]).returncode == 0
    modes = [path.lstat().st_mode for path in (tmp_path / "out").rglob("*")]
    assert len(modes) > 36
    assert not any(mode & stat.S_IWOTH for mode in modes)


def test_an_output_folder_linked_elsewhere_is_refused(photos, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "images").mkdir(parents=True)
    (tmp_path / "out" / "images" / "p1").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CurateError, match="p1"):
        run_distort(photos, tmp_path / "out", **SETTINGS)
    assert not list((tmp_path / "elsewhere").iterdir())


def copy_of(folder: Path, target: Path) -> Path:
    target.mkdir()
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target
