"""Which references are held out for validation or test."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import CurateError
from ..storage.paths.regular_files import refuse_special
from ..storage.texts.csv_tables import read_csv
from .id_mismatch import explain_mismatch, look_alikes
from .ids import list_ids, stem_id, strip_image_suffix
from .schema import SCHEMA
from .split_names import SPLITS

TRAIN = "train"


def read_splits(path: Path | str, reference_of: Mapping[str, str]) -> dict[str, str]:
    """Read a split file: a CSV with `split` and either `reference_id` or `id`.

    A split belongs to a reference, since two distorted versions of one picture on both sides of a split would leak its
    content. An id of a distorted image therefore marks its whole reference.

    Args:
        path: The CSV. `split` is `train`, `val` or `test`; references that it does not name are `train`.
        reference_of: Sample id to reference id, for all labeled images.

    Returns:
        Reference id to split, for the references named.

    Raises:
        CurateError: Unknown ids or splits, one reference in two splits, both or neither of the two columns, or no row.
    """
    path = Path(path)
    refuse_special(path)
    if not path.is_file():
        raise CurateError(
            f"no split file at {path}: give a CSV with reference_id (or id) and split; `syndr-curate split` writes them"
        )
    frame = read_csv(path)
    keys = [name for name in ("reference_id", "id") if name in frame.columns]
    if len(keys) != 1 or "split" not in frame.columns:
        raise CurateError(
            f"{path} has the columns {', '.join(map(str, frame.columns))}; expected 'split' and either 'reference_id' "
            "or 'id'"
        )
    if frame.empty:
        raise CurateError(f"{path} has no row below its header: it would hold nothing out")
    references = set(reference_of.values())
    splits: dict[str, str] = {}
    unknown: list[str] = []
    for name, split in zip(frame[keys[0]], frame["split"], strict=True):
        reference = next((r for i in _readings(name) if (r := _reference(i, references, reference_of))), None)
        if reference is None:
            unknown.append(name)
            continue
        if split not in SPLITS:
            raise CurateError(f"{path}: the split of {name!r} is {split!r}; it may be {', '.join(SPLITS)}")
        if splits.setdefault(reference, split) != split:
            raise CurateError(
                f"{path}: reference {reference!r} is in both {splits[reference]!r} and {split!r}; expected one split "
                "for each reference"
            )
    if unknown:
        known = [*references, *reference_of]
        reason = explain_mismatch([*splits, *unknown], known, wanted_in=str(path), given_in="the labels")
        raise CurateError(
            f"{path}: {len(unknown)} ids are not among the labeled references: {list_ids(unknown)}{reason}"
        )
    return splits


def _readings(name: str) -> tuple[str, str, str]:
    # Ids are relative paths under `--ids path`, with their suffix where two differ in nothing else, and file stems
    # otherwise; a split file may hold any of them.
    return name, strip_image_suffix(name), stem_id(name)


def _reference(identifier: str, references: Collection[str], reference_of: Mapping[str, str]) -> str | None:
    return identifier if identifier in references else reference_of.get(identifier)


def split_column(reference_ids: Sequence[str], splits: Mapping[str, str]) -> list[str]:
    """Return the split of each row; a reference that no split file names is for training."""
    return [splits.get(reference, TRAIN) for reference in reference_ids]


def check_splits(splits: Mapping[str, str], reference_ids: Collection[str]) -> None:
    """Refuse splits that were not read from a file and name unknown references or splits.

    Args:
        splits: Reference id to split.
        reference_ids: Ids of the labeled references.

    Raises:
        CurateError: Names them.
    """
    if not isinstance(splits, Mapping):
        raise CurateError(f"splits is a {type(splits).__name__}; expected a mapping like {{'I01': 'test'}}")
    stray = sorted(set(splits) - set(reference_ids))
    if stray:
        reason = explain_mismatch(splits, reference_ids, wanted_in="the splits", given_in="the label file")
        raise CurateError(
            f"splits name {len(stray)} references that the label file does not: {list_ids(stray)}{reason}"
        )
    for reference, split in splits.items():
        if split not in SPLITS:
            raise CurateError(f"the split of {reference!r} is {split!r}; expected {', '.join(SPLITS)}")


def held_out_of(rows: pa.Table) -> dict[str, str]:
    """Return the split of each reference that a manifest holds out.

    Args:
        rows: Manifest rows; one row in another split holds its whole reference out.
    """
    held_out = rows.filter(pc.not_equal(rows["split"], TRAIN)).select(["reference_id", "split"])
    pairs = zip(held_out["reference_id"].to_pylist(), held_out["split"].to_pylist(), strict=True)
    return {reference: split for reference, split in pairs if reference is not None}


def mark_held_out(rows: pa.Table, splits: Mapping[str, str]) -> pa.Table:
    """Give the rows of held-out references their split.

    Args:
        rows: Manifest rows.
        splits: Reference id to split; rows of other references keep theirs.

    Raises:
        CurateError: A row is held out already, for something else than its reference; or its reference nearly has the
            id of a held-out one.
    """
    if not splits:
        return rows
    alike = look_alikes((i for i in pc.unique(rows["reference_id"]).to_pylist() if i is not None), splits)
    if alike:
        raise CurateError(
            f"{len(alike)} references of the rows have the id of a held-out one but for upper and lower case or the "
            f"Unicode form, e.g. {alike[0][0]!a} and {alike[0][1]!a}: ids must be equal to the letter, so rename one "
            "side"
        )
    ids, before = rows["reference_id"].to_pylist(), rows["split"].to_pylist()
    after = [splits.get(reference, split) for reference, split in zip(ids, before, strict=True)]
    torn = {
        reference: (old, new)
        for reference, old, new in zip(ids, before, after, strict=True)
        if old not in (None, TRAIN, new)
    }
    if torn:
        reference, (old, new) = next(iter(torn.items()))
        raise CurateError(
            f"{len(torn)} references are in one split in the manifest and in another in the split file, e.g. "
            f"{reference!r} in {old!r} and in {new!r}; expected the same in both (mend either)"
        )
    field = SCHEMA.field("split")
    return rows.set_column(rows.schema.get_field_index("split"), field, pa.array(after, pa.string()).cast(field.type))
