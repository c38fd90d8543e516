"""Rows of several manifests, one below the other, with one provenance."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from ...errors import CurateError
from ..lost_metadata import LOST_METADATA, has_lost_metadata
from ..manifest import read_manifest, recorded_roots, validate, write_manifest
from ..pixel_facts import DENOISER, require_same_pixel_facts, shared_denoiser
from ..provenance import attach, read_provenance
from ..schema import CLUSTER_FIELDS


def append_manifest(path: Path | str, rows: pa.Table) -> pa.Table:
    """Add rows to a manifest file; labels on another scale and ids it already has are refused.

    Args:
        path: An existing manifest.
        rows: The rows to add, with their own provenance in the metadata.

    Returns:
        The joined table, as written.

    Raises:
        CurateError: The label scales or what decides pixels (`PIXEL_FACTS`) differ, an id occurs twice, or either side
            is not a manifest.
    """
    table = join([read_manifest(path), rows])
    write_manifest(table, path)
    return table


def join(tables: Sequence[pa.Table]) -> pa.Table:
    """Put manifests one below the other; the provenance is the first one's, with the roots and label scale of all.

    Columns that the schema does not know are kept, null where a manifest lacks them. Clusters are those of one epoch's
    manifest and left out.

    Args:
        tables: One or more manifests.

    Raises:
        CurateError: Some of the manifests have lost their metadata, the label scales differ or some are not known, what
            decides pixels (`pixel_facts`) differs, a root name means two folders, a column two types, or an id occurs
            twice.
    """
    tables = [validate(table) for table in tables]
    lost = [number for number, table in enumerate(tables, 1) if has_lost_metadata(table)]
    if 0 < len(lost) < len(tables):
        raise CurateError(f"of {len(tables)} manifests to join, number {lost[0]} cannot be: {LOST_METADATA}")
    provenances = [read_provenance(table) for table in tables]
    scales = [p["label_scale"] for p in provenances if p.get("label_scale") is not None]
    if any(scale != scales[0] for scale in scales):
        raise CurateError(f"the manifests' labels come from different scales: {scales}")
    _refuse_unknown_scales(tables, provenances)
    require_same_pixel_facts(provenances)
    denoiser = shared_denoiser(provenances)
    roots: dict[str, str | None] = {}
    for name, folder in (item for table in tables for item in recorded_roots(table).items()):
        if roots.get(name) is not None and folder not in (None, roots[name]):
            raise CurateError(f"the root {name!r} is {roots[name]!r} in one manifest and {folder!r} in another")
        roots[name] = roots.get(name) or folder
    facts = {**provenances[0], "roots": roots}
    if scales:
        facts["label_scale"] = scales[0]
    if denoiser is not None:
        facts[DENOISER] = denoiser
    clusters = [field.name for field in CLUSTER_FIELDS]
    bare = [table.drop_columns([c for c in clusters if c in table.column_names]) for table in tables]
    try:
        joined = pa.concat_tables([t.replace_schema_metadata(None) for t in bare], promote_options="default")
    except pa.ArrowException as error:
        raise CurateError(f"the manifests' columns do not fit each other: {error}") from error
    # Joined without metadata, the rows are as recognizable as before: no roots are made up.
    return validate(joined if lost else attach(joined, facts))


def _refuse_unknown_scales(tables: Sequence[pa.Table], provenances: Sequence[Mapping[str, Any]]) -> None:
    """Refuse labels whose scale is not known beside labels whose scale is: they would be taken for the same."""
    known = [provenance.get("label_scale") is not None for provenance in provenances]
    labeled = [table["label"].null_count < len(table) for table in tables]
    unknown = [
        number for number, (is_known, has) in enumerate(zip(known, labeled, strict=True), 1) if has and not is_known
    ]
    if any(known) and unknown:
        raise CurateError(
            f"the labels of manifest {unknown[0]} have no scale in its metadata, those of manifest "
            f"{known.index(True) + 1} have one: whether they are alike is not known. Label its rows with `syndr-curate "
            "label`, which records the scale"
        )
