"""Pictures made from nothing."""

import numpy as np
import pytest
from syndr_curate.curate.demo.scenes import SCENE_KINDS, SCENE_SIDE, paint_scene


@pytest.mark.parametrize("kind", SCENE_KINDS)
def test_a_scene_is_the_same_each_time_and_far_from_plain(kind):
    scene = paint_scene(kind, 3)
    assert (scene.shape, scene.dtype) == ((SCENE_SIDE, SCENE_SIDE, 3), np.uint8)
    assert np.array_equal(scene, paint_scene(kind, 3))
    assert scene.std() > 10


def test_kinds_variants_and_seeds_differ():
    scenes = [
        paint_scene(kind, variant, side=64, seed=seed) for kind in SCENE_KINDS for variant in (0, 1) for seed in (0, 1)
    ]
    assert len({scene.tobytes() for scene in scenes}) == len(scenes)


def test_a_wobble_is_a_shift_of_the_same_scene():
    scene, copy = paint_scene("tiles", 0, side=100), paint_scene("tiles", 0, side=100, wobble=0.04)
    shifted = np.roll(scene, (4, -4), axis=(0, 1))
    inner = (slice(10, 90), slice(10, 90))
    assert np.abs(copy[inner].astype(int) - shifted[inner] * 0.99).max() < 2.5


@pytest.mark.parametrize("side", [64, 100, 257])
def test_scenes_come_in_any_size(side):
    for kind in SCENE_KINDS:
        assert paint_scene(kind, 0, side=side).shape == (side, side, 3)
