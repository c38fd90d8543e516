"""Photographs to frames, frames to labeled pictures: each photograph one file, made once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from syndr_curate.curate.datasets.feature_files import load_features, write_feature_table
from syndr_curate.curate.datasets.features import Features
from syndr_curate.curate.encoding.encode import encode
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.manifest.ids import has_image_suffix, list_ids
from syndr_curate.curate.manifest.provenance import digest_listing
from syndr_curate.curate.manifest.seeds import row_seed, stream_seed, uniform_draw
from syndr_curate.curate.rendering.mdsi import mdsi, proxy_quality
from syndr_curate.curate.rendering.render import render
from syndr_curate.curate.storage.atomic import atomic_path, write_bytes
from syndr_curate.curate.storage.images import decode_image, encode_image
from syndr_curate.distortions import stretch_uint8

from ..shared.frames import cut_frame
from .degradations import degrade
from .settings import LABELLED_LEVELS, TYPES, Run, Size

CONDITIONS = tuple((kind, level) for kind in TYPES for level in LABELLED_LEVELS)


@dataclass(frozen=True)
class Roles:
    """What each photograph is for, in one seed; no photograph has two roles."""

    labelled: tuple[str, ...]
    candidates: tuple[str, ...]
    held_out: tuple[str, ...]


@dataclass(frozen=True)
class Pictures:
    """Versions of one photograph.

    Attributes:
        images: uint8 (V, F, F, 3) RGB.
        quality: V labels by the metric, on [0, 10], higher is better.
    """

    images: NDArray[np.uint8]
    quality: NDArray[np.float64]


def find_photographs(folder: Path, size: Size) -> tuple[dict[str, Path], str]:
    """List the photographs below a folder that are large enough.

    Returns:
        Path by id, and a digest of names and sizes.

    Raises:
        CurateError: Too few, or two with one name.
    """
    files = sorted(path for path in folder.rglob("*") if has_image_suffix(path.name) and path.is_file())
    found = {path.stem: path for path in files}
    if len(found) < len(files):
        doubled = sorted({path.stem for path in files if found[path.stem] != path})
        raise CurateError(f"{folder}: several photographs have one name: {list_ids(doubled)}")
    needed = size.target_photographs + size.labelled + size.candidates + size.held_out
    if len(found) < needed:
        raise CurateError(f"{folder} holds {len(found)} photographs; this size needs {needed}")
    return found, digest_listing((str(path.relative_to(folder)), path.stat().st_size) for path in files)


def target_ids(ids: Sequence[str], run: Run) -> tuple[str, ...]:
    """Draw the photographs of the target set: the same for all seeds of a run."""
    return tuple(sorted(uniform_draw(ids, run.size.target_photographs, run.seed, "targets")))


def roles_of(ids: Sequence[str], run: Run, seed: int) -> Roles:
    """Deal the photographs that are not targets out to the roles of one seed."""
    left = sorted(set(ids) - set(target_ids(ids, run)))
    hands = []
    for role in ("labelled", "candidates", "held_out"):
        hand = tuple(sorted(uniform_draw(left, getattr(run.size, role), run.seed, seed, role)))
        left = [identifier for identifier in left if identifier not in set(hand)]
        hands.append(hand)
    return Roles(*hands)


def used_ids(ids: Sequence[str], run: Run) -> tuple[str, ...]:
    """Return the photographs that have a role in any seed."""
    used = set(target_ids(ids, run))
    for seed in range(run.size.seeds):
        used.update(*vars(roles_of(ids, run, seed)).values())
    return tuple(sorted(used))


def make_pictures(run: Run, identifier: str, photograph: Path, *, target: bool) -> None:
    """Cut the frame of a photograph, make its versions, and label them by the metric; nothing if that is done.

    Args:
        run: Where files go.
        identifier: Id of the photograph.
        photograph: The file.
        target: Degrade as cameras do; otherwise distort by the catalog, every type at every level.
    """
    path = _pictures_path(run, identifier)
    if path.is_file():
        return
    cv2.setNumThreads(1)
    frame = cut_frame(decode_image(photograph), run.size.frame)
    write_bytes(run.folder / "frames" / f"{identifier}.png", encode_image(frame), durable=False)
    if target:
        clean = frame
        seeds = [stream_seed(run.seed, f"target/{identifier}", 0, v) for v in range(run.size.target_versions)]
        versions = [degrade(frame, seed)[0] for seed in seeds]
    else:
        clean = stretch_uint8(frame)  # as the generator shows it
        versions = [render(frame, *cell, row_seed(stream_seed(run.seed, identifier, *cell))) for cell in CONDITIONS]
    quality = [proxy_quality(mdsi(clean, version)) for version in versions]
    with atomic_path(path, durable=False) as temporary, temporary.open("wb") as file:
        np.savez(file, images=np.stack(versions), quality=np.array(quality))


@lru_cache(maxsize=1024)
def load_pictures(run: Run, identifier: str) -> Pictures:
    """Return the versions of a photograph, in the order of `CONDITIONS` unless it is a target."""
    with np.load(_pictures_path(run, identifier), allow_pickle=False) as stored:
        return Pictures(stored["images"], stored["quality"])


def content_features(run: Run, ids: Sequence[str]) -> Features:
    """Return `gist` features of frames, by way of the stage `encode`; computed once for all of them."""
    path = run.folder / "features.parquet"
    if not path.is_file():
        write_feature_table(encode(run.folder / "frames", "gist"), path)
    every = load_features(path)
    chosen = tuple(ids)
    rows = {identifier: row for row, identifier in enumerate(every.require_ids())}
    return replace(every, matrix=every.matrix[[rows[identifier] for identifier in chosen]], ids=chosen, names=chosen)


def _pictures_path(run: Run, identifier: str) -> Path:
    return run.folder / "pictures" / f"{identifier}.npz"
