"""The targets' degradations: the same every time, on their own account, and not the catalog's."""

import numpy as np
import pytest
from syndr_curate.curate.rendering.render import render
from syndr_curate.distortions import CATALOG, LEVELS

from benchmarks.syn2real import degradations
from benchmarks.syn2real.degradations import EFFECTS, degrade, demosaic, to_linear, to_srgb


@pytest.fixture(scope="module")
def scene(photograph):
    return photograph(5, 64, 80)


@pytest.fixture(scope="module")
def catalog_images(scene):
    return [render(scene, entry.id, level, 7).astype(int) for entry in CATALOG for level in LEVELS]


def rng(seed):
    return np.random.Generator(np.random.PCG64(seed))


def test_a_seed_fixes_the_picture_and_its_effects(scene):
    for seed in range(5):
        first, second = degrade(scene, seed), degrade(scene.copy(), seed)
        assert first[0].tobytes() == second[0].tobytes()
        assert first[1] == second[1]
    assert len({degrade(scene, seed)[0].tobytes() for seed in range(20)}) == 20


def test_effects_come_alone_and_together_in_the_order_of_a_camera(scene):
    order = [name for name, _ in EFFECTS]
    chosen = [degrade(scene, seed)[1] for seed in range(200)]
    assert {name for names in chosen for name in names} == set(order)
    assert {len(names) for names in chosen} == {1, 2, 3, 4}
    assert all(list(names) == sorted(names, key=order.index) for names in chosen)


@pytest.mark.parametrize(("name", "effect"), EFFECTS)
def test_no_effect_is_a_distortion_of_the_catalog(scene, catalog_images, name, effect):
    for seed in range(4):
        picture = effect(scene / 255.0, rng(seed), 0.6)
        mine = np.round(np.clip(picture, 0, 1) * 255).astype(int)
        nearest = min(np.abs(mine - other).mean() for other in catalog_images)
        assert nearest > 0.5, name
        assert np.abs(mine - scene).mean() > 0.5


@pytest.mark.parametrize(("name", "effect"), EFFECTS)
def test_an_effect_is_worse_the_stronger_it_is(scene, name, effect):
    def distance(strength):
        return np.mean([np.abs(effect(scene / 255.0, rng(seed), strength) - scene / 255.0).mean() for seed in range(8)])

    assert distance(0.1) < distance(0.9), name


def test_linear_light_goes_there_and_back():
    codes = np.arange(256) / 255
    assert to_srgb(to_linear(codes)) == pytest.approx(codes, abs=1e-12)
    assert to_linear(np.array([0.5])) == pytest.approx([0.2140], abs=1e-4)


def test_demosaicing_keeps_what_was_measured_and_fills_a_plain_colour_exactly():
    plain = np.broadcast_to([0.2, 0.5, 0.8], (6, 8, 3))
    mosaic = (plain * degradations._bayer(6, 8)).sum(-1)
    assert demosaic(mosaic) == pytest.approx(plain)
    mosaic[2, 4] = 1.0  # a red site: even row, even column
    assert demosaic(mosaic)[2, 4, 0] == 1.0
    assert demosaic(mosaic)[2, 5, 0] == pytest.approx((1.0 + 0.2) / 2)


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_kernels_pass_all_light_and_are_neither_discs_nor_lines(strength):
    for seed in range(6):
        for make in (degradations._aperture, degradations._hand):
            kernel = make(rng(seed), strength)
            assert kernel.sum() == pytest.approx(1.0)
            assert kernel.min() >= 0
    path = degradations._hand(rng(2), 1.0)
    places = np.argwhere(path > 0) - np.array(path.shape) // 2
    weights = path[path > 0]
    spread = np.linalg.eigvalsh(np.cov(places.T, aweights=weights))
    assert spread[0] > 0.1  # a straight stroke has its own thickness alone, 1/12 and some interpolation
