"""Telling a manifest where its files are, and giving back metadata that it lost."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import CurateError
from .ids import list_ids
from .lost_metadata import no_metadata_warning
from .manifest import read_manifest, write_manifest
from .provenance import attach, read_provenance
from .roots import Roots
from .schema import SCHEMA_VERSION

STAGE = "relocate"
# Besides the roots, what the metadata says and no row does.
NOT_IN_ROWS = ("exif_orient", "pixels", "label_scale", "denoiser", "config", "inputs", "versions")
# What decides a row's pixels and their place: equal in both manifests, or the ids mean something else.
_RECIPE = (
    *("dataset", "image_root", "image_path", "reference_id", "reference_root", "reference_path"),
    *("distortion", "distortion_id", "level", "seed", "chain"),
)
_MIX_RECIPE = ("box", "source_a", "source_b")
# Columns that a user may have changed on purpose: counted and reported.
_CHOICES = ("split", "label", "label_std", "label_source", "status")


def relocate_manifest(
    manifest: Path | str, folders: Mapping[str, Path], *, provenance_from: Path | str | None = None
) -> dict[str, Any]:
    """Rewrite a manifest's roots in place, and restore lost metadata; rows and ids stay as they are.

    Args:
        manifest: The file.
        folders: Root name to its new folder. A manifest that has lost its metadata gets its roots back so, and no more.
        provenance_from: For a manifest that has lost its metadata: the manifest that its rows come from. All of its
            metadata is taken over, `folders` go first.

    Returns:
        `roots` as recorded now, and `out`; where the roots alone were given back, `still_missing`; with
        `provenance_from`, `changed`: column to the number of rows whose split, label or status is not what the old
        manifest has.

    Raises:
        CurateError: Nothing given, the manifest has no such root, or `provenance_from` is not the manifest that the
            rows come from.
    """
    if not folders and provenance_from is None:
        raise CurateError("give what has moved: --root name=DIR")
    manifest = Path(manifest)
    with no_metadata_warning():
        table = read_manifest(manifest)
    provenance = read_provenance(table)
    changed: dict[str, int] = {}
    if provenance_from is not None:
        provenance, changed = _recovered(table, manifest, Path(provenance_from))
    elif not provenance:
        provenance = {"schema_version": SCHEMA_VERSION, "stage": STAGE}
    table = attach(table, provenance)
    roots = Roots.of_manifest(table, manifest, folders).as_json(manifest)
    write_manifest(attach(table, {**provenance, "roots": roots}), manifest)
    summary: dict[str, Any] = {"roots": roots, "out": str(manifest)}
    if provenance_from is not None:
        summary["changed"] = changed
    return {**summary, "still_missing": list(NOT_IN_ROWS)} if has_roots_alone(provenance) else summary


def has_roots_alone(provenance: Mapping[str, Any]) -> bool:
    """Return whether a manifest lost its metadata and got back only its roots."""
    return provenance.get("stage") == STAGE


def _recovered(table: pa.Table, manifest: Path, old_manifest: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the metadata of `old_manifest`, roots relative to `manifest`, and what was changed in its rows."""
    here = read_provenance(table)
    if here and not has_roots_alone(here):
        raise CurateError(
            f"{manifest} has its metadata (made by {here.get('stage')}): --provenance-from is for a manifest that has "
            "lost it; --root name=DIR says where files are now"
        )
    with no_metadata_warning():
        old = read_manifest(old_manifest)
    provenance = read_provenance(old)
    if not provenance or has_roots_alone(provenance):
        raise CurateError(
            f"--provenance-from {old_manifest}: it has lost its metadata too; give the manifest that a syndr-curate "
            "command wrote"
        )
    changed = _check_same_rows(table, manifest, old, old_manifest)
    roots = Roots.of_manifest(old, old_manifest).as_json(manifest)
    return {**provenance, "schema_version": SCHEMA_VERSION, "roots": roots}, changed


def _check_same_rows(table: pa.Table, manifest: Path, old: pa.Table, old_manifest: Path) -> dict[str, int]:
    """Refuse rows that differ in another manifest; return the number of rows changed in each of `_CHOICES`."""
    ids: list[str] = table["sample_id"].to_pylist()
    places = pc.index_in(table["sample_id"], old["sample_id"].combine_chunks()).to_pylist()
    absent = [sample_id for sample_id, place in zip(ids, places, strict=True) if place is None]
    if absent:
        raise CurateError(
            f"{len(absent)} of the {len(ids)} rows of {manifest} are not in {old_manifest}: {list_ids(absent)}; "
            "give the manifest that all of its rows come from"
        )
    mixed = [name for name in _MIX_RECIPE if name in table.column_names and name in old.column_names]
    counts = {}
    for name in (*_RECIPE, *mixed, *_CHOICES):
        before = old[name].to_pylist()
        values = zip(ids, places, table[name].to_pylist(), strict=True)
        changed = [sample_id for sample_id, place, value in values if value != before[place]]
        if changed and name not in _CHOICES:
            raise CurateError(
                f"{name!r} of {len(changed)} rows of {manifest} is not what {old_manifest} has for the same ids: "
                f"{list_ids(changed)}; give the manifest that its rows come from"
            )
        if changed:
            counts[name] = len(changed)
    return counts
