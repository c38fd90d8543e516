"""Which rows of a manifest get a label, and back among the others."""

import pyarrow as pa
import pyarrow.compute as pc

from ..datasets.labels import LabelScale
from ..errors import CurateError
from ..manifest.lost_metadata import refuse_lost_recipes
from ..manifest.provenance import read_provenance
from ..runs.progress import Reporter


def rows_to_label(rows: pa.Table, name: str, scale: LabelScale, reporter: Reporter) -> pa.Table:
    """Return the ok rows without a label from people, which is better than any other label.

    Args:
        rows: Manifest rows.
        name: What they are, for messages.
        scale: Of the new labels.
        reporter: Told how many rows keep their labels.

    Raises:
        CurateError: Lost metadata, labels from people on another scale, or nothing to label.
    """
    refuse_lost_recipes(rows)
    kept = int(pc.sum(_from_people(rows)).as_py() or 0)
    before = read_provenance(rows).get("label_scale")
    if kept and before not in (None, scale.as_json()):
        raise CurateError(
            f"{kept} rows of {name} have labels from people on the scale {before}, the new labels would be on "
            f"{scale.as_json()}: label the other rows in a manifest of their own, or, where a label file is given, "
            "name the scale of those labels (--label-range)"
        )
    usable = rows.filter(pc.and_(pc.equal(rows["status"], "ok"), pc.invert(_from_people(rows))))
    if not len(usable):
        raise CurateError(f"{name} has no row to label{' that people have not labeled' if kept else ''}")
    if kept:
        reporter.note(f"{kept} rows keep their labels from people")
    return usable


def in_order_of(rows: pa.Table, labeled: pa.Table) -> pa.Table:
    """Merge labeled rows with those that were not to be labeled, in the original order.

    Args:
        rows: All rows, in the order of the result.
        labeled: What became of those that `rows_to_label` gave; some may be left out.
    """
    rest = rows.filter(pc.or_(pc.not_equal(rows["status"], "ok"), _from_people(rows)))
    joined = pa.concat_tables([labeled, rest]).combine_chunks()
    places = pc.index_in(rows["sample_id"], joined["sample_id"].combine_chunks())
    return joined.take(places.drop_null())


def _from_people(rows: pa.Table) -> pa.ChunkedArray:
    labeled = pc.and_(pc.is_valid(rows["label"]), pc.equal(rows["status"], "ok"))
    return pc.and_(labeled, pc.fill_null(pc.equal(rows["label_source"].cast(pa.string()), "mos"), False))
