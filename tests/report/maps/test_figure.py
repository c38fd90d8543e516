"""The maps as one picture for print."""

import numpy as np
import pyarrow as pa
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.report.maps.figure import PANEL, PANELS_IN_A_ROW, color_groups, draw_maps, map_figure
from syndr_curate.curate.report.rows import joined_rows, type_names
from syndr_curate.curate.storage.images import decode_image

from ...making import training_rows

LABELS = [1.0, 9.0, 5.0, 3.0]
POINTS = {name: np.array([[0, 0], [1, 0], [0, 2], [3, 3]], np.float32) * size for name, size in (("m", 1), ("n", 5))}


@pytest.fixture
def rows():
    kinds = pa.array([1, 1, 9, 0], pa.int16())
    return joined_rows(
        training_rows("abcd", LABELS, dataset=["x", "y", "y", None], distortion_id=kinds, level=[1, 5, 3, 0])
    )


def drawn(rows, groups, points=POINTS):
    figure = Figure()
    draw_maps(figure, rows, points, groups, legend_columns=2)
    return figure


def groups_of(rows, color_by):
    return color_groups(rows, type_names(rows), color_by)


def test_every_model_has_a_panel_with_the_same_rows_and_there_is_one_legend(rows):
    figure = drawn(rows, groups_of(rows, "type"))
    assert [axes.get_title() for axes in figure.axes] == ["m", "n"]
    for axes, points in zip(figure.axes, POINTS.values(), strict=True):
        found = np.concatenate([marks.get_offsets() for marks in axes.collections])
        assert sorted(found.tolist()) == sorted(points.tolist())
        assert axes.get_legend() is None
        assert axes.get_aspect() == 1.0
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["pristine", "gaussian blur", "jpeg2000"]


def test_a_group_has_one_color_in_every_panel_and_in_the_legend(rows):
    groups = groups_of(rows, "dataset")
    assert [(group.name, group.members.tolist()) for group in groups] == [
        ("no data set named", [False, False, False, True]),
        ("x", [True, False, False, False]),
        ("y", [False, True, True, False]),
    ]
    for axes, points in zip(drawn(rows, groups).axes, POINTS.values(), strict=True):
        (marks,) = axes.collections
        color_at = dict(
            zip(map(tuple, marks.get_offsets().tolist()), marks.get_facecolor()[:, :3].tolist(), strict=True)
        )
        for group in groups:
            for place in points[group.members].tolist():
                assert color_at[tuple(place)] == pytest.approx(to_rgb(group.color))


def test_no_group_lies_on_top_of_another():
    ids = [f"r{row}" for row in range(100)]
    rows = joined_rows(training_rows(ids, [5.0] * 100, dataset=["x"] * 50 + ["y"] * 50))
    points = np.column_stack([np.arange(100), np.arange(100)]).astype(np.float32)
    (axes,) = drawn(rows, groups_of(rows, "dataset"), {"m": points}).axes
    order = axes.collections[0].get_offsets()[:, 0]
    assert sorted(order) == list(range(100))
    assert 15 < sum(order[50:] < 50) < 35  # of the upper half of the marks about half is of x


def test_levels_have_colors_from_mild_to_strong(rows):
    assert [group.name for group in groups_of(rows, "level")] == ["pristine", "level 1", "level 3", "level 5"]


def test_more_groups_than_colors_differ_in_their_marks():
    kinds = list(range(1, 26))
    rows = joined_rows(training_rows([f"r{kind}" for kind in kinds], [5.0] * 25, distortion_id=pa.array(kinds)))
    groups = groups_of(rows, "type")
    assert len({(group.color, group.marker) for group in groups}) == 25


def test_labels_have_a_bar_in_place_of_a_legend(rows):
    figure = drawn(rows, [])
    assert figure.legends == []
    assert figure.axes[-1].get_ylabel() == "label: 0 worst, 10 best"
    assert sorted(figure.axes[0].collections[0].get_array().tolist()) == sorted(LABELS)


def test_colors_stand_for_the_data_set_where_there_are_several(rows):
    assert map_figure(rows, POINTS, type_names(rows), None) == map_figure(rows, POINTS, type_names(rows), "dataset")
    alone = rows.assign(dataset="x")
    assert map_figure(alone, POINTS, type_names(rows), None) == map_figure(alone, POINTS, type_names(rows), "type")


@pytest.mark.parametrize(("models", "columns", "spare"), [(2, 2, 0), (4, 2, 0), (5, PANELS_IN_A_ROW, 1)])
def test_panels_stand_in_rows_of_at_most_three(rows, models, columns, spare):
    points = {str(model): POINTS["m"] for model in range(models)}
    image = decode_image(map_figure(rows, points, type_names(rows), None))
    assert image.shape[1] == columns * PANEL
    visible = [axes.get_visible() for axes in drawn(rows, groups_of(rows, "type"), points).axes]
    assert visible == [True] * models + [False] * spare


def test_a_long_name_is_cut_where_its_panel_ends(rows):
    name = "resnet50, as it was before it was trained on anything"
    (axes,) = drawn(rows, groups_of(rows, "type"), {name: POINTS["m"]}).axes
    assert axes.get_title() == "resnet50, as it was before it was t…"


def test_colors_of_labels_that_no_row_has_are_refused(rows):
    with pytest.raises(CurateError, match="color_by is 'label', and none of the drawn rows has one"):
        map_figure(rows.assign(label=np.nan), POINTS, type_names(rows), "label")
