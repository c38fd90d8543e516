"""The rows that a sampler's indices mean: those of the loader's dataset, by their ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..datasets.features import Features
from ..errors import CurateError
from ..manifest.ids import list_ids
from ..manifest.manifest import ok_rows, read_manifest, validate
from .manifest_dataset import ManifestDataset


def sampled_rows(
    data: ManifestDataset | pa.Table | Path | str, sample_ids: Sequence[str] | None
) -> tuple[pa.Table, bool]:
    """Return the rows of a dataset, so that row i is its item i.

    Args:
        data: The dataset that the `DataLoader` gets; or a manifest or its file.
        sample_ids: With a manifest: the ids of the items of the loader's dataset, in order.

    Returns:
        The rows, all with status `ok` and a label, and whether the manifest has more ok rows than these.

    Raises:
        CurateError: Rows lack labels, or nothing says which rows the items are.
    """
    if isinstance(data, ManifestDataset):
        if sample_ids is not None:
            raise CurateError("sample_ids= is for a manifest; a ManifestDataset says itself which rows its items are")
        return _labeled(data), data.split is not None
    if sample_ids is None:
        given = "the manifest" if isinstance(data, pa.Table) else f"the manifest {data}"
        raise CurateError(
            f"{given} alone does not say which of its rows index i of the loader's dataset means: give DRCDownSampler "
            "the ManifestDataset that the DataLoader gets, or, for a dataset of your own, the ids of its items in "
            "order as sample_ids="
        )
    table = validate(data, training=True) if isinstance(data, pa.Table) else read_manifest(data, training=True)
    usable = ok_rows(table)
    chosen = _of_ids(usable, list(sample_ids))
    return chosen, len(chosen) < len(usable)


def features_of(features: Features, sample_ids: list[str]) -> Features:
    """Leave out the features of the manifest's other rows: they are not needed.

    Args:
        features: (N, D); without ids they come back as they are.
        sample_ids: Ids of the rows that are wanted.
    """
    if features.ids is None:
        return features
    wanted = set(sample_ids)
    numbers = [number for number, identifier in enumerate(features.ids) if identifier in wanted]
    if len(numbers) in (0, len(features.ids)):
        return features  # without a single match, the ids are needed to say why
    ids = tuple(features.ids[number] for number in numbers)
    return Features(features.matrix[np.array(numbers, np.int64)], ids, None, features.source, {})


def _labeled(dataset: ManifestDataset) -> pa.Table:
    rows = dataset.rows.append_column("status", pa.repeat(pa.scalar("ok"), len(dataset)))
    unlabeled = rows["label"].null_count
    if unlabeled:
        first = rows.filter(rows["label"].is_null())["sample_id"][0].as_py()
        raise CurateError(f"{unlabeled} rows have no label, e.g. {first!r}: they cannot be clustered")
    return rows


def _of_ids(usable: pa.Table, sample_ids: list[str]) -> pa.Table:
    places = pc.index_in(pa.array(sample_ids, pa.string()), value_set=usable["sample_id"].combine_chunks())
    unknown = [
        identifier for identifier, known in zip(sample_ids, places.is_valid().to_pylist(), strict=True) if not known
    ]
    if unknown:
        raise CurateError(
            f"{len(unknown)} of sample_ids are no row of the manifest with status ok: {list_ids(unknown)}"
        )
    repeated = sorted({identifier for identifier, times in Counter(sample_ids).items() if times > 1})
    if repeated:
        raise CurateError(
            f"{len(repeated)} of sample_ids are given more than once: {list_ids(repeated)}; expected each once"
        )
    return usable.take(places)
