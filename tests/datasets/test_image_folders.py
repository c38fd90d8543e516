"""Where images come from: what is listed, in which order, under which ids."""

import os

import pytest
from syndr_curate import CurateError
from syndr_curate.curate.datasets.image_folders import open_source, root_name


@pytest.fixture
def folder(tmp_path):
    """Make a folder with empty files of the given names."""

    def make(*names, base="pictures"):
        for name in names:
            path = tmp_path / base / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        return tmp_path / base

    return make


def listed(source):
    return [(entry.id, entry.path) for entry in source.entries]


def test_a_plain_folder_lists_images_with_subfolders_in_path_order(folder):
    source = open_source(folder("b.png", "a.JPG", "sub/c.webp", "sub/deep/d.bmp", "notes.txt", "README"))
    assert source.name == "pictures"
    assert listed(source) == [("a", "a.JPG"), ("b", "b.png"), ("c", "sub/c.webp"), ("d", "sub/deep/d.bmp")]


def test_hidden_files_and_folders_are_left_out(folder):
    source = open_source(folder("a.png", ".b.png", "._a.png", ".cache/c.png"))
    assert listed(source) == [("a", "a.png")]


def test_a_folder_that_looks_like_an_image_is_searched_not_listed(folder):
    assert listed(open_source(folder("x.png/a.png"))) == [("a", "x.png/a.png")]


def test_dots_quotes_spaces_and_unicode_are_kept(folder):
    names = ["a.b.c.png", "it's.png", 'say "x".png', "zwei Wörter 東京.png", "=1+1.png"]
    assert sorted(listed(open_source(folder(*names)))) == sorted((name[:-4], name) for name in names)


def test_two_files_with_one_id_are_named_both(folder):
    with pytest.raises(CurateError, match=r"two images have the id 'a': x/a\.png and y/a\.jpg \(use --ids path\)"):
        open_source(folder("x/a.png", "y/a.jpg"))
    assert listed(open_source(folder(), ids="path")) == [("x/a", "x/a.png"), ("y/a", "y/a.jpg")]


def test_no_hint_where_paths_would_clash_as_well(folder):
    with pytest.raises(CurateError, match=r"two images have the id 'a': x/a\.jpg and x/a\.png$"):
        open_source(folder("x/a.png", "x/a.jpg"))
    with pytest.raises(CurateError, match=r"two images have the id 'x/a': x/a\.jpg and x/a\.png$"):
        open_source(folder(), ids="path")


def test_one_image_is_a_source_of_one(folder):
    path = folder("a.png", "b.png") / "b.png"
    source = open_source(path)
    assert (source.folder, listed(source)) == (path.parent, [("b", "b.png")])


def test_what_is_no_folder_of_images_is_said_so(folder):
    base = folder("notes.txt")
    with pytest.raises(CurateError, match=r"no images in .*pictures"):
        open_source(base)
    with pytest.raises(CurateError, match=r"no folder .*absent; expected a folder of images"):
        open_source(base / "absent")
    with pytest.raises(CurateError, match=r"no folder .*notes\.txt"):
        open_source(base / "notes.txt")


def test_a_name_that_no_manifest_can_hold_is_refused_at_once(folder):
    with pytest.raises(CurateError, match=r"a manifest cannot hold the file name .*back"):
        open_source(folder("back\\slash.png"))


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes only on POSIX")
def test_a_name_that_is_no_text_is_refused_at_once(folder):
    base = folder("a.png")
    try:
        (base / os.fsdecode(b"caf\xe9.png")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    with pytest.raises(CurateError, match="a manifest cannot hold the file name 'caf"):
        open_source(base)


def test_kadid_names_its_references_in_the_label_file(folder, write_text):
    base = folder("images/I02.png", "images/I01.png", "images/I01_01_01.png", base="kadid")
    write_text(
        "kadid/dmos.csv",
        "dist_img,ref_img,dmos,var",
        "I02_01_01.png,I02.png,1,1",
        "I01_01_01.png,I01.png,2,1",
        "I02_01_02.png,I02.png,3,1",
    )
    source = open_source(base)
    assert source.name == "kadid10k"
    assert listed(source) == [("I02", "images/I02.png"), ("I01", "images/I01.png")]


def test_kadis_lists_its_references_in_order_whether_or_not_they_are_there(folder, write_text):
    base = folder("ref_imgs/b.png", base="kadis")
    write_text("kadis/kadis700k_ref_imgs.csv", "ref_im,dist_type_1,dist_type_2", "b.png,23,", "a.png,7,", "c.d.png,1,2")
    source = open_source(base)
    assert source.name == "kadis700k"
    assert listed(source) == [("b", "ref_imgs/b.png"), ("a", "ref_imgs/a.png"), ("c.d", "ref_imgs/c.d.png")]


def test_a_name_may_be_given(folder):
    assert open_source(folder("a.png"), name="mine").name == "mine"
    assert root_name(folder("a.png") / ".." / "pictures") == "pictures"


@pytest.mark.parametrize("value", ["../a.png", "sub/a.png", "a\\b.png", "..", '""'])
def test_a_list_may_only_hold_file_names(folder, write_text, value):
    base = folder("ref_imgs/b.png", base="kadis")
    write_text("kadis/kadis700k_ref_imgs.csv", "ref_im,dist_type_1", f"{value},1")
    with pytest.raises(CurateError, match=r"column 'ref_im' holds .*, which is not a file name"):
        open_source(base)


def test_a_list_without_its_column_says_what_it_has(folder, write_text):
    base = folder("ref_imgs/b.png", base="kadis")
    write_text("kadis/kadis700k_ref_imgs.csv", "image,type", "b.png,1")
    with pytest.raises(CurateError, match="has no column 'ref_im'; it has image, type"):
        open_source(base)
    (base / "kadis700k_ref_imgs.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(CurateError, match=r"kadis700k_ref_imgs\.csv is text in UTF-16"):
        open_source(base)


def test_a_list_with_a_byte_order_mark_is_read(folder, write_text):
    base = folder("ref_imgs/b.png", base="kadis")
    write_text("kadis/kadis700k_ref_imgs.csv", "ref_im,t", "b.png,1", encoding="utf-8-sig")
    assert listed(open_source(base)) == [("b", "ref_imgs/b.png")]


def test_the_digest_sees_names_and_sizes_and_not_the_place(folder):
    first, second = open_source(folder("a.png", "b.png")), open_source(folder("a.png", "b.png", base="elsewhere"))
    assert first.digest() == second.digest()
    (second.folder / "a.png").write_bytes(b"x")
    assert first.digest() != second.digest()
    (first.folder / "b.png").unlink()
    assert first.digest() != open_source(first.folder).digest()  # missing is not the same as never listed


def test_all_of_kadis_is_listed(reference_data, tmp_path):
    os.symlink(reference_data / "kadis700k_ref_imgs.csv", tmp_path / "kadis700k_ref_imgs.csv")
    entries = open_source(tmp_path).entries
    assert len(entries) == 140_000
    assert entries[0].path == "ref_imgs/121-cc-774921.png"
