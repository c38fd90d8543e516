"""What became of a row, and how a manifest says it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from .manifest import validate
from .schema import SCHEMA


@dataclass(frozen=True)
class Outcome:
    """The outcome of one row: its status, the reason if it is not `ok`, and its MDSI score if asked for."""

    status: str
    error: str | None = None
    deviation: float | None = None


def with_outcomes(rows: pa.Table, outcomes: Sequence[Outcome]) -> pa.Table:
    """Return the rows with the status and error of each outcome."""
    columns = {
        "status": pa.array([outcome.status for outcome in outcomes], pa.string()),
        "error": pa.array([outcome.error for outcome in outcomes], pa.string()),
    }
    for name, values in columns.items():
        position = rows.schema.get_field_index(name)
        field = SCHEMA.field(name)
        encoded = values.dictionary_encode() if pa.types.is_dictionary(field.type) else values
        rows = rows.set_column(position, field, encoded)
    return validate(rows)


def outcomes_of(part: pa.Table) -> dict[str, Outcome]:
    """Return the outcome of each row of a rendered part, by `sample_id`."""
    deviations = part[DEVIATION].to_pylist() if DEVIATION in part.column_names else [None] * len(part)
    columns = (part["sample_id"].to_pylist(), part["status"].to_pylist(), part["error"].to_pylist(), deviations)
    return {name: Outcome(status, error, deviation) for name, status, error, deviation in zip(*columns, strict=True)}


DEVIATION = "deviation"  # column of MDSI scores in the parts of a measured run
