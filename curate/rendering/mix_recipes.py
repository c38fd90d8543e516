"""Rows that say how to make a mixed image: two sources, a box and a seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..errors import CurateError
from ..manifest.schema import MIX_FIELDS, SOURCE_TYPE
from .pasting import Box
from .render import RECIPE_COLUMNS, Recipe, recipe_of

_MIX_SOURCES = tuple(field for field in MIX_FIELDS if field.name in ("box", "source_a", "source_b"))
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True)
class MixRow:
    """What a row says about its mixed image.

    Attributes:
        sample_id: Its id.
        image_root: Root of its pixels.
        image_path: Where they lie below it.
        a: The background.
        b: The patch.
        seed: Seed of the draw of the box.
        box: Where B shows, in pixels of the mix; None where it could not be made.
    """

    sample_id: str
    image_root: str
    image_path: str
    a: Recipe
    b: Recipe
    seed: int
    box: Box | None = None

    @property
    def type_ids(self) -> tuple[int, ...]:
        """The distortion ids of its sources."""
        return (*self.a.type_ids, *self.b.type_ids)


PixelRow: TypeAlias = Recipe | MixRow


def mix_rows_of(table: pa.Table) -> list[MixRow]:
    """Take the recipes out of a mixed manifest's rows, in order.

    Raises:
        CurateError: The table lacks a column of mixed manifests, or a row a source or its seed.
    """
    columns = ["sample_id", "image_root", "image_path", "seed", "box", "source_a", "source_b"]
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise CurateError(
            f"no mixes: the columns {', '.join(missing)} are missing; expected a manifest that `syndr-curate mix` wrote"
        )
    rows = table.select(columns).to_pylist()
    bare = [row["sample_id"] for row in rows if None in (row["source_a"], row["source_b"], row["seed"])]
    if bare:
        raise CurateError(
            f"{len(bare)} rows without sources or seed, e.g. {bare[0]!r}; expected rows that `syndr-curate mix` wrote"
        )
    return [_mix_row(row) for row in rows]


def pixel_rows(table: pa.Table) -> Iterator[PixelRow]:
    """Give what each row of any manifest says about its pixels, in order.

    Args:
        table: A manifest. A row that names two sources and a seed is a mix; any other is stored or distorted.
    """
    for batch in table.select(pixel_columns(table.schema)).to_batches(max_chunksize=_ROWS_AT_ONCE):
        for row in batch.to_pylist():
            is_mix = None not in (row.get("source_a"), row.get("source_b"), row["seed"])
            yield _mix_row(row) if is_mix else recipe_of(row)


def pixel_columns(schema: pa.Schema) -> list[str]:
    """Return the columns that `pixel_rows` reads: those of recipes, and of mixes where a manifest has them."""
    mixed = [field.name for field in _MIX_SOURCES if _has_column(schema, field)]
    return [*RECIPE_COLUMNS, *(mixed if len(mixed) == len(_MIX_SOURCES) else ())]


def source_column(sources: pa.Table, positions: NDArray[np.int64]) -> pa.StructArray:
    """Return rows of a manifest as the values of a source column.

    Args:
        sources: A manifest.
        positions: Its rows to take, in the order of the column.
    """
    taken = sources.take(pa.array(positions))
    arrays = [taken[field.name].combine_chunks().cast(field.type) for field in SOURCE_TYPE]
    return pa.StructArray.from_arrays(arrays, fields=list(SOURCE_TYPE))


def _mix_row(row: dict[str, Any]) -> MixRow:
    return MixRow(
        sample_id=row["sample_id"],
        image_root=row["image_root"],
        image_path=row["image_path"],
        a=recipe_of(row["source_a"]),
        b=recipe_of(row["source_b"]),
        seed=row["seed"],
        box=None if row["box"] is None else Box(*(row["box"][side] for side in Box._fields)),
    )


def _has_column(schema: pa.Schema, field: pa.Field) -> bool:
    """Return whether a manifest has a column of mixes; other people's may use its name for something else."""
    if field.name not in schema.names:
        return False
    found = schema.field(field.name).type
    return pa.types.is_struct(found) and {part.name for part in field.type} <= {part.name for part in found}
