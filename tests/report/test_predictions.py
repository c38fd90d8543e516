"""The best and the worst predicted pictures."""

import numpy as np
import pyarrow as pa
import pytest
from syndr_curate.curate.datasets.predictions import read_predictions
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.report.predictions import prediction_gallery
from syndr_curate.curate.report.rows import joined_rows

from ..making import training_rows

IDS = [f"p{n}" for n in range(20)]
LABELS = np.linspace(1, 9, 20)


def frame_of(labels=LABELS, **columns):
    return joined_rows(training_rows(IDS, labels, **columns))


def scored(scores, ids=IDS):
    return read_predictions(pa.table({"id": list(ids), "score": list(scores)}), score_column="score")


def test_the_worst_is_the_one_whose_score_is_far_off_and_it_says_by_how_much():
    scores = 1 / (1 + np.exp(-(LABELS - 5)))
    scores[15] = scores[2]  # a good picture that the model takes for a bad one
    found = prediction_gallery(frame_of(), scored(scores), 3)
    worst = found.worst[0]
    assert (worst.id, worst.label) == ("p15", pytest.approx(LABELS[15], abs=1e-6))
    assert worst.error == worst.prediction - worst.label
    assert -7 < worst.error < -3
    assert (len(found.best), len(found.worst)) == (3, 3)
    assert not {picture.id for picture in found.best} & {picture.id for picture in found.worst}
    assert all(abs(picture.error) < 1 for picture in found.best)
    assert [abs(picture.error) for picture in found.worst] == sorted((abs(p.error) for p in found.worst), reverse=True)


def test_the_scale_of_the_scores_does_not_matter():
    noise = np.random.default_rng(0).normal(size=20)
    here, elsewhere = (
        prediction_gallery(frame_of(), scored(scores), 5) for scores in (LABELS + noise, 100 * (LABELS + noise) - 7)
    )
    assert [picture.id for picture in here.worst] == [picture.id for picture in elsewhere.worst]
    assert np.allclose([p.error for p in here.worst], [p.error for p in elsewhere.worst], atol=1e-4)


def test_no_picture_is_both_where_there_are_few():
    scores = LABELS + np.random.default_rng(1).normal(size=20)
    found = prediction_gallery(frame_of(), scored(scores), 50)
    assert len(set(found.ids)) == len(found.ids) == 20


def test_rows_without_label_or_prediction_and_unusable_rows_are_left_out():
    labels = LABELS.copy()
    labels[0] = np.nan
    frame = frame_of(labels, status=["ok"] * 19 + ["failed"])
    scores = LABELS + np.random.default_rng(1).normal(size=20)
    found = prediction_gallery(frame, scored([*scores[1:], 1.0], [*IDS[1:], "elsewhere"]), 50)
    assert (found.rows, found.unused) == (18, 2)
    assert not {"p0", "p19", "elsewhere"} & set(found.ids)


def test_predictions_of_other_pictures_are_refused():
    with pytest.raises(CurateError, match=r"for none of the 20 labeled rows of the manifest; .* would match but for"):
        prediction_gallery(frame_of(), scored(LABELS, [name.upper() for name in IDS]), 3)


@pytest.mark.parametrize("scores", [[1.0] * 20, None])
def test_scores_that_no_curve_fits_are_refused(scores):
    given = scored(scores) if scores else scored(LABELS[:4], IDS[:4])
    with pytest.raises(CurateError, match="expected 5 labeled rows or more with a score"):
        prediction_gallery(frame_of(), given, 3)
