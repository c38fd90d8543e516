"""Figures drawn with matplotlib, the extra `plot`: one look, and the same bytes on every run."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CurateError
from .atomic import refuse_overwriting

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Colors that people with the common color deficiencies can distinguish (Okabe and Ito 2008).
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#5A5A5A")
DIAGONAL = "#787878"
DPI = 100
_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": DIAGONAL,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "figure.constrained_layout.h_pad": 0.12,  # inches
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.12,
    "grid.color": "#E1E1E1",
}


def why_no_figures() -> str | None:
    """Say in one line why no figure can be drawn here and what to do; None where figures can be drawn."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        return f"drawing needs matplotlib, which cannot be imported ({error}): pip install 'syndr-curate[plot]'"
    return None


def require_matplotlib(asked: str) -> None:
    """Refuse to begin work that ends with a figure where none can be drawn.

    Args:
        asked: What asks for the figure, as a user wrote it.

    Raises:
        CurateError: matplotlib cannot be imported.
    """
    problem = why_no_figures()
    if problem is not None:
        raise CurateError(f"{asked}: {problem}")


def check_figure(path: Path, flag: str, *inputs: Path | None) -> None:
    """Refuse a figure that cannot be drawn, is no PNG or would replace an input, before anything is computed.

    Args:
        path: Where it will go.
        flag: The flag that named it, for the message.
        *inputs: Files that are read; None stands for none.

    Raises:
        CurateError: Says which.
    """
    if path.suffix.lower() != ".png":
        raise CurateError(f"{flag} {path}: the picture is a PNG; give a name that ends in .png")
    refuse_overwriting(path, *inputs)
    require_matplotlib(f"{flag} {path}")


def figure_png(draw: Callable[[Figure], None], *, width: int, height: int) -> bytes:
    """Draw a figure and encode it as PNG.

    A user's `matplotlibrc` does not change it, and it leaves matplotlib's settings as they were. The file holds no date
    and no version: the same figure has the same bytes under the same version of matplotlib.

    Args:
        draw: Fills the empty figure that it is given.
        width: Pixels.
        height: Pixels.

    Raises:
        CurateError: matplotlib cannot be imported.
    """
    require_matplotlib("a figure")
    from matplotlib import style
    from matplotlib.figure import Figure

    content = io.BytesIO()
    with style.context(["default", _STYLE]):
        figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
        draw(figure)
        figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()
