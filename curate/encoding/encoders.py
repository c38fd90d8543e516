"""Content encoders: a picture in, a feature vector out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import CurateError
from ..whole_numbers import whole_numbers
from .settings import ENCODERS, POOLS, TIMM_PREFIX, DeviceName, PoolName


class Encoder(Protocol):
    """Turns pictures into content features.

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


def make_encoder(
    name: str,
    *,
    weights: Path | None = None,
    device: DeviceName = "auto",
    pool: Sequence[str] | None = None,
    layers: Sequence[int] | None = None,
) -> Encoder:
    """Build an encoder by its public name.

    Args:
        name: `resnet50` (ImageNet, the paper's), `clip-vit-b-16` (OpenAI's weights), `efficientnet-lite0` (ImageNet,
            weights from the extra `offline`), `gist` (no weights), or `timm:` and the name of a model of timm.
        weights: A local checkpoint in place of the published one, with the preprocessing of the named encoder.
        device: `auto` takes a CUDA device where there is one.
        pool: For features of quality rather than content: `mean`, `std` or both, of each channel of several stages of
            the network, over the whole picture at its own size; None: content features. Of `efficientnet-lite0` and of
            convolutional models of timm.
        layers: Stages that are pooled, 1 (the finest) and up; None: all. Only with `pool`.

    Raises:
        CurateError: No such encoder, pool or stage, or its weights cannot be had.
    """
    of_timm = name.startswith(TIMM_PREFIX)
    if name not in ENCODERS and not of_timm:
        raise CurateError(
            f"no encoder {name!r}; there are {', '.join(ENCODERS)} and {TIMM_PREFIX}NAME, for example "
            f"{TIMM_PREFIX}vgg16"
        )
    pools, stages = check_pooling(pool, layers)
    if pools is not None and not of_timm and name != "efficientnet-lite0":
        raise CurateError(f"--pool is of efficientnet-lite0 and {TIMM_PREFIX}NAME; {name} gives content features alone")
    if name == "gist":
        if weights is not None:
            raise CurateError("the encoder gist has no weights: leave out --weights")
        if device == "cuda":
            raise CurateError("the encoder gist runs on the processor: leave out --device")
        return _Gist()
    from . import timm_encoders, torch_encoders

    place = torch_encoders.pick_device(device)
    if of_timm:
        return timm_encoders.timm_encoder(name, weights=weights, device=place, pool=pools, layers=stages)
    if name == "efficientnet-lite0":
        return timm_encoders.efficientnet_lite0(weights=weights, device=place, pool=pools, layers=stages)
    build = torch_encoders.ResNet50 if name == "resnet50" else torch_encoders.ClipViTB16
    return build(weights=weights, device=place)


def check_pooling(
    pool: Sequence[str] | None, layers: Sequence[int] | None
) -> tuple[tuple[PoolName, ...] | None, tuple[int, ...] | None]:
    """Return what is pooled and the stages, each once and in order.

    Raises:
        CurateError: An unknown pool, a stage below 1, nothing pooled, no stage at all, or stages without a pool.
    """
    if pool is None:
        if layers is not None:
            raise CurateError(f"--layers has no effect without --pool: add --pool {','.join(POOLS)}, or leave it out")
        return None, None
    unknown = [pool] if isinstance(pool, str) else [name for name in pool if name not in POOLS]
    if unknown or not pool:
        given = repr(unknown[0]) if unknown else "is empty"
        raise CurateError(f"--pool {given}: expected {' or '.join(POOLS)}, or both ({','.join(POOLS)})")
    stages = None if layers is None else tuple(sorted(set(whole_numbers("layers", layers, least=1))))
    if stages == ():
        raise CurateError("--layers is empty: expected whole numbers from 1, or leave it out for all stages")
    return tuple(name for name in POOLS if name in pool), stages


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
