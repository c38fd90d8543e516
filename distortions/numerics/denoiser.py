"""The grey-level denoiser of distortion 15: a small residual network whose weights ship with the package.

The published generator calls MATLAB's pretrained DnCNN, whose weights cannot be had. This network keeps what matters of
it (it predicts the noise, is told no noise level, sees one grey plane at a time and was trained for noise up to 55 of
255) and is otherwise its own design: most layers work on coarse copies of the plane, where they cost little.
``docs/denoiser.md`` is its model card, ``scripts/train_denoiser.py`` trains it.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import DistortionError

if TYPE_CHECKING:
    import torch

WEIGHTS_FILE = "denoiser.safetensors"
SMALLEST_SIDE = 8
WIDTHS = (32, 64, 128)  # channels at 1/2, 1/4 and 1/8 of the plane's sides
BLOCKS_DOWN = (1, 2, 2)  # residual blocks at each scale on the way to the coarsest
BLOCKS_UP = (1, 2)  # and on the way back, finest first
SHUFFLE = 2  # a plane enters as SHUFFLE**2 half-size planes and leaves the same way
SIDE_MULTIPLE = SHUFFLE * 2 ** (len(WIDTHS) - 1)
BORDER = 8  # mirrored pixels added to each side


def denoise_channels(noisy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Remove Gaussian noise from each channel on its own.

    The network was trained for noise of standard deviation up to 55 of 255 on inputs clipped to [0, 1]; stronger noise
    is removed in part. The same input gives the same bytes on every call, from any Python thread and whatever torch's
    thread count, for one torch version on one kind of processor.

    Args:
        noisy: H x W x C or H x W, values in [0, 1], each side at least 8.

    Returns:
        The estimate, same shape, not clipped: it may leave [0, 1] a little.

    Raises:
        DistortionError: If the array has another number of dimensions, no channel or too small a side.
    """
    if noisy.ndim not in (2, 3) or noisy.size == 0 or min(noisy.shape[:2]) < SMALLEST_SIDE:
        message = f"denoising needs H x W or H x W x C with sides of at least {SMALLEST_SIDE}, got shape {noisy.shape}"
        raise DistortionError(message)
    planes = noisy.reshape(*noisy.shape[:2], -1)
    clean = np.empty(planes.shape, np.float64)
    weights = _packaged_weights()
    with _one_torch_thread():
        for channel in range(planes.shape[2]):
            clean[..., channel] = denoise_plane(planes[..., channel], weights)
    return clean.reshape(noisy.shape)


def denoise_plane(plane: NDArray[np.float64], weights: Mapping[str, torch.Tensor]) -> NDArray[np.float32]:
    """Return one plane without its noise, by whatever weights; how far it is deterministic is the caller's affair.

    Args:
        plane: H x W, values in [0, 1].
        weights: Every tensor that ``weight_shapes`` names, float32.

    Returns:
        The estimate, H x W, float32, not clipped.
    """
    import torch

    height, width = plane.shape
    # The zeros around a convolution's input would leave up to 5 codes of error along a flat bright border.
    margins = [(BORDER, BORDER + -(side + 2 * BORDER) % SIDE_MULTIPLE) for side in plane.shape]
    padded = np.pad(plane, margins, mode="symmetric").astype(np.float32)
    with torch.inference_mode():
        planes = torch.from_numpy(padded)[None, None]
        clean: NDArray[np.float32] = (planes - predict_noise(planes, weights))[0, 0].numpy()
    return clean[BORDER : BORDER + height, BORDER : BORDER + width]


