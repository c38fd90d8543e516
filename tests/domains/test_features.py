"""Each group of features answers to the distortion that it is meant for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syndr_curate import distort
from syndr_curate.curate.domains.features import domain_features, feature_count
from syndr_curate.curate.domains.features.blocks import copy_features, grid_features, shift_features, square_features
from syndr_curate.curate.domains.features.noise import chroma_noise_features
from syndr_curate.curate.domains.features.planes import Planes
from syndr_curate.curate.domains.fitting.training_pictures import save_as_jpeg


@settings(max_examples=20, deadline=None)
@given(
    st.integers(64, 90), st.integers(64, 90), st.integers(0, 2**32), st.sampled_from(["noise", "flat", "two", "step"])
)
def test_features_are_finite_and_as_many_whatever_the_picture(height, width, seed, kind):
    rng = np.random.Generator(np.random.PCG64(seed))
    picture = {
        "noise": rng.integers(0, 256, (height, width, 3)),
        "flat": np.full((height, width, 3), rng.integers(0, 256)),
        "two": 255 * rng.integers(0, 2, (height, width, 3)),
        "step": np.repeat((np.arange(width) > width // 2)[None, :, None] * 255, height, axis=0).repeat(3, axis=2),
    }[kind].astype(np.uint8)
    found = domain_features(picture)
    assert found.shape == (feature_count(),)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert np.array_equal(found, domain_features(np.asfortranarray(picture)))


@pytest.fixture(scope="module")
def picture(photograph):
    return photograph(5, 192, 256)


def test_the_strongest_square_is_found_where_one_is_pasted(picture):
    pasted = picture.copy()
    pasted[40:72, 90:122] = (250, 10, 200)
    # After 28 numbers of side 16 comes the weakest side of the best square of 32, on a logarithmic scale.
    before, after = (square_features(Planes(p))[28] for p in (picture, pasted))
    assert after > before + 0.7


def test_repeated_columns_and_rows_are_seen_each_on_their_axis(picture):
    wide = np.repeat(picture[:, ::2], 2, axis=1)
    columns, rows = np.split(copy_features(Planes(wide)) - copy_features(Planes(picture)), 2)
    assert columns[0] < -2  # the quietest column step, relative to its neighbors
    assert abs(rows[0]) < 0.5
    turned = np.split(copy_features(Planes(np.ascontiguousarray(wide.transpose(1, 0, 2)))), 2)
    assert turned[1] == pytest.approx(np.split(copy_features(Planes(wide)), 2)[0], abs=1e-4)


def test_the_block_grid_is_found_wherever_it_begins(picture):
    coded = distort(picture, "jpeg", 3)
    plain = grid_features(Planes(picture))
    for top, left in ((0, 0), (3, 5), (7, 1)):
        found = grid_features(Planes(np.ascontiguousarray(coded[top : top + 160, left : left + 224])))
        assert found[0] > plain[0] + 0.5
        assert (found[-5:] > plain[-5:] + 0.02).any()  # more zero coefficients on the grid than off it


def test_a_shift_of_green_is_found_forward_not_backward():
    rng = np.random.Generator(np.random.PCG64(4))
    gray = np.clip(128 + rng.normal(0, 40, (192, 256)), 0, 255)
    still = np.repeat(gray[:, :, None], 3, axis=2).astype(np.uint8)
    moved = still.copy()
    # Half of green stays where it was, as away from edges.
    moved[..., 1] = (still[..., 1] // 2) + np.roll(still[..., 1], (3, 6), (0, 1)) // 2
    # The peak at no shift; then best, best relative to that peak, and its distance: forward, backward, aside, odd.
    before, after = shift_features(Planes(still)), shift_features(Planes(moved))
    assert after[2] > 0.5
    assert before[2] < 0.2
    assert after[5] < 0.2
    assert after[3] == pytest.approx(np.hypot(3, 6) / 14)


def test_noise_in_rgb_and_in_ycbcr_differ_after_jpeg_in_how_luma_and_blue_hang_together():
    rng = np.random.Generator(np.random.PCG64(6))
    gray = np.full((384, 512, 3), 128.0)
    noise = rng.normal(0, 12, gray.shape)
    # Columns: what Y, Cb and Cr add to red, green and blue (BT.601, full range).
    to_rgb = np.array([[1, 1, 1], [0, -0.344, 1.772], [1.402, -0.714, 0]])
    in_rgb, in_ycbcr = (
        save_as_jpeg(np.clip(np.rint(gray + added), 0, 255).astype(np.uint8), 97) for added in (noise, noise @ to_rgb)
    )
    # Of independent red, green and blue, luma and blue - luma correlate by (.114 - .447) / (.669 * 1.105) = -.45.
    found = [chroma_noise_features(Planes(picture).halved().halved())[0] for picture in (in_rgb, in_ycbcr)]
    assert found[0] == pytest.approx(-0.45, abs=0.12)
    assert found[1] == pytest.approx(0, abs=0.12)
