"""Labels of new references by a Gaussian process over their content, learnt from the labelled ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...distortions.catalog import IDENTITY_CELLS, PRISTINE
from ..datasets.features import Features
from ..datasets.labels import Labels
from ..errors import CurateError
from ..manifest.ids import list_ids, make_sample_id
from ..manifest.schema import SCHEMA
from .gp import fit_gp
from .label_matrix import label_cube


def label_rows_by_gp(
    rows: pa.Table, ids: Sequence[str], matrix: NDArray[np.floating[Any]], references: Features, labels: Labels
) -> pa.Table:
    """Give recipe rows of new references labels from a model of all labelled ones.

    Args:
        rows: Manifest rows with reference_id, distortion_id and level.
        ids: Ids of the new references.
        matrix: (m, D) features of the new references.
        references: Features of the labelled references, with ids.
        labels: The labelled set, with a label for every reference, type and level.

    Returns:
        The rows with `label`, `label_std` and `label_source`; no single reference stands behind such a label, so
        `neighbors` is null. A pristine row takes the mean over the cells in which the generator changes nothing.

    Raises:
        CurateError: The labelled set has gaps, or no label of a type and level that is asked for.

    Source: docs/evidence.md of this project; measured against the published rule there.
    """
    cube = label_cube(labels, references)
    means, spreads = fit_gp(cube.features.matrix, cube.quality, cube.rater_noise).predict(np.asarray(matrix))
    column = {condition: place for place, condition in enumerate(cube.conditions)}
    identity = [column[cell] for cell in IDENTITY_CELLS if cell in column]
    row_of = {identifier: row for row, identifier in enumerate(ids)}
    values, errors, missing = np.empty(len(rows)), np.empty(len(rows)), []
    cells = zip(
        rows["reference_id"].to_pylist(), rows["distortion_id"].to_pylist(), rows["level"].to_pylist(), strict=True
    )
    for place, (reference, kind, level) in enumerate(cells):
        known = [column[kind, level]] if (kind, level) in column else identity if kind == PRISTINE else []
        if not known:
            missing.append(make_sample_id(reference, kind, level))
            continue
        values[place] = means[row_of[reference], known].mean()
        errors[place] = spreads[row_of[reference], known].mean()
    if missing:
        raise CurateError(f"no labelled image has the type and level of {len(missing)} rows: {list_ids(missing)}")
    filled_in = {
        "label": pa.array(values.astype(np.float32)),
        "label_std": pa.array(errors.astype(np.float32)),
        "label_source": pa.array(["pseudo"] * len(rows), pa.string()).dictionary_encode(),
    }
    for name, filled in filled_in.items():
        rows = rows.set_column(rows.schema.get_field_index(name), SCHEMA.field(name), filled)
    return rows


def drop_uncertain(rows: pa.Table, max_label_std: float | None) -> pa.Table:
    """Leave out rows whose label is less certain than allowed; a row without `label_std` stays.

    Args:
        rows: Labelled rows.
        max_label_std: Largest `label_std` kept, on [0, 10]; None keeps all.

    Raises:
        CurateError: The bound is not above 0, or no row keeps to it.
    """
    if max_label_std is None:
        return rows
    if not max_label_std > 0:
        raise CurateError(f"max_label_std is {max_label_std:g}; expected a number above 0")
    kept = rows.filter(pc.fill_null(pc.less_equal(rows["label_std"], max_label_std), True))
    if not len(kept):
        raise CurateError(f"no row has a label_std of at most {max_label_std:g}; the smallest is {_smallest(rows):.3g}")
    return kept


def _smallest(rows: pa.Table) -> float:
    return float(pc.min(rows["label_std"]).as_py())
