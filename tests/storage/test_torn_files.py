"""Files with holes of zeros are refused where their format can tell, and whole ones never."""

import io

import numpy as np
import pytest
from PIL import Image
from syndr_curate.curate.storage.decoding.torn_jpeg import jpeg_problem, lacks_end_marker
from syndr_curate.curate.storage.decoding.zero_runs import zero_runs
from syndr_curate.curate.storage.images import UnreadableImageError, decode_image, image_facts

HOLE = 4096
NOISE = np.random.default_rng(3).normal(128, 40, (200, 200, 3)).clip(0, 255).astype(np.uint8)
JPEGS = [
    {"quality": 75},
    {"quality": 95, "subsampling": 0},
    {"quality": 75, "optimize": True},
    {"quality": 75, "progressive": True},
    {"quality": 90, "restart_marker_rows": 1},
    {"quality": 90, "restart_marker_blocks": 7, "progressive": True},
]


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def with_hole(content, place):
    return content[:place] + bytes(HOLE) + content[place + HOLE :]


def is_refused(content):
    try:
        decode_image(content)
    except UnreadableImageError:
        return True
    return False


@pytest.mark.parametrize("options", JPEGS, ids=str)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_with_a_hole_in_its_scan_is_refused_wherever_it_is(options, mode):
    if mode != "RGB":
        options = {name: value for name, value in options.items() if name != "subsampling"}
    content = encoded(Image.fromarray(NOISE).convert(mode), "JPEG", **options)
    places = range(1000, len(content) - HOLE, (len(content) - HOLE) // 5)
    assert [place for place in places if not is_refused(with_hole(content, place))] == []


@pytest.mark.parametrize("options", JPEGS, ids=str)
def test_a_download_that_stopped_is_refused_though_its_size_is_right(options):
    content = encoded(Image.fromarray(NOISE), "JPEG", **options)
    half = len(content) // 2
    with pytest.raises(UnreadableImageError):
        decode_image(content[:half] + bytes(len(content) - half))


def test_the_message_says_where_the_hole_is_and_what_to_do():
    content = encoded(Image.fromarray(NOISE), "JPEG")
    with pytest.raises(UnreadableImageError, match=r"4,096 zero bytes from byte 8,000 on.*get the file again"):
        decode_image(with_hole(content, 8000))


def flat_pictures():
    black = np.zeros((700, 900, 3), np.uint8)
    lower_half = black.copy()
    lower_half[350:] = np.resize(NOISE, (350, 900, 3))
    page = np.full((900, 700, 3), 255, np.uint8)
    page[100:104, 60:300] = 0
    dots = black.copy()
    dots[::8, ::8] = 255
    return {"black": black, "half": lower_half, "page": page, "dots": dots, "noise": NOISE}


@pytest.mark.parametrize("name", flat_pictures())
@pytest.mark.parametrize("options", JPEGS, ids=str)
def test_whole_jpegs_pass_also_those_of_flat_areas_and_with_anything_behind_their_end(name, options):
    for mode in ("RGB", "L", "CMYK"):
        chosen = {key: value for key, value in options.items() if mode == "RGB" or key != "subsampling"}
        content = encoded(Image.fromarray(flat_pictures()[name]).convert(mode), "JPEG", **chosen)
        assert jpeg_problem(content) is None
        assert jpeg_problem(content + bytes(5000) + b"more") is None
        assert np.array_equal(decode_image(content + bytes(5000)), decode_image(content))


def test_a_flat_jpeg_can_consist_of_zeros():
    """Why a run of zeros alone proves nothing."""
    content = encoded(Image.new("L", (4000, 4000)), "JPEG", optimize=True)
    assert max(end - start for start, end in zero_runs(content)) > HOLE
    assert decode_image(content).max() == 0


def test_zeros_in_a_segment_are_no_hole():
    exif = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + bytes(3000)
    content = encoded(Image.fromarray(NOISE), "JPEG", exif=exif)
    assert next(zero_runs(content))
    assert decode_image(content).shape == (200, 200, 3)


def test_zeros_between_the_last_block_and_the_end_are_padding():
    content = encoded(Image.fromarray(NOISE), "JPEG")
    assert jpeg_problem(content[:-2] + bytes(2000) + b"\xff\xd9") is None
    assert jpeg_problem(content[:-2] + bytes(2000)) is None


def test_a_jpeg_that_lacks_only_its_end_marker_is_read(tmp_path):
    for options in JPEGS:
        content = encoded(Image.fromarray(NOISE), "JPEG", **options)
        assert not lacks_end_marker(content)
        assert not lacks_end_marker(content + bytes(100))
        assert lacks_end_marker(content[:-2])
        assert np.array_equal(decode_image(content[:-2]), decode_image(content))
        (tmp_path / "a.jpg").write_bytes(content[:-2])
        assert image_facts(tmp_path / "a.jpg").lacks_end_marker


@pytest.mark.parametrize("options", JPEGS, ids=str)
def test_a_jpeg_that_lacks_more_than_its_end_marker_is_refused(options):
    content = encoded(Image.fromarray(NOISE), "JPEG", **options)
    with pytest.raises(UnreadableImageError, match="image file is truncated"):
        decode_image(content[:-40])


@pytest.mark.parametrize("level", [0, 6])
def test_a_png_with_a_hole_is_refused(level):
    content = encoded(Image.fromarray(NOISE), "PNG", compress_level=level)
    places = range(1000, len(content) - HOLE, (len(content) - HOLE) // 5)
    assert [place for place in places if not is_refused(with_hole(content, place))] == []


def test_a_png_chunk_that_does_not_match_its_checksum_is_named():
    content = encoded(Image.fromarray(NOISE), "PNG")
    text = b"tEXtnote\0torn"
    chunk = (len(text) - 4).to_bytes(4, "big") + text + bytes(4)
    content = content[:-12] + chunk + content[-12:]
    with pytest.raises(UnreadableImageError, match=r"its chunk tEXt at byte [\d,]+ does not match its checksum"):
        decode_image(content)


def test_a_png_without_its_last_chunk_is_refused_and_one_with_more_behind_it_is_not():
    content = encoded(Image.fromarray(NOISE), "PNG")
    with pytest.raises(UnreadableImageError, match="no IEND chunk"):
        decode_image(content[:-12])
    assert np.array_equal(decode_image(content + bytes(5000)), NOISE)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("WEBP", {"quality": 95}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("TIFF", {"compression": "packbits"}),
        ("TIFF", {"compression": "jpeg"}),
        ("GIF", {}),
    ],
    ids=str,
)
def test_compressed_files_with_a_hole_are_refused_and_flat_ones_are_not(kind, options):
    content = encoded(Image.fromarray(NOISE), kind, **options)
    places = range(2000, len(content) - HOLE - 200, max(1, (len(content) - HOLE) // 5))
    assert [place for place in places if not is_refused(with_hole(content, place))] == []
    for name, picture in flat_pictures().items():
        assert not is_refused(encoded(Image.fromarray(picture), kind, **options)), name


@pytest.mark.parametrize("size", [1, 64, 300])
@pytest.mark.parametrize("filler", [0x00, 0xFF])
def test_the_checksum_of_a_deflate_strip_shows_small_holes_too(size, filler):
    content = encoded(Image.fromarray(NOISE), "TIFF", compression="tiff_adobe_deflate")
    for place in range(2000, len(content) - 3000, 20_011):
        torn = content[:place] + bytes([filler]) * size + content[place + size :]
        if torn != content:
            assert is_refused(torn), place


def test_formats_that_cannot_tell_take_a_hole_for_black():
    """What docs/torn-files.md says of raw pixels."""
    content = encoded(Image.fromarray(NOISE), "BMP")
    assert decode_image(with_hole(content, 20_000)).shape == (200, 200, 3)
