"""What a saved state of the sampler must agree with before it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import CurateError
from ..whole_numbers import whole_number

STATE_VERSION = 2
_VERSIONS = (1, 2)  # a state of version 1 has no position: its epoch begins anew


def check_state(state: Mapping[str, Any], *, settings: Mapping[str, Any], rows: str) -> None:
    """Refuse a state that was saved by another sampler.

    Args:
        state: What was saved.
        settings: The settings that a kept set and its order depend on.
        rows: Digest of the ids in their order.

    Raises:
        CurateError: The version is not known, or settings or rows are others; the message says which.
    """
    if not isinstance(state, Mapping):
        raise CurateError(f"the sampler's state is {state!r:.60}; expected what `state_dict` gave")
    if state.get("version") not in _VERSIONS:
        raise CurateError(
            f"sampler state of version {state.get('version')!r}; expected {' or '.join(map(str, _VERSIONS))}"
        )
    lacking = [name for name in ("epoch", "rows", "settings", "clusters", "clustered_for") if name not in state]
    if lacking or not isinstance(state["settings"], Mapping):
        what = ", ".join(lacking) or "settings"
        raise CurateError(f"the sampler's state lacks {what}; expected what `state_dict` gave")
    whole_number("the epoch of the sampler's state", state["epoch"], least=0)
    whole_number("the position in the sampler's state", state.get("position", 0), least=0)
    for name, value in settings.items():
        saved = state["settings"].get(name)
        if saved != value:
            raise CurateError(f"the sampler's state was saved with {name} = {saved!r}, this one has {value!r}")
    if state["rows"] != rows:
        raise CurateError("the sampler's state was saved for other rows: the ids, or their order, are not the same")


def is_over(state: Mapping[str, Any], epoch: int) -> bool:
    """Tell whether a state was saved at the end of an epoch before the one that the loop has set.

    Args:
        state: What was saved.
        epoch: The epoch that the loop has set.

    Raises:
        CurateError: It was saved in the middle of another epoch, or in a later one.
    """
    if state["epoch"] == epoch:
        return False
    if state.get("finished") and state["epoch"] < epoch:
        return True
    raise CurateError(
        f"the loader's state was saved in epoch {state['epoch']}, but the loop is at epoch {epoch}: begin the loop "
        f"with epoch {state['epoch']}"
    )
