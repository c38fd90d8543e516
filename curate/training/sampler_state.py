"""Checks of a saved state of the sampler before it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import CurateError
from ..whole_numbers import whole_number

STATE_VERSION = 2
_VERSIONS = (1, 2)  # a state of version 1 has no position: its epoch starts over


def check_state(state: Mapping[str, Any], *, settings: Mapping[str, Any], rows: str, filtered: int) -> None:
    """Refuse a state that was saved by another sampler.

    Args:
        state: What was saved.
        settings: The settings that a kept set and its order depend on.
        rows: Digest of the ids in their order.
        filtered: How many rows are clustered.

    Raises:
        CurateError: It is no state, its version is not known, or settings or rows are others; the message says which.
    """
    _require_mapping(state)
    version = state.get("version")
    if not isinstance(version, int) or version not in _VERSIONS:
        raise CurateError(
            f"sampler state of version {state.get('version')!r}; expected {' or '.join(map(str, _VERSIONS))}"
        )
    lacking = [name for name in ("epoch", "rows", "settings", "clusters", "clustered_for") if name not in state]
    if lacking or not isinstance(state["settings"], Mapping):
        what = ", ".join(lacking) or "settings"
        raise CurateError(f"the sampler's state lacks {what}; expected what `state_dict` gave")
    _check_position({"position": 0, **state})
    for name, value in settings.items():
        saved = state["settings"].get(name)
        # An array or a tensor has no one answer to whether it is another.
        if not isinstance(saved, str | int | float | type(None)) or saved != value:
            raise CurateError(f"the sampler's state was saved with {name} = {saved!r:.60}, this one has {value!r}")
    if not isinstance(state["rows"], str) or state["rows"] != rows:
        raise CurateError("the sampler's state was saved for other rows: the ids, or their order, are not the same")
    if state["clustered_for"] is not None:
        whole_number("the epoch of the clusters in the sampler's state", state["clustered_for"], least=0)
    if not _are_clusters(state["clusters"], filtered):
        raise CurateError(
            f"the clusters in the sampler's state are no tensor of {filtered} whole numbers from 0 to {filtered - 1}, "
            "one for each row; expected what `state_dict` gave"
        )


def is_over(state: Mapping[str, Any], epoch: int) -> bool:
    """Return whether a state was saved at the end of an epoch before the one that the loop has set.

    Args:
        state: What was saved.
        epoch: The epoch that the loop has set.

    Raises:
        CurateError: It is no state, or was saved in the middle of another epoch, or in a later one.
    """
    _require_mapping(state)
    _check_position({"position": 0, **state})
    if state["epoch"] == epoch:
        return False
    if state.get("finished") and state["epoch"] < epoch:
        return True
    raise CurateError(
        f"the loader's state was saved in epoch {state['epoch']}, but the loop is at epoch {epoch}: begin the loop "
        f"with epoch {state['epoch']}"
    )


def _require_mapping(state: object) -> None:
    if not isinstance(state, Mapping):
        raise CurateError(f"the sampler's state is {state!r:.60}; expected what `state_dict` gave")


def _check_position(state: Mapping[str, Any]) -> None:
    for name in ("epoch", "position"):
        whole_number(f"the {name} in the sampler's state", state.get(name), least=0)
    if not isinstance(state.get("finished", False), bool):
        raise CurateError(f"'finished' in the sampler's state is {state['finished']!r:.60}; expected true or false")


def _are_clusters(value: object, filtered: int) -> bool:
    import torch

    if value is None:
        return True
    if not isinstance(value, torch.Tensor) or value.shape != (filtered,) or value.is_floating_point():
        return False
    return value.dtype is not torch.bool and bool(((value >= 0) & (value < filtered)).all())
