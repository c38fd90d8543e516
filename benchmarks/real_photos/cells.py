"""Tables in markdown and what stands in their cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table in markdown."""
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def plus_minus(found: Mapping[str, float | None]) -> str:
    """Return a mean with its standard deviation, where there is one."""
    return f"{found['mean']:.3f}" + ("" if found["sd"] is None else f" ± {found['sd']:.3f}")


def difference(found: Mapping[str, Any] | None) -> str:
    """Return a mean difference with half of its interval; an empty text where it was not measured."""
    if found is None:
        return ""
    width = "" if found["half_width"] is None else f" ± {found['half_width']:.3f}"
    return f"{found['mean']:+.3f}{width}"
