from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from syndr_curate.distortions import distort, draw
from syndr_curate.distortions.camera.compression import WEBP_LONGEST
from syndr_curate.distortions.camera.resize import DOWN, UP
from syndr_curate.distortions.errors import DistortionError


def saved(picture, kind, **options):
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, kind, **options)
    return np.asarray(Image.open(buffer).convert("RGB"))


@pytest.mark.parametrize("level", [1, 5])
def test_every_pair_of_filters_gives_another_picture(picture, level):
    pairs = [((down + 0.5) / len(DOWN), (up + 0.5) / len(UP)) for down in range(len(DOWN)) for up in range(len(UP))]
    made = {distort(picture, "resizing", level, draws=pair, stretch=False).tobytes() for pair in pairs}
    assert len(made) == len(DOWN) * len(UP)


def test_resizing_goes_through_a_picture_of_the_share_that_the_level_says(picture):
    # 97 x 131 at 0.45: 44 x 59. Draws 0.9 and 0.9: Pillow's Lanczos down, Pillow's bicubic up.
    small = Image.fromarray(picture).resize((59, 44), Image.Resampling.LANCZOS)
    again = np.asarray(small.resize((131, 97), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(distort(picture, "resizing", 3, draws=[0.9, 0.9], stretch=False), again)


def test_one_round_of_jpeg_on_the_unshifted_grid_is_jpeg(picture):
    draws = np.zeros(13)
    draws[1:4] = 0.9, 0.5, 0.0  # JPEG, the mean quality, no shift
    expected = saved(picture, "JPEG", quality=40, subsampling=2)
    np.testing.assert_array_equal(distort(picture, "web_recompression", 3, draws=draws, stretch=False), expected)


def test_one_round_of_webp_is_webp(picture):
    draws = np.zeros(13)
    draws[2] = 0.5
    expected = saved(picture, "WEBP", quality=40, method=2)
    np.testing.assert_array_equal(distort(picture, "web_recompression", 3, draws=draws, stretch=False), expected)


def test_a_shifted_grid_and_another_round_give_other_pictures(picture):
    def made(rounds, rows):
        draws = np.full(13, 0.5)
        draws[[0, 3]] = rounds, rows
        return distort(picture, "web_recompression", 4, draws=draws, stretch=False).tobytes()

    assert len({made(rounds, rows) for rounds in (0.0, 0.4, 0.7) for rows in (0.0, 0.5)}) == 6


def test_unused_rounds_change_nothing(picture):
    draws = draw("web_recompression", 3, picture.shape, np.random.default_rng(0))
    draws[0] = 0.0
    once = distort(picture, 108, 3, draws=draws)
    draws[5:] = 0.25
    np.testing.assert_array_equal(distort(picture, 108, 3, draws=draws), once)


def test_subsampling_by_two_averages_color_over_two_by_two_pixels():
    image = np.full((2, 4, 3), 100, np.uint8)
    image[0, 0] = 200, 100, 100
    out = distort(image, "chroma_subsampling", 1, stretch=False).astype(float)
    # Luma 129.9 and 100 stay. R - Y is 70.1 at one pixel of four and 0 elsewhere: 17.5 at each; B - Y likewise -7.5.
    assert out[0, 0] == pytest.approx(
        [129.9 + 17.5, 129.9 - (0.299 * 17.5 - 0.114 * 7.5) / 0.587, 129.9 - 7.5], abs=0.6
    )
    assert out[1, 1] == pytest.approx([117.5, 100 - (0.299 * 17.5 - 0.114 * 7.5) / 0.587, 92.5], abs=0.6)
    assert (out[:, 2:] == 100).all()


def test_subsampling_leaves_gray_alone(picture):
    gray = np.repeat(picture[:, :, :1], 3, axis=2)
    np.testing.assert_array_equal(distort(gray, "chroma_subsampling", 5, stretch=False), gray)


def test_a_video_frame_is_a_key_frame_of_vp8(picture):
    expected = saved(picture, "WEBP", quality=20, method=2)
    np.testing.assert_array_equal(distort(picture, "video_frame", 3, stretch=False), expected)


def test_a_picture_beyond_the_size_that_webp_holds_is_refused_with_both_sizes():
    wide = np.zeros((2, WEBP_LONGEST + 1, 3), np.uint8)
    wide[0] = 255
    with pytest.raises(DistortionError, match="at most 16383 pixels a side, not 2 high x 16384 wide"):
        distort(wide, "video_frame", 1)
