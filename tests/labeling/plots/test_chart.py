import numpy as np
import pytest
from syndr_curate.curate.labeling.plots.chart import COLORS, INK, PAPER, Axis, Canvas, Panel, even_ticks


@pytest.mark.parametrize(
    ("low", "high", "count", "expected"),
    [
        (0, 10, 5, [0, 2, 4, 6, 8, 10]),
        (0, 1, 4, [0, 0.25, 0.5, 0.75, 1]),
        (-0.03, 0.11, 5, [0, 0.05, 0.1]),
        (-12, 7, 5, [-10, -5, 0, 5]),
    ],
)
def test_ticks_are_round_numbers_between_the_ends(low, high, count, expected):
    ticks = even_ticks(low, high, count)
    assert [value for value, _ in ticks] == pytest.approx(expected)
    assert [float(name) for _, name in ticks] == pytest.approx(expected)


def test_a_value_lies_where_its_axis_says():
    panel = Panel(Canvas(200, 100), (50, 10, 150, 90), Axis(0, 10, []), Axis(4, 0, []))
    assert [panel.across(value) for value in (0, 5, 10)] == [50, 100, 150]
    assert [panel.up(value) for value in (0, 1, 4)] == [10, 30, 90]  # the low end is above the high one: turned over


def test_a_dot_is_drawn_at_its_place_and_nowhere_else():
    canvas = Canvas(200, 100)
    canvas.dot(120, 40, COLORS[1], 5)
    coloured = np.argwhere((canvas.pixels() < 200).any(-1))
    assert np.abs(coloured.mean(axis=0) - (40, 120)).max() < 0.7
    assert len(coloured) == pytest.approx(np.pi * 25, rel=0.4)


@pytest.mark.parametrize("anchor", ["lm", "rm", "mt", "mb"])
def test_text_is_written_beside_the_point_that_its_anchor_names(anchor):
    canvas = Canvas(200, 100)
    canvas.text(100, 50, "level 3", anchor=anchor)
    rows, columns = np.argwhere((canvas.pixels() < 128).all(-1)).T
    ends = {
        "l": columns.min() >= 99,
        "r": columns.max() <= 100,
        "m": abs((columns.min() + columns.max()) / 2 - 100) < 3,
    }
    sides = {"t": rows.min() >= 50, "b": rows.max() <= 50, "m": abs((rows.min() + rows.max()) / 2 - 50) < 4}
    assert ends[anchor[0]]
    assert sides[anchor[1]]


def test_text_turned_upwards_is_taller_than_wide():
    canvas = Canvas(60, 200)
    canvas.text_upwards(30, 100, "mean absolute error")
    rows, columns = np.argwhere((canvas.pixels() < 128).all(-1)).T
    assert np.ptp(rows) > 5 * np.ptp(columns)
    assert abs(rows.mean() - 100) < 6
    assert INK < PAPER
