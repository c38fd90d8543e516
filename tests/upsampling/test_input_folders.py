"""The folders that `upsample` reads: linked folders on demand, and what is skipped in both together."""

from pathlib import Path

import pytest
from syndr_curate import CurateError
from syndr_curate.curate.runs.progress import SILENT
from syndr_curate.curate.upsampling.input_folders import open_folders
from syndr_curate.curate.upsampling.request import UpsampleRequest
from syndr_curate.curate.upsampling.settings import UpsampleSettings


@pytest.fixture
def request_for(tmp_path):
    """Give a request whose two folders have a linked folder of one image each, and a text file."""
    for name in ("references", "candidates"):
        for file in (f"{name}/{name}.png", f"{name}/notes.txt", f"other-{name}/linked-{name}.png"):
            (tmp_path / file).parent.mkdir(exist_ok=True)
            (tmp_path / file).touch()
        (tmp_path / name / "more").symlink_to(tmp_path / f"other-{name}")

    def make(out: Path = tmp_path / "out", *, follow_links: bool) -> UpsampleRequest:
        return UpsampleRequest(
            UpsampleSettings(types=(1,)),
            out / "m.parquet",
            proxy_labels=True,
            references=tmp_path / "references",
            candidates_root=tmp_path / "candidates",
            follow_links=follow_links,
        )

    return make


def ids(source):
    return [entry.id for entry in source.entries]


def test_linked_folders_of_both_are_searched_on_demand(request_for):
    folders = open_folders(request_for(follow_links=True))
    assert ids(folders.references) == ["linked-references", "references"]
    assert ids(folders.candidates) == ["candidates", "linked-candidates"]
    assert folders.note_skipped(SILENT) == {"skipped_files": 2}


def test_what_is_skipped_in_both_is_counted_together(request_for):
    folders = open_folders(request_for(follow_links=False))
    assert (ids(folders.references), ids(folders.candidates)) == (["references"], ["candidates"])
    assert folders.note_skipped(SILENT) == {"skipped_files": 2, "skipped_linked_folders": 2}


def test_no_pixels_go_into_a_linked_folder_that_is_read(request_for, tmp_path):
    inside = tmp_path / "other-candidates" / "out"
    open_folders(request_for(inside, follow_links=False))
    with pytest.raises(CurateError, match=r"other-candidates: the next run would read its images as references"):
        open_folders(request_for(inside, follow_links=True))
