"""The student: a backbone, a head for soft labels of distortions, and a projection to the teacher's features."""

import pickle
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from syndr_curate import CurateError
from torch import nn
from torch.nn import functional
from torchvision import models

BACKBONES = ("resnet50", "resnet18", "mobilenet_v3_small")
CLIP, CLIP_SIDE = "clip-vit-b-16", 224
TEACHERS = (*BACKBONES, CLIP)
MEAN, STD = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
CLIP_MEAN = torch.tensor((0.48145466, 0.4578275, 0.40821073)).view(1, 3, 1, 1)
CLIP_STD = torch.tensor((0.26862954, 0.26130258, 0.27577711)).view(1, 3, 1, 1)


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
        """Load a local ImageNet checkpoint (.pth, .safetensors); its classifier is left out."""
        state = _read(file)
        kept = {name: value for name, value in state.items() if not name.startswith(("fc.", "classifier."))}
        _fill(self.network, kept, file)


class ClipTeacher(nn.Module):
    """The image tower of CLIP's ViT-B/16, up to the features (B, 512) that it shares with text."""

    def __init__(self) -> None:
        super().__init__()
        import open_clip

        # OpenAI trained with the quick approximation of GELU.
        self.network = open_clip.create_model("ViT-B-16", pretrained=None, force_quick_gelu=True).visual
        self.dimensions = self.network.output_dim

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the features of images (B, 3, H, W) on [0, 1], which are resized to the side CLIP knows."""
        resized = functional.interpolate(images, (CLIP_SIDE, CLIP_SIDE), mode="bicubic", antialias=True)
        return self.network((resized - CLIP_MEAN.to(images)) / CLIP_STD.to(images))

    def load(self, file: str) -> None:
        """Load a local checkpoint of the whole of CLIP, as open_clip has it (.safetensors, .bin)."""
        visual = {name: value for name, value in _read(file).items() if name.startswith("visual.")}
        _fill(self.network, {name.removeprefix("visual."): value for name, value in visual.items()}, file)


def _read(file: str) -> dict[str, torch.Tensor]:
    if not Path(file).is_file():
        raise CurateError(f"no weights at {file}; expected a local checkpoint, or none for random weights")
    try:
        return load_file(file) if file.endswith(".safetensors") else torch.load(file, "cpu", weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CurateError(f"{file} cannot be loaded as plain weights (.pth or .safetensors): {reason}") from error


def _fill(network: nn.Module, state: dict[str, torch.Tensor], file: str) -> None:
    try:
        network.load_state_dict(state)
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


def new_teacher(name: str, weights: str) -> Backbone | ClipTeacher:
    """Return a frozen network; `weights` is a checkpoint, or `none` for random ones."""
    teacher = ClipTeacher() if name == CLIP else Backbone(name)
    if weights != "none":
        teacher.load(weights)
    return teacher.eval().requires_grad_(False)
