"""What reading passes over is counted by file, and noted once."""

import io

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageCms
from syndr_curate.curate.checks.verify import verify
from syndr_curate.curate.datasets.image_folders import open_source
from syndr_curate.curate.datasets.image_notes import note_distorted, note_images
from syndr_curate.curate.encoding.encode import run_encode
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.manifest.joining.rows import join
from syndr_curate.curate.manifest.manifest import read_manifest
from syndr_curate.curate.manifest.provenance import read_provenance
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.runs.progress import Silent
from syndr_curate.curate.storage.images import DecodeOptions, decode_image
from syndr_curate.curate.upsampling.input_folders import InputFolders


class Notes(Silent):
    def __init__(self):
        self.messages = []

    def note(self, message):
        self.messages.append(message)


def other_profile():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return srgb.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    red = np.zeros((64, 64, 3), np.uint8)
    red[8:, :, 0] = 200
    for name, profile in (("a.png", other_profile()), ("b.png", other_profile()), ("c.png", None)):
        Image.fromarray(red).save(folder / name, icc_profile=profile)
    buffer = io.BytesIO()
    Image.fromarray(red).save(buffer, "JPEG")
    (folder / "d.jpg").write_bytes(buffer.getvalue()[:-2])
    return folder


def test_each_file_counts_once_and_each_kind_is_noted_once(photos):
    notes = Notes()
    files = sorted(photos.iterdir())
    assert note_images([*files, *files], reporter=notes) == {"color_profiles_ignored": 2, "end_markers_missing": 1}
    assert len(notes.messages) == 2
    assert "2 images have a color profile other than sRGB, which is ignored, e.g. a.png" in notes.messages[0]
    assert "1 JPEGs lack only their end marker and are read all the same, e.g. d.jpg" in notes.messages[1]


def test_converted_profiles_are_not_counted_but_those_of_stored_images_are(photos):
    counted = note_images([photos / "a.png"], icc="convert", as_stored=[photos / "b.png"])
    assert counted == {"color_profiles_ignored": 1}


def test_encode_and_distort_count_and_record(photos, tmp_path):
    summary = run_encode(photos, tmp_path / "f.parquet", encoder="gist")
    assert (summary["failed"], summary["color_profiles_ignored"], summary["end_markers_missing"]) == (0, 2, 1)
    plain = run_distort(photos, tmp_path / "plain", types=(1,), levels=(1,))
    assert plain["color_profiles_ignored"] == 2
    options = DecodeOptions(icc="convert")
    converted = run_distort(photos, tmp_path / "converted", types=(1,), levels=(1,), decoding=options)
    assert "color_profiles_ignored" not in converted
    before, after = (read_manifest(tmp_path / name / "manifest.parquet") for name in ("plain", "converted"))
    assert "icc" not in read_provenance(before)
    assert read_provenance(after)["icc"] == "convert"
    assert verify(tmp_path / "converted" / "manifest.parquet").problems == []
    with pytest.raises(CurateError, match="'icc' is 'ignore' in one manifest and 'convert' in another"):
        join([before, after])


def test_a_manifest_is_rendered_again_with_the_profiles_it_was_made_with(photos, tmp_path):
    options = DecodeOptions(icc="convert")
    run_distort(photos, tmp_path / "recipes", types=(1,), levels=(1,), recipe_only=True, decoding=options)
    run_distort(tmp_path / "recipes" / "manifest.parquet", tmp_path / "again", types=None)
    run_distort(photos, tmp_path / "at-once", types=(1,), levels=(1,), decoding=options)
    run_distort(photos, tmp_path / "ignored", types=(1,), levels=(1,))
    name = next(path.relative_to(tmp_path / "again") for path in (tmp_path / "again" / "images").rglob("a*.png"))
    again, at_once, ignored = (decode_image(tmp_path / made / name) for made in ("again", "at-once", "ignored"))
    assert np.array_equal(again, at_once)
    assert not np.array_equal(again, ignored)
    assert pq.read_metadata(tmp_path / "again" / "manifest.parquet").num_rows == 4


def test_an_interrupted_run_does_not_go_on_with_other_profiles(photos, tmp_path):
    from syndr_curate.curate.runs.options import LongRun
    from syndr_curate.curate.runs.shards import Mode, Share

    share = LongRun(mode=Mode(share=Share(1, 2)), rows_per_shard=2)
    run_distort(photos, tmp_path / "run", types=(1,), levels=(1,), run=share)
    with pytest.raises(CurateError, match="icc was null, is now"):
        run_distort(
            photos,
            tmp_path / "run",
            types=(1,),
            levels=(1,),
            decoding=DecodeOptions(icc="convert"),
            run=LongRun(rows_per_shard=2),
        )


def test_distorted_images_among_references_are_noted_where_their_original_is_in_the_folder(photos, tmp_path):
    (photos / "d.jpg").unlink()
    for name in ("a_09_03.png", "a_01_5.png", "a_chain_1-2_11-3.png", "a_09.png", "other_09_03.png"):
        (photos / name).write_bytes((photos / "c.png").read_bytes())
    notes = Notes()
    run_distort(photos, tmp_path / "out", types=(1,), levels=(1,), recipe_only=True, reporter=notes)
    (note,) = (message for message in notes.messages if "pristine" in message)
    assert note.startswith(f"3 of 8 images in {photos} are named like distorted versions of others, e.g. a_01_5, but")


def test_upsample_notes_distorted_images_in_either_folder(photos):
    (photos / "a_09_03.png").write_bytes((photos / "c.png").read_bytes())
    notes = Notes()
    source = open_source(photos)
    InputFolders(references=source, candidates=source).note_skipped(notes)
    assert [message.split(" are named")[0] for message in notes.messages] == [f"1 of 5 images in {photos}"] * 2


def test_photographs_with_numbers_in_their_names_are_not_noted(photos):
    (photos / "trip_12_03.png").write_bytes((photos / "c.png").read_bytes())
    notes = Notes()
    note_distorted(open_source(photos), notes)
    assert notes.messages == []
