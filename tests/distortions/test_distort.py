import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from syndr_curate.distortions import CAMERA, CATALOG, distort, draw, get, stretch_uint8
from syndr_curate.distortions.catalog import IDENTITY_CELLS
from syndr_curate.distortions.errors import DistortionError

DENOISE = 15
ALL_TYPES = (*CATALOG, *CAMERA)
KINDS = [entry.id for entry in ALL_TYPES if entry.id != DENOISE]
RANDOM = [entry.id for entry in ALL_TYPES if entry.random and entry.id != DENOISE]


@pytest.mark.parametrize("kind", KINDS)
def test_the_input_is_not_modified(picture, kind):
    before = picture.copy()
    distort(picture, kind, 5, seed=1)
    np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize("kind", KINDS)
def test_the_output_shares_no_memory_with_the_input(picture, kind):
    assert not np.shares_memory(distort(picture, kind, 1, seed=1), picture)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [1, 5])
def test_a_picture_comes_out_at_full_range(varied_picture, kind, level):
    if min(varied_picture.shape[:2]) < get(kind).minimum_size:
        with pytest.raises(ValueError, match="at least"):
            distort(varied_picture, kind, level, seed=1)
        return
    out = distort(varied_picture, kind, level, seed=1)
    assert out.shape == varied_picture.shape
    assert out.dtype == np.uint8
    assert (out.min(), out.max()) == (0, 255)


@pytest.mark.parametrize("kind", KINDS)
def test_non_contiguous_input_gives_the_same_bytes(picture, kind):
    wide = np.zeros((97, 262, 3), np.uint8)
    wide[:, ::2] = picture
    fortran = np.asfortranarray(picture)
    expected = distort(picture, kind, 3, seed=1)
    np.testing.assert_array_equal(distort(wide[:, ::2], kind, 3, seed=1), expected)
    np.testing.assert_array_equal(distort(fortran, kind, 3, seed=1), expected)


def test_a_read_only_picture_is_accepted(picture):
    frozen = picture.copy()
    frozen.flags.writeable = False
    distort(frozen, "non_eccentricity_patch", 3, seed=1)


def test_gray_is_replicated_to_three_channels(picture):
    gray = picture[:, :, 0]
    expected = distort(np.repeat(gray[:, :, np.newaxis], 3, axis=2), 1, 3)
    np.testing.assert_array_equal(distort(gray, 1, 3), expected)
    np.testing.assert_array_equal(distort(gray[:, :, np.newaxis], 1, 3), expected)


def test_alpha_is_dropped(picture):
    rgba = np.dstack([picture, np.full(picture.shape[:2], 7, np.uint8)])
    np.testing.assert_array_equal(distort(rgba, 1, 3), distort(picture, 1, 3))


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((8, 8, 3)), "not float64"),
        (np.zeros((8, 8, 3), np.uint16), "not uint16"),
        (np.zeros((8, 8, 2), np.uint8), r"\(8, 8, 2\)"),
        (np.zeros((2, 8, 8, 3), np.uint8), r"\(2, 8, 8, 3\)"),
        (np.zeros((0, 8, 3), np.uint8), "at least one pixel"),
        ([[0, 1]], "not list"),
    ],
)
def test_anything_else_is_refused(image, said):
    with pytest.raises(DistortionError, match=said):
        distort(image, 1, 1)


@pytest.mark.parametrize(("kind", "shape"), [(20, (47, 90, 3)), (20, (90, 47, 3)), (23, (32, 90, 3))])
def test_too_small_a_picture_is_refused_with_both_sizes(kind, shape):
    with pytest.raises(DistortionError, match=rf"{get(kind).minimum_size} x .*{shape[0]} high x {shape[1]} wide"):
        distort(np.zeros(shape, np.uint8), kind, 1, seed=1)
    with pytest.raises(DistortionError, match="needs an image of at least"):
        draw(kind, 1, shape, np.random.default_rng(0))


@pytest.mark.parametrize(("kind", "size"), [(20, 48), (23, 33)])
def test_the_smallest_admissible_picture_works(kind, size):
    image = np.arange(size * size * 3, dtype=np.uint32).reshape(size, size, 3).astype(np.uint8)
    for seed in range(20):
        assert distort(image, kind, 5, seed=seed).shape == image.shape


@pytest.mark.parametrize("kind", KINDS)
def test_a_constant_picture_comes_back_as_it_is(kind):
    flat = np.full((50, 50, 3), 93, np.uint8)
    out = distort(flat, kind, 5, seed=1)
    np.testing.assert_array_equal(out, flat)
    assert not np.shares_memory(out, flat)


@pytest.mark.parametrize("kind", RANDOM)
def test_a_random_type_wants_exactly_one_source(picture, kind):
    with pytest.raises(DistortionError, match="exactly one of seed, rng and draws"):
        distort(picture, kind, 1)
    with pytest.raises(DistortionError, match="seed and rng"):
        distort(picture, kind, 1, seed=1, rng=np.random.default_rng(1))


def test_sources_are_ignored_where_nothing_is_random(picture):
    plain = distort(picture, "jpeg", 1)
    np.testing.assert_array_equal(distort(picture, "jpeg", 1, seed=1, rng=np.random.default_rng(1)), plain)


