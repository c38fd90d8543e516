"""Accuracies by hand, and a figure of them."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from syndr_curate.curate.domains.evaluation import (
    HEIGHT,
    WIDTH,
    ClassScores,
    confusion_figure,
    draw_confusion,
    score_classes,
)
from syndr_curate.curate.domains.selection_rule import CLASSES
from syndr_curate.curate.storage.images import decode_image


def test_accuracies_and_recall_are_counted():
    scores = np.zeros((4, CLASSES))
    scores[0, 5] = 1  # right
    scores[1, [5, 7]] = 0.9, 1  # second best
    scores[2, [1, 2, 3, 4, 6]] = 5, 4, 3, 2, 1  # fifth: not among four
    scores[3, 0] = 1  # right
    found = score_classes(scores, np.array([5, 5, 6, 0]))
    assert found.samples == 4
    assert found.top1_accuracy() == 0.5
    assert found.top4_accuracy() == 0.75
    assert found.confusion[5, 7] == found.confusion[6, 1] == 1
    recall = found.recall()
    assert (recall[5], recall[6], recall[0], recall[9]) == (0.5, 0, 1, None)
    assert found.as_json()["recall"]["color_shift"] == 0.5


def test_without_samples_there_is_no_accuracy():
    nothing = ClassScores(np.zeros((CLASSES, CLASSES), np.int64), np.zeros(CLASSES, np.int64))
    assert nothing.top1_accuracy() is None
    assert nothing.top4_accuracy() is None


@pytest.fixture
def mistaken():
    """Ten samples of each class but 7, all right, except that half of class 3 are taken for class 1."""
    confusion = np.eye(CLASSES, dtype=np.int64) * 10
    confusion[3, 3], confusion[3, 1], confusion[7, 7] = 5, 5, 0
    return ClassScores(confusion, confusion.sum(axis=1))


def test_the_figure_has_a_number_in_each_cell_that_is_not_empty(mistaken):
    figure = Figure()
    draw_confusion(figure, mistaken, "a title")
    (axes,) = figure.axes
    cells = {text.get_position()[::-1]: text.get_text() for text in axes.texts}
    assert cells == {**{(k, k): "100" for k in range(CLASSES) if k != 7}, (3, 3): "50", (3, 1): "50"}
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert (names[0], names[5]) == ("pristine  0", "color_shift  5")
    recall = [text.get_text() for text in axes.child_axes[0].get_yticklabels()]
    assert (recall[0], recall[3], recall[7]) == ("100.0 %", "50.0 %", "-")


def test_right_answers_are_blue_and_wrong_ones_orange(mistaken):
    figure = Figure()
    draw_confusion(figure, mistaken, "a title")
    right, wrong = (image.to_rgba(image.get_array()) for image in figure.axes[0].images)
    assert right[4, 4, 2] > right[4, 4, 0] + 0.2  # red, green, blue, opaque
    assert wrong[3, 1, 0] > wrong[3, 1, 2] + 0.2
    assert right[4, 5, 3] == wrong[4, 5, 3] == wrong[4, 4, 3] == right[7, 7, 3] == 0


def test_nothing_of_the_figure_is_cut_off_at_its_edges(mistaken):
    picture = decode_image(confusion_figure(mistaken, "a title"))
    assert picture.shape == (HEIGHT, WIDTH, 3)
    for edge in (picture[:5], picture[-5:], picture[:, :5], picture[:, -5:]):
        assert (edge == 255).all()
