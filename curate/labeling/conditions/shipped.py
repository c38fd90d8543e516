"""Condition tables that ship with the package: labels for users without a labeled set."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np
import pyarrow as pa

from ...datasets.labels import LabelScale
from ...errors import CurateError
from ...manifest.ids import list_ids
from ...manifest.provenance import digest_json
from ...manifest.recipes import distortion_name
from ...storage.texts.json_text import parse_json
from ..label_rows import conditions_of, with_labels
from ..settings import CONDITIONS, ConditionsName
from .table import ConditionTable


@dataclass(frozen=True)
class ShippedConditions:
    """A table of condition means that ships with the package.

    Attributes:
        name: Its name, e.g. `kadid10k`.
        table: Means and standard deviations on [0, 10].
        scale: The scale of the labeled set that it was computed from.
        digest: Digest of what the file says.
    """

    name: ConditionsName
    table: ConditionTable
    scale: LabelScale
    digest: str

    @property
    def known_types(self) -> str:
        """The types of the table, for messages."""
        types = sorted({kind for kind, _ in self.table.conditions})
        return f"the types {types[0]} to {types[-1]} and pristine images"


def read_conditions(name: ConditionsName) -> ShippedConditions:
    """Read a table that ships with the package.

    Args:
        name: `kadid10k`: 25 types at 5 levels, each the mean over all 81 references of KADID-10k.

    Raises:
        CurateError: No such name.
    """
    if name not in CONDITIONS:
        raise CurateError(f"conditions are {name!r}; expected {' or '.join(CONDITIONS)}")
    file = resources.files("syndr_curate") / "manifests" / "conditions" / f"{name}.json"
    content = parse_json(file.read_text("utf-8"))
    ends = content["label_scale"]
    scale = LabelScale(ends["min"], ends["max"], ends["higher_is_better"])
    cells = content["conditions"]
    table = ConditionTable(
        conditions=tuple((cell["distortion_id"], cell["level"]) for cell in cells),
        mean=scale.to_quality(np.array([cell["mean"] for cell in cells])),
        deviation=scale.spread_to_quality(np.array([cell["standard_deviation"] for cell in cells])),
    )
    return ShippedConditions(name, table, scale, digest_json(content))


def refuse_types_without_mean(shipped: ShippedConditions, types: Sequence[int]) -> None:
    """Refuse types that the means do not know, before rows of them are laid out.

    Args:
        shipped: The means.
        types: Distortion ids.

    Raises:
        CurateError: The message names them.
    """
    known = {kind for kind, _ in shipped.table.conditions}
    missing = [f"{kind} ({distortion_name(kind)})" for kind in types if kind not in known]
    if missing:
        raise CurateError(
            f"the conditions {shipped.name!r} have no label for {'type' if len(missing) == 1 else 'the types'} "
            f"{', '.join(missing)}; they have {shipped.known_types}: leave these types out, or label by "
            "--proxy-labels, which takes any type"
        )


def label_by_conditions(rows: pa.Table, shipped: ShippedConditions) -> pa.Table:
    """Give rows the mean human label of their type and level; no labeled set and no features are needed.

    Args:
        rows: Manifest rows with distortion_id and level.
        shipped: The means.

    Returns:
        The rows with `label`, `label_std` (the standard deviation over the references of the table) and `label_source`
        `condition`.

    Raises:
        CurateError: Rows name no type or level, or one that the table does not have; the message names them.

    Source: the human means of KADID-10k (Lin, Hosu and Saupe, QoMEX 2019) per type and level.
    """
    cells = conditions_of(rows)
    distinct = tuple(dict.fromkeys(cells))
    means, spread = shipped.table.labels_of(distinct)
    column = {condition: number for number, condition in enumerate(distinct)}
    where = np.array([column[cell] for cell in cells], dtype=np.int64)
    unknown = np.flatnonzero(np.isnan(means[where])).tolist()
    if unknown:
        ids = rows["sample_id"].to_pylist()
        raise CurateError(
            f"the conditions {shipped.name!r} have no label for the type and level of {len(unknown)} rows: "
            f"{list_ids([ids[row] for row in unknown])}; they have {shipped.known_types} "
            "(leave these rows out, or label them by another way)"
        )
    return with_labels(rows, means[where], spread[where], source="condition")
