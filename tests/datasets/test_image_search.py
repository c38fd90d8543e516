"""What a search of a folder finds and skips: subfolders, links, hidden and other files."""

import os

import pytest
from syndr_curate import CurateError
from syndr_curate.curate.datasets.image_folders import open_source
from syndr_curate.curate.datasets.image_notes import note_skipped
from syndr_curate.curate.datasets.image_search import SkippedFiles, find_images
from syndr_curate.curate.runs.progress import SILENT
from syndr_curate.curate.storage.images import image_problem


@pytest.fixture
def folder(tmp_path):
    """Make a folder with empty files of the given names."""

    def make(*names, base="pictures"):
        (tmp_path / base).mkdir(exist_ok=True)
        for name in names:
            path = tmp_path / base / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        return tmp_path / base

    return make


def found(base, **options):
    return list(find_images(base, **options).paths)


def test_what_is_skipped_is_counted_with_the_reason(folder, tmp_path):
    base = folder("a.png", ".b.png", ".png", ".cache/c.png", "x.cr2", "y.CR2", "labels.csv", "README", ".DS_Store")
    (base / "elsewhere").symlink_to(tmp_path)
    (base / "unmounted").symlink_to(tmp_path / "gone")
    images = find_images(base)
    assert images.paths == ("a.png",)
    assert images.skipped.counts() == {
        "skipped_files": 4,
        "skipped_linked_folders": 1,
        "skipped_broken_links": 1,
        "skipped_hidden": 3,
    }
    assert images.skipped.reasons() == (
        "4 files that do not end like an image (.cr2, .csv, no suffix); "
        "1 linked folder outside of it (--follow-links reads them); 1 broken link; 3 hidden files or folders"
    )


def test_a_few_suffixes_are_named_the_most_frequent_first(folder):
    base = folder("a.png", *(f"{n}.x{n}" for n in range(6)), "9.x5")
    assert find_images(base).skipped.reasons() == (
        "7 files that do not end like an image (.x5, .x0, .x1, .x2, .x3 and 1 more)"
    )


def test_a_folder_of_images_alone_has_nothing_to_say(folder):
    skipped = find_images(folder("a.png", "sub/b.jpg")).skipped
    assert (skipped, skipped.counts(), skipped.reasons()) == (SkippedFiles(), {}, "")
    assert note_skipped(skipped, "pictures", SILENT) == {}


def test_a_folder_with_nothing_to_read_says_what_was_skipped(folder):
    with pytest.raises(CurateError, match=r"no images in .*; skipped: 1 file that does not end .* \(\.psd\)$"):
        open_source(folder("a.psd"))


def test_a_linked_folder_inside_the_root_is_searched_by_one_path(folder):
    """`train` leads to a hidden folder, which is read by the link; `again` and `loop` lead to what is read anyway."""
    base = folder("real/a.png", ".store/b.png", ".store/deep/c.png")
    (base / "train").symlink_to(base / ".store")
    (base / "again").symlink_to("real")
    (base / "real" / "loop").symlink_to(base)
    images = find_images(base)
    assert images.paths == ("real/a.png", "train/b.png", "train/deep/c.png")
    assert images.skipped.counts() == {"skipped_hidden": 1}


def test_a_linked_folder_that_leads_out_is_searched_on_demand(folder):
    base, other = folder("a.png"), folder("b.png", "deep/c.png", base="other")
    (base / "more").symlink_to(other)
    (other / "back").symlink_to(base)  # a circle
    assert found(base) == ["a.png"]
    source = open_source(base, follow_links=True)
    assert [entry.path for entry in source.entries] == ["a.png", "more/b.png", "more/deep/c.png"]
    assert source.skipped == SkippedFiles()


def test_two_links_to_one_folder_are_searched_once(folder):
    base, other = folder(), folder("b.png", base="other")
    for name in ("one", "two"):
        (base / name).symlink_to(other)
    assert found(base, follow_links=True) == ["one/b.png"]


def test_a_link_into_a_folder_that_only_begins_alike_leads_out(folder):
    base, beside = folder("a.png"), folder("b.png", base="pictures2")
    (base / "beside").symlink_to(beside)
    assert found(base) == ["a.png"]


def test_a_link_to_a_parent_is_searched_once(folder, tmp_path):
    base = folder("a.png")
    (base / "up").symlink_to(tmp_path)
    folder("b.png", base="beside")
    assert found(base, follow_links=True) == ["a.png", "up/beside/b.png"]


def test_a_linked_root_is_searched(folder, tmp_path):
    folder("a.png", "sub/b.png", base="real")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real" / "loop").symlink_to(tmp_path / "link")
    assert found(tmp_path / "link") == ["a.png", "sub/b.png"]


def test_links_to_themselves_are_broken(folder):
    base = folder("a.png")
    for name in ("b.png", "loop"):
        (base / name).symlink_to(name)
    images = find_images(base)
    assert images.paths == ("a.png", "b.png")
    assert images.skipped.counts() == {"skipped_broken_links": 1}
    assert image_problem(base / "b.png") == os.strerror(40)  # too many levels of symbolic links


def test_linked_images_are_rows_of_their_own(folder, tmp_path):
    """Also two links to one file: each is a name that a label file may have."""
    base, other = folder("a.png"), folder("o.png", base="other")
    (base / "b.png").symlink_to(other / "o.png")
    (base / "c.png").symlink_to("a.png")
    (base / "d.png").symlink_to(tmp_path / "gone.png")
    assert found(base) == ["a.png", "b.png", "c.png", "d.png"]
    assert image_problem(base / "d.png") == "No such file or directory"


def test_a_linked_folder_that_looks_like_an_image_is_a_folder(folder):
    base = folder("x.png/a.png", ".store/b.png")
    (base / "y.png").symlink_to(".store")
    assert found(base) == ["x.png/a.png", "y.png/b.png"]


def test_the_linked_folders_that_were_searched_are_known(folder):
    """No command may write among them what it would read next time."""
    base, other = folder("a.png"), folder("b.png", base="other")
    (base / "inside").symlink_to(folder(".store/c.png") / ".store")
    (base / "more").symlink_to(other)
    assert open_source(base).linked == ()
    assert open_source(base, follow_links=True).linked == (other.resolve(),)
