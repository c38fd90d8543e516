"""The names of EfficientNet-Lite0's weights: as `efficientnet-lite-pytorch` has them, and as timm has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

LITE0_ARCHITECTURE = "tf_efficientnet_lite0"
_STEM_AND_HEAD = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_FIRST_BLOCK = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_OTHER_BLOCKS = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
_BLOCKS_OF_STAGE = (1, 2, 2, 3, 3, 4, 1)  # Lite0 numbers its blocks through; timm counts within a stage.
_BLOCKS = [f"blocks.{stage}.{block}" for stage, count in enumerate(_BLOCKS_OF_STAGE) for block in range(count)]


def timm_names(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename the weights of Lite0 as timm has them; names that are no names of the package stay."""
    return {_timm_name(key): value for key, value in state.items()}


def _timm_name(key: str) -> str:
    inside = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", key)
    if inside is None:
        module, _, weight = key.rpartition(".")
        return f"{_STEM_AND_HEAD[module]}.{weight}" if module in _STEM_AND_HEAD else key
    number, module, weight = int(inside[1]), inside[2], inside[3]
    names = _OTHER_BLOCKS if number else _FIRST_BLOCK
    return f"{_BLOCKS[number]}.{names[module]}.{weight}" if number < len(_BLOCKS) and module in names else key
