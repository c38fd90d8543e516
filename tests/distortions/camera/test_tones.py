"""White balance and tone mapping."""

import numpy as np
import pytest
from syndr_curate.distortions import distort, get
from syndr_curate.distortions.camera.tone import tone_mapping
from syndr_curate.distortions.numerics.coded_image import of_codes


def test_a_white_balance_error_multiplies_the_light_of_red_alone_when_it_points_there():
    gray = np.full((4, 4, 3), 100, np.uint8)
    out = distort(gray, "white_balance_error", 5, draws=[0.0], stretch=False)[0, 0]
    light = ((100 / 255 + 0.055) / 1.055) ** 2.4 * 2**1.25
    assert out.tolist() == [round(255 * (1.055 * light ** (1 / 2.4) - 0.055)), 100, 100]


@pytest.mark.parametrize(("direction", "channel", "sign"), [(0.0, 0, 1), (0.25, 2, 1), (0.5, 0, -1), (0.75, 2, -1)])
def test_the_direction_goes_around_red_and_blue(direction, channel, sign):
    gray = np.full((4, 4, 3), 100, np.uint8)
    moved = distort(gray, 104, 3, draws=[direction], stretch=False)[0, 0].astype(int) - 100
    assert np.sign(moved[channel]) == sign
    assert moved[[c for c in range(3) if c != channel]].tolist() == [0, 0]


@pytest.mark.parametrize("shares", [[0, 0, 0], [0.5, 0.9, 0.1], [0.99, 0.99, 0.99]])
def test_tone_mapping_without_strength_changes_nothing(picture, shares):
    out = tone_mapping(of_codes(picture), 0.0, np.array(shares))
    np.testing.assert_allclose(out, picture / 255, atol=1e-7)


def test_tone_mapping_brings_large_areas_together_and_lifts_detail():
    image = np.full((128, 256, 3), 40, np.uint8)
    image[:, 128:] = 200
    image[::8, ::2] += 10
    out = distort(image, "tone_mapping", 5, draws=[0.9, 0.6, 0.45], stretch=False).astype(float)

    def gap(codes):
        return np.median(codes[:, 200:]) / np.median(codes[:, :56])

    def detail(codes):
        return (codes[::8, 20:40:2].mean() - codes[4::8, 20:40:2].mean()) / codes[:, 20:40].mean()

    assert gap(out) < gap(image)
    assert detail(out) > detail(image.astype(float))


@pytest.mark.parametrize(("share", "grows"), [(0.0, False), (0.99, True)])
def test_the_last_draw_of_tone_mapping_is_colorfulness(share, grows):
    image = np.full((16, 16, 3), (150, 100, 100), np.uint8)
    image[8:] = (100, 100, 150)
    spread = np.ptp(distort(image, "tone_mapping", 4, draws=[0.5, 0.6, share], stretch=False)[0, 0].astype(int))
    assert (spread > 50) == grows


def test_a_tone_type_says_what_draws_it_takes():
    with pytest.raises(ValueError, match="draws of tone_mapping must be flattening, exposure and colorfulness"):
        distort(np.zeros((4, 4, 3), np.uint8) + np.arange(4, dtype=np.uint8)[:, None], get(105).id, 1, draws=[1, 2])
