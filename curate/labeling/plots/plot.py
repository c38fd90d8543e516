"""A picture of a cross-validation: predictions, reliability of the spread, errors by type and level."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....distortions.catalog import get
from ...manifest.schema import LABEL_MAXIMUM
from ...storage.atomic import write_bytes
from ...storage.images import encode_image
from ..cross_validation import CrossValidation
from ..scores import coverage_of
from .chart import COLORS, PALE, Axis, Canvas, Color, Panel, even_ticks

WIDTH, HEIGHT = 1180, 1010
_LEFT, _RIGHT = (80, 470), (730, 1150)  # columns of panels, in pixels
_UPPER, _LOWER = (60, 450), (560, 950)  # rows of the left column; the right one is parted further down
_TYPES_END, _LEVELS_START = 710, 800
_CELL = 0.2  # side of a cell of the scatter, in label units
_CLAIMS = tuple(float(claim) for claim in np.linspace(0.05, 0.95, 19))
_SHARES = [(share / 5, f"{share * 20} %") for share in range(6)]
_DARK, _LIGHT = np.array(COLORS[0]), np.array((222, 235, 245))


def write_label_picture(path: Path, chosen: CrossValidation, compared: Sequence[CrossValidation] = ()) -> None:
    """Draw a cross-validation and write it as PNG.

    Args:
        path: Ends in `.png`.
        chosen: The labeller whose predictions are set against the truth.
        compared: Labellers drawn beside each other in the other panels; empty: the chosen one alone.

    Raises:
        CurateError: The file cannot be written.
    """
    write_bytes(path, encode_image(label_picture(chosen, compared)))


def label_picture(chosen: CrossValidation, compared: Sequence[CrossValidation] = ()) -> NDArray[np.uint8]:
    """Draw a cross-validation.

    Args:
        chosen: The labeller whose predictions are set against the truth.
        compared: Labellers drawn beside each other in the other panels; empty: the chosen one alone.

    Returns:
        uint8 (H, W, 3) RGB.
    """
    shown = list(compared) or [chosen]
    canvas = Canvas(WIDTH, HEIGHT)
    _draw_predictions(canvas, chosen)
    _draw_reliability(canvas, shown)
    _draw_types(canvas, shown)
    _draw_levels(canvas, shown)
    return canvas.pixels()


def _draw_predictions(canvas: Canvas, chosen: CrossValidation) -> None:
    scale = even_ticks(0, LABEL_MAXIMUM)
    title = f"{chosen.labeler}: predicted against true label"
    x = Axis(0, LABEL_MAXIMUM, scale, "true label")
    y = Axis(0, LABEL_MAXIMUM, scale, "predicted without its reference")
    panel = Panel(canvas, (_LEFT[0], _UPPER[0], _LEFT[1], _UPPER[1]), x, y, title)
    cells = round(LABEL_MAXIMUM / _CELL)
    ends = [[0.0, LABEL_MAXIMUM]] * 2
    counts, _, _ = np.histogram2d(chosen.truth.ravel(), chosen.predicted.ravel(), cells, ends)
    darkest = np.log1p(counts.max())
    for column, row in np.argwhere(counts > 0).tolist():
        share = float(np.log1p(counts[column, row]) / darkest)
        corner = (column * _CELL, row * _CELL, (column + 1) * _CELL, (row + 1) * _CELL)
        panel.cell(*corner, _mixed(share))
    panel.line([0, LABEL_MAXIMUM], [0, LABEL_MAXIMUM], PALE)
    scores = chosen.scores()
    for line, text in enumerate((f"MAE {scores.mae:.3f}", f"{chosen.truth.size:,} labels")):
        canvas.text(_LEFT[0] + 12, _UPPER[0] + 16 + 18 * line, text)


def _draw_reliability(canvas: Canvas, shown: Sequence[CrossValidation]) -> None:
    x = Axis(0, 1, _SHARES, "share that the interval claims to cover")
    y = Axis(0, 1, _SHARES, "share of true labels inside")
    panel = Panel(canvas, (_LEFT[0], _LOWER[0], _LEFT[1], _LOWER[1]), x, y, "can label_std be relied on?")
    panel.line([0, 1], [0, 1], PALE)
    for result, color in zip(shown, COLORS, strict=False):
        known = np.isfinite(result.spread)
        errors = np.abs(result.predicted - result.truth)[known]
        intervals = coverage_of(errors, result.spread[known], _CLAIMS)
        if intervals:
            panel.line([each.claimed for each in intervals], [each.covered for each in intervals], color, 2)
    named = [
        (result.labeler if np.isfinite(result.spread).any() else f"{result.labeler} (no label_std)", color)
        for result, color in zip(shown, COLORS, strict=False)
    ]
    panel.legend(0.4, 0.05 + 0.048 * (len(named) - 1), named)


def _draw_types(canvas: Canvas, shown: Sequence[CrossValidation]) -> None:
    scores = [result.by_type() for result in shown]
    kinds = list(scores[0])
    rows = [(float(row), f"{kind} {get(kind).name}" if kind else "pristine") for row, kind in enumerate(kinds)]
    most = max(each.mae for by_type in scores for each in by_type.values())
    x = Axis(0, 1.05 * most, even_ticks(0, 1.05 * most), "mean absolute error")
    box = (_RIGHT[0], _UPPER[0], _RIGHT[1], _TYPES_END)
    panel = Panel(canvas, box, x, Axis(len(kinds) - 0.5, -0.5, rows), "by type")
    for by_type, color in zip(scores, COLORS, strict=False):
        for row, kind in enumerate(kinds):
            panel.dot(by_type[kind].mae, row, color, 4)


def _draw_levels(canvas: Canvas, shown: Sequence[CrossValidation]) -> None:
    scores = [result.by_level() for result in shown]
    levels = list(scores[0])
    most = 1.1 * max(each.mae for by_level in scores for each in by_level.values())
    x = Axis(levels[0] - 0.5, levels[-1] + 0.5, [(level, str(level)) for level in levels], "level")
    box = (_RIGHT[0], _LEVELS_START, _RIGHT[1], _LOWER[1])
    panel = Panel(canvas, box, x, Axis(0, most, even_ticks(0, most, 4), "mean absolute error"), "by level")
    for by_level, color in zip(scores, COLORS, strict=False):
        errors = [by_level[level].mae for level in levels]
        panel.line(levels, errors, color, 2)
        for level, error in zip(levels, errors, strict=True):
            panel.dot(level, error, color, 4)


def _mixed(share: float) -> Color:
    red, green, blue = np.round(_LIGHT + (_DARK - _LIGHT) * share).astype(int).tolist()
    return red, green, blue
