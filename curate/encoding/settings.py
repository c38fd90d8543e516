"""Settings of `encode`, with their defaults.

The command line reads its defaults from here, so this module imports no numeric library.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from ..datasets.settings import IdStyle

EncoderName = Literal["resnet50", "clip-vit-b-16", "efficientnet-lite0", "gist"]
ENCODERS: tuple[EncoderName, ...] = get_args(EncoderName)
TIMM_PREFIX = "timm:"
DeviceName = Literal["auto", "cpu", "cuda"]
PoolName = Literal["mean", "std"]
POOLS: tuple[PoolName, ...] = get_args(PoolName)


@dataclass(frozen=True)
class EncodeSettings:
    """Which encoder reads the images, and how.

    Attributes:
        encoder: One of `ENCODERS`, or `timm:` and the name of a model of timm.
        weights: A local checkpoint in place of the published one.
        pool: What is taken of each channel, for features of quality; None: the encoder's content features.
        layers: Stages that are pooled, 1 (the finest) and up; None: all.
        device: Where it computes.
        batch_size: Images per call of the encoder.
        ids: How ids are made from file names.
    """

    encoder: str = "resnet50"
    weights: Path | None = None
    pool: tuple[PoolName, ...] | None = None
    layers: tuple[int, ...] | None = None
    device: DeviceName = "auto"
    batch_size: int = 32
    ids: IdStyle = "stem"
