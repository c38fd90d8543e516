"""The training manifest of each arm, made by the toolkit's own stages from a label file and features."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import syndr_curate
from syndr_curate.curate.datasets.features import Features
from syndr_curate.curate.datasets.labels import Labels
from syndr_curate.curate.manifest.ids import make_sample_id
from syndr_curate.curate.manifest.recipes import Reference, recipe_rows
from syndr_curate.curate.manifest.roots import CANDIDATES
from syndr_curate.curate.manifest.schema import SCHEMA
from syndr_curate.curate.storage.atomic import write_bytes
from syndr_curate.curate.upsampling.grids import grid_of
from syndr_curate.curate.upsampling.manifest_paths import ManifestPaths
from syndr_curate.curate.upsampling.rows import join_rows, label_new_rows, original_rows
from syndr_curate.curate.upsampling.settings import UpsampleSettings
from syndr_curate.curate.upsampling.upsample import upsample

from .pictures import CONDITIONS, Roles, content_features, load_pictures
from .settings import NEW_LEVELS, TYPES, Arm, Run

PATHS = ManifestPaths(dataset="labelled", image_root="labelled", reference_root="labelled")


def training_manifest(run: Run, arm: Arm, roles: Roles, seed: int) -> pa.Table:
    """Make the training manifest of an arm.

    Args:
        run: Where labels and features lie.
        arm: What joins the labeled set, and who labels it.
        roles: What each photograph is for.
        seed: Names the label file.

    Returns:
        A training manifest: the labeled rows, then the new ones.
    """
    labels = syndr_curate.read_labels(_label_file(run, roles, seed), label_range=(0.0, 10.0))
    references = content_features(run, roles.labelled)
    if arm.new == "none":
        return original_rows(labels, TYPES, PATHS, {})
    pool = content_features(run, roles.candidates)
    labeler = "gp" if arm.labels == "gp" else "knn"
    if arm.new == "selected":
        table = upsample(
            labels, references, pool, types=TYPES, levels=NEW_LEVELS, labeler=labeler, paths=PATHS, seed=run.seed
        )
    else:
        table = _with_every_candidate(run, labels, references, pool)
    return _labelled_by_metric(run, table) if arm.labels == "metric" else table


def true_quality(run: Run, table: pa.Table) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return what the metric itself says of each row."""
    place = {condition: number for number, condition in enumerate(CONDITIONS)}
    cells = zip(*(table[name].to_pylist() for name in ("reference_id", "distortion_id", "level")), strict=True)
    return np.array([load_pictures(run, i).quality[place[kind, level]] for i, kind, level in cells])


def _label_file(run: Run, roles: Roles, seed: int) -> Path:
    """Write the labels as KADID-10k's file has them: one line per distorted image."""
    path = run.folder / "labels" / f"{seed:02d}.csv"
    if not path.is_file():
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("dist_img", "ref_img", "dmos"))
        for identifier in roles.labelled:
            for cell, quality in zip(CONDITIONS, load_pictures(run, identifier).quality.tolist(), strict=True):
                writer.writerow((f"{make_sample_id(identifier, *cell)}.png", f"{identifier}.png", repr(quality)))
        write_bytes(path, text.getvalue().encode(), durable=False)
    return path


def _with_every_candidate(run: Run, labels: Labels, references: Features, pool: Features) -> pa.Table:
    """Join all candidates, labeled by Algorithm 2, without Algorithm 1's choice among them."""
    ids = pool.require_ids()
    settings = UpsampleSettings(types=TYPES, levels=NEW_LEVELS, seed=run.seed)
    grid = grid_of(settings, reference_root=CANDIDATES, dataset=CANDIDATES)
    rows = recipe_rows([Reference(identifier, identifier) for identifier in ids], grid)
    rows = label_new_rows(rows, ids, references=references, candidates=pool, labels=labels, settings=settings)
    return join_rows(original_rows(labels, TYPES, PATHS, {}), rows, {}, only_new=False)


def _labelled_by_metric(run: Run, table: pa.Table) -> pa.Table:
    quality = pa.array(true_quality(run, table).astype(np.float32))
    return table.set_column(table.schema.get_field_index("label"), SCHEMA.field("label"), quality)
