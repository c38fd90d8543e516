"""From which sources the labels of a manifest come."""

import warnings
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ...errors import CurateWarning
from ...manifest.manifest import ok_rows
from ...manifest.provenance import read_provenance

# Entry of the provenance: how labels of unlike sources were put together.
JOINED_LABELS = "joined_labels"
# A pseudo-label is made of the labels beside it, whatever their source.
_MADE_OF_OTHERS = "pseudo"


def label_sources(tables: Sequence[pa.Table]) -> list[str]:
    """Return the kinds of labels that manifests have together, sorted; pseudo-labels count as those they are made of.

    Args:
        tables: Manifests.
    """
    found: set[str] = set()
    for table in tables:
        sources = set(pc.unique(labeled_rows(table)["label_source"].cast(pa.string())).drop_null().to_pylist())
        # Pseudo-labels alone do not say what they were made of: as a rule, of human labels.
        found |= (sources - {_MADE_OF_OTHERS}) or ({"mos"} if sources else set())
    return sorted(found)


def warn_of_unlike_labels(table: pa.Table, name: str) -> None:
    """Warn that a training set mixes labels of unlike sources, unless it is on record that somebody chose so.

    Args:
        table: A manifest.
        name: What it is called.
    """
    sources = label_sources([table])
    if len(sources) > 1 and JOINED_LABELS not in read_provenance(table):
        warnings.warn(
            f"{name} has labels of unlike sources ({', '.join(sources)}), which may lie on other scales: a model "
            "learns the offset between them. `syndr-curate join --labels align` puts pools on one scale",
            CurateWarning,
            stacklevel=3,
        )


def labeled_rows(table: pa.Table) -> pa.Table:
    """Return the ok rows that have a label.

    Args:
        table: A manifest.
    """
    usable = ok_rows(table)
    return usable.filter(pc.is_valid(usable["label"]))
