"""A run's state after an epoch, in one safetensors file: nothing in it can execute, and it appears whole or not."""

import json
import os
from pathlib import Path
from typing import Any

import torch
from model import QualityModel
from safetensors import safe_open
from safetensors.torch import load_file, save_file


def save(path: Path, model: QualityModel, optimizer: torch.optim.Adam, facts: dict[str, Any]) -> None:
    """Write the model, Adam's moments and `facts` (JSON values)."""
    tensors = {f"model.{name}": tensor.contiguous() for name, tensor in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        for key, value in optimizer.state[parameter].items():
            tensors[f"adam.{name}.{key}"] = value.contiguous()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    save_file(tensors, temporary, metadata={"facts": json.dumps(facts)})
    os.replace(temporary, path)


def load(path: Path, model: QualityModel, optimizer: torch.optim.Adam) -> dict[str, Any]:
    """Restore what `save` wrote, bit for bit, and return its facts."""
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["facts"])
    tensors = load_file(path)
    model.load_state_dict({n.removeprefix("model."): t for n, t in tensors.items() if n.startswith("model.")})
    for name, parameter in model.named_parameters():
        prefix = f"adam.{name}."
        moments = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
        # Adam keeps its step count on the CPU, the moments beside their parameter.
        optimizer.state[parameter] = {k: v if k == "step" else v.to(parameter.device) for k, v in moments.items()}
    return facts
