"""Which labels may be used for new rows: those of held-out references are never used for training rows."""

from collections.abc import Mapping

from ..datasets.features import Features
from ..errors import CurateError
from ..manifest.splits import TRAIN
from ..runs.progress import SILENT, Reporter
from .label_rows import features_of_references
from .settings import LabelSettings


def without_held_out(
    references: Features, splits: Mapping[str, str], settings: LabelSettings, reporter: Reporter = SILENT
) -> Features:
    """Leave out the references whose labels must not be used for new rows.

    Args:
        references: Features of the labeled references, with ids.
        splits: Split of each reference that is not for training.
        settings: Whose labels are taken, and by which labeler.
        reporter: Told how many references are left out, and when fewer than `--neighbors` are left.

    Returns:
        The features of those that are for training; of all with `neighbors_from="all"`.

    Raises:
        CurateError: Every reference is held out.
    """
    ids = references.require_ids()
    kept = [identifier for identifier in ids if splits.get(identifier, TRAIN) == TRAIN]
    if settings.neighbors_from == "all":
        kept = list(ids)
    if not kept:
        raise CurateError(
            f"the split file holds out all {len(ids)} labeled references; expected at least one of split {TRAIN!r} to "
            "take labels from (mark some as train, or use --neighbors-from all)"
        )
    if len(kept) < len(ids):
        reporter.note(
            f"{len(ids) - len(kept)} held-out references lend no labels: {len(kept)} references do "
            "(--neighbors-from all would take all)"
        )
        references = features_of_references(references, kept)
    wanted = settings.neighbors.count
    if settings.labeler == "knn" and len(kept) < wanted:
        reporter.note(f"only {len(kept)} references give their labels, fewer than --neighbors {wanted}: all are taken")
    return references
