"""The pictures of a real set. Their human scores are dropped where the set is read: see `scores.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from syndr_curate import CurateError, LabelColumns, load_features, read_manifest, testset, write_manifest
from syndr_curate.curate.manifest.ids import list_ids
from syndr_curate.curate.manifest.manifest import ok_rows
from syndr_curate.curate.manifest.pixel_facts import recorded_pixel_facts
from syndr_curate.curate.manifest.provenance import attach, digest_json, digest_table, read_provenance
from syndr_curate.curate.manifest.roots import Roots, home_of, with_home
from syndr_curate.curate.manifest.seeds import uniform_draw

from ..shared.work import Task
from .renderings import encode_to
from .settings import SEED, Run

TARGET, SECOND = "target", "second"
_SCORES = ("label", "label_std", "label_source", "neighbors")
_ROWS_PER_PART = 25
_FEWEST_PICTURES = 10


def read_livec_dev(folder: Path) -> pa.Table:
    """Make the manifest of the half of LIVE Challenge that is at hand."""
    columns = LabelColumns(id="image", label="mos", std="std", raters=1)
    return testset(
        "csv",
        images=folder / "images",
        labels=folder / "labels.csv",
        columns=columns,
        dataset="livec",
        label_range=(0, 100),
    )


def without_scores(table: pa.Table) -> pa.Table:
    """Return the pictures of a labeled set, sorted by id, and nothing that depends on its scores.

    Its metadata goes, too: it holds the ends of the scale and a digest of the label file.
    """
    usable = ok_rows(table).sort_by("sample_id")
    for name in _SCORES:
        field = usable.schema.field(name)
        usable = usable.set_column(usable.schema.get_field_index(name), field, pa.nulls(len(usable), field.type))
    before = read_provenance(table)
    facts = {"stage": "real-photos-target", "roots": before.get("roots"), **recorded_pixel_facts(before)}
    return with_home(attach(usable, facts), home_of(table))


def pictures_of(run: Run, manifest: Path) -> pa.Table:
    """Return the pictures of a labeled set that a run uses, without scores.

    Args:
        run: Says how many.
        manifest: Of the labeled set.

    Raises:
        CurateError: It cannot be read, holds too few pictures to be cut in halves, or a picture has no score.
    """
    labeled = read_manifest(manifest)
    table = without_scores(labeled)
    if run.size.target is not None:
        chosen = uniform_draw(table["sample_id"].to_pylist(), run.size.target, SEED, "real-photos-target")
        table = table.filter(pa.array([identifier in chosen for identifier in table["sample_id"].to_pylist()]))
    if len(table) < _FEWEST_PICTURES:
        raise CurateError(
            f"{manifest} holds {len(table)} pictures that can be read; expected {_FEWEST_PICTURES} at least"
        )
    # Said before hours of work, and not after. Whether there is a score is asked, not which.
    unscored = set(labeled.filter(pc.is_null(labeled["label"]))["sample_id"].to_pylist())
    missing = [identifier for identifier in table["sample_id"].to_pylist() if identifier in unscored]
    if missing:
        raise CurateError(
            f"{manifest} has no score for {len(missing)} pictures: {list_ids(missing)}; give their scores, or leave "
            "the pictures out of it"
        )
    return table


def digest_of_pictures(table: pa.Table) -> str:
    """Return a digest of a set's rows and of the sizes of its files.

    Names alone do not tell two sets apart: the same pictures, saved once more, have them too.

    Args:
        table: What `pictures_of` gives.
    """
    home = home_of(table)
    sizes: list[int | None] = [None] * len(table)
    if home is not None:
        roots = Roots.of_manifest(table, home / "manifest.parquet")
        stored = zip(table["image_root"].to_pylist(), table["image_path"].to_pylist(), strict=True)
        sizes = [_size(roots, root, path) for root, path in stored]
    return digest_json({"rows": digest_table(table), "sizes": sizes})


def _size(roots: Roots, root: str | None, path: str | None) -> int | None:
    """Return the bytes of a row's file; None where it has none: such a row is made from its recipe."""
    if path is None or not roots.has_folder(root):
        return None
    file = roots.resolve(root, path)
    return file.stat().st_size if file.is_file() else None


def write_pictures(run: Run, name: str, table: pa.Table) -> None:
    """Write the manifest of a set's pictures (`target` or `second`), and of its parts; those that are there stay."""
    if not pictures_path(run, name).is_file():
        write_manifest(table, pictures_path(run, name))
    for number, first in enumerate(range(0, len(table), _ROWS_PER_PART)):
        if not _part(run, name, number).is_file():
            write_manifest(table.slice(first, _ROWS_PER_PART), _part(run, name, number))


def pictures_path(run: Run, name: str) -> Path:
    """Return the manifest of a set's pictures, without scores."""
    return run.path(name, "pictures.parquet")


def target_tasks(run: Run, name: str) -> list[Task]:
    """Return what is left to encode of a set's pictures."""
    numbers = range(len(list(run.path(name).glob("part-*.parquet"))))
    return [(_encode_part, (run, name, k), {}) for k in numbers if not _features(run, name, k).is_file()]


def read_target(run: Run, name: str) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Return the ids of a set's pictures, and their features (N, D)."""
    ids = tuple(read_manifest(pictures_path(run, name))["sample_id"].to_pylist())
    found = [load_features(_features(run, name, k)) for k in range(-(-len(ids) // _ROWS_PER_PART))]
    known = tuple(identifier for features in found for identifier in features.require_ids())
    if known != ids:
        lost = sorted(set(ids) - set(known))
        raise CurateError(f"{len(lost)} pictures of the set {name} could not be encoded: {list_ids(lost)}")
    return ids, np.concatenate([features.matrix for features in found])


def _part(run: Run, name: str, number: int) -> Path:
    return run.path(name, f"part-{number:03d}.parquet")


def _features(run: Run, name: str, number: int) -> Path:
    return run.path(name, f"features-{number:03d}.parquet")


def _encode_part(run: Run, name: str, number: int) -> None:
    encode_to(_part(run, name, number), _features(run, name, number), run.size.encoder, run.size.pool)
