"""Accuracies by hand, and a picture of them."""

import numpy as np
import pytest
from syndr_curate.curate.domains.evaluation import ClassScores, confusion_picture, score_classes
from syndr_curate.curate.domains.selection_rule import CLASSES


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


def test_the_picture_shows_right_answers_green_and_wrong_ones_red():
    confusion = np.eye(CLASSES, dtype=np.int64) * 10
    confusion[3, 3], confusion[3, 1] = 5, 5
    picture = confusion_picture(ClassScores(confusion, confusion.sum(axis=1)), "a title")
    assert picture.dtype == np.uint8
    # Sample each cell in its upper left corner, beside the number.
    cell, left, top = 34, 12 + 190, 34 + 30

    def color(row, column):
        return picture[top + row * cell + 4, left + column * cell + 4].astype(int)

    assert color(4, 4)[1] > color(4, 4)[0] + 50  # green
    assert color(3, 1)[0] > color(3, 1)[1] + 50  # red
    assert color(4, 5) == pytest.approx([255, 255, 255])
