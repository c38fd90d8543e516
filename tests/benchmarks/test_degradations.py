"""The targets' degradations: the same every time, on their own account, and not those of KADID-10k."""

import numpy as np
import pytest
from syndr_curate.curate.rendering.render import render
from syndr_curate.distortions import CAMERA, CATALOG, LEVELS, distort

from benchmarks.syn2real.degradations import PARTS, degrade


@pytest.fixture(scope="module")
def scene(photograph):
    return photograph(5, 64, 80)


@pytest.fixture(scope="module")
def kadid_images(scene):
    return [render(scene, entry.id, level, 7).astype(int) for entry in CATALOG for level in LEVELS]


def test_a_seed_fixes_the_picture_and_its_steps(scene):
    for seed in range(5):
        first, second = degrade(scene, seed), degrade(scene.copy(), seed)
        assert first[0].tobytes() == second[0].tobytes()
        assert first[1] == second[1]
    assert len({degrade(scene, seed)[0].tobytes() for seed in range(20)}) == 20


def test_steps_come_alone_and_together_in_the_order_of_a_camera(scene):
    part = {entry.name: place for place, entries in enumerate(PARTS) for entry in entries}
    steps = [degrade(scene, seed)[1] for seed in range(200)]
    assert {name for taken in steps for name, _ in taken} == {entry.name for entry in CAMERA}
    assert {level for taken in steps for _, level in taken} == set(LEVELS)
    assert {len(taken) for taken in steps} == {1, 2, 3, 4}
    for taken in steps:
        places = [part[name] for name, _ in taken]
        assert places == sorted(set(places))


def test_steps_that_come_together_are_milder(scene):
    steps = [degrade(scene, seed)[1] for seed in range(200)]
    alone = [level for taken in steps if len(taken) == 1 for _, level in taken]
    many = [level for taken in steps if len(taken) > 2 for _, level in taken]
    assert np.mean(many) < np.mean(alone) - 0.5


def test_no_step_stretches_the_picture(scene):
    narrow = 110 + scene // 8  # codes 110 to 141
    mild = {"bladed_defocus", "hand_shake", "resizing", "chroma_subsampling"}
    made = [degrade(narrow, seed) for seed in range(60)]
    unstretched = [picture for picture, taken in made if {name for name, _ in taken} <= mild]
    assert len(unstretched) >= 5
    assert all(np.ptp(picture.astype(int)) < 50 for picture in unstretched)


@pytest.mark.parametrize("entry", CAMERA, ids=lambda entry: entry.name)
def test_no_step_is_a_distortion_of_kadid(scene, kadid_images, entry):
    for seed in range(4):
        mine = distort(scene, entry.id, 3, seed=seed, stretch=False).astype(int)
        assert min(np.abs(mine - other).mean() for other in kadid_images) > 0.5
        assert np.abs(mine - scene).mean() > 0.5
