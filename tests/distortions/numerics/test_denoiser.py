import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from PIL import Image
from syndr_curate.distortions.errors import DistortionError
from syndr_curate.distortions.numerics.denoising.denoise import denoise_channels

LEVEL_1_VARIANCE = 0.01


@pytest.fixture
def kodak(reference_data):
    return sorted((reference_data / "images" / "kodak").glob("*.png"))


def smooth_picture(height, width, channels=3):
    rows, columns = np.mgrid[:height, :width] / max(height, width)
    return np.stack([0.5 + 0.4 * np.sin(5 * rows + 3 * columns + c) for c in range(channels)], axis=-1)


def with_noise(picture, variance=LEVEL_1_VARIANCE, seed=7):
    draws = np.random.default_rng(seed).standard_normal(picture.shape)
    return np.clip(picture + np.sqrt(variance) * draws, 0, 1)


def psnr(estimate, truth):
    return -10 * np.log10(np.mean((estimate - truth) ** 2))


def photograph(path):
    return np.asarray(Image.open(path).convert("RGB"), np.float64) / 255


@pytest.mark.parametrize("shape", [(8, 8, 3), (9, 8, 3), (97, 131, 3), (33, 64, 1), (21, 17), (8, 200, 4)])
def test_any_size_from_8_up_keeps_its_shape(shape):
    clean = denoise_channels(with_noise(np.full(shape, 0.5)))
    assert clean.shape == shape
    assert clean.dtype == np.float64
    assert np.isfinite(clean).all()


@pytest.mark.parametrize("shape", [(7, 8, 3), (8, 7), (64,), (2, 16, 16, 3), (16, 16, 0)])
def test_other_shapes_are_refused_with_the_shape_in_the_message(shape):
    with pytest.raises(DistortionError, match=str(shape).replace("(", r"\(").replace(")", r"\)")):
        denoise_channels(np.zeros(shape))


def test_the_input_stays_as_it_is_and_may_be_a_view_with_gaps():
    noisy = with_noise(smooth_picture(40, 60))
    before = noisy.copy()
    gaps = noisy[::2, ::-2]
    assert np.array_equal(denoise_channels(gaps), denoise_channels(gaps.copy()))
    assert np.array_equal(noisy, before)


def test_each_channel_is_denoised_on_its_own():
    noisy = with_noise(smooth_picture(48, 40))
    together = denoise_channels(noisy)
    for channel in range(3):
        assert np.array_equal(together[..., channel], denoise_channels(noisy[..., channel]))


def test_smooth_picture_gains_at_least_10_db():
    clean = smooth_picture(96, 128)
    noisy = with_noise(clean)
    assert psnr(denoise_channels(noisy), clean) > psnr(noisy, clean) + 10


@pytest.mark.parametrize("value", [0.02, 0.2, 0.5, 0.8, 1.0])
def test_constant_picture_stays_within_4_codes(value):
    assert np.abs(denoise_channels(np.full((40, 56), value)) - value).max() < 4 / 255


@pytest.mark.parametrize("value", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_noise_on_a_constant_picture_is_flattened_and_its_level_kept(value):
    clean = denoise_channels(with_noise(np.full((96, 96), value)))
    assert abs(clean.mean() - value) < 4 / 255
    assert clean.std() < 4 / 255


def test_torch_thread_count_changes_no_byte_and_is_restored():
    import torch

    noisy = with_noise(smooth_picture(97, 131))
    before = torch.get_num_threads()
    outputs = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            outputs.append(denoise_channels(noisy).tobytes())
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert len(set(outputs)) == 1


def test_another_process_with_another_thread_count_gives_the_same_bytes():
    script = (
        "import hashlib, numpy as np\n"
        "from syndr_curate.distortions.numerics.denoising.denoise import denoise_channels\n"
        "noisy = np.random.default_rng(3).random((50, 70, 3))\n"
        "print(hashlib.sha256(denoise_channels(noisy).tobytes()).hexdigest())\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "OMP_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "4")
    }
    assert len(digests) == 1


def test_python_threads_at_once_give_the_bytes_of_one():
    import torch

    before = torch.get_num_threads()
    pictures = [with_noise(smooth_picture(64 + 8 * i, 80), seed=i) for i in range(4)]
    expected = [denoise_channels(picture).tobytes() for picture in pictures]
    found = [b""] * len(pictures)

    def work(i):
        for _ in range(3):
            found[i] = denoise_channels(pictures[i]).tobytes()

    workers = [threading.Thread(target=work, args=(i,)) for i in range(len(pictures))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == expected
    assert torch.get_num_threads() == before


def test_importing_the_module_does_not_import_torch():
    script = "import sys, syndr_curate.distortions.numerics.denoising.denoise; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_noisy_photograph_gains_at_least_7_db(kodak):
    clean = photograph(kodak[2])[100:292, 200:456]
    noisy = with_noise(clean)
    assert psnr(denoise_channels(noisy), clean) > psnr(noisy, clean) + 7


@pytest.mark.slow
def test_kodak_mean_at_level_1_is_at_least_29_5_db(kodak):
    assert len(kodak) == 24
    figures = []
    for seed, path in enumerate(kodak):
        clean = photograph(path)
        figures.append(psnr(denoise_channels(with_noise(clean, seed=seed)), clean))
    assert np.mean(figures) >= 29.5
