"""`upsample --cross-validate`: how good the labels of its labeled set are."""

from ..labeling.validate_label_file import Validated, refuse_validating, validate_labels
from ..runs.progress import SILENT, Reporter
from .labeled_set import read_labeled_set
from .request import UpsampleRequest


def cross_validate_upsample(
    request: UpsampleRequest, *, compare: bool = False, reporter: Reporter = SILENT
) -> Validated:
    """Predict each labeled reference's labels from the others, for the set that `upsample` would learn from.

    That set may be a label file or proxy labels; without the references that a split file holds out.

    Args:
        request: The settings of `upsample`; candidates are not used, and nothing is written.
        compare: Score the other labelers too.
        reporter: Shows progress.

    Raises:
        CurateError: Inputs that are missing or do not fit each other, or labels are missing.
    """
    refuse_validating(request.settings.labeling)
    labels, references, splits = read_labeled_set(request, reporter)
    return validate_labels(
        labels, references, request.settings.labeling, splits=splits, compare=compare, reporter=reporter
    )
