import numpy as np
import pytest
import syndr_curate
from syndr_curate import CurateError, distortions

IMAGE = np.arange(32 * 32 * 3, dtype=np.uint32).reshape(32, 32, 3).astype(np.uint8)


def test_the_public_verb_gives_the_pixels_of_the_distortion():
    mine = syndr_curate.distort(IMAGE, "white_noise", 3, seed=7)
    assert np.array_equal(mine, distortions.distort(IMAGE, 11, 3, seed=7))


@pytest.mark.parametrize(
    ("kind", "level", "said"),
    [("gausian_blur", 1, "did you mean gaussian_blur"), (1, 6, "level 6"), (11, 1, "exactly one of seed")],
)
def test_what_a_distortion_cannot_use_is_an_error_of_the_request(kind, level, said):
    with pytest.raises(CurateError, match=said):
        syndr_curate.distort(IMAGE, kind, level)
