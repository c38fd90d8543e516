"""An export takes images alone, and none from outside their root."""

import tarfile

import pytest
from syndr_curate import CurateError, export, write_manifest
from syndr_curate.curate.manifest.provenance import attach

from ..making import paint_cities, training_rows

LAYOUTS = ("hf", "pyiqa", "webdataset", "fiftyone")


def manifest_of(folder, path, root):
    rows = training_rows(["a"], [5.0], image_path=[path], image_root="pictures")
    table = attach(rows, {"stage": "testset", "roots": {"pictures": str(root)}})
    write_manifest(table, folder / "m.parquet")
    return folder / "m.parquet"


@pytest.mark.parametrize("hardlink", [False, True])
@pytest.mark.parametrize("target", LAYOUTS)
def test_a_file_that_is_no_image_does_not_go_out(tmp_path, target, hardlink):
    (tmp_path / "root" / "etc").mkdir(parents=True)
    (tmp_path / "root" / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/bash\n")
    manifest = manifest_of(tmp_path, "etc/passwd", tmp_path / "root")
    with pytest.raises(CurateError, match=r"a.*its stored file cannot be exported: not an image in a format"):
        export(manifest, target, tmp_path / "out", hardlink=hardlink)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("linked", ["file", "folder"])
@pytest.mark.parametrize("target", LAYOUTS)
def test_a_link_out_of_the_root_is_followed_only_when_asked(tmp_path, target, linked):
    private = tmp_path / "private"
    paint_cities(private, ["a"], side=64)
    (tmp_path / "root").mkdir()
    if linked == "file":
        (tmp_path / "root" / "a.png").symlink_to(private / "a.png")
        manifest = manifest_of(tmp_path, "a.png", tmp_path / "root")
    else:
        (tmp_path / "root" / "sub").symlink_to(private)
        manifest = manifest_of(tmp_path, "sub/a.png", tmp_path / "root")
    with pytest.raises(CurateError, match="1 stored files are links that lead out of their root: 'a'; give --follow"):
        export(manifest, target, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert export(manifest, target, tmp_path / "out", follow_links=True)["rows"] == 1


def test_a_link_inside_the_root_and_a_root_that_is_a_link_are_no_matter(tmp_path):
    paint_cities(tmp_path / "real", ["a"], side=64)
    (tmp_path / "real" / "b.png").symlink_to("a.png")
    (tmp_path / "root").symlink_to(tmp_path / "real")
    manifest = manifest_of(tmp_path, "b.png", tmp_path / "root")
    assert export(manifest, "hf", tmp_path / "out")["images"] == {"copied": 1}


def test_what_an_archive_holds_is_looked_at_too(tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "a.png").write_text("no image")
    with tarfile.open(tmp_path / "root" / "00000.tar", "w") as archive:
        archive.add(tmp_path / "a.png", "a.png")
    manifest = manifest_of(tmp_path, "00000.tar/a.png", tmp_path / "root")
    with pytest.raises(CurateError, match="its stored file cannot be exported: not an image"):
        export(manifest, "hf", tmp_path / "out")