@pytest.mark.parametrize("kind", RANDOM)
def test_seed_generator_and_draws_give_the_same_bytes(picture, kind):
    seed = 2**62 + 11
    by_seed = distort(picture, kind, 3, seed=seed)
    by_rng = distort(picture, kind, 3, rng=np.random.Generator(np.random.PCG64(seed)))
    draws = draw(kind, 3, picture.shape, np.random.Generator(np.random.PCG64(seed)))
    kept = draws.copy()
    np.testing.assert_array_equal(distort(picture, kind, 3, draws=draws), by_seed)
    np.testing.assert_array_equal(draws, kept)
    np.testing.assert_array_equal(by_rng, by_seed)


@pytest.mark.parametrize("kind", [kind for kind in RANDOM if kind != 3])
def test_another_seed_gives_another_picture(picture, kind):
    assert (distort(picture, kind, 5, seed=1) != distort(picture, kind, 5, seed=2)).any()


@pytest.mark.parametrize("kind", RANDOM)
def test_draws_of_another_shape_are_refused(picture, kind):
    with pytest.raises(DistortionError, match="draws of"):
        distort(picture, kind, 2, draws=np.full((4, 4, 4), 0.5))


def test_the_reference_to_compare_with_is_the_stretched_picture():
    narrow = np.array([[[50, 60, 70], [100, 150, 60]]], np.uint8)
    # 255 (60 - 50) / 100 = 25.5, and halves go up.
    np.testing.assert_array_equal(stretch_uint8(narrow), [[[0, 26, 51], [128, 255, 26]]])


@pytest.fixture
def full_of_halves():
    # 255 v / 34 = 7.5 v: every odd value lies halfway between two codes after the stretch.
    return np.random.Generator(np.random.PCG64(0)).integers(0, 35, (40, 40, 3)).astype(np.uint8)


@pytest.mark.parametrize(("kind", "level"), IDENTITY_CELLS)
def test_the_identity_cells_return_the_stretched_picture(full_of_halves, kind, level):
    np.testing.assert_array_equal(distort(full_of_halves, kind, level, seed=1), stretch_uint8(full_of_halves))


def test_the_weakest_saturation_in_lab_is_one_code_value_from_the_identity(full_of_halves):
    moved = distort(full_of_halves, 8, 1).astype(int) - stretch_uint8(full_of_halves)
    assert np.abs(moved).max() == 1


@pytest.mark.parametrize("angle", [0, 45, 90, 180])
def test_motion_blur_of_length_1_is_the_identity(picture, angle):
    np.testing.assert_array_equal(distort(picture, 3, 1, draws=[angle]), stretch_uint8(picture))


def test_without_stretch_the_codes_keep_their_place():
    image = np.array([[[50, 60, 70], [100, 150, 60]]], np.uint8)
    np.testing.assert_array_equal(distort(image, "mean_shift", 3, stretch=False), image)
    # 0.15 of 255 is 38.25.
    np.testing.assert_array_equal(distort(image, "mean_shift", 1, stretch=False), image + 38)
    np.testing.assert_array_equal(distort(image, "mean_shift", 5, stretch=False), [[[12, 22, 32], [62, 112, 22]]])


@pytest.mark.parametrize("kind", KINDS)
def test_without_stretch_a_constant_picture_can_be_distorted(kind):
    out = distort(np.full((50, 50, 3), 93, np.uint8), kind, 3, seed=1, stretch=False)
    assert out.shape == (50, 50, 3)


def test_pictures_rendered_side_by_side_are_the_same(picture):
    def digest(kind):
        return hashlib.sha256(distort(picture, kind, 3, seed=1).tobytes()).hexdigest()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(digest, KINDS)) == [digest(kind) for kind in KINDS]


def test_the_number_of_threads_changes_no_byte():
    program = (
        "import hashlib, numpy as np, cv2, sys\n"
        "from syndr_curate.distortions import CAMERA, CATALOG, distort\n"
        "cv2.setNumThreads(int(sys.argv[1]))\n"
        "image = (np.add.outer(np.arange(97) * 5, np.arange(131) * 3)[:, :, None] * (1, 2, 3)).astype(np.uint8)\n"
        "data = b''.join(distort(image, e.id, 3, seed=9).tobytes() for e in (*CATALOG, *CAMERA) if e.id != 15)\n"
        "print(hashlib.sha256(data).hexdigest())"
    )

    def digest(threads):
        names = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPJ_NUM_THREADS")
        environment = {**os.environ, **dict.fromkeys(names, threads)}
        command = [sys.executable, "-c", program, threads]
        return subprocess.run(command, check=True, capture_output=True, env=environment, text=True).stdout

    assert digest("1") == digest("2")


@pytest.mark.parametrize("seed", ["a", 1.5, True])
def test_a_seed_that_is_no_whole_number_is_refused(seed):
    with pytest.raises(DistortionError, match=f"the seed {seed!r} is not a whole number"):
        distort(np.zeros((8, 8, 3), np.uint8), 11, 1, seed=seed)


def test_a_negative_seed_is_refused():
    with pytest.raises(DistortionError, match="the seed -1 is negative"):
        distort(np.zeros((8, 8, 3), np.uint8), "white_noise", 1, seed=-1)
