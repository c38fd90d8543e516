"""What may be wrong with a run folder, and what the commands that meet it say: one line, and nothing lost."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from syndr_curate import CurateError, read_manifest
from syndr_curate.curate.checks.run_status import run_merge, status_of
from syndr_curate.curate.demo.scenes import paint_scene
from syndr_curate.curate.encoding.encode import run_encode
from syndr_curate.curate.manifest.provenance import attach, read_provenance
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.runs import run_folder
from syndr_curate.curate.runs.options import LongRun
from syndr_curate.curate.runs.run_lock import RunLock, run_lock
from syndr_curate.curate.runs.shards import Mode, Share
from syndr_curate.curate.storage.images import encode_image

from ..conftest import SCRIPT


def settings(mode: Mode | None = None) -> dict[str, object]:
    return {"types": (1, 9), "levels": (1, 3), "run": LongRun(mode or Mode(), rows_per_shard=4)}


@pytest.fixture
def photos(tmp_path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        (folder / f"p{number}.png").write_bytes(encode_image(paint_scene("city", number, side=48)))
    return folder


@pytest.fixture
def begun(photos, tmp_path) -> Path:
    """An output with a run of 3 shards, of which the first is done."""
    run_distort(photos, tmp_path / "out", **settings(Mode(share=Share(1, 3))))
    return tmp_path / "out"


def pixels(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (out / "images").rglob("*.png")}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("plan.json", b"{", "plan.json is not readable: .* --overwrite starts over"),
        ("plan.json", b"\xff\xfe", "plan.json is not readable: .* --overwrite starts over"),
        (
            "plan.json",
            b"[]",
            "plan.json was begun by another version of .* .plan format unknown, expected 2",
        ),
        ("plan.json", b'{"format": 3}', "plan.json was begun by another version of .* .plan format 3, expected 2"),
        ("plan.json", b'{"format": 2}', "plan.json is damaged; --overwrite starts over"),
        ("part-00000.parquet", b"", "part-00000.parquet is not readable: .*; remove it and start again"),
        ("part-00000.parquet", b"PAR1 no PAR1", "part-00000.parquet is not readable: .*; remove it and start again"),
        ("rows.parquet", b"", "rows.parquet is not readable: .*; --overwrite starts over"),
    ],
)
def test_a_damaged_file_is_named_with_what_to_do(photos, begun, name, content, said):
    (begun / "run" / name).write_bytes(content)
    with pytest.raises(CurateError, match=said):
        run_distort(photos, begun, **settings())
    if name != "rows.parquet":  # which neither of them reads
        for look in (status_of, run_merge):
            with pytest.raises(CurateError, match=said):
                look(begun)
    run_distort(photos, begun, **settings(Mode(overwrite=True)))
    assert len(read_manifest(begun / "manifest.parquet")) == 12
    assert not (begun / "run").exists()


def test_a_run_begun_by_a_version_with_63_bit_seeds_is_not_gone_on_with(photos, begun):
    path, finished = begun / "run" / "plan.json", pixels(begun)
    plan = json.loads(path.read_text())
    plan = {**plan, "format": 1, "identity": {**plan["identity"], "schema_version": 1}}
    path.write_text(json.dumps(plan))
    said = r"plan\.json was begun by another version .* whose rows and seeds differ .*: finish .* or --overwrite starts"
    for go_on in (
        lambda: run_distort(photos, begun, **settings()),
        lambda: run_distort(photos, begun, **settings(Mode(retry_failed=True))),
        lambda: run_distort(photos, begun, **settings(Mode(share=Share(2, 3)))),
        lambda: run_distort(photos, begun, **settings(Mode(replace_unfinished=True))),
        lambda: run_merge(begun),
        lambda: status_of(begun),
    ):
        with pytest.raises(CurateError, match=said):
            go_on()
    assert pixels(begun) == finished
    assert json.loads(path.read_text()) == plan
    run_distort(photos, begun, **settings(Mode(overwrite=True)))
    assert len(read_manifest(begun / "manifest.parquet")) == 12


def test_a_result_of_a_version_with_63_bit_seeds_is_not_taken_for_complete(photos, tmp_path):
    run_distort(photos, tmp_path / "out", **settings())
    path = tmp_path / "out" / "manifest.parquet"
    table = pq.read_table(path)
    facts = {**read_provenance(table), "schema_version": 1}
    pq.write_table(attach(table.drop_columns(["chain"]), facts), path)
    with pytest.raises(CurateError, match="differs: schema_version was 1, is now 2; --overwrite replaces it"):
        run_distort(photos, tmp_path / "out", **settings())


def test_rows_of_fewer_shards_than_planned_are_damaged(photos, begun):
    path = begun / "run" / "rows.parquet"
    pq.write_table(pq.read_table(path), path)  # one row group
    with pytest.raises(CurateError, match=r"rows\.parquet is not readable"):
        run_distort(photos, begun, **settings())


def test_a_part_of_another_run_is_refused(photos, begun, tmp_path):
    run_distort(photos, tmp_path / "other", **{**settings(Mode(share=Share(1, 3))), "seed": 7})
    shutil.copy(tmp_path / "other" / "run" / "part-00000.parquet", begun / "run")
    for look in (lambda: run_distort(photos, begun, **settings()), lambda: status_of(begun), lambda: run_merge(begun)):
        with pytest.raises(CurateError, match="belongs to another run"):
            look()


def test_a_lost_list_of_inputs_costs_only_their_names(photos, begun):
    (begun / "run" / "inputs.parquet").write_bytes(b"")
    (photos / "p1.png").write_bytes(b"torn")
    with pytest.raises(CurateError, match=r"inputs\.photos has changed; --overwrite"):
        run_distort(photos, begun, **settings())


def test_a_folder_of_the_users_own_is_not_emptied(photos, tmp_path):
    mine = tmp_path / "out" / "run" / "notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    for mode in (Mode(), Mode(overwrite=True), Mode(share=Share(1, 2))):
        with pytest.raises(CurateError, match=r"holds other files \(notes\.txt\): choose another --out"):
            run_distort(photos, tmp_path / "out", **settings(mode))
    assert [path.name for path in mine.parent.iterdir()] == ["notes.txt"]


def test_a_result_whose_images_are_being_replaced_is_none_after_a_crash(photos, tmp_path, monkeypatch):
    out = tmp_path / "out"
    run_distort(photos, out, **settings())
    before = pixels(out)
    real = Path.unlink
    removed = []

    def dying(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".png":
            removed.append(path)
            if len(removed) == 5:
                raise KeyboardInterrupt
        real(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", dying)
    with pytest.raises(KeyboardInterrupt):
        run_distort(photos, out, **settings(Mode(overwrite=True)))
    monkeypatch.undo()
    assert len(pixels(out)) == 8
    # Not the same settings: no image of the older run may be left over.
    assert run_distort(photos, out, **{**settings(), "levels": (1,)})["rows_not_ok"] == 0
    assert pixels(out) == {name: content for name, content in before.items() if "_01." in name}
    assert sorted(path.name for path in out.glob("[!.]*")) == ["images", "manifest.parquet"]


def test_a_run_killed_while_it_starts_over_is_not_read_as_the_older_one(photos, begun):
    flags = ["--types", "1,9", "--levels", "1,3", "--rows-per-shard", "4", "--quiet", "--workers", "1"]
    command = [str(SCRIPT), "distort", str(photos), "--out", str(begun), *flags]
    env = {**os.environ, "SYNDR_CURATE_CRASH_AT": "before-rename:1"}  # the first file of the new plan
    killed = subprocess.run([*command, "--overwrite"], env=env, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not pixels(begun)
    assert run_distort(photos, begun, **settings())["rows_not_ok"] == 0
    assert len(pixels(begun)) == 12


def test_failed_rows_without_their_run_folder_are_not_silently_kept(photos, tmp_path):
    (photos / "p1.png").write_bytes(b"torn")
    run_distort(photos, tmp_path / "out", **settings())
    shutil.rmtree(tmp_path / "out" / "run")
    with pytest.raises(CurateError, match=r"4 rows of .* are not ok, but .* is gone: --overwrite starts over"):
        run_distort(photos, tmp_path / "out", **settings(Mode(retry_failed=True)))


def test_retrying_a_clean_result_changes_nothing(photos, tmp_path):
    run_distort(photos, tmp_path / "out", **settings())
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    assert run_distort(photos, tmp_path / "out", **settings(Mode(retry_failed=True)))["rows_not_ok"] == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before


def test_a_retry_killed_after_its_plan_can_be_retried_again(photos, tmp_path, monkeypatch):
    from syndr_curate.curate.runs import plan

    whole = (photos / "p1.png").read_bytes()
    (photos / "p1.png").write_bytes(b"torn")
    run_distort(photos, tmp_path / "out", **settings())
    (photos / "p1.png").write_bytes(whole)
    monkeypatch.setattr(plan, "_write_inputs", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run_distort(photos, tmp_path / "out", **settings(Mode(retry_failed=True)))
    monkeypatch.undo()
    assert run_distort(photos, tmp_path / "out", **settings(Mode(retry_failed=True)))["rows_not_ok"] == 0


def test_a_manifest_is_not_rendered_over_itself(photos, tmp_path):
    run_distort(photos, tmp_path / "out", **settings(), recipe_only=True)
    manifest = tmp_path / "out" / "manifest.parquet"
    for mode in (Mode(), Mode(overwrite=True)):
        with pytest.raises(CurateError, match="would overwrite"):
            run_distort(manifest, tmp_path / "out", types=None, levels=(1,), run=LongRun(mode))
    assert len(read_manifest(manifest)) == 12


def test_a_share_cannot_start_over():
    with pytest.raises(CurateError, match="a share cannot start the run again"):
        Mode(overwrite=True, share=Share(1, 2))


def test_an_image_that_changed_under_a_manifest_stops_its_encoding(photos, tmp_path):
    run_distort(photos, tmp_path / "out", **settings())
    manifest, image = tmp_path / "out" / "manifest.parquet", tmp_path / "out" / "images" / "p1" / "p1_01_01.png"
    share = LongRun(Mode(share=Share(1, 2)), rows_per_shard=4)
    run_encode(manifest, tmp_path / "f.parquet", encoder="gist", run=share)
    image.write_bytes(image.read_bytes() + b"\0")
    with pytest.raises(CurateError, match=r"inputs\.images has changed \(changed: p1/p1_01_01\.png\)"):
        run_encode(manifest, tmp_path / "f.parquet", encoder="gist", run=LongRun(rows_per_shard=4))


@pytest.mark.parametrize("place", ["out", "out/run", "out/manifest.parquet"])
def test_a_run_is_found_by_its_folder_and_its_result(begun, place):
    found = status_of(begun.parent / place)
    assert (found["state"], found["shards_done"], found["shards"]) == ("stopped", 1, 3)


@pytest.mark.usefixtures("photos")
def test_places_without_a_run_are_one_line(tmp_path):
    (tmp_path / "text.parquet").write_text("no table")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    for place, said in {
        "absent": "no run at",
        "photos": "no run at",
        "text.parquet": "is not the result of a long run",
        "other.parquet": "is not the result of a long run",
    }.items():
        for look in (status_of, run_merge):
            with pytest.raises(CurateError, match=said):
                look(tmp_path / place)


def test_a_folder_with_a_run_of_a_file_says_which(photos, tmp_path):
    run = LongRun(Mode(share=Share(1, 2)), rows_per_shard=2)
    run_encode(photos, tmp_path / "sub" / "f.parquet", encoder="gist", run=run)
    with pytest.raises(CurateError, match=r"there is one in .*f\.parquet\.run"):
        status_of(tmp_path / "sub")


def test_an_older_result_does_not_make_a_new_run_complete(photos, tmp_path):
    out = tmp_path / "f.parquet"
    run_encode(photos, out, encoder="gist", run=LongRun(rows_per_shard=2))
    older = out.read_bytes()
    (photos / "p3.png").write_bytes(encode_image(paint_scene("sky", 3, side=48)))
    out.unlink()
    for number in (1, 2):
        share = LongRun(Mode(share=Share(number, 2)), rows_per_shard=2)
        run_encode(photos, out, encoder="gist", run=share)
    out.write_bytes(older)
    assert status_of(out)["state"] == "stopped"
    run_merge(out)
    assert (status_of(out)["state"], status_of(out)["rows"]) == ("complete", 4)


def elsewhere(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([str(SCRIPT.with_name("python")), "-c", code], capture_output=True, text=True, check=False)


def test_who_plans_is_seen_by_others(tmp_path):
    with run_lock(tmp_path / "out" / "run") as lock:
        lock.claim_run()
        done = elsewhere(
            "import json; from pathlib import Path; from syndr_curate.curate.checks.run_status import status_of\n"
            f"print(json.dumps(status_of(Path({str(tmp_path / 'out')!r}))))"
        )
    assert json.loads(done.stdout) == {"state": "planning", "run": str(tmp_path / "out" / "run")}


def test_the_same_share_twice_and_a_merge_meanwhile_are_refused(photos, begun):
    with run_lock(begun / "run") as lock:
        lock.claim_shards([1])
        again = [str(SCRIPT), "distort", str(photos), "--out", str(begun), "--types", "1,9", "--levels", "1,3"]
        share = subprocess.run(
            [*again, "--rows-per-shard", "4", "--shard", "2/3"], capture_output=True, text=True, check=False
        )
        merge = subprocess.run([str(SCRIPT), "merge", str(begun)], capture_output=True, text=True, check=False)
    assert share.stderr.splitlines()[-1].startswith("error: another run is working on shard 1 in ")
    assert merge.stderr.startswith("error: another run is working in ")
    assert (share.returncode, merge.returncode) == (2, 2)
    assert status_of(begun)["shards_done"] == 1


def test_a_look_at_the_lock_does_not_stop_a_run(tmp_path):
    code = f"""
import fcntl, time
with open({str(tmp_path / "run" / "lock")!r}, "r+") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    print("here", flush=True)
    time.sleep(0.3)
"""
    lock = RunLock(tmp_path / "run")
    with subprocess.Popen([str(SCRIPT.with_name("python")), "-c", code], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        lock.claim_run()
    lock.close()


def test_what_cannot_be_removed_at_once_is_swept_later(tmp_path, monkeypatch):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "lock").touch()
    monkeypatch.setattr(run_folder.shutil, "rmtree", lambda *_, **__: None)  # as where open files cannot be removed
    run_folder.remove_run_folder(folder)
    folder.mkdir()
    run_folder.remove_run_folder(folder)  # a second one has room beside the first
    monkeypatch.undo()
    assert len(list(tmp_path.iterdir())) == 2
    run_folder.remove_leftovers(folder)
    assert not list(tmp_path.iterdir())
