"""The command `label --cross-validate`: from a label file and features to figures."""

from pathlib import Path
from typing import Any

from ..data.features import load_features
from ..data.labels import LabelFile
from ..engine.progress import SILENT, Reporter, counting
from .cross_validate import comparison_text, cross_validate, default_labelers
from .label import NeighborSettings


def run_cross_validate(
    labels: LabelFile,
    reference_features: Path,
    labeler: str,
    settings: NeighborSettings,
    *,
    compare: bool = False,
    reporter: Reporter = SILENT,
) -> tuple[dict[str, Any], str]:
    """Predict each labelled reference's labels from the others, and score them.

    Args:
        labels: The label file.
        reference_features: Features of its references.
        labeler: `knn` or `gp`.
        settings: For `knn`.
        compare: Score the other labellers too.
        reporter: Shows progress.

    Returns:
        `mae, rmse, srcc, plcc, by, ...` of the chosen labeller, with `compare`: a list of the same for all; and the
        same for people.

    Raises:
        CurateError: Labels and features do not fit each other, or labels are missing.
    """
    labelled, references = labels.read(), load_features(reference_features)
    count = len(labelled.references())

    def score(which: Any) -> Any:
        name = which if isinstance(which, str) else which.name
        with reporter.task(f"leave out one reference ({name})", count) as task:
            return cross_validate(labelled, references, which, settings=settings, progress=counting(task))

    chosen = score(labeler)
    if not compare:
        return chosen.as_json(), chosen.as_text()
    every = [score(each) for each in default_labelers()]
    return {**chosen.as_json(), "compare": [each.as_json() for each in every]}, comparison_text(every)
