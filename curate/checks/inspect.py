"""Stage `inspect`: what is in a manifest."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ..manifest.lost_metadata import no_metadata_warning
from ..manifest.manifest import read_manifest
from ..manifest.provenance import read_provenance
from ..printable import printable_lines
from ..similarity import cluster_statistics
from .metadata import metadata_problems


def inspect(manifest: pa.Table | Path | str) -> dict[str, Any]:
    """Count a manifest's rows by source, type and level, and repeat its provenance.

    Args:
        manifest: A manifest, or its file.

    Returns:
        JSON values: `rows, columns, references, labels, by, diversity (where rows carry clusters), problems (what is
        wrong with its metadata), provenance`.

    Raises:
        CurateError: Not a readable manifest.
    """
    with no_metadata_warning():
        table = read_manifest(manifest) if isinstance(manifest, str | Path) else manifest
    facts: dict[str, Any] = {
        "rows": len(table),
        "columns": table.column_names,
        "references": len(set(table["reference_id"].to_pylist()) - {None}),
        "labels": _labels(table),
        "by": {
            name: _counts(table, name) for name in ("status", "split", "dataset", "label_source", "distortion", "level")
        },
    }
    if "cluster_id" in table.column_names:
        facts["diversity"] = _diversity(table)
    facts["problems"] = metadata_problems(table)
    facts["provenance"] = read_provenance(table)
    return facts


def as_text(facts: dict[str, Any]) -> str:
    """Format the facts as text; the provenance is shortened to what identifies the run."""
    labels = facts["labels"]
    lines = [f"{facts['rows']:,} rows of {facts['references']:,} references, {len(facts['columns'])} columns"]
    if labels["labelled"]:
        spread = f"{labels['minimum']:.2f} to {labels['maximum']:.2f}, mean {labels['mean']:.2f}"
        lines.append(f"{labels['labelled']:,} labels, {spread}")
    for name, counts in facts["by"].items():
        lines.append(f"{name:<12} " + ", ".join(f"{value} {count:,}" for value, count in counts.items()))
    for name, value in facts.get("diversity", {}).items():
        lines.append(f"{name.replace('_', ' '):<18} {value:,.4g}")
    provenance = facts["provenance"]
    if provenance:
        config = ", ".join(f"{key} {value}" for key, value in provenance.get("config", {}).items())
        lines.append(f"made by {provenance.get('stage')} ({config})")
        lines.append("roots: " + ", ".join(f"{n} -> {f or '?'}" for n, f in provenance.get("roots", {}).items()))
        lines.append(
            "inputs: " + ", ".join(f"{n} {str(digest)[:12]}" for n, digest in (provenance.get("inputs") or {}).items())
        )
    lines += [f"problem: {problem}" for problem in facts["problems"]]
    return printable_lines(lines)


def _labels(table: pa.Table) -> dict[str, float | int]:
    labels = table["label"].drop_null().to_numpy()
    if not len(labels):
        return {"labelled": 0}
    return {
        "labelled": len(labels),
        "minimum": round(float(labels.min()), 4),
        "mean": round(float(labels.mean(dtype=np.float64)), 4),
        "maximum": round(float(labels.max()), 4),
    }


def _counts(table: pa.Table, name: str) -> dict[str, int]:
    values = table[name].cast(pa.string()) if pa.types.is_dictionary(table[name].type) else table[name]
    counts = Counter("none" if value is None else str(value) for value in values.to_pylist())
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]) if name != "level" else (0, item[0])))


def _diversity(table: pa.Table) -> dict[str, float | int]:
    clusters = table["cluster_id"].drop_null().to_numpy()
    if not len(clusters):
        return {"clusters": 0}
    statistics = cluster_statistics(clusters)
    return {
        "clusters": statistics.clusters,
        "largest_cluster": statistics.largest_cluster,
        "effective_clusters": statistics.effective_clusters,
        "heterogeneity": statistics.heterogeneity,
    }
