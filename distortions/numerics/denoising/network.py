"""The network that takes noise out of one plane of gray levels: its form, and one pass through it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

SHUFFLE = 2  # a plane enters as SHUFFLE**2 half-size planes and leaves the same way
BORDER = 8  # mirrored pixels added to each side


@dataclass(frozen=True)
class NetworkForm:
    """How large a network is at each scale; the finest has 1/2 of the plane's sides, each further one half of these.

    Attributes:
        widths: Channels at each scale, finest first.
        blocks_down: Residual blocks at each scale on the way to the coarsest.
        blocks_up: Residual blocks at each scale but the coarsest on the way back, finest first.
    """

    widths: tuple[int, ...]
    blocks_down: tuple[int, ...]
    blocks_up: tuple[int, ...]

    @property
    def side_multiple(self) -> int:
        """What the sides of a plane must be multiples of."""
        return SHUFFLE << (len(self.widths) - 1)


def predict_noise(planes: torch.Tensor, weights: Mapping[str, torch.Tensor], form: NetworkForm) -> torch.Tensor:
    """Run a network: what it takes for noise in each plane.

    Args:
        planes: N x 1 x H x W, values in [0, 1], H and W multiples of the form's ``side_multiple``.
        weights: Every tensor that the form's ``weight_shapes`` names.
        form: Of the network.

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
    features = refine("down0", form.blocks_down[0], entry)
    skips = [features]
    for scale in range(1, len(form.widths)):
        name = f"halve{scale}"
        features = functional.conv2d(features, weights[f"{name}.weight"], weights[f"{name}.bias"], stride=2)
        features = refine(f"down{scale}", form.blocks_down[scale], features)
        skips.append(features)
    for scale in reversed(range(1, len(form.widths))):
        name = f"double{scale}"
        finer = functional.conv_transpose2d(features, weights[f"{name}.weight"], weights[f"{name}.bias"], stride=2)
        features = refine(f"up{scale - 1}", form.blocks_up[scale - 1], finer + skips[scale - 1])
    return functional.pixel_shuffle(convolve("exit", features + entry), SHUFFLE)


def denoise_plane(
    plane: NDArray[np.float64], weights: Mapping[str, torch.Tensor], form: NetworkForm
) -> NDArray[np.float32]:
    """Return one plane without its noise. Whether the result is deterministic depends on the caller's threads.

    Args:
        plane: H x W, values in [0, 1].
        weights: Every tensor that the form's ``weight_shapes`` names, float32.
        form: Of the network.

    Returns:
        The estimate, H x W, float32, not clipped.
    """
    import torch

    height, width = plane.shape
    # The zeros around a convolution's input would leave up to 5 codes of error along a flat bright border.
    margins = [(BORDER, BORDER + -(side + 2 * BORDER) % form.side_multiple) for side in plane.shape]
    padded = np.pad(plane, margins, mode="symmetric").astype(np.float32)
    with torch.inference_mode():
        planes = torch.from_numpy(padded)[None, None]
        clean: NDArray[np.float32] = (planes - predict_noise(planes, weights, form))[0, 0].numpy()
    return clean[BORDER : BORDER + height, BORDER : BORDER + width]


def weight_shapes(form: NetworkForm) -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every tensor of a network, in the order in which they are used."""
    shapes: dict[str, tuple[int, ...]] = {}

    def add(name: str, *weight: int, bias: int) -> None:
        shapes[f"{name}.weight"] = weight
        shapes[f"{name}.bias"] = (bias,)

    def add_blocks(stage: str, blocks: int, width: int) -> None:
        for block in range(blocks):
            for half in ("first", "second"):
                add(f"{stage}.{block}.{half}", width, width, 3, 3, bias=width)

    widths = form.widths
    add("entry", widths[0], SHUFFLE**2, 3, 3, bias=widths[0])
    add_blocks("down0", form.blocks_down[0], widths[0])
    for scale in range(1, len(widths)):
        add(f"halve{scale}", widths[scale], widths[scale - 1], 2, 2, bias=widths[scale])
        add_blocks(f"down{scale}", form.blocks_down[scale], widths[scale])
    for scale in reversed(range(1, len(widths))):
        add(f"double{scale}", widths[scale], widths[scale - 1], 2, 2, bias=widths[scale - 1])
        add_blocks(f"up{scale - 1}", form.blocks_up[scale - 1], widths[scale - 1])
    add("exit", SHUFFLE**2, widths[0], 3, 3, bias=SHUFFLE**2)
    return shapes


def multiply_adds(form: NetworkForm) -> float:
    """Return the multiplications, each with an addition, that a network does per pixel of a plane."""
    products = {name: math.prod(shape) for name, shape in weight_shapes(form).items() if len(shape) > 1}
    return sum(product / _pixels_per_position(name) for name, product in products.items())


def _pixels_per_position(name: str) -> int:
    """Return how many pixels of the plane share one use of a layer's weights: at its coarser side."""
    stage = name.split(".", maxsplit=1)[0]
    scale = int(stage[-1]) if stage[-1].isdigit() else 0
    side = SHUFFLE << scale
    return side * side
