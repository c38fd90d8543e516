"""A backbone with one linear head: with a ResNet-50, the published baseline of the synthetic-to-real experiments."""

from pathlib import Path

import torch
from backbones import cached_weights, load_weights, make_backbone
from torch import nn


class QualityModel(nn.Module):
    """A network up to its pooled features, and a linear layer from these to one score."""

    def __init__(self, backbone: str = "resnet50", size: int = 224) -> None:
        super().__init__()
        self.name = backbone
        self._parts = make_backbone(backbone, size)
        self.dimensions = self._parts.dimensions
        self.normalization = self._parts.normalization
        self.backbone = self._parts.network
        self.head = nn.Linear(self.dimensions, 1)
        nn.init.kaiming_normal_(self.head.weight, nonlinearity="relu")
        nn.init.zeros_(self.head.bias)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Return the pooled features (B, D) of normalized images (B, 3, H, W): what DRCDown compares."""
        return self.backbone(images)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the predicted quality (B,) of normalized images (B, 3, H, W)."""
        return self.head(self.backbone(images)).squeeze(1)

    def load_backbone(self, weights: Path | str) -> None:
        """Load the backbone's weights from a file, or with `cached` from the library's usual cache."""
        load_weights(self._parts, cached_weights(self.name) if weights == "cached" else Path(weights), self.name)


def make_optimizer(model: QualityModel, *, rate: float, head_factor: float, decay: float) -> torch.optim.Adam:
    """Adam with a larger learning rate for the head; the published run keeps both rates for all epochs."""
    groups = [
        {"params": list(model.backbone.parameters()), "lr": rate},
        {"params": list(model.head.parameters()), "lr": rate * head_factor},
    ]
    return torch.optim.Adam(groups, weight_decay=decay)
