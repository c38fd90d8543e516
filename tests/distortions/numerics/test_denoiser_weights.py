"""The weights that ship: the newest is smaller, and rows made with older ones are rendered with these."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from syndr_curate.curate.storage.images import decode_image
from syndr_curate.distortions import DistortionError, distort
from syndr_curate.distortions.chains import apply_chain, parse_chain
from syndr_curate.distortions.numerics.denoising.network import NetworkForm, multiply_adds
from syndr_curate.distortions.numerics.denoising.weights import SHIPPED, digest_for, load_network, newest_digest

FIRST = "fd995cc792aaa06363b694ec175c35642d02803f791c42b9f71e15adfc23fc9f"  # of the release that had no other
PINNED = Path(__file__).parents[1] / "pinned"
ALIKE = 3e-6  # mean squared error, of values in [0, 1]


def test_all_weights_together_take_at_most_three_megabytes():
    folder = files("syndr_curate.distortions.numerics.denoising")
    assert sum(len((folder / name).read_bytes()) for name in SHIPPED) <= 3_000_000


def test_the_newest_network_does_two_fifths_of_the_first_ones_arithmetic():
    newest, first = SHIPPED.values()
    assert multiply_adds(newest) <= 0.4 * multiply_adds(first)


def test_multiply_adds_are_counted_at_the_scale_of_each_layer():
    # Per pixel: entry and exit 4 x 2 x 9 at 1/2, so 18 each; one block of two 2 x 2 x 9 at 1/2: 18; halve and double
    # 2 x 3 x 4 at 1/4: 1.5 each; one block of two 3 x 3 x 9 at 1/4: 10.125.
    assert multiply_adds(NetworkForm(widths=(2, 3), blocks_down=(1, 1), blocks_up=(0,))) == 2 * 18 + 18 + 3 + 10.125


def test_rows_are_rendered_with_the_weights_they_were_made_with_where_these_ship():
    assert digest_for(FIRST) == FIRST
    assert digest_for(newest_digest()) == newest_digest()
    assert digest_for(None) == newest_digest()
    assert digest_for("0" * 64) == newest_digest()


@pytest.mark.parametrize("scene", ["bubbles", "city"])
@pytest.mark.parametrize("level", [1, 3, 5])
def test_the_first_weights_give_the_pixels_they_gave_when_they_were_the_only_ones(scene, level):
    cells = np.load(PINNED / "outputs.npz")
    expected = np.load(PINNED / "older_denoisers.npz")[f"{scene}-15-{level}-denoiser-1"]
    picture = decode_image(PINNED / f"{scene}.png")
    found = distort(picture, 15, level, seed=123, denoiser=FIRST)[cells["rows"], cells["columns"]]
    assert np.mean((found / 255 - expected / 255) ** 2) < ALIKE
    newest = distort(picture, 15, level, seed=123)[cells["rows"], cells["columns"]]
    assert np.mean((newest / 255 - expected / 255) ** 2) > 3 * ALIKE


def test_a_chain_is_denoised_with_the_weights_that_are_asked_for():
    picture = decode_image(PINNED / "city.png")
    chain = tuple(step._replace(seed=7) for step in parse_chain("denoise:2+jpeg:1"))
    once = distort(distort(picture, 15, 2, seed=7, denoiser=FIRST), "jpeg", 1)
    assert np.array_equal(apply_chain(picture, chain, denoiser=FIRST), once)
    assert not np.array_equal(apply_chain(picture, chain), once)


def test_other_types_take_no_notice_of_the_weights():
    picture = decode_image(PINNED / "city.png")
    assert np.array_equal(distort(picture, 11, 2, seed=7, denoiser="0" * 64), distort(picture, 11, 2, seed=7))


def test_weights_that_do_not_ship_are_an_error_that_names_those_that_do():
    picture = decode_image(PINNED / "city.png")
    with pytest.raises(DistortionError, match=r"no denoiser weights with SHA-256 000000000000 .*, fd995cc792aa"):
        distort(picture, 15, 1, seed=1, denoiser="0" * 64)


def test_weights_are_read_once_and_stay_apart():
    assert load_network(FIRST) is load_network(FIRST)
    assert load_network() is load_network(newest_digest())
    assert load_network().form != load_network(FIRST).form
