"""The rows of a report: what a manifest had before, what it has after, and what became of each row."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ...distortions.catalog import PRISTINE, all_types
from ..manifest.chains.recipes import CHAIN_NAME, chain_texts
from ..manifest.recipes import PRISTINE_NAME
from ..manifest.schema import LABEL_MAXIMUM

STAYED, LEFT, CAME, HELD_OUT, UNUSABLE = "stayed", "left", "came", "held_out", "unusable"
STATES = (STAYED, LEFT, CAME, HELD_OUT, UNUSABLE)
UNKNOWN = -1  # a type, level or cluster that a row does not state
CHAINED = -2  # in place of the type of a row that several distortions were applied to
LABEL_BINS = 40  # of a quarter of a point each, over [0, 10]
NO_LABEL = -1

_SPOKEN_SOURCES = {
    "mos": "labeled by people",
    "pseudo": "pseudo-labeled",
    "proxy": "labeled by a metric",
    "condition": "labeled by type and level",
    "calibrated": "labeled by calibrated measures",
}
_COLUMNS = ("sample_id", "reference_id", "dataset", "distortion_id", "level", "label", "split", "status")


def joined_rows(before: pa.Table, after: pa.Table | None = None) -> pd.DataFrame:
    """Put the rows of two manifests together by id, and say what became of each.

    Args:
        before: N rows.
        after: A later manifest; None where there is only one.

    Returns:
        One row per id, those of `before` first, in order, then what came in: `sample_id, reference_id, dataset,
        distortion_id, level` (-1 where not stated; a chain's type is -2), `steps` (of a chain, else None), `label` (NaN
        without), `split, status, source` (who labeled which dataset), `state` (one of `STATES`), `bin` (quarter of a
        point, -1 without a label), and `origin, position`: which of the two tables holds the row (0, 1) and where.
    """
    frame = _frame(before, 0)
    if after is None:
        frame["state"] = np.where(frame["status"] == "ok", STAYED, UNUSABLE)
        return frame
    later = _frame(after, 1)
    usable_after = set(later["sample_id"][later["status"] == "ok"])
    known = set(frame["sample_id"])
    new = later[~later["sample_id"].isin(known)].copy()
    new["state"] = np.where(new["status"] == "ok", CAME, UNUSABLE)
    stays = frame["sample_id"].isin(usable_after).to_numpy()
    state = np.where(frame["split"] == "train", LEFT, HELD_OUT)
    state = np.where(frame["status"] == "ok", state, UNUSABLE)
    frame["state"] = np.where(stays, STAYED, state)
    return pd.concat([frame, new], ignore_index=True)


def count_cells(frame: pd.DataFrame, sources: Sequence[str]) -> dict[str, list[int]]:
    """Count the usable rows of every (source, type, level, label bin, state).

    Args:
        frame: As `joined_rows` gives it.
        sources: Names of the sources; a cell holds the place of its source among them.

    Returns:
        Columns of equal length `source, type, level, bin, state, count`, sorted; `state` is the place in `STATES`.
    """
    usable = frame[frame["state"] != UNUSABLE]
    keys = pd.DataFrame(
        {
            "source": usable["source"].map({name: place for place, name in enumerate(sources)}),
            "type": usable["distortion_id"],
            "level": usable["level"],
            "bin": usable["bin"],
            "state": usable["state"].map({name: place for place, name in enumerate(STATES)}),
        }
    )
    counts = keys.groupby(list(keys.columns), sort=True).size().reset_index(name="count")
    return {name: [int(value) for value in counts[name]] for name in counts.columns}


def count_states(frame: pd.DataFrame) -> dict[str, int]:
    """Count the rows of every state, in the order of `STATES`."""
    counts = frame["state"].value_counts()
    return {state: int(counts.get(state, 0)) for state in STATES}


def source_names(frame: pd.DataFrame) -> list[str]:
    """Return the sources of the rows, sorted."""
    return sorted(set(frame["source"]))


def type_names(frame: pd.DataFrame) -> dict[int, str]:
    """Return the distortion types that occur, by id, with their catalog names; ids without one are called so."""
    names = {entry.id: entry.name for entry in all_types()}
    names |= {PRISTINE: PRISTINE_NAME, UNKNOWN: "not stated", CHAINED: CHAIN_NAME}
    return {int(kind): names.get(int(kind), f"type {kind}") for kind in sorted(set(frame["distortion_id"]))}


def describe_manifest(table: pa.Table, name: str, stage: str | None) -> dict[str, Any]:
    """Return the line of the table of manifests: rows, references, and the span of labels, among usable rows."""
    usable = table.filter(pc.equal(table["status"], "ok"))
    labels = usable["label"].drop_null().to_numpy()
    return {
        "name": name,
        "stage": stage,
        "rows": len(table),
        "usable": len(usable),
        "references": len(set(usable["reference_id"].to_pylist()) - {None}),
        "labelled": len(labels),
        "mean_label": round(float(labels.mean(dtype=np.float64)), 3) if len(labels) else None,
    }


def _frame(table: pa.Table, origin: int) -> pd.DataFrame:
    columns = {name: table[name].cast(pa.string()) if _is_text(table, name) else table[name] for name in _COLUMNS}
    frame: pd.DataFrame = pa.table(columns).to_pandas()
    for name in ("distortion_id", "level"):
        frame[name] = frame[name].fillna(UNKNOWN).astype(np.int64)
    steps = chain_texts(table["chain"])
    frame["steps"] = pd.Series(steps, dtype=object)
    frame.loc[[text is not None for text in steps], ["distortion_id", "level"]] = CHAINED, UNKNOWN
    frame["label"] = frame["label"].astype(np.float32)
    frame["source"] = _sources(table)
    scaled = np.floor(frame["label"].to_numpy(np.float64) * (LABEL_BINS / LABEL_MAXIMUM))
    frame["bin"] = np.where(np.isnan(scaled), NO_LABEL, np.clip(scaled, 0, LABEL_BINS - 1)).astype(np.int64)
    frame["origin"], frame["position"] = origin, np.arange(len(frame))
    return frame


def _is_text(table: pa.Table, name: str) -> bool:
    return bool(pa.types.is_dictionary(table[name].type))


def _sources(table: pa.Table) -> list[str]:
    datasets = table["dataset"].cast(pa.string()).to_pylist()
    labelers = table["label_source"].cast(pa.string()).to_pylist()
    return [
        f"{dataset or 'no dataset named'}, {_SPOKEN_SOURCES.get(labeler or '', 'no label')}"
        for dataset, labeler in zip(datasets, labelers, strict=True)
    ]
