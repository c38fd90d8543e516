"""The figure of a cross-validation: what its four panels show."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from syndr_curate.curate.labeling.cross_validation import CrossValidation
from syndr_curate.curate.labeling.plot import HEIGHT, WIDTH, draw_label_figure, write_label_figure
from syndr_curate.curate.storage.figures import COLORS
from syndr_curate.curate.storage.images import decode_image

CONDITIONS = ((1, 1), (1, 3), (10, 1), (10, 3))


def result(error: float, spread: float, name: str = "gp") -> CrossValidation:
    truth = np.linspace(1, 9, 24).reshape(6, 4)
    return CrossValidation(
        name,
        tuple(f"r{row}" for row in range(6)),
        CONDITIONS,
        truth,
        truth + error,
        np.full_like(truth, spread),
    )


def panels(chosen, compared=()):
    figure = Figure()
    draw_label_figure(figure, chosen, compared)
    return {axes.get_title(loc="left") or axes.get_title(): axes for axes in figure.axes}


def series(axes):
    """Return the points of the labelers' lines: those with markers."""
    return [line.get_xydata() for line in axes.lines if line.get_marker() != "None"]


def test_predictions_are_counted_in_cells_of_a_fifth_beside_the_diagonal():
    axes = panels(result(0.5, 1.0))["gp: predicted against true label"]
    counts = np.ma.filled(axes.collections[0].get_array(), 0)  # a row per predicted label
    assert counts.shape == (50, 50)
    assert counts.sum() == 24
    assert counts[7, 5] == 1  # true 1.0, predicted 1.5
    assert np.argwhere(counts)[:, 0].min() == 7
    assert axes.lines[0].get_xydata().tolist() == [[0, 0], [10, 10]]
    assert axes.texts[0].get_text() == "MAE 0.500\n24 labels"


def test_a_spread_of_twice_the_error_covers_all_once_half_a_spread_is_claimed():
    (covered,) = series(panels(result(0.5, 1.0))["can label_std be relied on?"])
    # Half a spread is claimed to cover 38.3 %.
    assert covered[:, 0].tolist() == pytest.approx(np.linspace(0.05, 0.95, 19))
    assert covered[:, 1].tolist() == [0] * 7 + [1] * 12


def test_labels_without_a_spread_are_named_so_and_have_no_line():
    axes = panels(result(0.5, np.nan, "nearest only"))["can label_std be relied on?"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["nearest only (no label_std)"]
    assert [len(points) for points in series(axes)] == [0]


def test_each_type_and_level_has_its_error():
    truth = result(0, 1.0).truth
    errors = np.array([0.1, 0.3, 0.5, 0.9])  # of the conditions
    known = CrossValidation("gp", tuple("abcdef"), CONDITIONS, truth, truth + errors, np.ones_like(truth))
    shown = panels(known)
    assert [text.get_text() for text in shown["by type"].get_yticklabels()] == ["1 gaussian_blur", "10 jpeg"]
    assert np.allclose(series(shown["by type"]), [[(0.2, 0), (0.7, 1)]])
    assert np.allclose(series(shown["by level"]), [[(1, 0.3), (3, 0.6)]])


def test_labelers_compared_differ_in_color_and_shape_alike_in_all_panels():
    compared = [result(0.1 * number, 1.0, f"labeler {number}") for number in range(1, 6)]
    shown = panels(compared[0], compared)
    for title in ("can label_std be relied on?", "by type", "by level"):
        lines = [line for line in shown[title].lines if line.get_marker() != "None"]
        assert [to_hex(line.get_color()).upper() for line in lines] == list(COLORS[:5])
        assert len({line.get_marker() for line in lines}) == 5
    names = [text.get_text() for text in shown["can label_std be relied on?"].get_legend().get_texts()]
    assert names == [f"labeler {number}" for number in range(1, 6)]


def test_more_labelers_than_colors_are_all_drawn():
    compared = [result(0.1 * number, 1.0, f"labeler {number}") for number in range(1, 10)]
    assert len(series(panels(compared[0], compared)["by level"])) == 9


def test_labels_without_an_error_can_be_drawn(tmp_path):
    write_label_figure(tmp_path / "cv.png", result(0, 1.0))
    assert decode_image(tmp_path / "cv.png").shape == (HEIGHT, WIDTH, 3)


def test_the_same_labels_give_the_same_file(tmp_path):
    for name in ("a.png", "b.png"):
        write_label_figure(tmp_path / name, result(0.5, 1.0))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert decode_image(tmp_path / "a.png").shape == (HEIGHT, WIDTH, 3)


def test_nothing_is_cut_off_at_the_edges(tmp_path):
    compared = [result(0.1 * number, 1.0, f"labeler {number}") for number in range(1, 6)]
    write_label_figure(tmp_path / "cv.png", compared[0], compared)
    picture = decode_image(tmp_path / "cv.png")
    for edge in (picture[:5], picture[-5:], picture[:, :5], picture[:, -5:]):
        assert (edge == 255).all()
