"""From labeled single distortions to a map that labels any row: the fit and its error."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ....distortions.catalog import all_types
from ...datasets.labels import LabelScale
from ...errors import CurateError
from ...manifest.ids import list_ids
from ...manifest.lost_metadata import refuse_lost_recipes
from ...manifest.provenance import read_provenance
from ...manifest.splits import TRAIN, held_out_of
from ...runs.progress import SILENT, Reporter
from ..pools.sources import labeled_rows, warn_of_unlike_labels
from ..settings import LabelSettings
from .measured_rows import measure_rows, rows_to_measure
from .measures import MEASURES, MEASURES_VERSION
from .model import QualityMap, require_scikit_learn
from .spread import Spread
from .validation import Errors, FitRows, validate_map

FITTED_SOURCES = ("mos", "condition")


@dataclass(frozen=True)
class Calibration:
    """A map from full-reference measures to quality, and its error.

    Attributes:
        quality: The map.
        spread: The `label_std` of its labels.
        errors: On references and types that it did not see.
        scale: Of the labels that it was fitted to.
        library: Version of scikit-learn.
    """

    quality: QualityMap
    spread: Spread
    errors: Errors
    scale: LabelScale
    library: str

    def as_json(self) -> dict[str, Any]:
        """Return its entry in the provenance."""
        return {
            "version": MEASURES_VERSION,
            "measures": list(MEASURES),
            "scikit_learn": self.library,
            "label_std": {"edges": list(self.spread.edges), "widths": list(self.spread.widths)},
            **self.errors.as_json(),
        }


def calibrate(
    rows: pa.Table,
    place: Path,
    name: str,
    settings: LabelSettings,
    *,
    splits: Mapping[str, str],
    reporter: Reporter = SILENT,
) -> Calibration:
    """Fit a map to the labels that a manifest has of single distortions, from people or by condition.

    Args:
        rows: A manifest. Rows with other labels, chains and pristine pictures are passed over.
        place: The file that its roots are relative to.
        name: What it is called.
        settings: Whether held-out references are learned from.
        splits: Split of each reference that is not for training, besides what the rows say.
        reporter: Shows progress, and notes the errors.

    Raises:
        CurateError: scikit-learn is missing, there are too few rows, a row cannot be measured, or a folder is not
            known.
    """
    library = require_scikit_learn("the labeler calibrated")
    scale = scale_of(rows, name)
    chosen = _rows_to_learn_from(rows, settings, splits)
    if not len(chosen):
        raise CurateError(
            f"{name} has no single distortion to fit a calibrated label to: expected training rows with a label from "
            f"people or by condition (label_source {' or '.join(FITTED_SOURCES)}), a reference, a type and a level. "
            "`label --manifest ROWS --conditions kadid10k` gives rows such labels"
        )
    warn_of_unlike_labels(chosen, name)
    found = measure_rows(rows_to_measure(chosen, place, name), reporter)
    ids = chosen["sample_id"].to_pylist()
    failed = [number for number, outcome in enumerate(found.outcomes) if outcome.status != "ok"]
    if failed:
        raise CurateError(
            f"{len(failed)} rows of {name} cannot be measured, and the fit needs all: "
            f"{list_ids([ids[number] for number in failed])}; the first because: {found.outcomes[failed[0]].error}"
        )
    types = chosen["distortion_id"].to_pylist()
    families = {entry.id: entry.family for entry in all_types()}
    fit = FitRows(
        measures=found.measures,
        labels=chosen["label"].to_numpy().astype(np.float64),
        references=chosen["reference_id"].to_pylist(),
        types=types,
        families=[families.get(kind, "other") for kind in types],
    )
    errors, spread = validate_map(fit)
    for line in errors.as_lines():
        reporter.note(line)
    return Calibration(QualityMap(fit.measures, fit.labels), spread, errors, scale, library)


def scale_of(rows: pa.Table, name: str) -> LabelScale:
    """Return the scale that the labels of a manifest are on.

    Args:
        rows: The manifest.
        name: What it is called.

    Raises:
        CurateError: It does not say, or has lost its metadata.
    """
    refuse_lost_recipes(rows)
    recorded = read_provenance(rows).get("label_scale")
    if recorded is None:
        raise CurateError(
            f"{name} does not say on which scale its labels are (label_scale in its metadata): give a manifest that "
            "`label`, `upsample` or `testset` wrote"
        )
    return LabelScale(recorded["min"], recorded["max"], recorded["higher_is_better"])


def _rows_to_learn_from(rows: pa.Table, settings: LabelSettings, splits: Mapping[str, str]) -> pa.Table:
    usable = labeled_rows(rows)
    typed = pc.and_(pc.is_valid(usable["level"]), pc.fill_null(pc.greater(usable["distortion_id"], 0), False))
    single = pc.and_(typed, pc.is_null(usable["chain"]))
    known = pc.is_in(usable["label_source"].cast(pa.string()), pa.array(FITTED_SOURCES))
    named = pc.and_(pc.is_valid(usable["reference_id"]), pc.is_valid(usable["reference_path"]))
    usable = usable.filter(pc.and_(pc.and_(single, known), named))
    if settings.neighbors_from == "all":
        return usable
    held_out = {name for name, split in {**held_out_of(rows), **splits}.items() if split != TRAIN}
    return usable.filter(pc.invert(pc.is_in(usable["reference_id"], pa.array(sorted(held_out), pa.string()))))
