"""A figure of an evaluation: predictions beside labels, and the scores of the groups."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..labeling.correlation.logistic import fit_logistic
from ..manifest.schema import LABEL_MAXIMUM
from ..storage.atomic import write_bytes
from ..storage.figures import COLORS, DIAGONAL, figure_png
from .evaluation import OVERALL, Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT, HEIGHT_PER_GROUP = 1180, 560, 22  # pixels
_CURVE_POINTS = 200


def write_evaluation_figure(path: Path, evaluation: Evaluation) -> None:
    """Draw an evaluation and write it as PNG.

    Args:
        path: Ends in `.png`.
        evaluation: The scores.

    Raises:
        CurateError: matplotlib cannot be imported, or the file cannot be written.
    """
    height = max(HEIGHT, HEIGHT_PER_GROUP * (len(evaluation.groups) + 6))
    content = figure_png(lambda figure: draw_evaluation(figure, evaluation), width=WIDTH, height=height)
    write_bytes(path, content)


def draw_evaluation(figure: Figure, evaluation: Evaluation) -> None:
    """Draw an evaluation on an empty figure: the first run's scores beside the labels, and SRCC by group and run.

    Args:
        figure: What to draw on.
        evaluation: The scores.
    """
    grid = figure.add_gridspec(1, 2)
    _draw_scores(figure.add_subplot(grid[0]), evaluation)
    _draw_groups(figure.add_subplot(grid[1]), evaluation)


def _draw_scores(axes: Axes, evaluation: Evaluation) -> None:
    name, found = next(iter(evaluation.overall.runs.items()))
    labels, scores = (evaluation.scored[name][column].to_numpy() for column in ("label", "score"))
    axes.plot(scores, labels, ".", color=COLORS[0], alpha=0.4, markersize=4)
    curve = fit_logistic(scores, labels)
    if curve is not None:
        along = np.linspace(scores.min(), scores.max(), _CURVE_POINTS)
        axes.plot(along, curve(along), color=COLORS[1], label="4-parameter logistic")
        axes.legend(loc="lower right", fontsize="small")
    if found.srcc is not None and found.plcc_logistic is not None:
        text = f"SRCC {found.srcc:.3f}\nPLCC {found.plcc_logistic:.3f} after the curve"
        axes.text(0.03, 0.97, text, transform=axes.transAxes, verticalalignment="top")
    axes.set(title=f"{name}: {len(labels):,} images", xlabel="score", ylabel="label", ylim=(0, LABEL_MAXIMUM))


def _draw_groups(axes: Axes, evaluation: Evaluation) -> None:
    groups = (evaluation.overall, *evaluation.groups)
    for place, group in enumerate(groups):
        for color, marker, runs in ((COLORS[6], "x", group.baseline), (COLORS[0], "o", group.runs)):
            values = [run.srcc for run in runs.values() if run.srcc is not None]
            axes.plot(values, [place] * len(values), marker, color=color, alpha=0.7, markersize=5.5)
    names = [OVERALL if group.by == OVERALL else f"{group.by}: {group.group}" for group in groups]
    axes.set_yticks(range(len(groups)), names)
    axes.axvline(0, color=DIAGONAL)
    title = "SRCC of each run (x: its baseline)" if evaluation.overall.baseline else "SRCC of each run"
    axes.set(title=title, xlabel="SRCC", ylim=(len(groups) - 0.5, -0.5))
