"""The pictures that a model predicted best and worst."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..datasets.predictions import Predictions
from ..errors import CurateError
from ..labeling.correlation.logistic import FEWEST_ROWS, fit_logistic
from ..manifest.id_mismatch import explain_mismatch
from .rows import UNUSABLE


@dataclass(frozen=True)
class PredictedPicture:
    """A picture, what people said of it and what the model did.

    Attributes:
        id: Sample id.
        label: Its label, 0 to 10.
        score: The model's score, higher is better.
        prediction: The label that the score stands for.
        error: `prediction - label`: above 0 where the model thinks too well of the picture.
    """

    id: str
    label: float
    score: float
    prediction: float
    error: float


@dataclass(frozen=True)
class PredictionGallery:
    """The best and the worst predicted pictures.

    Attributes:
        rows: Pictures with a label and a prediction, which the curve was fitted to.
        unused: Predictions of other pictures.
        best: Those with the smallest errors, smallest first.
        worst: Those with the largest errors, largest first.
    """

    rows: int
    unused: int
    best: Sequence[PredictedPicture]
    worst: Sequence[PredictedPicture]

    @property
    def ids(self) -> list[str]:
        """The sample ids of all pictures, the worst first."""
        return [picture.id for picture in (*self.worst, *self.best)]


def prediction_gallery(frame: pd.DataFrame, predictions: Predictions, count: int) -> PredictionGallery:
    """Choose the best and the worst predicted pictures.

    Scores may be on any scale. They are mapped to labels by the 4-parameter logistic that is fitted to all rows with
    both, as before PLCC; the error is what is left then, in points of the label. No picture is among both.

    Args:
        frame: As `joined_rows` gives it.
        predictions: Scores by id.
        count: At most so many of either kind; half of the rows where there are fewer than twice as many.

    Raises:
        CurateError: No row has a prediction and a label, or the curve cannot be fitted.
    """
    usable = frame[(frame["state"] != UNUSABLE) & frame["label"].notna()]
    rows = usable[usable["sample_id"].isin(list(predictions.scores))]
    if not len(rows):
        ids = usable["sample_id"].tolist()
        reason = explain_mismatch(ids, predictions.scores, wanted_in="the manifest", given_in=predictions.source)
        raise CurateError(
            f"{predictions.source} has a score for none of the {len(ids)} labeled rows of the manifest{reason}; "
            "expected predictions of its pictures"
        )
    ids = rows["sample_id"].tolist()
    labels = rows["label"].to_numpy(np.float64)
    scores = np.array([predictions.scores[identifier] for identifier in ids], np.float64)
    curve = fit_logistic(scores, labels)
    if curve is None:
        raise CurateError(
            f"{predictions.source}: scores are mapped to labels by a curve through {len(ids)} rows; expected "
            f"{FEWEST_ROWS} labeled rows or more with a score, and labels and scores that differ"
        )
    mapped = curve(scores)
    pictures = [
        PredictedPicture(id=identifier, label=label, score=score, prediction=prediction, error=prediction - label)
        for identifier, label, score, prediction in zip(
            ids, labels.tolist(), scores.tolist(), mapped.tolist(), strict=True
        )
    ]
    shown = min(count, len(pictures) // 2)
    return PredictionGallery(
        rows=len(ids),
        unused=len(predictions.scores) - len(ids),
        best=sorted(pictures, key=lambda picture: (abs(picture.error), picture.id))[:shown],
        worst=sorted(pictures, key=lambda picture: (-abs(picture.error), picture.id))[:shown],
    )
