"""Photographs painted on the spot and networks with random weights: what a measurement of speed needs."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file
from syndr_curate.curate.demo.scenes import SCENE_KINDS, paint_scene

_JPEG_QUALITY = 90
_PAINTED = 8  # pictures that differ; more are copies of them under other names


def paint_photographs(folder: Path, count: int, *, side: int, suffix: str = ".png") -> list[Path]:
    """Write painted scenes as image files.

    Args:
        folder: Where they go; it is made. Its name begins theirs.
        count: How many files. All but the first eight are copies under other names.
        side: Height and width in pixels.
        suffix: `.png`, or `.jpg` as photographs come.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{folder.name}{number:05d}{suffix}" for number in range(count)]
    for number, file in enumerate(files):
        if number < _PAINTED:
            scene = paint_scene(SCENE_KINDS[number % len(SCENE_KINDS)], number, side=side)
            Image.fromarray(scene).save(file, quality=_JPEG_QUALITY)
        else:
            file.write_bytes(files[number % _PAINTED].read_bytes())
    return files


def random_resnet50(folder: Path) -> Path:
    """Write a ResNet-50 with random weights, as torchvision saves one."""
    from torchvision.models import resnet50

    torch.manual_seed(0)
    return _saved(resnet50(weights=None), folder / "resnet50.safetensors")


def random_clip(folder: Path) -> Path:
    """Write the image tower of a CLIP ViT-B/16 with random weights, as open_clip saves one."""
    import open_clip

    torch.manual_seed(0)
    model = open_clip.create_model("ViT-B-16", pretrained=None, force_quick_gelu=True)
    return _saved(model.visual, folder / "clip.safetensors", prefix="visual.")


def random_resnet18(folder: Path) -> Path:
    """Write a ResNet-18 with random weights, as torchvision saves one."""
    from torchvision.models import resnet18

    torch.manual_seed(0)
    return _saved(resnet18(weights=None), folder / "resnet18.safetensors")


def _saved(network: torch.nn.Module, file: Path, prefix: str = "") -> Path:
    save_file({f"{prefix}{name}": tensor.contiguous() for name, tensor in network.state_dict().items()}, file)
    return file
