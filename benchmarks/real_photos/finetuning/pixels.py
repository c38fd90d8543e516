"""Pixels of the rows that are fine-tuned on, rendered once and kept as arrays that processes map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from syndr_curate import read_manifest
from syndr_curate.curate.manifest.pixel_facts import decoding_of
from syndr_curate.curate.manifest.provenance import read_provenance
from syndr_curate.curate.manifest.roots import Roots
from syndr_curate.curate.rendering.mix_recipes import pixel_rows
from syndr_curate.curate.rendering.pixel_loader import PixelLoader
from syndr_curate.curate.storage.atomic import atomic_path
from syndr_curate.curate.storage.images import DecodeOptions

from ...shared.work import Task
from ..arms import KEPT, Arm
from ..pictures import CANDIDATES
from ..renderings import manifest_path
from ..settings import Run
from ..target import TARGET, pictures_path
from ..training_rows import read_rows
from .crops import Images, crop

_COLUMNS = ["sample_id", "reference_id", "distortion_id"]


def pixel_tasks(run: Run, arms: Sequence[Arm], answer_side: int) -> list[Task]:
    """Return what is left to render: the arms' rows, reference by reference, and the target's centers."""
    wanted: dict[str, set[int]] = {}
    for pool, kind in (block for arm in arms for block in arm.blocks()):
        if kind is None:
            raise ValueError(f"rows of {pool} are not fine-tuned on")
        wanted.setdefault(_stored_pool(pool), set()).add(kind)
    tasks: list[Task] = []
    for pool, types in wanted.items():
        for name in dict.fromkeys(read_manifest(manifest_path(run, pool))["reference_id"].to_pylist()):
            missing = sorted(kind for kind in types if not _pixel_path(run, pool, name, kind).is_file())
            if missing:
                tasks.append((_render, (run, pool, name, missing), {}))
    if not _centers_path(run, answer_side).is_file():
        tasks.append((_cut_centers, (run, answer_side), {}))
    return tasks


class TrainingPixels(Sequence[Images]):
    """Pixels of an arm's rows, each (H, W, 3), mapped from the files of `pixel_tasks`."""

    def __init__(self, run: Run, arm: Arm) -> None:
        """Find the rows of an arm."""
        self._rows: list[tuple[Images, int]] = []
        rows = read_rows(run, arm)
        place: dict[tuple[str, str], tuple[Path, int]] = {}
        for pool in map(_stored_pool, dict.fromkeys(rows.pools.tolist())):
            counts: dict[Path, int] = {}
            for row in read_manifest(manifest_path(run, pool)).select(_COLUMNS).to_pylist():
                path = _pixel_path(run, pool, row["reference_id"], row["distortion_id"])
                place[pool, row["sample_id"]] = path, counts.get(path, 0)
                counts[path] = counts.get(path, 0) + 1
        stored: dict[Path, Images] = {}
        for pool, identifier in zip(rows.pools.tolist(), rows.sample_ids.tolist(), strict=True):
            path, number = place[_stored_pool(pool), identifier]
            if path not in stored:
                stored[path] = np.load(path, mmap_mode="r", allow_pickle=False)
            self._rows.append((stored[path], number))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def __getitem__(self, row: int) -> Images:  # type: ignore[override]  # no slices
        """Return the picture of a row."""
        stored, number = self._rows[row]
        return stored[number]


def read_centers(run: Run, side: int) -> Images:
    """Return the centers (T, side, side, 3) of the target's pictures."""
    centers: Images = np.load(_centers_path(run, side), mmap_mode="r", allow_pickle=False)
    return centers


def _render(run: Run, pool: str, reference: str, types: list[int]) -> None:
    path = manifest_path(run, pool)
    table = read_manifest(path)
    loader = _loader(table, path)
    for kind in types:
        own = pc.and_(pc.equal(table["reference_id"], reference), pc.equal(table["distortion_id"], kind))
        images = np.stack([loader.load(row) for row in pixel_rows(table.filter(own))])
        _save(_pixel_path(run, pool, reference, kind), images)


def _cut_centers(run: Run, side: int) -> None:
    path = pictures_path(run, TARGET)
    table = read_manifest(path)
    loader = _loader(table, path)
    _save(_centers_path(run, side), np.stack([crop(loader.load(row), side, 0.5, 0.5) for row in pixel_rows(table)]))


def _loader(table: pa.Table, path: Path) -> PixelLoader:
    decoding = decoding_of(read_provenance(table), DecodeOptions(), str(path))
    return PixelLoader(Roots.of_manifest(table, path), decoding=decoding)


def _save(path: Path, images: Images) -> None:
    with atomic_path(path, durable=False) as temporary, temporary.open("wb") as file:
        np.save(file, images)


def _stored_pool(pool: str) -> str:
    return CANDIDATES if pool == KEPT else pool


def _pixel_path(run: Run, pool: str, reference: str, kind: int) -> Path:
    return run.path("pixels", pool, str(kind), f"{reference}.npy")


def _centers_path(run: Run, side: int) -> Path:
    return run.path("pixels", f"{TARGET}-{side}.npy")
