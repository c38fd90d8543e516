"""Files that cannot be used, through the commands: rows with reasons, and no command that waits or ends."""

import json
import os
import subprocess

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from syndr_curate import encode, load_features, make_encoder, open_source

from ..conftest import SCRIPT

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs on this system")

SIDE = 48
LONG = "n" * 248
REASONS = {
    "back~5Cslash.png": "its name has a backslash or is no UTF-8",
    "broken.png": "No such file or directory",
    "pipe.png": "a FIFO, expected a regular file",
}
GOOD = {"a.jpg": "a.jpg", "a.png": "a.png", f"{LONG}.png": LONG, "x.png/b.png": "x.png/b"}


def command(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run a command that must not wait for anybody."""
    return subprocess.run(
        [str(SCRIPT), *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False, encoding="utf-8"
    )


def picture(path, seed=0):
    rng = np.random.default_rng(seed)
    Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)).save(path)


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd") / "photos"
    (folder / "x.png").mkdir(parents=True)
    for seed, name in enumerate(GOOD):
        picture(folder / name, seed)
    (folder / "back\\slash.png").write_bytes((folder / "a.png").read_bytes())
    (folder / "broken.png").symlink_to("gone.png")
    os.mkfifo(folder / "pipe.png")
    return folder


@pytest.mark.parametrize("workers", [1, 2])
def test_encode_gives_every_odd_file_a_row(odd, tmp_path, workers):
    out, again = tmp_path / "f.parquet", tmp_path / "again.parquet"
    given = ("encode", odd, "--encoder", "gist", "--ids", "path", "--json")
    done = command(*given, "--out", out)
    assert done.returncode == 0, done.stderr
    assert (json.loads(done.stdout)["encoded"], json.loads(done.stdout)["failed"]) == (len(GOOD), len(REASONS))
    rows = {row["image_path"]: row for row in pq.read_table(out).to_pylist()}
    assert {path: row["id"] for path, row in rows.items() if row["status"] == "ok"} == GOOD
    for path, reason in REASONS.items():
        assert rows[path]["status"] == "unreadable"
        assert reason in rows[path]["error"]
    assert set(load_features(out).require_ids()) == set(GOOD.values())
    assert command(*given, "--workers", workers, "--out", again).returncode == 0
    assert again.read_bytes() == out.read_bytes()


def test_distort_renders_long_names_and_gives_every_odd_file_its_rows(odd, tmp_path):
    out = tmp_path / "out"
    given = ("--types", "1", "--levels", "1,2", "--ids", "path")
    done = command("distort", odd, *given, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    rows = pq.read_table(out / "manifest.parquet").to_pylist()
    made = [row for row in rows if row["status"] == "ok"]
    assert {row["reference_id"] for row in made} == set(GOOD.values())
    assert all((out / "images" / row["image_path"]).is_file() for row in made)
    assert len({row["image_path"] for row in rows}) == len(rows) == 2 * (len(GOOD) + len(REASONS))
    for row in rows:
        if row["status"] != "ok":
            assert REASONS[row["reference_path"]] in row["error"]
    checked = command("verify", out / "manifest.parquet")
    assert checked.returncode == 0, checked.stderr

    planned = command("distort", odd, *given, "--out", tmp_path / "planned", "--recipe-only")
    assert planned.returncode == 0, planned.stderr
    recipes = pq.read_table(tmp_path / "planned" / "manifest.parquet").to_pylist()
    assert [row["status"] for row in recipes] == [row["status"] for row in rows]

    alone = command("distort", odd, *given, "--out", tmp_path / "alone", "--workers", "1")
    assert alone.returncode == 0, alone.stderr
    assert (tmp_path / "alone" / "manifest.parquet").read_bytes() == (out / "manifest.parquet").read_bytes()


def test_pixels_of_a_manifest_that_became_fifos_are_rows_or_one_clear_error(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for seed, name in enumerate(("a.png", "b.png")):
        picture(photos / name, seed)
    out = tmp_path / "out"
    command("distort", photos, "--types", "1", "--levels", "1", "--out", out)
    stored = out / "images" / "a" / "a_01_01.png"
    stored.unlink()
    os.mkfifo(stored)
    done = command("encode", out / "manifest.parquet", "--encoder", "gist", "--out", tmp_path / "f.parquet")
    assert done.returncode == 0, done.stderr
    errors = pq.read_table(tmp_path / "f.parquet")["error"].to_pylist()
    assert errors == ["a FIFO, expected a regular file", None]
    assert "a FIFO" in (checked := command("verify", out / "manifest.parquet")).stdout + checked.stderr
    table = pq.read_table(out / "manifest.parquet")
    for name, values in (("label", pa.array([5.0, 5.0], pa.float32())), ("label_source", pa.array(["pseudo"] * 2))):
        table = table.set_column(table.schema.get_field_index(name), name, values)
    pq.write_table(table, out / "labeled.parquet")
    exported = command("export", out / "labeled.parquet", "--to", "pyiqa", "--out", tmp_path / "exported")
    assert exported.returncode == 2
    assert "a FIFO, expected a regular file" in exported.stderr


@pytest.fixture
def linked(tmp_path):
    """Two folders of an image each, the second linked into the first."""
    photos, other = tmp_path / "photos", tmp_path / "other"
    for seed, (folder, name) in enumerate(((photos, "a.png"), (other, "b.png"))):
        folder.mkdir()
        picture(folder / name, seed)
    (photos / "more").symlink_to(other)
    return photos


COMMANDS = {
    "encode": ("--encoder", "gist", "--out", "f.parquet"),
    "distort": ("--types", "1", "--out", "out"),
    "domains fit": ("--out", "d.safetensors", "--dry-run"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_commands_say_what_they_skipped_and_follow_links_on_demand(name, linked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    option = ("--references",) if name == "domains fit" else ()
    picture(linked / "c.png", seed=2)
    (linked / "labels.csv").touch()
    given = (*name.split(), *option, linked, *COMMANDS[name], "--json")
    left = command(*given)
    assert left.returncode == 0, left.stderr
    facts = json.loads(left.stdout)
    assert (facts["skipped_files"], facts["skipped_linked_folders"]) == (1, 1)
    assert facts.get("images", facts.get("references")) == 2
    said = "1 file that does not end like an image (.csv); 1 linked folder outside of it (--follow-links reads them)"
    assert said in " ".join(left.stderr.split())
    followed = command(*given, "--follow-links", *(() if name == "domains fit" else ("--overwrite",)))
    facts = json.loads(followed.stdout)
    assert facts.get("images", facts.get("references")) == 3
    assert "skipped_linked_folders" not in facts


def test_nothing_is_written_into_a_linked_folder_that_is_read(linked, tmp_path):
    """The next run would take it for photographs."""
    given = ("--types", "1", "--out", tmp_path / "other" / "out")
    done = command("distort", linked, *given, "--follow-links")
    assert done.returncode == 2
    assert "other: the next run would read its images as references" in " ".join(done.stderr.split())
    assert command("distort", linked, *given).returncode == 0
    fit = ("domains", "fit", "--references", linked, "--out", tmp_path / "other" / "d.safetensors", "--follow-links")
    assert "is in the folder of references" in " ".join(command(*fit).stderr.split())


def test_what_is_behind_a_followed_link_is_rendered_again_and_exported(linked, tmp_path):
    out = tmp_path / "out"
    assert command("distort", linked, "--types", "1", "--out", out, "--recipe-only", "--follow-links").returncode == 0
    manifest = out / "manifest.parquet"
    assert command("verify", manifest).returncode == 0
    encoded = command("encode", manifest, "--encoder", "gist", "--out", tmp_path / "f.parquet", "--json")
    assert json.loads(encoded.stdout)["failed"] == 0


@pytest.mark.parametrize("images", ["m.parquet", "photos/a.png"])
def test_links_are_followed_in_folders_alone(images, linked, tmp_path):
    done = command("encode", linked.parent / images, "--follow-links", "--out", tmp_path / "f.parquet")
    assert done.returncode == 2
    assert "--follow-links has no effect on" in done.stderr


def test_ids_that_need_their_suffix_keep_it_in_python_too(odd):
    table = encode(open_source(odd, ids="path"), make_encoder("gist"), workers=1)
    assert {"a.png", "a.jpg"} <= set(table["id"].to_pylist())


def test_an_id_with_its_suffix_is_not_taken_for_another_references(tmp_path):
    """`verify` said that the rows of `x/a.png` name the file of the reference `a`."""
    (tmp_path / "photos" / "x").mkdir(parents=True)
    for seed, name in enumerate(("a.png", "x/a.png", "x/a.bmp")):
        picture(tmp_path / "photos" / name, seed)
    out = tmp_path / "out"
    given = ("--types", "1", "--levels", "1", "--ids", "path", "--recipe-only", "--out", out)
    assert command("distort", tmp_path / "photos", *given).returncode == 0
    checked = command("verify", out / "manifest.parquet")
    assert checked.returncode == 0, checked.stdout + checked.stderr
