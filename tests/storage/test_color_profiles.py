"""ICC profiles: ignored as ever unless asked for, and converted to sRGB where they are."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.storage.images import DecodeOptions, UnreadableImageError, decode_image, image_facts

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
GRAYS = np.repeat(np.arange(0, 256, 5, dtype=np.uint8)[None, :, None], 3, axis=2)


def with_red_and_blue_exchanged():
    """An RGB profile that is not sRGB: the tags of its red and blue primaries carry each other's names."""
    swapped = SRGB.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    assert swapped != SRGB
    return swapped


OTHER = with_red_and_blue_exchanged()


def encoded(pixels, profile, kind="PNG", mode="RGB"):
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, kind, icc_profile=profile)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_profile_decides_pixels_only_when_asked_for(kind):
    red = np.zeros((2, 3, 3), np.uint8)
    red[..., 0] = 255
    content = encoded(red, OTHER, kind)
    assert np.array_equal(decode_image(content), red)
    blue = red[..., ::-1].astype(int)
    assert np.abs(decode_image(content, icc="convert").astype(int) - blue).max() <= 2


def test_white_black_and_grays_stay_what_they_are():
    converted = decode_image(encoded(GRAYS, OTHER), icc="convert").astype(int)
    assert np.abs(converted - GRAYS).max() <= 2
    assert (converted[0, 0] == 0).all()
    assert (converted[0, -1] == 255).all()


def test_an_srgb_profile_changes_no_pixel_and_is_not_counted(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    content = encoded(pixels, SRGB)
    (tmp_path / "a.png").write_bytes(content)
    assert np.array_equal(decode_image(content, icc="convert"), pixels)
    assert not image_facts(tmp_path / "a.png").profile_ignored


def test_another_profile_is_counted_only_where_it_is_ignored(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded(GRAYS, OTHER))
    assert image_facts(tmp_path / "a.png").profile_ignored
    assert not image_facts(tmp_path / "a.png", icc="convert").profile_ignored


@pytest.mark.parametrize(
    ("profile", "mode", "reason"),
    [
        (b"no profile at all", "RGB", "its color profile is damaged"),
        (SRGB[:200], "RGB", "its color profile is damaged"),
        (LAB, "RGB", "its color profile is for Lab pixels, these are RGB"),
        (OTHER, "L", "its color profile is for RGB pixels, these are L"),
    ],
)
def test_a_profile_that_cannot_be_used_is_ignored_and_counted_or_refused_with_the_way_out(
    profile, mode, reason, tmp_path
):
    content = encoded(GRAYS, profile, "TIFF", mode)
    (tmp_path / "a.tif").write_bytes(content)
    assert np.array_equal(decode_image(content), GRAYS)
    assert image_facts(tmp_path / "a.tif").profile_ignored
    with pytest.raises(UnreadableImageError, match=rf"{reason}.*--icc ignore reads the image without it"):
        decode_image(content, icc="convert")


def test_what_a_newer_release_may_record_is_refused():
    with pytest.raises(CurateError, match="icc 'perceptual': expected ignore or convert"):
        DecodeOptions(icc="perceptual")
