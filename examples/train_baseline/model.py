"""ResNet with one linear head: the published baseline of the synthetic-to-real experiments."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from syndr_curate import CurateError
from torch import nn
from torchvision import models

BACKBONES = ("resnet50", "resnet18")


class QualityModel(nn.Module):
    """A ResNet up to its global pooling, and a linear layer from its features to one score."""

    def __init__(self, backbone: str = "resnet50") -> None:
        super().__init__()
        network = getattr(models, backbone)(weights=None)
        self.dimensions = network.fc.in_features
        network.fc = nn.Identity()
        self.backbone = network
        self.head = nn.Linear(self.dimensions, 1)
        nn.init.kaiming_normal_(self.head.weight, nonlinearity="relu")
        nn.init.zeros_(self.head.bias)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Return the pooled features (B, D) of normalised images (B, 3, H, W): what DRCDown compares."""
        return self.backbone(images)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the predicted quality (B,) of normalised images (B, 3, H, W)."""
        return self.head(self.backbone(images)).squeeze(1)

    def load_backbone(self, file: Path) -> None:
        """Load a local ImageNet checkpoint (.pth or .safetensors); its classifier is left out."""
        if not file.is_file():
            raise CurateError(f"no weights at {file} (--weights none starts from random ones)")
        load = load_file if file.suffix == ".safetensors" else lambda f: torch.load(f, "cpu", weights_only=True)
        state = {name: tensor for name, tensor in load(file).items() if not name.startswith("fc.")}
        try:
            self.backbone.load_state_dict(state, strict=True)
        except RuntimeError as error:
            raise CurateError(f"{file} does not fit the backbone: {' '.join(str(error).split())[:200]}") from error


def make_optimizer(model: QualityModel, *, rate: float, head_factor: float, decay: float) -> torch.optim.Adam:
    """Adam with a larger learning rate for the head; the published run keeps both rates for all epochs."""
    groups = [
        {"params": list(model.backbone.parameters()), "lr": rate},
        {"params": list(model.head.parameters()), "lr": rate * head_factor},
    ]
    return torch.optim.Adam(groups, weight_decay=decay)
