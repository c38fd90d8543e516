"""The maps of samples as one picture for print: a panel for each model, and one legend."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import CurateError
from ...manifest.schema import LABEL_MAXIMUM
from ...manifest.seeds import context_seed
from ...storage.figures import COLORS, figure_png
from ..rows import UNKNOWN
from ..settings import ColorBy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS_IN_A_ROW = 3
# Pixels. A row of three panels is 1,620 wide: in print, 7 inches wide, its text has 7 to 8 points.
PANEL, LEGEND_LINE, TITLE = 540, 34, 44
TITLE_POINTS, LEGEND_POINTS = 18, 15
LEVEL_COLORS = ("#999999", "#FDE28A", "#F9B25E", "#F07A45", "#C93A3A", "#7C1D3F")  # pristine, then from mild to strong
MARK_OPACITY = 0.75
MARKERS = ("o", "^", "s", "D", "v", "P")
_LABEL_COLORS = "viridis"
_BAR, _TITLE_LETTERS = 110, 36  # pixels; as many letters of a title as a panel is wide
_LEGEND_ROOM, _LETTER, _MARK = 12, 11, 50  # pixels of a legend: above it, a letter, a mark with the room around it
_SMALLEST, _LARGEST, _ALL_MARKS = 9.0, 50.0, 20_000.0  # areas of a mark and of all of a panel, in square points


@dataclass(frozen=True)
class Group:
    """The rows that one entry of the legend stands for.

    Attributes:
        name: What the legend calls them.
        members: bool (N,) which of the rows.
        color: Their color.
        marker: Their shape, as matplotlib calls it.
    """

    name: str
    members: NDArray[np.bool_]
    color: str
    marker: str


def map_figure(
    rows: pd.DataFrame, points: Mapping[str, NDArray[np.float32]], types: Mapping[int, str], color_by: ColorBy | None
) -> bytes:
    """Draw the maps side by side and return the PNG.

    Args:
        rows: N drawn rows, as `drawn_rows` gives them.
        points: Name of each model to float32 (N, 2).
        types: Names of distortion types.
        color_by: What colors stand for; None: the data set where there are several, otherwise the type.

    Raises:
        CurateError: There is no row to draw, matplotlib cannot be imported, or the rows have no label to color by.
    """
    if not len(rows) or not points:
        raise CurateError("there is no usable row to draw a map of; expected rows with status ok and features")
    chosen = color_by or ("dataset" if rows["dataset"].nunique(dropna=False) > 1 else "type")
    if chosen == "label" and rows["label"].isna().all():
        raise CurateError("color_by is 'label', and none of the drawn rows has one; expected another")
    groups = [] if chosen == "label" else color_groups(rows, types, chosen)
    columns = panel_columns(len(points))
    width = PANEL * columns + (0 if groups else _BAR)
    across = _legend_columns(groups, width)
    lines = math.ceil(len(groups) / across)
    height = (PANEL + TITLE) * math.ceil(len(points) / columns) + LEGEND_LINE * lines + (_LEGEND_ROOM if groups else 0)

    return figure_png(
        lambda figure: draw_maps(figure, rows, points, groups, legend_columns=across), width=width, height=height
    )


def draw_maps(
    figure: Figure,
    rows: pd.DataFrame,
    points: Mapping[str, NDArray[np.float32]],
    groups: list[Group],
    *,
    legend_columns: int,
) -> None:
    """Draw the maps on an empty figure.

    Args:
        figure: What to draw on.
        rows: N drawn rows.
        points: Name of each model to float32 (N, 2).
        groups: What the legend names; empty: the colors stand for labels, and a bar says how.
        legend_columns: In how many columns the legend lists the groups.
    """
    columns = panel_columns(len(points))
    grid = figure.subplots(math.ceil(len(points) / columns), columns, squeeze=False).ravel().tolist()
    for axes, (name, where) in zip(grid, points.items(), strict=False):
        _draw_panel(axes, name, where, rows, groups)
    for spare in grid[len(points) :]:
        spare.set_visible(False)
    if groups:
        _draw_legend(figure, groups, legend_columns)
    else:
        _draw_bar(figure, grid)


def panel_columns(panels: int) -> int:
    """Return how many panels stand in a row: three at most, and four as two rows of two."""
    return math.ceil(panels / 2) if panels == PANELS_IN_A_ROW + 1 else min(PANELS_IN_A_ROW, panels)


def color_groups(rows: pd.DataFrame, types: Mapping[int, str], color_by: ColorBy) -> list[Group]:
    """Part rows into what the legend names, in its order.

    Args:
        rows: N drawn rows.
        types: Names of distortion types.
        color_by: What colors stand for, other than `label`.
    """
    if color_by == "level":
        values = rows["level"]
        looks = {
            level: (_level_label(level), LEVEL_COLORS[min(max(0, level), len(LEVEL_COLORS) - 1)], MARKERS[0])
            for level in sorted(set(values))
        }
    else:
        values = rows["distortion_id" if color_by == "type" else color_by].fillna("no data set named")
        looks = {
            value: (
                types[value].replace("_", " ") if color_by == "type" else value,
                COLORS[place % len(COLORS)],
                MARKERS[place // len(COLORS) % len(MARKERS)],
            )
            for place, value in enumerate(sorted(set(values)))
        }
    return [
        Group(name=name, members=(values == value).to_numpy(), color=color, marker=marker)
        for value, (name, color, marker) in looks.items()
    ]


def _draw_legend(figure: Figure, groups: list[Group], columns: int) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="none", marker=group.marker, color=group.color, markersize=9, label=group.name)
        for group in groups
    ]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=columns,
        fontsize=LEGEND_POINTS,
        frameon=False,
        columnspacing=1.2,
        handletextpad=0.2,
    )


def _draw_panel(axes: Axes, name: str, where: NDArray[np.float32], rows: pd.DataFrame, groups: list[Group]) -> None:
    size = float(np.clip(_ALL_MARKS / len(rows), _SMALLEST, _LARGEST))
    # No group lies on top of another: marks are drawn in an order that has nothing to do with groups.
    order = np.argsort([context_seed("report figure", identifier) for identifier in rows["sample_id"]])
    for marker in dict.fromkeys(group.marker for group in groups):
        color_of = {row: g.color for g in groups if g.marker == marker for row in np.flatnonzero(g.members).tolist()}
        drawn = [row for row in order.tolist() if row in color_of]
        x, y = where[drawn].T
        marks = axes.scatter(x, y, s=size, c=[color_of[row] for row in drawn], marker=marker)
        marks.set(alpha=MARK_OPACITY, linewidths=0)
    if not groups:
        labels = rows["label"].to_numpy()
        drawn = [row for row in order.tolist() if not np.isnan(labels[row])]
        x, y = where[drawn].T
        marks = axes.scatter(x, y, s=size, c=labels[drawn], cmap=_LABEL_COLORS, vmin=0, vmax=LABEL_MAXIMUM)
        marks.set(alpha=MARK_OPACITY, linewidths=0)
    axes.set_title(name if len(name) <= _TITLE_LETTERS else f"{name[: _TITLE_LETTERS - 1]}…", fontsize=TITLE_POINTS)
    axes.grid(visible=False)
    # A unit is as long in both directions, and every panel is square.
    axes.set(xticks=[], yticks=[], aspect="equal", box_aspect=1, adjustable="datalim")
    axes.spines[["top", "right"]].set_visible(True)


def _draw_bar(figure: Figure, grid: list[Axes]) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    scale = ScalarMappable(Normalize(0, LABEL_MAXIMUM), _LABEL_COLORS)
    bar = figure.colorbar(scale, ax=grid, shrink=0.7, pad=0.01)
    bar.set_label("label: 0 worst, 10 best", fontsize=LEGEND_POINTS)
    bar.ax.tick_params(labelsize=LEGEND_POINTS)


def _legend_columns(groups: list[Group], width: int) -> int:
    longest = max((len(group.name) for group in groups), default=0)
    return max(1, min(len(groups), width // (_LETTER * longest + _MARK)))


def _level_label(level: int) -> str:
    return "level not stated" if level == UNKNOWN else f"level {level}" if level else "pristine"
