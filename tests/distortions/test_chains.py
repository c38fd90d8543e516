"""Several distortions of one image, one after another."""

import numpy as np
import pytest
from syndr_curate.distortions import DistortionError, distort, stretch_uint8
from syndr_curate.distortions.chains import ChainStep, apply_chain, format_chain, parse_chain, stretched_once

BLUR, NOISE, JPEG = ChainStep(1, 3.0), ChainStep(11, 2.0, 5), ChainStep(10, 2.0, 99)
STRETCH = ChainStep(0, 0.0)


@pytest.fixture
def image():
    return np.random.default_rng(3).integers(40, 200, (48, 64, 3), np.uint8)


def test_each_step_takes_the_picture_of_the_one_before(image):
    by_hand = distort(distort(distort(image, 1, 3), 11, 2, seed=5), 10, 2)
    before = image.copy()
    assert np.array_equal(apply_chain(image, (BLUR, NOISE, JPEG)), by_hand)
    assert np.array_equal(image, before)


def test_the_order_of_steps_matters(image):
    assert not np.array_equal(apply_chain(image, (BLUR, NOISE)), apply_chain(image, (NOISE, BLUR)))


def test_a_chain_with_stretches_is_stretched_there_alone(image):
    by_hand = distort(distort(stretch_uint8(image), 1, 3, stretch=False), 11, 2, seed=5, stretch=False)
    once = stretched_once((BLUR, NOISE))
    assert once == (STRETCH, BLUR, NOISE, STRETCH)
    assert np.array_equal(apply_chain(image, once), stretch_uint8(by_hand))
    assert np.array_equal(apply_chain(image, once[:-1]), by_hand)
    assert not np.array_equal(apply_chain(image, once), apply_chain(image, (BLUR, NOISE)))


@pytest.mark.parametrize(
    ("chain", "said"),
    [
        ((), "a chain of 0 steps has no distortion"),
        ((STRETCH,), "a chain of 1 steps has no distortion"),
        ((BLUR, ChainStep(11, 2.0)), "step 2 of 2 of the chain: white_noise is random: give exactly one of seed"),
        ((BLUR, ChainStep(99, 2.0)), "step 2 of 2 of the chain: there is no distortion 99"),
        ((ChainStep(1, 6.0), NOISE), "step 1 of 2 of the chain: level 6 of gaussian_blur does not exist"),
        ((ChainStep(1, 5.5), NOISE), r"step 1 of 2 of the chain: level 5\.5 of gaussian_blur does not exist"),
        ((ChainStep(1, float("nan")), NOISE), "step 1 of 2 of the chain: level nan of gaussian_blur does not exist"),
        ((ChainStep(1, 2.345), NOISE), r"level 2\.345 of gaussian_blur has more than 2 decimals: round it"),
    ],
)
def test_a_step_that_cannot_be_done_is_named(image, chain, said):
    with pytest.raises(DistortionError, match=said):
        apply_chain(image, chain)


def test_a_level_may_be_between_two_and_is_the_same_from_a_float32(image):
    by_hand = distort(distort(image, 1, 2.3), 11, 1.25, seed=5)
    assert np.array_equal(apply_chain(image, (ChainStep(1, 2.3), ChainStep(11, 1.25, 5))), by_hand)
    stored = float(np.float32(2.3))
    assert stored != 2.3
    assert np.array_equal(apply_chain(image, (ChainStep(1, stored), ChainStep(11, 1.25, 5))), by_hand)
    assert format_chain((ChainStep(1, stored), NOISE)) == "gaussian_blur:2.3+white_noise:2"


def test_an_image_too_small_for_a_step_is_refused():
    with pytest.raises(DistortionError, match="step 2 of 2 of the chain: color_block needs an image of at least 33"):
        apply_chain(
            np.arange(32 * 32 * 3, dtype=np.uint16).reshape(32, 32, 3).astype(np.uint8), (BLUR, ChainStep(23, 1, 5))
        )


def test_chains_are_read_and_written():
    chain = parse_chain(" gaussian_blur:3 + Stretch+ 11:2+JPEG : 2")
    assert chain == (ChainStep(1, 3.0), STRETCH, ChainStep(11, 2.0), ChainStep(10, 2.0))
    assert format_chain(chain) == "gaussian_blur:3+stretch+white_noise:2+jpeg:2"
    assert parse_chain(format_chain(chain)) == chain
    assert parse_chain("jpeg:2.25+1:3") == (ChainStep(10, 2.25), ChainStep(1, 3.0))
    assert format_chain((ChainStep(203, 2.5), NOISE)) == "203:2.5+white_noise:2"  # a type of somebody else


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' in the chain '' is no step: expected a type and a level of at most 2 decimals, such as"),
        ("jpeg+blur:2", "'jpeg' in the chain"),
        ("jpeg:x+1:2", "'jpeg:x' in the chain"),
        ("jpeg:-1+1:2", "'jpeg:-1' in the chain"),
        ("jpeg:1e0+1:2", "'jpeg:1e0' in the chain"),
        ("jpeg:2+", "'' in the chain 'jpeg:2\\+' is no step"),
        ("jpeg:0+1:2", "level 0 of jpeg does not exist"),
        ("jpeg:6+1:2", "level 6 of jpeg does not exist"),
        ("jpeg:5.5+1:2", r"level 5\.5 of jpeg does not exist"),
        ("jpeg:2.345+1:2", r"'jpeg:2\.345' in the chain .* a level of at most 2 decimals, such as gaussian_blur:2 or"),
        ("jpg:2+1:2", "there is no distortion 'jpg': did you mean jpeg"),
        ("0:1+1:2", "there is no distortion '0'"),
        ("jpeg:2", "has 1 distortions, expected 2 or more"),
        ("stretch+jpeg:2+stretch", "has 1 distortions, expected 2 or more"),
        ("+".join(["jpeg:2"] * 17), "has 17 steps, expected at most 16"),
    ],
)
def test_what_is_no_chain_is_refused(text, said):
    with pytest.raises(DistortionError, match=said):
        parse_chain(text)
