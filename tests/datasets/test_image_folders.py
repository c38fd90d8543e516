"""Where images come from: what is listed, in which order, under which ids."""

import os

import pytest
from syndr_curate import CurateError
from syndr_curate.curate.datasets.image_folders import open_source, root_name
from syndr_curate.curate.storage.images import UnreadableImageError, decode_image, image_problem

UNHOLDABLE = "its name has a backslash or is no UTF-8, which a manifest cannot hold: rename the file"


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


def test_two_files_that_differ_in_their_suffix_alone_keep_it_under_path_ids(folder):
    with pytest.raises(CurateError, match=r"two images have the id 'a': x/a\.jpg and x/a\.png \(use --ids path\)$"):
        open_source(folder("x/a.png", "x/a.jpg", "x/b.png"))
    folder("a.gif", "x/c.png", "x/c.PNG")
    assert listed(open_source(folder(), ids="path")) == [
        ("a", "a.gif"),
        ("x/a.jpg", "x/a.jpg"),
        ("x/a.png", "x/a.png"),
        ("x/b", "x/b.png"),
        ("x/c.PNG", "x/c.PNG"),
        ("x/c.png", "x/c.png"),
    ]


def test_one_image_is_a_source_of_one(folder):
    path = folder("a.png", "b.png") / "b.png"
    source = open_source(path)
    assert (source.folder, listed(source)) == (path.parent, [("b", "b.png")])


def test_kadis700k_without_its_list_is_refused_once_it_has_distorted_images(folder):
    base = folder("ref_imgs/a.png")
    assert listed(open_source(base)) == [("a", "ref_imgs/a.png")]
    folder("dist_imgs/a_01_01.png")
    with pytest.raises(CurateError, match=r"without its list kadis700k_ref_imgs\.csv.* or give .*pictures/ref_imgs$"):
        open_source(base)
    assert listed(open_source(base / "ref_imgs")) == [("a", "a.png")]


def test_what_is_no_folder_of_images_is_said_so(folder):
    base = folder("notes.txt")
    with pytest.raises(CurateError, match=r"no images in .*pictures"):
        open_source(base)
    with pytest.raises(CurateError, match=r"no folder .*absent; expected a folder of images"):
        open_source(base / "absent")
    with pytest.raises(CurateError, match=r"no folder .*notes\.txt"):
        open_source(base / "notes.txt")


def test_a_name_that_no_manifest_can_hold_is_one_row_with_its_reason(folder):
    base = folder("a.png", "back\\slash.png", "x\\y/b.png")
    source = open_source(base)
    assert listed(source) == [("a", "a.png"), ("back~5Cslash", "back~5Cslash.png"), ("b", "x~5Cy/b.png")]
    assert image_problem(base / "back~5Cslash.png") == UNHOLDABLE
    assert image_problem(base / "x~5Cy" / "b.png") == UNHOLDABLE
    with pytest.raises(UnreadableImageError, match=UNHOLDABLE):
        decode_image(base / "back~5Cslash.png")


def test_the_spelling_of_one_name_is_never_the_file_of_another(folder):
    """With the plain spelling, the row of `a\\b.png` would have shown the pixels of `a~5Cb.png`."""
    base = folder("a\\b.png", "a~5Cb.png", "x~5C\\.png", "x\\~5C.png", "y\\z/c.png", "y~5Cz/c.png")
    paths = [path for _, path in listed(open_source(base, ids="path"))]
    assert len(set(paths)) == len(paths) == 6
    assert {path for path in paths if (base / path).exists()} == {"a~5Cb.png", "y~5Cz/c.png"}
    assert {image_problem(base / path) for path in paths if not (base / path).exists()} == {UNHOLDABLE}
    assert [path for _, path in listed(open_source(base / "a\\b.png"))] == ["a~~5Cb.png"]


@pytest.fixture
def no_text(tmp_path):
    """Give a path whose name is no UTF-8."""
    path = tmp_path / "pictures" / os.fsdecode(b"caf\xe9.png")
    path.parent.mkdir()
    try:
        path.write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    return path


@pytest.mark.usefixtures("no_text")
def test_a_name_that_is_no_text_is_one_row_with_its_reason(folder):
    base = folder("a.png")
    assert listed(open_source(base)) == [("a", "a.png"), ("caf~E9", "caf~E9.png")]
    assert image_problem(base / "caf~E9.png") == UNHOLDABLE


def test_a_folder_whose_name_is_no_text_has_a_name_all_the_same(no_text):
    no_text.unlink()
    no_text.mkdir()
    (no_text / "a.png").write_bytes(b"")
    assert open_source(no_text).name == "caf~E9.png"


def test_a_missing_file_with_a_mark_in_its_name_is_only_missing(tmp_path):
    assert image_problem(tmp_path / "a~5Cb.png") == "No such file or directory"


def test_names_that_look_alike_are_files_of_their_own(folder):
    """Upper and lower case, one character and two (NFC, NFD), a line break."""
    names = ["a.png", "A.png", "\u00e9.png", "e\u0301.png", "two\nlines.png"]
    assert sorted(listed(open_source(folder(*names)))) == sorted((name[:-4], name) for name in names)


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
