"""Figures: their bytes, their look, and what is said where matplotlib is missing."""

import sys

import pytest
from PIL import Image
from syndr_curate import CurateError
from syndr_curate.curate.storage.figures import figure_png, require_matplotlib, why_no_figures


def draw(figure):
    figure.subplots().plot([0, 1], [2, 3])


def test_a_figure_has_its_size_and_does_not_record_when_and_with_what_it_was_made(tmp_path):
    (tmp_path / "f.png").write_bytes(figure_png(draw, width=320, height=240))
    with Image.open(tmp_path / "f.png") as picture:
        assert picture.size == (320, 240)
        assert set(picture.info) == {"dpi"}


def test_the_same_figure_has_the_same_bytes():
    assert figure_png(draw, width=320, height=240) == figure_png(draw, width=320, height=240)


def test_a_users_settings_of_matplotlib_neither_change_a_figure_nor_are_changed():
    import matplotlib

    plain = figure_png(draw, width=320, height=240)
    mine = {"font.size": 30, "axes.facecolor": "black", "savefig.dpi": 50}
    with matplotlib.rc_context(mine):
        assert figure_png(draw, width=320, height=240) == plain
        assert {name: matplotlib.rcParams[name] for name in mine} == mine


def test_where_matplotlib_can_be_imported_nothing_is_said():
    assert why_no_figures() is None
    require_matplotlib("--plot cv.png")


def test_without_matplotlib_the_error_names_what_asked_and_the_cure(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(
        CurateError, match=r"^--plot cv\.png: drawing needs matplotlib.*pip install 'syndr-curate\[plot\]'$"
    ):
        require_matplotlib("--plot cv.png")
    with pytest.raises(CurateError, match="a figure: drawing needs matplotlib"):
        figure_png(draw, width=320, height=240)
