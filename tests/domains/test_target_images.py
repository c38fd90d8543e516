"""The images of a target set."""

import pytest
from syndr_curate.curate.domains.target_images import open_target
from syndr_curate.curate.storage.images import DecodeOptions


@pytest.mark.parametrize(("follow_links", "ids", "counts"), [(False, ["a"], 1), (True, ["a", "b"], 0)])
def test_a_linked_folder_of_a_target_is_searched_on_demand(tmp_path, follow_links, ids, counts):
    for file in ("photos/a.png", "other/b.png"):
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).touch()
    (tmp_path / "photos" / "more").symlink_to(tmp_path / "other")
    opened = open_target(tmp_path / "photos", DecodeOptions(), follow_links=follow_links)
    assert [image.id for image in opened.images] == ids
    assert opened.skipped.linked_folders == counts
