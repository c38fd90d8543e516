"""The denoiser of distortion 15: a small residual network, run on one color channel after another.

The published generator calls MATLAB's pretrained DnCNN, whose weights cannot be had. This network keeps what matters of
it (it predicts the noise, is told no noise level, sees one gray plane at a time and was trained for noise up to 55 of
255) and is otherwise its own design: most layers work on coarse copies of the plane, where they cost little.
``docs/denoiser.md`` is its model card, ``scripts/train_denoiser.py`` trains it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from ...errors import DistortionError
from .network import denoise_plane
from .weights import load_network

SMALLEST_SIDE = 8


def denoise_channels(noisy: NDArray[np.float64], digest: str | None = None) -> NDArray[np.float64]:
    """Remove Gaussian noise from each channel on its own.

    The network was trained for noise of standard deviation up to 55 of 255 on inputs clipped to [0, 1]; stronger noise
    is removed in part. The same input gives the same bytes on every call, from any Python thread and whatever torch's
    thread count, for one torch version on one kind of processor.

    Args:
        noisy: H x W x C or H x W, values in [0, 1], each side at least 8.
        digest: SHA-256 of the weights' file, one that ships with the package; None: the newest.

    Returns:
        The estimate, same shape, not clipped: it may leave [0, 1] a little.

    Raises:
        DistortionError: If the array has another number of dimensions, no channel or too small a side, or such weights
            are not installed.
    """
    if noisy.ndim not in (2, 3) or noisy.size == 0 or min(noisy.shape[:2]) < SMALLEST_SIDE:
        message = f"denoising needs H x W or H x W x C with sides of at least {SMALLEST_SIDE}, got shape {noisy.shape}"
        raise DistortionError(message)
    planes = noisy.reshape(*noisy.shape[:2], -1)
    clean = np.empty(planes.shape, np.float64)
    network = load_network(digest)
    with _one_torch_thread():
        for channel in range(planes.shape[2]):
            clean[..., channel] = denoise_plane(planes[..., channel], network.weights, network.form)
    return clean.reshape(noisy.shape)


class _CallerThreads:
    """Torch's thread count as it was before the first of the calls now running."""

    lock = threading.Lock()
    running = 0
    count = 1


@contextmanager
def _one_torch_thread() -> Iterator[None]:
    """Let torch use one thread, so that sums are taken in one order, and restore the caller's count.

    The count is partly global: of several Python threads here at once, only the first reads the caller's.
    """
    import torch

    with _CallerThreads.lock:
        if _CallerThreads.running == 0:
            _CallerThreads.count = torch.get_num_threads()
        _CallerThreads.running += 1
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _CallerThreads.lock:
            _CallerThreads.running -= 1
            torch.set_num_threads(_CallerThreads.count)
