"""What is measured of a distorted picture: each number answers to one kind of difference."""

import numpy as np
import pytest
from syndr_curate.curate.demo.scenes import paint_scene
from syndr_curate.curate.labeling.calibrated.measures import MDSI, MEASURES, MeasuringReference
from syndr_curate.curate.rendering.mdsi import mdsi
from syndr_curate.distortions import distort, stretch_uint8


@pytest.fixture(scope="module")
def scene():
    return stretch_uint8(paint_scene("city", 0, side=96))


def measured(reference, distorted):
    return dict(zip(MEASURES, MeasuringReference(reference).measure(distorted).tolist(), strict=True))


def test_equal_pictures_differ_in_nothing(scene):
    found = measured(scene, scene)
    for name in ("error", "chroma_error"):
        assert found[name] == -1.0  # log10 of the floor, 0.1
    for name in ("contrast_change", "saturation_change", "mdsi"):
        assert found[name] == 0.0
    for name in ("gradient_similarity", "quarter_gradient_similarity", "structure_low", "quarter_structure"):
        assert found[name] == pytest.approx(1.0, abs=1e-4)


def test_a_uniform_shift_of_gray_is_error_and_nothing_else():
    gray = np.repeat(np.random.default_rng(0).integers(50, 150, (40, 40, 1), dtype=np.uint8), 3, axis=2)
    found = measured(gray, gray + np.uint8(10))
    assert found["error"] == pytest.approx(np.log10(100 + 0.1), abs=1e-3)
    assert found["chroma_error"] < 0  # the planes of MDSI are not quite blind to gray
    assert found["contrast_change"] == pytest.approx(0, abs=1e-4)
    assert found["gradient_similarity"] == pytest.approx(1, abs=1e-4)


def test_blur_loses_gradients_and_noise_gains_them(scene):
    blurred, noisy = (measured(scene, distort(scene, kind, 3, seed=1)) for kind in ("gaussian_blur", "white_noise"))
    assert blurred["gradient_loss"] > noisy["gradient_loss"]
    assert noisy["gradient_gain"] > blurred["gradient_gain"]


def test_more_saturation_and_less_contrast_have_their_signs(scene):
    center = scene.mean(axis=2, keepdims=True)
    vivid = np.clip(center + 1.5 * (scene - center), 0, 255).astype(np.uint8)
    assert measured(scene, vivid)["saturation_change"] > 0.1
    assert measured(scene, scene // 2)["contrast_change"] == pytest.approx(np.log(0.5), abs=0.05)


def test_one_of_them_is_the_score_that_proxy_labels_have(scene):
    distorted = distort(scene, "jpeg", 4)
    assert MeasuringReference(scene).measure(distorted)[MDSI] == mdsi(scene, distorted)


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 9, 3), (1200, 30, 3), (800, 820, 3)])
def test_any_size_gives_finite_numbers(shape):
    rng = np.random.default_rng(0)
    first, second = (rng.integers(0, 256, shape, dtype=np.uint8) for _ in range(2))
    assert np.isfinite(MeasuringReference(first).measure(second)).all()


def test_a_plain_picture_gives_finite_numbers():
    plain = np.full((20, 20, 3), 128, np.uint8)
    assert np.isfinite(MeasuringReference(plain).measure(plain)).all()


def test_another_shape_is_refused(scene):
    with pytest.raises(ValueError, match="the distorted image"):
        MeasuringReference(scene).measure(scene[1:])
