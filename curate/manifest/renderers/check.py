"""What renders a manifest's rows, here and when they were made: looked at before any row is rendered."""

import warnings

import pyarrow as pa

from ...errors import CurateWarning
from ..pixel_facts import PIXELS, other_denoiser
from ..provenance import read_provenance
from .user_types import describe_absent_types, other_user_types, refuse_absent_types


def check_renderers(table: pa.Table) -> None:
    """Warn before rows are rendered differently than before, and refuse those that cannot be rendered.

    Stored pixels need no renderer: where a manifest has them, a type that is not registered is refused when a row of it
    has to be rendered all the same.

    Args:
        table: A manifest.

    Raises:
        CurateError: Its rows are recipes, and some have a user's type that is not registered here.
    """
    if has_recipes_alone(table):
        refuse_absent_types(table)
    for problem in (other_denoiser(table), other_user_types(table)):
        if problem is not None:
            warnings.warn(problem, CurateWarning, stacklevel=3)


def renderer_problems(table: pa.Table) -> list[str]:
    """Return what is wrong with the renderers of a manifest's rows, one line each.

    Args:
        table: A manifest.
    """
    absent = describe_absent_types(table) if has_recipes_alone(table) else None
    return [problem for problem in (other_denoiser(table), other_user_types(table), absent) if problem is not None]


def renderer_warnings(table: pa.Table) -> list[str]:
    """Return what cannot be rendered again though the pixels are stored, one line each.

    Args:
        table: A manifest.
    """
    absent = None if has_recipes_alone(table) else describe_absent_types(table)
    return [] if absent is None else [f"not rendered again: {absent}"]


def has_recipes_alone(table: pa.Table) -> bool:
    """Whether a manifest says that no pixels are stored."""
    return read_provenance(table).get(PIXELS) == "recipe"
