"""From which sources the labels of a manifest come."""

import warnings
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ...errors import CurateWarning
from ...manifest.joining.rows import JOINED_LABELS
from ...manifest.manifest import ok_rows
from ...manifest.provenance import read_provenance

# A pseudo-label is made of the labels beside it, whatever their source.
_MADE_OF_OTHERS = "pseudo"
_NOT_SAID = "unknown"


def label_sources(tables: Sequence[pa.Table]) -> list[str]:
    """Return the kinds of labels that manifests have together, sorted; pseudo-labels count as those they are made of.

    Args:
        tables: Manifests.
    """
    found: set[str] = set()
    for table in tables:
        sources = set(pc.unique(labeled_rows(table)["label_source"].cast(pa.string())).drop_null().to_pylist())
        found |= (sources - {_MADE_OF_OTHERS}) or ({_source_of_pseudo(table)} if sources else set())
    return sorted(found)


def scale_of_rows(table: pa.Table) -> pa.ChunkedArray:
    """Return for each row the source whose scale its label is on; null for a row without a label.

    That is its own source; of a pseudo-label, the one source beside it, if there is just one.

    Args:
        table: A manifest.
    """
    sources = label_sources([table])
    made_of = sources[0] if len(sources) == 1 else _MADE_OF_OTHERS
    own = pc.fill_null(table["label_source"].cast(pa.string()), _NOT_SAID)
    scales = pc.if_else(pc.equal(own, _MADE_OF_OTHERS), made_of, own)
    has_label = pc.and_(pc.is_valid(table["label"]), pc.equal(table["status"], "ok"))
    return pc.if_else(has_label, scales, pa.scalar(None, pa.string()))


def has_one_scale(table: pa.Table) -> bool:
    """Whether all labels of a manifest come from one source, or were put on one scale by `join --labels align`.

    Args:
        table: A manifest.
    """
    joined = read_provenance(table).get(JOINED_LABELS)
    return len(label_sources([table])) <= 1 or (isinstance(joined, dict) and joined.get("labels") == "align")


def warn_of_unlike_labels(table: pa.Table, name: str) -> None:
    """Warn that a training set mixes labels of unlike sources, unless the metadata records that a user chose so.

    Args:
        table: A manifest.
        name: What it is called.
    """
    sources = label_sources([table])
    if len(sources) > 1 and JOINED_LABELS not in read_provenance(table):
        warnings.warn(
            f"{name} has labels of unlike sources ({', '.join(sources)}), which may be on other scales: a model "
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


def _source_of_pseudo(table: pa.Table) -> str:
    """Return what pseudo-labels without others beside them were made of: a metric's where the run says so."""
    config = read_provenance(table).get("config")
    # `upsample --proxy-labels --only-new` leaves out the rows whose labels it has learned from.
    return "proxy" if isinstance(config, dict) and "proxy_metric" in config else "mos"
