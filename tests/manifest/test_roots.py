"""Root names and the folders behind them."""

from pathlib import Path

import pytest
from syndr_curate import CurateError
from syndr_curate.curate.manifest.manifest import read_manifest
from syndr_curate.curate.manifest.provenance import attach, read_provenance
from syndr_curate.curate.manifest.roots import Roots, parse_roots, rebase, relative_folder


def roots_of(path, overrides=None):
    return Roots.of_manifest(read_manifest(path), path, overrides)


def test_roots_are_relative_to_the_folder_of_the_manifest(manifest, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "data")
    resolved = roots_of(manifest).resolve("pictures", "sub/a.png")
    assert resolved.resolve() == tmp_path / "data" / "images" / "sub" / "a.png"
    assert roots_of(Path("../runs/m.parquet")).resolve("pictures", "a.png").resolve().parent == tmp_path / "data/images"


def test_a_folder_of_ones_own_goes_first(manifest, tmp_path):
    roots = roots_of(manifest, {"pictures": tmp_path / "mine", "elsewhere": tmp_path / "there"})
    assert roots.resolve("pictures", "a.png") == tmp_path / "mine" / "a.png"
    assert roots.resolve("elsewhere", "a.png") == tmp_path / "there" / "a.png"
    assert roots.folder("elsewhere") == tmp_path / "there"


def test_a_root_that_the_manifest_does_not_have_is_refused(manifest, tmp_path):
    with pytest.raises(CurateError, match="the manifest has no root 'pics'; it has elsewhere, pictures"):
        roots_of(manifest, {"pics": tmp_path})


@pytest.mark.parametrize("root", ["elsewhere", "unheard-of", None])
def test_an_unknown_folder_says_how_to_give_it(manifest, root):
    roots = roots_of(manifest)
    assert not roots.has_folder(root)
    with pytest.raises(CurateError, match=f"give --root {root}=DIR"):
        roots.resolve(root, "a.png")
    with pytest.raises(CurateError, match=f"give --root {root}=DIR"):
        roots.folder(root)
    assert roots.has_folder("pictures")


@pytest.mark.parametrize("path", ["../a.png", "/a.png", "a\\b.png", ""])
def test_a_path_that_leaves_its_root_is_refused(manifest, path):
    with pytest.raises(CurateError, match="is not a path inside its root"):
        roots_of(manifest).resolve("pictures", path)


@pytest.mark.parametrize("roots", [["a"], "a", {"a": 1}])
def test_roots_that_are_no_folders_are_refused(make_manifest, roots, tmp_path):
    table = attach(make_manifest(), {"roots": roots})
    with pytest.raises(CurateError, match=r"'roots' under 'syndr_curate' is .*, expected a name and a folder each"):
        Roots.of_manifest(table, tmp_path / "m.parquet")


def test_a_manifest_without_roots_has_none(make_manifest, tmp_path):
    assert Roots.of_manifest(make_manifest(), tmp_path / "m.parquet").folders == {}


def test_recorded_folders_are_posix_and_relative(tmp_path):
    manifest = tmp_path / "runs" / "m.parquet"
    assert relative_folder(tmp_path / "data" / "images", manifest) == "../data/images"
    assert relative_folder(tmp_path / "runs", manifest) == "."
    roots = Roots({"b": tmp_path / "runs" / "x", "a": None})
    assert list(roots.as_json(manifest).items()) == [("a", None), ("b", "x")]


def test_a_manifest_reached_by_a_link_finds_its_files(manifest, tmp_path):
    (tmp_path / "shelf" / "deep").mkdir(parents=True)
    link = tmp_path / "shelf" / "deep" / "latest.parquet"
    link.symlink_to(manifest)
    assert roots_of(link).resolve("pictures", "a.png").resolve() == tmp_path / "data/images/a.png"


def test_rebasing_keeps_meaning_the_same_folders(manifest, tmp_path):
    new = tmp_path / "other" / "deep" / "n.parquet"
    moved = rebase(read_manifest(manifest), manifest, new)
    assert read_provenance(moved)["roots"] == {"pictures": "../../data/images", "elsewhere": None}
    assert Roots.of_manifest(moved, new).resolve("pictures", "a.png").resolve() == tmp_path / "data/images/a.png"


def test_rebasing_within_a_folder_changes_nothing(manifest):
    table = read_manifest(manifest)
    assert rebase(table, manifest, manifest.with_name("n.parquet")) is table


def test_root_options_are_pairs(tmp_path):
    assert parse_roots([f"a={tmp_path}", f"b={tmp_path}"]) == {"a": tmp_path, "b": tmp_path}
    (tmp_path / "x=y").mkdir()
    assert parse_roots([f"a={tmp_path}/x=y"]) == {"a": tmp_path / "x=y"}


@pytest.mark.parametrize("text", ["a", "a=", "=b", ""])
def test_a_root_option_of_another_form_is_refused(text):
    with pytest.raises(CurateError, match="expected name=DIR"):
        parse_roots([text])


def test_a_root_option_whose_folder_does_not_exist_is_refused(tmp_path):
    with pytest.raises(CurateError, match=r"no folder .*absent"):
        parse_roots([f"a={tmp_path}/absent"])


def test_files_are_found_from_a_manifest_whose_folder_is_not_made_yet(make_manifest, tmp_path):
    picture = tmp_path / "photos" / "a.png"
    picture.parent.mkdir()
    picture.touch()
    rows = make_manifest(facts={"roots": {"pictures": "../photos"}})
    roots = Roots.of_manifest(rows, tmp_path / "not-made" / "labeled.parquet")
    assert roots.resolve("pictures", "a.png").is_file()
