"""Encoders that use torch: ResNet-50 and CLIP ViT-B/16, each with its own preprocessing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import CurateError, RowError
from ..manifest.provenance import digest_file
from .weights import load_into, load_state, published_clip, published_resnet50

if TYPE_CHECKING:
    import torch

CROP = 224
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


class Backbone:
    """A frozen network in eval mode on one device."""

    name: str
    dimensions: int
    weights_digest: str | None

    def __init__(self, network: torch.nn.Module, device: torch.device, weights_file: Path) -> None:
        """Take a network that has its weights."""
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


class ResNet50(Backbone):
    """ImageNet ResNet-50, 2048 pooled features of the central 224 x 224 pixels; nothing is resized.

    Source: SynDR-IQA, section 4.1 (content features of Algorithms 1 and 2).
    """

    name = "resnet50"
    dimensions = 2048

    def __init__(self, *, weights: Path | None, device: torch.device) -> None:
        """Build the network from the published IMAGENET1K_V1 weights, or from a checkpoint."""
        import torch
        from torchvision.models import resnet50

        file = weights or published_resnet50()
        state = {key: value for key, value in load_state(file).items() if not key.startswith("fc.")}
        network = resnet50(weights=None)
        network.fc = torch.nn.Identity()
        load_into(network, state, file, self.name)
        super().__init__(network, device, file)

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Cut the central 224 x 224 pixels and normalize as for ImageNet; float32 (3, 224, 224)."""
        height, width = image.shape[:2]
        if min(height, width) < CROP:
            raise RowError(f"{width}x{height} is smaller than the {CROP}x{CROP} crop of {self.name}")
        top, left = round((height - CROP) / 2.0), round((width - CROP) / 2.0)
        crop = image[top : top + CROP, left : left + CROP].astype(np.float32) / np.float32(255)
        return np.ascontiguousarray(((crop - _IMAGENET_MEAN) / _IMAGENET_STD).transpose(2, 0, 1))


class ClipViTB16(Backbone):
    """The image tower of OpenAI's CLIP ViT-B/16, 512 features, with CLIP's own resize and crop."""

    name = "clip-vit-b-16"
    dimensions = 512

    def __init__(self, *, weights: Path | None, device: torch.device) -> None:
        """Build the image tower from OpenAI's weights, or from a checkpoint in open_clip's layout."""
        import open_clip
        from open_clip.transform import PreprocessCfg, image_transform_v2

        file = weights or published_clip()
        # OpenAI trained with the quick approximation of GELU; the plain one gives other features.
        model = open_clip.create_model("ViT-B-16", pretrained=None, force_quick_gelu=True)
        prefix = "visual."
        state = {key[len(prefix) :]: v for key, v in load_state(file).items() if key.startswith(prefix)}
        load_into(model.visual, state, file, self.name)
        self._transform = image_transform_v2(PreprocessCfg(size=CROP), is_train=False)
        super().__init__(model.visual, device, file)

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Resize the shorter side to 224 (bicubic), cut the center, normalize; float32 (3, 224, 224)."""
        from PIL import Image

        prepared: NDArray[np.float32] = self._transform(Image.fromarray(image)).numpy()
        return prepared
