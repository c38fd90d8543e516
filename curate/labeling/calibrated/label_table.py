"""Rows labeled by how they differ from their references."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import CurateError
from ...manifest.outcomes import with_outcomes
from ...manifest.splits import held_out_of, mark_held_out
from ...runs.progress import Reporter
from ..label_rows import drop_uncertain, with_labels
from ..rows_to_label import in_order_of, rows_to_label
from ..settings import LabelSettings
from .calibration import Calibration, calibrate, scale_of
from .measured_rows import RowsToMeasure, measure_rows, rows_to_measure


def label_table_by_calibration(
    rows: pa.Table,
    place: Path,
    name: str,
    *,
    fit: pa.Table,
    fit_place: Path,
    fit_name: str,
    settings: LabelSettings,
    splits: Mapping[str, str],
    reporter: Reporter,
) -> tuple[pa.Table, Calibration]:
    """Fit a map to one manifest, and label the ok rows of another by how they differ from their references.

    References that either of the two holds out teach nothing. What can be checked without pixels is checked
    before the fit, which takes minutes.

    Args:
        rows: Manifest rows of any kind but mixes, with the provenance of their manifest.
        place: The file that their roots are relative to.
        name: What they are, for messages.
        fit: A manifest of labeled single distortions.
        fit_place: The file that its roots are relative to.
        fit_name: What it is called.
        settings: The bound on `label_std`, and whether held-out references are learned from.
        splits: Split of each reference, of either manifest, that is not for training.
        reporter: Told which rows keep their labels, and the errors of the map; shows progress.

    Returns:
        The rows with `label`, `label_std` (what 68 % of errors on unseen types keep to) and `label_source`
        `calibrated`, in their order, and the map. A row whose pixels cannot be had says why in `status` and `error`;
        rows whose label is too uncertain are left out. Rows whose status is not `ok`, and those with a label from
        people, stay as they are.

    Raises:
        CurateError: Lost metadata, nothing to label, rows that name no reference, nothing to fit to, no row can be
            measured, or no label is certain enough.
    """
    usable = rows_to_label(rows, name, scale_of(fit, fit_name), reporter)
    wanted = rows_to_measure(usable, place, name)
    held_out = {**held_out_of(rows), **splits}
    calibration = calibrate(fit, fit_place, fit_name, settings, splits=held_out, reporter=reporter)
    done = _labeled(usable, wanted, name, calibration, reporter)
    return mark_held_out(in_order_of(rows, drop_uncertain(done, settings.max_label_std)), splits), calibration


def _labeled(
    rows: pa.Table, wanted: RowsToMeasure, name: str, calibration: Calibration, reporter: Reporter
) -> pa.Table:
    found = measure_rows(wanted, reporter)
    outcomes = found.outcomes
    ok = np.array([outcome.status == "ok" for outcome in outcomes])
    if not ok.any():
        raise CurateError(f"no row of {name} can be measured; the first because: {outcomes[0].error}")
    labels = calibration.quality.predict(found.measures[ok])
    labeled = with_labels(rows.filter(pa.array(ok)), labels, calibration.spread.at(labels), source="calibrated")
    if ok.all():
        return labeled
    failed = _without_labels(with_outcomes(rows, outcomes).filter(pa.array(~ok)))
    joined = pa.concat_tables([labeled, failed]).combine_chunks()
    return joined.take(pc.index_in(rows["sample_id"], joined["sample_id"].combine_chunks()))


def _without_labels(rows: pa.Table) -> pa.Table:
    for name in ("label", "label_std", "label_source", "neighbors"):
        field = rows.schema.field(name)
        rows = rows.set_column(rows.schema.get_field_index(name), field, pa.nulls(len(rows), field.type))
    return rows
