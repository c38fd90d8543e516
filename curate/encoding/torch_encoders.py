"""Encoders that stand on torch: ResNet-50 and CLIP ViT-B/16, each with its own preprocessing."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CurateError, RowError
from ..manifest.provenance import digest_file
from ..storage.paths.regular_files import refuse_special

if TYPE_CHECKING:
    import torch

CROP = 224
_CLIP_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_HUB_PATIENCE = 10.0  # seconds
_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_IMAGENET_STD = np.array([0.229, 0.224, 0.225], np.float32)


def pick_device(name: str) -> torch.device:
    """Return the torch device meant by `auto`, `cpu` or `cuda`.

    Raises:
        CurateError: CUDA is asked for and not there.
    """
    import torch

    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise CurateError("--device cuda: no CUDA device is available to torch; use --device cpu")
    return torch.device("cuda" if available and name != "cpu" else "cpu")


class _Backbone:
    """A frozen network in eval mode on one device."""

    name: str
    dimensions: int
    weights_digest: str | None

    def __init__(self, network: torch.nn.Module, device: torch.device, weights_file: Path) -> None:
        import torch

        # TF32 would round features to 10 bits on recent devices.
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        self._network = network.eval().to(device)
        self._device = device
        self.weights_digest = digest_file(weights_file)

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Encode preprocessed pictures; float32 (B, D)."""
        import torch

        with torch.inference_mode():
            batch = torch.from_numpy(np.stack(prepared)).to(self._device)
            features: NDArray[np.float32] = self._network(batch).float().cpu().numpy()
        return features


class ResNet50(_Backbone):
    """ImageNet ResNet-50, 2048 pooled features of the central 224 x 224 pixels; nothing is resized.

    Source: SynDR-IQA, section 4.1 (content features of Algorithms 1 and 2).
    """

    name = "resnet50"
    dimensions = 2048

    def __init__(self, *, weights: Path | None, device: torch.device) -> None:
        """Build the network from the published IMAGENET1K_V1 weights, or from a checkpoint."""
        import torch
        from torchvision.models import resnet50

        file = weights or _published_resnet50()
        state = {key: value for key, value in _load_state(file).items() if not key.startswith("fc.")}
        network = resnet50(weights=None)
        network.fc = torch.nn.Identity()
        _load_into(network, state, file, self.name)
        super().__init__(network, device, file)

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Cut the central 224 x 224 pixels and normalise as for ImageNet; float32 (3, 224, 224)."""
        height, width = image.shape[:2]
        if min(height, width) < CROP:
            raise RowError(f"{width}x{height} is smaller than the {CROP}x{CROP} crop of {self.name}")
        top, left = round((height - CROP) / 2.0), round((width - CROP) / 2.0)
        crop = image[top : top + CROP, left : left + CROP].astype(np.float32) / np.float32(255)
        return np.ascontiguousarray(((crop - _IMAGENET_MEAN) / _IMAGENET_STD).transpose(2, 0, 1))


class ClipViTB16(_Backbone):
    """The image tower of OpenAI's CLIP ViT-B/16, 512 features, with CLIP's own resize and crop."""

    name = "clip-vit-b-16"
    dimensions = 512

    def __init__(self, *, weights: Path | None, device: torch.device) -> None:
        """Build the image tower from OpenAI's weights, or from a checkpoint in open_clip's layout."""
        import open_clip
        from open_clip.transform import PreprocessCfg, image_transform_v2

        file = weights or _published_clip()
        # OpenAI trained with the quick approximation of GELU; the plain one gives other features.
        model = open_clip.create_model("ViT-B-16", pretrained=None, force_quick_gelu=True)
        prefix = "visual."
        state = {key[len(prefix) :]: v for key, v in _load_state(file).items() if key.startswith(prefix)}
        _load_into(model.visual, state, file, self.name)
        self._transform = image_transform_v2(PreprocessCfg(size=CROP), is_train=False)
        super().__init__(model.visual, device, file)

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Resize the shorter side to 224 (bicubic), cut the centre, normalise; float32 (3, 224, 224)."""
        from PIL import Image

        prepared: NDArray[np.float32] = self._transform(Image.fromarray(image)).numpy()
        return prepared


def _published_resnet50() -> Path:
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


def _published_clip() -> Path:
    from huggingface_hub import HfApi, try_to_load_from_cache
    from open_clip.pretrained import download_pretrained, get_pretrained_cfg

    config = get_pretrained_cfg("ViT-B-16", "openai")
    repository = str(config.get("hf_hub", "")).rstrip("/")
    try:
        if repository:
            for name in _CLIP_FILES:
                cached = try_to_load_from_cache(repository, name)
                if isinstance(cached, str):
                    return Path(cached)
            # The download itself would try again and again for most of a minute before it gives up.
            HfApi().model_info(repository, timeout=_HUB_PATIENCE)
        return Path(download_pretrained(config))
    except Exception as error:  # the hub client raises a family of its own, besides OSError and RuntimeError
        where = f"the model hub's cache ({repository}, {_CLIP_FILES[0]})"
        raise CurateError(_no_weights("clip-vit-b-16", where, "open_clip's 'openai' ViT-B-16")) from error


def _no_weights(name: str, where: str, what: str) -> str:
    return (
        f"the weights of {name} ({what}) are not at {where} and could not be downloaded: run once with a network, or "
        "pass the file with --weights FILE (--encoder gist needs none)"
    )


def _load_state(file: Path) -> dict[str, torch.Tensor]:
    import torch

    refuse_special(file)
    if not file.is_file():
        raise CurateError(f"no weights at {file}")
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            state: Any = load_file(file)
        else:
            state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle, zip and safetensors errors share no base class
        reason = " ".join(str(error).split())[:200]
        raise CurateError(f"{file} cannot be loaded as plain weights (.pth or .safetensors): {reason}") from error
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    named = isinstance(state, Mapping) and all(isinstance(key, str) for key in state)
    if not named or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise CurateError(f"{file} does not hold a state dict of tensors")
    return {key.removeprefix("module."): value for key, value in state.items()}


def _load_into(network: torch.nn.Module, state: Mapping[str, torch.Tensor], file: Path, name: str) -> None:
    try:
        network.load_state_dict(dict(state), strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise CurateError(f"{file} does not fit {name}: {reason}") from error
