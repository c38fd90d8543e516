"""A figure of a cross-validation: predictions, reliability of the spread, errors by type and level."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...distortions.catalog import get
from ..manifest.schema import LABEL_MAXIMUM
from ..storage.atomic import write_bytes
from ..storage.figures import COLORS, DIAGONAL, figure_png
from .cross_validation import CrossValidation
from .scores import coverage_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 1180, 1010  # pixels
_CELL = 0.2  # side of a cell of the scatter, in label units
_CLAIMS = tuple(float(claim) for claim in np.linspace(0.05, 0.95, 19))
_MARKERS = "osD^vPX"  # one per color: a labeler is known by its shape too
_COUNTS = ("#DEEBF5", COLORS[0], "#00263B")  # rare to frequent


def write_label_figure(path: Path, chosen: CrossValidation, compared: Sequence[CrossValidation] = ()) -> None:
    """Draw a cross-validation and write it as PNG.

    Args:
        path: Ends in `.png`.
        chosen: The labeler whose predictions are set against the truth.
        compared: Labelers drawn beside each other in the other panels; empty: the chosen one alone.

    Raises:
        CurateError: matplotlib cannot be imported, or the file cannot be written.
    """
    content = figure_png(lambda figure: draw_label_figure(figure, chosen, compared), width=WIDTH, height=HEIGHT)
    write_bytes(path, content)


def draw_label_figure(figure: Figure, chosen: CrossValidation, compared: Sequence[CrossValidation] = ()) -> None:
    """Draw a cross-validation on an empty figure: four panels, named by their titles.

    Args:
        figure: What to draw on.
        chosen: The labeler whose predictions are set against the truth.
        compared: Labelers drawn beside each other in the other panels; empty: the chosen one alone.
    """
    shown = list(compared) or [chosen]
    halves = figure.add_gridspec(1, 2)
    # The color bar has a column of its own, so that the panels of the left are equally wide.
    left = halves[0].subgridspec(2, 2, width_ratios=(20, 1))
    right = halves[1].subgridspec(2, 1, height_ratios=(3.4, 1))
    _draw_predictions(figure.add_subplot(left[0, 0]), chosen, bar=figure.add_subplot(left[0, 1]))
    _draw_reliability(figure.add_subplot(left[1, 0]), shown)
    _draw_types(figure.add_subplot(right[0]), shown)
    _draw_levels(figure.add_subplot(right[1]), shown)


def _draw_predictions(axes: Axes, chosen: CrossValidation, *, bar: Axes) -> None:
    from matplotlib.colors import LinearSegmentedColormap, LogNorm

    cells, ends = round(LABEL_MAXIMUM / _CELL), (0.0, LABEL_MAXIMUM)
    *_, squares = axes.hist2d(
        chosen.truth.ravel(),
        chosen.predicted.ravel(),
        bins=cells,
        range=(ends, ends),
        cmin=1,
        cmap=LinearSegmentedColormap.from_list("counts", _COUNTS),
        norm=LogNorm(vmin=1),
    )
    bar.figure.colorbar(squares, cax=bar, label="labels in a cell", format="{x:.0f}")
    axes.plot(ends, ends, color=DIAGONAL)
    axes.text(
        0.03,
        0.97,
        f"MAE {chosen.scores().mae:.3f}\n{chosen.truth.size:,} labels",
        transform=axes.transAxes,
        verticalalignment="top",
    )
    axes.set(title=f"{chosen.labeler}: predicted against true label")
    axes.set(xlabel="true label", ylabel="predicted without its reference")


def _draw_reliability(axes: Axes, shown: Sequence[CrossValidation]) -> None:
    from matplotlib.ticker import PercentFormatter

    axes.plot((0, 1), (0, 1), color=DIAGONAL)
    for number, result in enumerate(shown):
        known = np.isfinite(result.spread)
        errors = np.abs(result.predicted - result.truth)[known]
        intervals = coverage_of(errors, result.spread[known], _CLAIMS)
        claimed, covered = [each.claimed for each in intervals], [each.covered for each in intervals]
        name = result.labeler if intervals else f"{result.labeler} (no label_std)"
        axes.plot(claimed, covered, label=name, **_look(number))
    axes.set(title="can label_std be relied on?", xlim=(0, 1), ylim=(0, 1))
    axes.set(xlabel="share that the interval claims to cover", ylabel="share of true labels inside")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(loc="lower right", fontsize="small")


def _draw_types(axes: Axes, shown: Sequence[CrossValidation]) -> None:
    scores = [result.by_type() for result in shown]
    kinds = list(scores[0])
    rows = range(len(kinds))
    for number, by_type in enumerate(scores):
        axes.plot([by_type[kind].mae for kind in kinds], rows, **_look(number), linestyle="")
    axes.axvline(0, color=DIAGONAL)  # the scale begins at zero and, by its margin, shows the last dot whole
    axes.set_yticks(rows, [f"{kind} {get(kind).name}" if kind else "pristine" for kind in kinds])
    axes.set(title="by type", xlabel="mean absolute error", ylim=(len(kinds) - 0.5, -0.5))
    axes.set_xlim(left=0)


def _draw_levels(axes: Axes, shown: Sequence[CrossValidation]) -> None:
    scores = [result.by_level() for result in shown]
    levels = list(scores[0])
    for number, by_level in enumerate(scores):
        axes.plot(levels, [by_level[level].mae for level in levels], **_look(number))
    axes.axhline(0, color=DIAGONAL)
    axes.margins(y=0.1)
    axes.set_xticks(levels)
    axes.set(title="by level", xlabel="level", ylabel="mean absolute error", xlim=(levels[0] - 0.5, levels[-1] + 0.5))
    axes.set_ylim(bottom=0)


def _look(number: int) -> dict[str, Any]:
    return {"color": COLORS[number % len(COLORS)], "marker": _MARKERS[number % len(_MARKERS)], "markersize": 5.5}