def predict_noise(planes: torch.Tensor, weights: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Run the network: what it takes for noise in each plane.

    Args:
        planes: N x 1 x H x W, values in [0, 1], H and W multiples of ``SIDE_MULTIPLE``.
        weights: Every tensor that ``weight_shapes`` names.

    Returns:
        N x 1 x H x W; the plane minus it is the estimate.

    Source: residual learning, Zhang et al., "Beyond a Gaussian Denoiser", 2017, eq. 1; the coarse-to-fine form with
        skips, Ronneberger et al., "U-Net", 2015, fig. 1.
    """
    from torch.nn import functional

    def convolve(name: str, features: torch.Tensor) -> torch.Tensor:
        return functional.conv2d(features, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1)

    def refine(stage: str, blocks: int, features: torch.Tensor) -> torch.Tensor:
        for block in range(blocks):
            inner = functional.relu(convolve(f"{stage}.{block}.first", features))
            features = features + convolve(f"{stage}.{block}.second", inner)
        return features

    entry = convolve("entry", functional.pixel_unshuffle(planes, SHUFFLE))
    features = refine("down0", BLOCKS_DOWN[0], entry)
    skips = [features]
    for scale in range(1, len(WIDTHS)):
        name = f"halve{scale}"
        features = functional.conv2d(features, weights[f"{name}.weight"], weights[f"{name}.bias"], stride=2)
        features = refine(f"down{scale}", BLOCKS_DOWN[scale], features)
        skips.append(features)
    for scale in reversed(range(1, len(WIDTHS))):
        name = f"double{scale}"
        finer = functional.conv_transpose2d(features, weights[f"{name}.weight"], weights[f"{name}.bias"], stride=2)
        features = refine(f"up{scale - 1}", BLOCKS_UP[scale - 1], finer + skips[scale - 1])
    return functional.pixel_shuffle(convolve("exit", features + entry), SHUFFLE)


def weight_shapes() -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every tensor of the network, in the order in which they are used."""
    shapes: dict[str, tuple[int, ...]] = {}

    def add(name: str, *weight: int, bias: int) -> None:
        shapes[f"{name}.weight"] = weight
        shapes[f"{name}.bias"] = (bias,)

    def add_blocks(stage: str, blocks: int, width: int) -> None:
        for block in range(blocks):
            for half in ("first", "second"):
                add(f"{stage}.{block}.{half}", width, width, 3, 3, bias=width)

    add("entry", WIDTHS[0], SHUFFLE**2, 3, 3, bias=WIDTHS[0])
    add_blocks("down0", BLOCKS_DOWN[0], WIDTHS[0])
    for scale in range(1, len(WIDTHS)):
        add(f"halve{scale}", WIDTHS[scale], WIDTHS[scale - 1], 2, 2, bias=WIDTHS[scale])
        add_blocks(f"down{scale}", BLOCKS_DOWN[scale], WIDTHS[scale])
    for scale in reversed(range(1, len(WIDTHS))):
        add(f"double{scale}", WIDTHS[scale], WIDTHS[scale - 1], 2, 2, bias=WIDTHS[scale - 1])
        add_blocks(f"up{scale - 1}", BLOCKS_UP[scale - 1], WIDTHS[scale - 1])
    add("exit", SHUFFLE**2, WIDTHS[0], 3, 3, bias=SHUFFLE**2)
    return shapes


@cache
def digest_weights() -> str:
    """Return the SHA-256 of the packaged weights' file, as hexadecimal digits; torch is not needed for it."""
    return hashlib.sha256(_packaged_bytes()).hexdigest()


_loading = threading.Lock()


def _packaged_weights() -> Mapping[str, torch.Tensor]:
    with _loading:  # `cache` alone would let two first callers both load
        return _load_packaged_weights()


@cache
def _load_packaged_weights() -> Mapping[str, torch.Tensor]:
    import torch
    from safetensors.numpy import load

    stored = load(_packaged_bytes())
    weights = {}
    for name, shape in weight_shapes().items():
        weight = torch.from_numpy(stored[name].astype(np.float32)).reshape(shape)
        # Channels last: a fifth to a quarter faster on the networks measured.
        weights[name] = weight.contiguous(memory_format=torch.channels_last) if len(shape) > 1 else weight
    return weights


def _packaged_bytes() -> bytes:
    return (files(__package__) / WEIGHTS_FILE).read_bytes()


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
