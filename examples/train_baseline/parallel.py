"""One process or several, full or mixed precision: what accelerate is asked for, and nothing else of it."""

import os
from typing import Any

import torch
from syndr_curate import CurateError
from torch import nn


class Processes:
    """The processes that train together, as `accelerate launch` or `torchrun` started them.

    Alone and in full precision nothing of accelerate is imported. The loader is never prepared: `DRCDownSampler` and
    `EpochOrder` split the rows themselves, once.
    """

    def __init__(self, device: str, amp: str) -> None:
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0")) if self.count > 1 else 0
        self.device = torch.device(device)
        self._accelerator: Any = None
        if self.count == 1 and amp == "no":
            return
        if amp == "fp16" and self.device.type == "cpu":
            raise CurateError("--amp fp16 needs a GPU; on the CPU there is --amp bf16")
        try:
            from accelerate import Accelerator
        except ImportError as error:
            raise CurateError("--amp and several processes need accelerate: pip install accelerate") from error
        self._accelerator = Accelerator(
            mixed_precision=amp,
            cpu=self.device.type == "cpu",
            device_placement=False,
        )
        if self.count > 1:
            self.device = self._accelerator.device

    @property
    def is_first(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def prepare(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[nn.Module, Any]:
        """Return what a step calls in place of the model and its optimizer."""
        if self._accelerator is None:
            return model, optimizer
        network, stepper = self._accelerator.prepare(model, optimizer)
        return network, stepper

    def backward(self, loss: torch.Tensor) -> None:
        """Work out the gradients; half precision scales the loss first."""
        if self._accelerator is None:
            loss.backward()
        else:
            self._accelerator.backward(loss)

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """Add up a tensor over the processes."""
        if self.count > 1:
            values = values.clone()
            torch.distributed.all_reduce(values)
        return values

    def joined(self, found: dict[str, Any]) -> dict[str, Any]:
        """Put the processes' dictionaries together, the same on all of them."""
        if self.count == 1:
            return found
        shares: list[Any] = [None] * self.count
        torch.distributed.all_gather_object(shares, found)
        return {key: value for share in shares for key, value in share.items()}

    def share_buffers(self, model: nn.Module) -> None:
        """Give every process the first one's running means: only then do all take the features of one model."""
        if self.count > 1:
            for buffer in model.buffers():
                torch.distributed.broadcast(buffer, src=0)

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.count > 1:
            torch.distributed.barrier()

    def scaler_state(self) -> dict[str, Any]:
        """Return the state of the loss's scale under fp16; empty otherwise."""
        scaler = getattr(self._accelerator, "scaler", None)
        return {} if scaler is None else scaler.state_dict()

    def load_scaler_state(self, state: dict[str, Any]) -> None:
        """Go on with a saved scale."""
        if state:
            self._accelerator.scaler.load_state_dict(state)
