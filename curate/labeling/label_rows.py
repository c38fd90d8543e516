"""From recipe rows of new references to labeled rows."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..datasets.features import Features
from ..datasets.labels import Labels
from ..errors import CurateError
from ..manifest.id_mismatch import explain_mismatch
from ..manifest.ids import list_ids, make_sample_id
from ..manifest.schema import NEIGHBORS, SCHEMA
from .label_matrix import Condition, LabelMatrix, Matrix, complete_label_matrix, label_matrix
from .labeler import Labeler, Neighbor


def label_rows(rows: pa.Table, new: Features, references: Features, labels: Labels, labeler: Labeler) -> pa.Table:
    """Label rows of new references with pseudo-labels.

    Args:
        rows: Manifest rows with reference_id, distortion_id and level.
        new: Features of the references of these rows, with ids.
        references: Features of the references whose labels are learned from, with ids.
        labels: The labeled set; labels of other references are not looked at.
        labeler: What labels.

    Returns:
        The rows with `label`, `label_std`, `label_source` and `neighbors` filled in; `label_std` and `neighbors` are
        null where the labeler gives none.

    Raises:
        CurateError: Labels that the labeler needs are missing, or rows name no type or level; the message names them.
    """
    cells = conditions_of(rows)
    lent = labels.of_references(references.require_ids())
    known = (complete_label_matrix if labeler.needs_complete_set else label_matrix)(lent, references)
    ids: list[str] = rows["reference_id"].to_pylist()
    conditions = tuple(dict.fromkeys(cells))
    found = labeler.predict(known, new.matrix, conditions)
    row_of = {identifier: row for row, identifier in enumerate(new.require_ids())}
    column_of = {condition: column for column, condition in enumerate(conditions)}
    where = ([row_of[identifier] for identifier in ids], [column_of[cell] for cell in cells])
    values = found.labels[where]
    unknown = [(ids[place], cells[place]) for place in np.flatnonzero(np.isnan(values)).tolist()]
    neighbors = None if found.neighbors is None else dict(zip(new.require_ids(), found.neighbors, strict=True))
    if unknown:
        _refuse(unknown, known, neighbors)
    column = None if neighbors is None else _neighbor_column(ids, neighbors)
    return with_labels(rows, values, found.label_std[where], source=found.source, neighbors=column)


def conditions_of(rows: pa.Table) -> list[Condition]:
    """Return the distortion id and the level of each row.

    Raises:
        CurateError: Rows name none, or are chains, which are of several; the message names them.
    """
    chains = rows.filter(pc.is_valid(rows["chain"]))["sample_id"].to_pylist()
    if chains:
        raise CurateError(
            f"{len(chains)} rows are chains of distortions, which have no label by type and level: label them with "
            f"--labeler calibrated, or leave them out: {list_ids(chains)}"
        )
    bare = rows.filter(pc.or_(pc.is_null(rows["distortion_id"]), pc.is_null(rows["level"])))["sample_id"].to_pylist()
    if bare:
        raise CurateError(
            f"{len(bare)} rows name no distortion or level, which a label needs: {list_ids(bare)}; leave these rows out"
        )
    return list(zip(rows["distortion_id"].to_pylist(), rows["level"].to_pylist(), strict=True))


def with_labels(
    rows: pa.Table, labels: Matrix, label_std: Matrix, *, source: str, neighbors: pa.Array | None = None
) -> pa.Table:
    """Write labels into rows in place of earlier ones.

    Args:
        rows: n manifest rows.
        labels: n labels on [0, 10].
        label_std: n on the same scale; NaN becomes null.
        source: The `label_source` of all of them.
        neighbors: The column of that name; None fills it with nulls.
    """
    columns = {
        "label": pa.array(labels.astype(np.float32)),
        "label_std": pa.array(label_std.astype(np.float32), from_pandas=True),
        "label_source": pa.array([source] * len(rows), pa.string()).dictionary_encode(),
        "neighbors": pa.nulls(len(rows), NEIGHBORS) if neighbors is None else neighbors,
    }
    for name, filled in columns.items():
        rows = rows.set_column(rows.schema.get_field_index(name), SCHEMA.field(name), filled)
    return rows


def features_of_references(features: Features, ids: Sequence[str]) -> Features:
    """Return the features of some references, in the order of their ids.

    Args:
        features: With ids.
        ids: The references wanted.

    Raises:
        CurateError: Names the references without features.
    """
    nameless = sum(identifier is None for identifier in ids)
    if nameless:
        raise CurateError(f"{nameless} of {len(ids)} references have no reference_id, by which features are found")
    position = {identifier: row for row, identifier in enumerate(features.require_ids())}
    missing = [identifier for identifier in ids if identifier not in position]
    if missing:
        reason = explain_mismatch(ids, position, wanted_in="the rows", given_in=features.source)
        raise CurateError(
            f"{features.source} has no features for {len(missing)} references: {list_ids(missing)}{reason}"
        )
    rows = np.array([position[identifier] for identifier in ids], dtype=np.int64)
    return replace(features, matrix=features.matrix[rows], ids=tuple(ids), names=None)


def drop_uncertain(rows: pa.Table, max_label_std: float | None) -> pa.Table:
    """Leave out rows whose label is less certain than allowed; a row without `label_std` stays.

    Args:
        rows: Labeled rows.
        max_label_std: Largest `label_std` kept, on [0, 10], as `LabelSettings` has it; None keeps all.

    Raises:
        CurateError: No row keeps to it.
    """
    if max_label_std is None:
        return rows
    kept = rows.filter(pc.fill_null(pc.less_equal(rows["label_std"], max_label_std), True))
    if not len(kept):
        raise CurateError(
            f"no row has a label_std of at most {max_label_std:g}; the smallest is {_smallest(rows):.3g}: raise "
            "--max-label-std"
        )
    return kept


def _refuse(
    unknown: Sequence[tuple[str, Condition]], known: LabelMatrix, neighbors: dict[str, tuple[Neighbor, ...]] | None
) -> None:
    """Refuse rows without a label, given by reference and condition; name the neighbors' labels that are missing."""
    if neighbors is None:
        rows = [make_sample_id(reference, *condition) for reference, condition in unknown]
        raise CurateError(f"no labeled image has the type and level of {len(rows)} rows: {list_ids(rows)}")
    conditions = tuple(dict.fromkeys(condition for _, condition in unknown))
    lacking = np.isnan(known.quality_of(conditions)).tolist()
    row_of = {identifier: row for row, identifier in enumerate(known.features.require_ids())}
    column_of = {condition: column for column, condition in enumerate(conditions)}
    missing = {
        (neighbor.id, *condition)
        for reference, condition in unknown
        for neighbor in neighbors[reference]
        if lacking[row_of[neighbor.id]][column_of[condition]]
    }
    cells = [make_sample_id(*cell) for cell in sorted(missing)]
    raise CurateError(
        f"{len(cells)} labels are needed and not in the label file: {list_ids(cells)} "
        "(choose --types and --levels that every reference has labels for)"
    )


def _neighbor_column(ids: Sequence[str], neighbors: dict[str, tuple[Neighbor, ...]]) -> pa.Array:
    structs = {
        reference: [{"reference_id": n.id, "distance": n.distance, "weight": n.weight} for n in found]
        for reference, found in neighbors.items()
    }
    return pa.array([structs[identifier] for identifier in ids], NEIGHBORS)


def _smallest(rows: pa.Table) -> float:
    return float(pc.min(rows["label_std"]).as_py())
