"""The networks that are fine-tuned, with ImageNet weights and a new last layer of one output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from syndr_curate import CurateError
from syndr_curate.curate.encoding.lite0_names import LITE0_ARCHITECTURE, timm_names
from syndr_curate.curate.encoding.weights import load_state, packaged_lite0
from torch import nn

Network = Literal["efficientnet-lite0", "resnet18"]
NETWORKS: tuple[Network, ...] = get_args(Network)
LITE0: Network = "efficientnet-lite0"
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Rater(nn.Module):
    """A body that gives features, and a layer from them to one score.

    Attributes:
        body: From pictures (B, 3, H, W) to features (B, D): what DRCDown compares.
        head: From features to one output.
        mean: Of the colors that the body reads, for values on [0, 1].
        std: Likewise.
    """

    def __init__(self, body: nn.Module, width: int, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        """Put a new head on a body whose features are `width` numbers."""
        super().__init__()
        body.eval()  # normalization keeps the statistics of the ImageNet weights, in training too
        self.body, self.head = body, nn.Linear(width, 1)
        self.mean, self.std = mean, std

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the score (B,) of pictures (B, 3, H, W)."""
        found: torch.Tensor = self.head(self.body(pictures)).squeeze(1)
        return found

    def as_input(self, images: NDArray[np.uint8], device: str) -> torch.Tensor:
        """Return pictures (B, H, W, 3) as the body reads them, (B, 3, H, W)."""
        mean, std = (torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (self.mean, self.std))
        pictures = torch.from_numpy(np.array(images)).to(device).permute(0, 3, 1, 2).float() / 255
        return (pictures - mean) / std


def make_network(name: Network, weights: Path | None) -> Rater:
    """Return a network with ImageNet weights.

    Args:
        name: Which.
        weights: File of ImageNet weights; None: those of the extra `offline`, which EfficientNet-Lite0 has.

    Raises:
        CurateError: There are no weights, or they do not fit.
    """
    require_weights(name, weights)
    if name == LITE0:
        return _lite0(weights or packaged_lite0())
    network = cast("nn.Module", timm.create_model(name, num_classes=0))
    _load(network, load_state(cast("Path", weights)), name, left_out="fc.")
    return Rater(network, 512, _IMAGENET_MEAN, _IMAGENET_STD)


def require_weights(name: Network, weights: Path | None) -> None:
    """Refuse, before hours of work, a network that has no weights.

    Raises:
        CurateError: It names the file to give.
    """
    if weights is not None and not weights.is_file():
        raise CurateError(f"--weights {weights}: there is no such file")
    if weights is None and name != LITE0:
        raise CurateError(f"--network {name} needs --weights FILE: its ImageNet weights, as torchvision saves them")


def batched(count: int, size: int) -> Iterator[slice]:
    """Give the slices of `count` rows, `size` at a time."""
    yield from (slice(start, min(start + size, count)) for start in range(0, count, size))


def _lite0(weights: Path) -> Rater:
    network = cast("nn.Module", timm.create_model(LITE0_ARCHITECTURE, num_classes=0))
    _load(network, timm_names(load_state(weights)), LITE0, left_out="classifier.")
    facts = cast("Mapping[str, Any]", network.pretrained_cfg)
    return Rater(network, cast("int", network.num_features), facts["mean"], facts["std"])


def _load(network: nn.Module, state: Mapping[str, torch.Tensor], name: str, *, left_out: str) -> None:
    body = {key: tensor for key, tensor in state.items() if not key.startswith(left_out)}
    try:
        network.load_state_dict(body)
    except RuntimeError as error:
        raise CurateError(f"the weights do not fit {name}: {' '.join(str(error).split())[:200]}") from error
