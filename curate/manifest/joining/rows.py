"""Rows of several manifests, one below the other, with one provenance."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from ...errors import CurateError
from ..lost_metadata import LOST_METADATA, has_lost_metadata
from ..manifest import read_manifest, validate, write_manifest
from ..pixel_facts import DENOISER, USER_TYPES, require_same_pixel_facts, shared_denoiser
from ..provenance import attach, read_provenance, recorded_roots
from ..renderers.user_types import shared_user_types
from ..roots import home_of, moved, with_home
from ..schema import CLUSTER_FIELDS

# Entry of the provenance: how labels of unlike sources were put together.
JOINED_LABELS = "joined_labels"


def append_manifest(path: Path | str, rows: pa.Table) -> pa.Table:
    """Add rows to a manifest file; labels on another scale and ids it already has are refused.

    Args:
        path: An existing manifest.
        rows: The rows to add, with their own provenance in the metadata. Roots of rows that were read from a file in
            another folder are rewritten; those of others are relative to the manifest's folder.

    Returns:
        The joined table, as written.

    Raises:
        CurateError: The label scales or what decides pixels (`PIXEL_FACTS`) differ, an id occurs twice, or either side
            is not a manifest.
    """
    path = Path(path)
    before = read_manifest(path)
    table = join([before, moved(rows, path)])
    write_manifest(table, path)
    return with_home(table, home_of(before))


def join(tables: Sequence[pa.Table]) -> pa.Table:
    """Put manifests one below the other; the provenance is the first one's, with the roots and label scale of all.

    That labels of unlike sources were joined by choice stays on record only where all the manifests say so alike.

    Columns that the schema does not know are kept, null where a manifest lacks them. Clusters are those of one epoch's
    manifest and left out.

    Args:
        tables: One or more manifests. Their roots are relative to one folder, or each remembers its own: then the
            result remembers the first one's.

    Raises:
        CurateError: Some of the manifests have lost their metadata, the label scales differ or some are not known, what
            decides pixels (`pixel_facts`) differs, a root name means two folders, a column two types, or an id occurs
            twice.
    """
    tables = [validate(table) for table in tables]
    home = home_of(tables[0])
    if home is not None:
        tables = [moved(table, home / "manifest.parquet") for table in tables]
    lost = [number for number, table in enumerate(tables, 1) if has_lost_metadata(table)]
    if 0 < len(lost) < len(tables):
        raise CurateError(f"of {len(tables)} manifests to join, number {lost[0]} cannot be: {LOST_METADATA}")
    provenances = [read_provenance(table) for table in tables]
    scales = [p["label_scale"] for p in provenances if p.get("label_scale") is not None]
    if any(scale != scales[0] for scale in scales):
        raise CurateError(
            f"the manifests' labels come from different scales: {scales}; label all with one --label-range, or join "
            "them with `syndr-curate join --labels align`"
        )
    _refuse_unknown_scales(tables, provenances)
    require_same_pixel_facts(provenances)
    denoiser, registered = shared_denoiser(tables), shared_user_types(provenances)
    roots: dict[str, str | None] = {}
    for name, folder in (item for table in tables for item in recorded_roots(table).items()):
        if name in roots and folder != roots[name]:
            raise CurateError(
                f"the root {name!r} is {_shown(roots[name])} in one manifest and {_shown(folder)} in another: say "
                f"where both are (relocate --root {name}=DIR), or let `syndr-curate join` keep them apart"
            )
        roots[name] = folder
    facts = {**provenances[0], "roots": roots}
    if any(other.get(JOINED_LABELS) != facts.get(JOINED_LABELS) for other in provenances):
        facts.pop(JOINED_LABELS, None)  # no user chose to have these rows' labels among those
    if scales:
        facts["label_scale"] = scales[0]
    if denoiser is not None:
        facts[DENOISER] = denoiser
    if registered is not None:
        facts[USER_TYPES] = registered
    clusters = [field.name for field in CLUSTER_FIELDS]
    bare = [table.drop_columns([c for c in clusters if c in table.column_names]) for table in tables]
    try:
        joined = pa.concat_tables([t.replace_schema_metadata(None) for t in bare], promote_options="default")
    except pa.ArrowException as error:
        raise CurateError(f"the manifests' columns do not fit each other: {error}") from error
    # Joined without metadata, the rows are as recognizable as before: no roots are made up.
    return with_home(validate(joined if lost else attach(joined, facts)), home)


def _shown(folder: str | None) -> str:
    return "not known" if folder is None else repr(folder)


def _refuse_unknown_scales(tables: Sequence[pa.Table], provenances: Sequence[Mapping[str, Any]]) -> None:
    """Refuse labels whose scale is not known beside labels whose scale is: they would be read as one scale."""
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
