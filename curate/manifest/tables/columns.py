"""One column as any tool wrote it, brought to its type in the schema: equal, or refused by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import CurateError
from ..ids import list_ids
from ..schema import encode

_EXACT_BITS = {2: 11, 4: 24, 8: 53}  # bytes of a float -> bits of a whole number that it holds exactly
_FLOATS = (
    "pandas makes floats of whole numbers that have nulls among them; take the column from the original file "
    "(pandas: dtype_backend='pyarrow')"
)


@dataclass(frozen=True)
class _Misfit(Exception):  # noqa: N818 - it never leaves this file
    """Why values cannot be brought to a type, and in which rows."""

    reason: str
    rows: Sequence[int] = ()


def cast_column(column: pa.ChunkedArray, field: pa.Field, ids: pa.ChunkedArray | None) -> pa.ChunkedArray | pa.Array:
    """Bring a column to its type in the schema.

    Types that hold the same values are taken, whole numbers among floats as well: pandas turns integers with nulls
    into float64, where NaN stands for null. Nothing is rounded and nothing is guessed.

    Args:
        column: Its values.
        field: Name and type of the column in the schema.
        ids: The rows' sample ids, for messages; None where they are not known.

    Raises:
        CurateError: Values do not fit; the message names the column, both types and the rows.
    """
    kind = field.type
    if column.type == kind and not pa.types.is_dictionary(kind):
        return column
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    try:
        values = _fit(column.combine_chunks(), plain)
    except _Misfit as misfit:
        named = [] if ids is None else ids.take(pa.array(misfit.rows, pa.int64())).to_pylist()
        rows = f" in {len(named)} rows: {list_ids(named)}" if named else ""
        raise CurateError(f"column {field.name!r} is {column.type}, expected {kind}: {misfit.reason}{rows}") from None
    return encode(values, kind)


def _fit(values: pa.Array, kind: pa.DataType) -> pa.Array:
    found = values.type
    if found == kind:
        return values
    if pa.types.is_dictionary(found):
        return _fit(values.cast(found.value_type), kind)
    if pa.types.is_null(found) or (not pa.types.is_floating(kind) and _is_all_nan(values)):
        return pa.nulls(len(values), kind)
    for is_kind, fit in _FITS:
        if is_kind(kind):
            return fit(values, kind)
    raise _Misfit("these values mean something else")


def _fit_text(values: pa.Array, kind: pa.DataType) -> pa.Array:
    if _is_text(values.type):
        return _arrow_cast(values, kind)
    raise _Misfit("these values are no text (of numbers, an id 007 may have become 7): read the column as text")


def _fit_whole_numbers(values: pa.Array, kind: pa.DataType) -> pa.Array:
    found = values.type
    if pa.types.is_floating(found):
        return _fit_whole_floats(values, kind)
    if pa.types.is_integer(found) or pa.types.is_decimal(found) or _is_text(found):
        return _arrow_cast(values, kind)
    raise _Misfit("these values are no whole numbers")


def _fit_whole_floats(values: pa.Array, kind: pa.DataType) -> pa.Array:
    numbers = values.to_numpy(zero_copy_only=False)  # null is NaN here
    bits = _EXACT_BITS[numbers.dtype.itemsize]
    known = ~np.isnan(numbers)
    limits = np.iinfo(kind.to_pandas_dtype())
    with np.errstate(invalid="ignore"):
        whole = (np.floor(numbers) == numbers) & (np.abs(numbers) < 2.0**bits)
        # In float64, which holds both limits of every type that is narrower than the exact range.
        wide = numbers.astype(np.float64)
        fits = whole & (wide >= float(limits.min)) & (wide <= float(limits.max))
    bad = np.flatnonzero(known & ~fits)
    if len(bad):
        expected = f"{limits.min} to {limits.max}" if limits.max < 2**bits else f"below 2**{bits}"
        raise _Misfit(f"{numbers[bad[0]]} is no whole number {expected}; {_FLOATS};", bad.tolist())
    return pa.array(np.where(known, numbers, 0).astype(limits.dtype), kind, mask=~known)


def _fit_floats(values: pa.Array, kind: pa.DataType) -> pa.Array:
    found = values.type
    if pa.types.is_floating(found) or pa.types.is_integer(found) or pa.types.is_decimal(found) or _is_text(found):
        cast = _arrow_cast(values, kind)
        infinite = pc.fill_null(pc.is_inf(cast), False)
        if pa.types.is_floating(found):
            infinite = pc.and_not(infinite, pc.fill_null(pc.is_inf(values), False))
        bad = np.flatnonzero(infinite.to_numpy(zero_copy_only=False)).tolist()
        if bad:
            raise _Misfit(f"{values[bad[0]].as_py()} is beyond the largest {kind}", bad)
        return cast
    raise _Misfit("these values are no numbers")


def _fit_lists(values: pa.Array, kind: pa.ListType) -> pa.Array:
    found = values.type
    if not (pa.types.is_list(found) or pa.types.is_large_list(found)):
        raise _Misfit("these values are no lists (CSV holds none)")
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    try:
        elements = _fit(values.flatten(), kind.value_type)
    except _Misfit as misfit:
        row_of = np.repeat(np.arange(len(values)), lengths)
        raise _Misfit(misfit.reason, sorted({int(row_of[row]) for row in misfit.rows})) from None
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    return pa.ListArray.from_arrays(offsets, elements, type=kind, mask=values.is_null())


def _fit_structs(values: pa.Array, kind: pa.StructType) -> pa.Array:
    names = [field.name for field in kind]
    if not pa.types.is_struct(values.type) or sorted(field.name for field in values.type) != sorted(names):
        raise _Misfit(f"these values have not the fields {', '.join(names)}")
    parts = []
    for field in kind:
        try:
            parts.append(_fit(pc.struct_field(values, field.name), field.type))
        except _Misfit as misfit:
            raise _Misfit(f"{field.name}: {misfit.reason}", misfit.rows) from None
    return pa.StructArray.from_arrays(parts, fields=list(kind), mask=values.is_null())


def _arrow_cast(values: pa.Array, kind: pa.DataType) -> pa.Array:
    try:
        return values.cast(kind)
    except pa.ArrowException as error:
        # Row by row, which is slow, only to name those that do not fit.
        bad = [row for row in range(len(values)) if _fails(values.slice(row, 1).cast, kind)]
        raise _Misfit(str(error), bad) from None


def _fails(cast: Callable[[pa.DataType], Any], kind: pa.DataType) -> bool:
    try:
        cast(kind)
    except pa.ArrowException:
        return True
    return False


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )


def _is_all_nan(values: pa.Array) -> bool:
    """Return whether a column is what CSV makes of one without values: floats, all NaN or null."""
    return bool(pa.types.is_floating(values.type) and pc.all(pc.is_nan(values.drop_null())).as_py() is not False)


_FITS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array, pa.DataType], pa.Array]], ...] = (
    (pa.types.is_string, _fit_text),
    (pa.types.is_integer, _fit_whole_numbers),
    (pa.types.is_floating, _fit_floats),
    (pa.types.is_list, _fit_lists),
    (pa.types.is_struct, _fit_structs),
)
