"""A run's state after or within an epoch, as safetensors: nothing in it can execute, and it is whole or not there."""

import json
import os
from pathlib import Path
from typing import Any

import torch
from model import QualityModel
from safetensors import safe_open
from safetensors.torch import load_file, save_file


def save(
    path: Path,
    model: QualityModel,
    optimizer: torch.optim.Adam,
    facts: dict[str, Any],
    clusters: torch.Tensor | None = None,
) -> None:
    """Write the model, Adam's moments, `facts` (JSON values) and, in the middle of an epoch, the sampler's clusters."""
    tensors = {f"model.{name}": tensor.contiguous() for name, tensor in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        for key, value in optimizer.state[parameter].items():
            tensors[f"adam.{name}.{key}"] = value.contiguous()
    if clusters is not None:
        tensors["sampler.clusters"] = clusters
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    save_file(tensors, temporary, metadata={"facts": json.dumps(facts)})
    os.replace(temporary, path)


def load(path: Path, model: QualityModel, optimizer: torch.optim.Adam) -> tuple[dict[str, Any], torch.Tensor | None]:
    """Restore what `save` wrote, bit for bit, and return its facts and the sampler's clusters."""
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["facts"])
    tensors = load_file(path)
    model.load_state_dict({n.removeprefix("model."): t for n, t in tensors.items() if n.startswith("model.")})
    for name, parameter in model.named_parameters():
        prefix = f"adam.{name}."
        moments = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
        # Adam keeps its step count on the CPU, the moments beside their parameter.
        optimizer.state[parameter] = {k: v if k == "step" else v.to(parameter.device) for k, v in moments.items()}
    return facts, tensors.get("sampler.clusters")
