"""Content encoders: a picture in, a feature vector out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import CurateError
from .settings import ENCODERS, DeviceName


class Encoder(Protocol):
    """What turns pictures into content features.

    Attributes:
        name: Its public name.
        dimensions: Length D of a feature vector.
        weights_digest: SHA-256 of the weights file; None for an encoder without weights.
    """

    name: str
    dimensions: int
    weights_digest: str | None

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Preprocess one uint8 (H, W, 3) RGB picture; safe to call from several threads.

        Raises:
            RowError: The picture cannot be encoded; the message says why.
        """

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Encode B preprocessed pictures; float32 (B, D)."""


def make_encoder(name: str, *, weights: Path | None = None, device: DeviceName = "auto") -> Encoder:
    """Build an encoder by its public name.

    Args:
        name: `resnet50` (ImageNet, the paper's), `clip-vit-b-16` (OpenAI's weights) or `gist` (no weights).
        weights: A local checkpoint in place of the published one, with the preprocessing of the named encoder.
        device: `auto` takes a CUDA device where there is one.

    Raises:
        CurateError: No such encoder, or its weights cannot be had.
    """
    if name not in ENCODERS:
        raise CurateError(f"no encoder {name!r}; there are {', '.join(ENCODERS)}")
    if name == "gist":
        if weights is not None:
            raise CurateError("the encoder gist has no weights: leave --weights away")
        if device == "cuda":
            raise CurateError("the encoder gist runs on the processor: leave --device away")
        return _Gist()
    from . import torch_encoders as backbones

    build = backbones.ResNet50 if name == "resnet50" else backbones.ClipViTB16
    return build(weights=weights, device=backbones.pick_device(device))


class _Gist:
    name = "gist"
    weights_digest: str | None = None

    def __init__(self) -> None:
        from .gist import GIST_DIMENSIONS

        self.dimensions = GIST_DIMENSIONS

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        from .gist import gist_features

        return gist_features(image)

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.stack(prepared)
