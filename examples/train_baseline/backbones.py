"""Networks that turn a patch into features, and where their published weights lie."""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from syndr_curate import CurateError
from torch import nn

TORCHVISION = ("resnet50", "resnet18", "vgg16", "swin_t", "vit_b_16")
CLIP = "clip-vit-b-16"
TIMM = "timm:"
# What a checkpoint that holds more than weights calls them.
WEIGHTS_KEYS = ("state_dict", "model")
HUB_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin", "model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class Normalization:
    """Mean and standard deviation of the three channels that a network was trained with, on [0, 1]."""

    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)


IMAGENET = Normalization()
OPENAI = Normalization((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))


@dataclass(frozen=True)
class Backbone:
    """A network without its classifier.

    Attributes:
        network: Takes normalized patches (B, 3, H, W) and gives features (B, D).
        dimensions: D.
        normalization: How its patches are normalized.
        left_out: Beginnings of the names in a weights file that belong to the classifier.
        prefix: What stands before every name of the network in a weights file.
    """

    network: nn.Module
    dimensions: int
    normalization: Normalization = IMAGENET
    left_out: tuple[str, ...] = ()
    prefix: str = ""


def make_backbone(name: str, size: int) -> Backbone:
    """Build a network with random weights.

    Args:
        name: One of torchvision's (`TORCHVISION`), `clip-vit-b-16`, or `timm:NAME`.
        size: Side of the patches in pixels; a vision transformer has a position for each part of them.

    Raises:
        CurateError: There is no such network.
    """
    if name in TORCHVISION:
        return _of_torchvision(name, size)
    if name == CLIP:
        return _of_open_clip(size)
    if name.startswith(TIMM):
        return _of_timm(name, size)
    raise CurateError(f"no backbone {name!r}; expected {', '.join(TORCHVISION)}, {CLIP} or {TIMM}NAME")


def _of_torchvision(name: str, size: int) -> Backbone:
    from torchvision import models

    options = {"image_size": size} if name == "vit_b_16" else {}
    network = models.get_model(name, weights=None, **options)
    if name == "vgg16":
        # The last of its three layers is the classifier; what it takes are the features, as everywhere here.
        head, network.classifier[6] = network.classifier[6], nn.Identity()
        return Backbone(network, head.in_features, left_out=("classifier.6.",))
    if name == "vit_b_16":
        head, network.heads = network.heads.head, nn.Identity()
        return Backbone(network, head.in_features, left_out=("heads.",))
    place = "head" if name == "swin_t" else "fc"
    head = getattr(network, place)
    setattr(network, place, nn.Identity())
    return Backbone(network, head.in_features, left_out=(f"{place}.",))


def _of_open_clip(size: int) -> Backbone:
    import open_clip

    # OpenAI trained with the quick approximation of GELU.
    model = open_clip.create_model("ViT-B-16", pretrained=None, force_quick_gelu=True, force_image_size=size)
    return Backbone(model.visual, model.visual.output_dim, OPENAI, prefix="visual.")


def _of_timm(name: str, size: int) -> Backbone:
    import timm

    model = name.removeprefix(TIMM)
    if not timm.is_model(model):
        raise CurateError(f"timm has no model {model!r}; `timm.list_models()` gives their names")
    facts = timm.get_pretrained_cfg(model)
    options = {"img_size": size} if facts is not None and facts.fixed_input_size else {}
    network = timm.create_model(model, pretrained=False, num_classes=0, **options)
    own = network.pretrained_cfg
    heads = own.get("classifier") or ()
    return Backbone(
        network,
        network.num_features if not hasattr(network, "head_hidden_size") else network.head_hidden_size,
        Normalization(tuple(own["mean"]), tuple(own["std"])),
        left_out=tuple(f"{head}." for head in ((heads,) if isinstance(heads, str) else heads)),
    )


def load_weights(backbone: Backbone, file: Path, name: str) -> None:
    """Load a local checkpoint (.pth or .safetensors); its classifier is left out.

    Raises:
        CurateError: There is no such file, it holds no plain weights, or they are not those of this network.
    """
    state = _read(file)
    own = {
        key.removeprefix(backbone.prefix): tensor
        for key, tensor in state.items()
        if key.startswith(backbone.prefix) and not key.startswith(backbone.left_out)
    }
    try:
        backbone.network.load_state_dict(own, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise CurateError(f"{file} does not fit the backbone {name}: {reason}") from error


def _read(file: Path) -> dict[str, torch.Tensor]:
    if not file.is_file():
        raise CurateError(f"no weights at {file} (--weights none starts from random ones)")
    try:
        state = load_file(file) if file.suffix == ".safetensors" else torch.load(file, "cpu", weights_only=True)
    except Exception as error:  # the errors of pickle, zip and safetensors share no base class
        reason = " ".join(str(error).split())[:200]
        raise CurateError(f"{file} cannot be loaded as plain weights (.pth or .safetensors): {reason}") from error
    for key in WEIGHTS_KEYS:
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise CurateError(f"{file} does not hold a state dict of tensors")
    return {str(key).removeprefix("module."): value for key, value in state.items()}


def cached_weights(name: str) -> Path:
    """Return the file of the published weights in the library's usual cache; nothing is downloaded.

    Raises:
        CurateError: It is not there.
    """
    if name in TORCHVISION:
        from torchvision.models import get_model_weights

        address = get_model_weights(name).IMAGENET1K_V1.url
        return _of_torch_hub(name, address)
    if name == CLIP:
        from open_clip.pretrained import get_pretrained_cfg

        return _of_model_hub(name, str(get_pretrained_cfg("ViT-B-16", "openai").get("hf_hub", "")).rstrip("/"))
    import timm

    facts = timm.get_pretrained_cfg(name.removeprefix(TIMM))
    if facts is not None and facts.hf_hub_id:
        return _of_model_hub(name, facts.hf_hub_id)
    if facts is None or not facts.url:
        raise CurateError(f"nobody publishes weights for {name}: give a file with --weights FILE")
    return _of_torch_hub(name, facts.url)


def _of_torch_hub(name: str, address: str) -> Path:
    file = Path(torch.hub.get_dir()) / "checkpoints" / address.rsplit("/", 1)[-1]
    if not file.is_file():
        raise CurateError(_not_cached(name, str(file), address))
    return file


def _of_model_hub(name: str, repository: str) -> Path:
    from huggingface_hub import try_to_load_from_cache

    for file in HUB_FILES:
        found = try_to_load_from_cache(repository, file)
        if isinstance(found, str):
            return Path(found)
    raise CurateError(_not_cached(name, "the model hub's cache", f"https://huggingface.co/{repository}"))


def _not_cached(name: str, where: str, address: str) -> str:
    return (
        f"the weights of {name} are not at {where}: get them from {address}, or give a file with --weights FILE "
        "(--weights none starts from random ones)"
    )
