"""How long a network keeps a torch device at work, forward pass by forward pass."""

from __future__ import annotations

import time
from typing import Any

import torch


class DeviceClock:
    """Adds up the time from the first to the last operation of each forward pass, on the device's own clock."""

    def __init__(self, network: torch.nn.Module, device: torch.device) -> None:
        """Watch a network from now on.

        Args:
            network: Its forward passes are timed.
            device: Where it computes.
        """
        self._device = device
        self._passes: list[tuple[Any, Any]] = []
        self._started: Any = None
        network.register_forward_pre_hook(self._begin)
        network.register_forward_hook(self._end)

    def restart(self) -> None:
        """Forget what was timed."""
        self._passes.clear()

    def seconds(self) -> float:
        """Return the seconds of all passes since the start."""
        if self._device.type != "cuda":
            return float(sum(end - start for start, end in self._passes))
        torch.cuda.synchronize(self._device)
        return float(sum(start.elapsed_time(end) for start, end in self._passes)) / 1e3

    def _now(self) -> Any:
        if self._device.type != "cuda":
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self._device))
        return event

    def _begin(self, *_: object) -> None:
        self._started = self._now()

    def _end(self, *_: object) -> None:
        self._passes.append((self._started, self._now()))
