"""Check that a row's id, reference and file fit each other, which finds columns that were shifted."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from ..manifest.chains.recipes import CHAIN_NAME, chain_of_row, seeded
from ..manifest.ids import list_ids, parse_chain_id, parse_sample_id, spell_steps, stem_id, strip_image_suffix
from ..manifest.manifest import ok_rows
from ..manifest.provenance import read_provenance
from ..manifest.seeds import row_seed, stream_seed

_COLUMNS = (
    *("sample_id", "reference_id", "reference_root", "reference_path"),
    *("distortion_id", "distortion", "level", "seed", "chain"),
)

_GIVING_SEEDS = ("distort", "upsample")


def identity_problems(table: pa.Table) -> list[str]:
    """Return what contradicts itself in the rows that were made here (those with a seed), one line for each kind.

    An id counts only where it spells a reference of the same manifest: ids of one's own may look like anything.

    Args:
        table: The manifest.
    """
    by_id, by_path, by_kind = [], [], []
    paths: dict[tuple[str, str | None], set[str]] = defaultdict(set)
    rows = list(_made_here(table))
    known = {row["reference_id"] for row in rows}
    for row in rows:
        spelled = parse_sample_id(row["sample_id"]) or parse_chain_id(row["sample_id"])
        if spelled is not None and spelled[0] in known and spelled != _spelled_by_columns(row):
            by_id.append(row["sample_id"])
        if not _is_of_one_kind(row):
            by_kind.append(row["sample_id"])
        path = row["reference_path"]
        if path is not None:
            paths[row["reference_id"], row["reference_root"]].add(path)
            own_names = (stem_id(path), strip_image_suffix(path), path)
            if row["reference_id"] not in own_names and stem_id(path) in known:
                by_path.append(row["sample_id"])
    torn = [reference for (reference, _), found in paths.items() if len(found) > 1]
    kinds = {
        "rows have an id that spells another reference, type or level than their columns": by_id,
        f"rows of a chain have a type or a level of their own, or are not called {CHAIN_NAME!r}": by_kind,
        "rows name the reference's file of another reference": by_path,
        "references are of two files": torn,
    }
    return [f"{len(ids)} {what}: {list_ids(ids)}" for what, ids in kinds.items() if ids]


def seed_warnings(table: pa.Table) -> list[str]:
    """Return how many rows have another seed than the run that made the manifest gave its rows.

    The seed decides the pixels of the random types, and a recipe has no pixels that would show the change.

    Args:
        table: The manifest.
    """
    provenance = read_provenance(table)
    seed = provenance.get("config", {}).get("seed")
    if provenance.get("stage") not in _GIVING_SEEDS or type(seed) is not int:
        return []
    other = []
    for row in _made_here(table):
        if not _has_seeds_of(seed, row):
            other.append(row["sample_id"])
    if not other:
        return []
    return [
        f"{len(other)} rows have another seed than --seed {seed}, with which the manifest was made, gives them: "
        f"{list_ids(other)}; if they were not appended from another run, another tool has changed them"
    ]


def split_warnings(table: pa.Table) -> list[str]:
    """Return the references that are in several splits: their held-out rows are in the training rows, too.

    Args:
        table: The manifest.
    """
    usable = ok_rows(table).select(["reference_id", "split"])
    splits: dict[str, set[str]] = defaultdict(set)
    for row in usable.group_by(["reference_id", "split"]).aggregate([]).to_pylist():
        if row["reference_id"] is not None:
            splits[row["reference_id"]].add(row["split"])
    torn = sorted(reference for reference, found in splits.items() if len(found) > 1)
    if not torn:
        return []
    return [f"{len(torn)} references are in more than one split, which leaks their content: {list_ids(torn)}"]


def _spelled_by_columns(row: dict[str, Any]) -> tuple[str, int, int] | tuple[str, str]:
    """Return what the id of such a row spells."""
    if row["chain"] is None:
        return row["reference_id"], row["distortion_id"], row["level"]
    return row["reference_id"], spell_steps(chain_of_row(row["chain"]))


def _is_of_one_kind(row: dict[str, Any]) -> bool:
    """Return whether a row is of one type or of a chain, not of both: one's label would be read as the other's."""
    return row["chain"] is None or (row["distortion_id"], row["distortion"], row["level"]) == (None, CHAIN_NAME, None)


def _has_seeds_of(seed: int, row: dict[str, Any]) -> bool:
    """Return whether a row has the seeds that a run with this one gives it."""
    if row["chain"] is not None:
        chain = chain_of_row(row["chain"])
        return (row["seed"], chain) == seeded(chain, seed, row["reference_id"])
    stream = stream_seed(seed, row["reference_id"], row["distortion_id"], row["level"])
    # A version-1 manifest has the 63-bit seed of the stream itself.
    return row["seed"] in (row_seed(stream), stream)


def _made_here(table: pa.Table) -> Iterator[dict[str, Any]]:
    for row in table.select(list(_COLUMNS)).to_pylist():
        is_complete = row["chain"] is not None or None not in (row["distortion_id"], row["level"])
        if is_complete and None not in (row["reference_id"], row["seed"]):
            yield row
