"""The student: a backbone, a head for soft labels of distortions, and a projection to the teacher's features."""

import torch
from syndr_curate import CurateError
from torch import nn
from torchvision import models

BACKBONES = ("resnet50", "resnet18", "mobilenet_v3_small")
MEAN, STD = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))


class Backbone(nn.Module):
    """A network of torchvision up to its pooled features (B, D) of images (B, 3, H, W) on [0, 1]."""

    def __init__(self, name: str) -> None:
        super().__init__()
        network = getattr(models, name)(weights=None)
        if name.startswith("resnet"):
            self.dimensions = network.fc.in_features
            network.fc = nn.Identity()
        else:
            self.dimensions = network.classifier[0].in_features
            network.classifier = nn.Identity()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network((images - MEAN.to(images)) / STD.to(images))

    def load(self, file: str) -> None:
        """Load a local ImageNet checkpoint (.pth); its classifier is left out."""
        state = torch.load(file, map_location="cpu", weights_only=True)
        kept = {name: value for name, value in state.items() if not name.startswith(("fc.", "classifier."))}
        try:
            self.network.load_state_dict(kept)
        except RuntimeError as error:
            raise CurateError(f"{file} does not fit the backbone: {' '.join(str(error).split())[:200]}") from error


class Student(nn.Module):
    """What is pre-trained; the probe keeps the backbone alone."""

    def __init__(self, backbone: str, *, classes: int, teacher_dimensions: int) -> None:
        super().__init__()
        self.backbone = Backbone(backbone)
        self.classifier = nn.Linear(self.backbone.dimensions, classes)
        self.projection = nn.Linear(self.backbone.dimensions, teacher_dimensions)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits (B, K) of the distortions and features (B, T) in the teacher's space."""
        features = self.backbone(images)
        return self.classifier(features), self.projection(features)


def new_teacher(name: str, weights: str) -> Backbone:
    """Return a frozen backbone; `weights` is a checkpoint, or `none` for random ones."""
    teacher = Backbone(name)
    if weights != "none":
        teacher.load(weights)
    return teacher.eval().requires_grad_(False)
