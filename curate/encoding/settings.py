"""Settings of `encode`, with their defaults.

The command line reads its defaults from here, so this module imports no numeric library.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from ..datasets.settings import IdStyle

EncoderName = Literal["resnet50", "clip-vit-b-16", "gist"]
ENCODERS: tuple[EncoderName, ...] = get_args(EncoderName)
DeviceName = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True)
class EncodeSettings:
    """Which encoder reads the images, and how.

    Attributes:
        encoder: Its public name.
        weights: A local checkpoint in place of the published one.
        device: Where it computes.
        batch_size: Images per call of the encoder.
        ids: How ids are made from file names.
    """

    encoder: EncoderName = "resnet50"
    weights: Path | None = None
    device: DeviceName = "auto"
    batch_size: int = 32
    ids: IdStyle = "stem"
