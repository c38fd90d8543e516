"""`upsample --cross-validate`: how good the labels of its labelled set are."""

from ..labeling.validate_label_file import Validated, validate_labels
from ..runs.progress import SILENT, Reporter
from .request import UpsampleRequest
from .run import read_labelled_set


def cross_validate_upsample(
    request: UpsampleRequest, *, compare: bool = False, reporter: Reporter = SILENT
) -> Validated:
    """Predict each labelled reference's labels from the others, for the set that `upsample` would learn from.

    That set may be a label file or proxy labels.

    Args:
        request: What `upsample` was told; candidates are not looked at, and nothing is written.
        compare: Score the other labellers too.
        reporter: Shows progress.

    Raises:
        CurateError: Inputs that are missing or do not fit each other, or labels are missing.
    """
    labelled, settings = read_labelled_set(request, reporter), request.settings
    return validate_labels(*labelled, settings.labeler, settings.neighbors, compare=compare, reporter=reporter)
