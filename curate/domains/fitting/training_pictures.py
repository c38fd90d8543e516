"""Training patches of the domain classifiers, made on the fly from pristine references."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ....distortions.catalog import CATALOG, IDENTITY_CELLS, LEVELS, PRISTINE, get
from ...manifest.seeds import stream_seed, uniform_draw
from ...rendering.render import render
from ..settings import PerReference
from .camera_looks import FRAME, by_another_camera, drawn_shrinking, shrink

# Cells that look like a pristine image: they would teach that a pristine image is distorted. (8, 1) differs
# from it by one code value at most.
PRISTINE_LOOKING_CELLS = frozenset({*IDENTITY_CELLS, (8, 1)})
_AS_IT_IS = 0.5  # of the pristine pictures: not stretched, as the photographs of a target set are not
_RECOMPRESSED = 0.5
_QUALITIES = (60, 98)
_FULL_CHROMA = 0.25
_SAMPLE_STREAM = 1  # beside the stream of the distortion's own draws


@dataclass(frozen=True)
class TrainingPicture:
    """One training picture.

    Attributes:
        picture: uint8 (H, W, 3) RGB.
        kind: Its class: 0, or a distortion id.
        recompressed: Whether it was saved as JPEG once more.
        rng: What drew for it, for what is drawn next.
    """

    picture: NDArray[np.uint8]
    kind: int
    recompressed: bool
    rng: np.random.Generator


def training_cells(
    identifier: str, types: Sequence[int], *, levels: int, pristine_variants: int, seed: int
) -> tuple[tuple[int, int], ...]:
    """List the cells that one reference gives: some levels of its types, none that looks pristine; pristine variants.

    Args:
        identifier: The reference's id.
        types: Distortion ids.
        levels: How many levels of each type, drawn for this reference.
        pristine_variants: Pristine pictures, each drawn separately.
        seed: The run's seed.

    Returns:
        (distortion id, level), and (0, number of the variant).
    """
    cells = [(PRISTINE, number) for number in range(pristine_variants)]
    for kind in types:
        possible = [str(level) for level in LEVELS if (kind, level) not in PRISTINE_LOOKING_CELLS]
        drawn = uniform_draw(possible, levels, seed, "domain-levels", identifier, kind)
        cells += [(kind, int(level)) for level in sorted(drawn)]
    return tuple(cells)


def types_of_references(ids: Sequence[str], per_reference: PerReference, seed: int) -> dict[str, tuple[int, ...]]:
    """Assign types to the references.

    Args:
        ids: Of the references.
        per_reference: `one`: each gets one type, and every type the same number of references, give or take one; DGQA
            does so. `all`: each gets all.
        seed: Decides who gets which.

    Returns:
        Id to its types.
    """
    every = tuple(entry.id for entry in CATALOG)
    if per_reference == "all":
        return dict.fromkeys(ids, every)
    left: set[str] = set(ids)
    assigned: dict[str, tuple[int, ...]] = {}
    for place, kind in enumerate(every):
        # An equal share of who is left, so that the last type gets the rest.
        drawn = uniform_draw(sorted(left), -(-len(left) // (len(every) - place)), seed, "domain", kind)
        assigned.update(dict.fromkeys(drawn, (kind,)))
        left -= drawn
    return assigned


def fold_of_references(ids: Sequence[str], folds: int, seed: int) -> dict[str, int]:
    """Assign references to folds of equal size, plus or minus one; fewer references than folds make fewer folds.

    Args:
        ids: Of the references.
        folds: How many folds.
        seed: Decides who comes where.

    Returns:
        Id to its fold, counted from 0.
    """
    folds = min(folds, len(ids))
    left: set[str] = set(ids)
    fold: dict[str, int] = {}
    for number in range(folds):
        drawn = uniform_draw(sorted(left), -(-len(left) // (folds - number)), seed, "domain-fold", number)
        fold.update(dict.fromkeys(drawn, number))
        left -= drawn
    return fold


def training_pictures(
    reference: NDArray[np.uint8], identifier: str, cells: Sequence[tuple[int, int]], seed: int
) -> Iterator[TrainingPicture]:
    """Make the training pictures of a reference, one after the other.

    Each is drawn its own camera, size and part of the reference, its own random distortion, whether it is made smaller
    afterward, and whether it is saved as JPEG.

    Args:
        reference: uint8 (H, W, 3) RGB.
        identifier: Its id.
        cells: What to make. A cell whose type needs a larger image is left out.
        seed: The run's seed.

    Yields:
        The pictures. Each depends on (seed, identifier, cell) alone.
    """
    for kind, level in cells:
        stream = stream_seed(seed, identifier, kind, level)
        rng = np.random.Generator(np.random.PCG64([stream, _SAMPLE_STREAM]))
        shrinking = drawn_shrinking(reference.shape, rng)
        shown = by_another_camera(reference, rng, side=math.ceil(FRAME / shrinking))
        if kind != PRISTINE and min(shown.shape[:2]) < get(kind).minimum_size:
            continue
        raw = kind == PRISTINE and rng.random() < _AS_IT_IS
        picture = shown if raw else render(shown, kind, level, int(rng.integers(1 << 62)))
        picture = shrink(picture, shrinking)
        again = bool(rng.random() < _RECOMPRESSED)
        yield TrainingPicture(recompress(picture, rng) if again else picture, kind, again, rng)


def recompress(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Save a picture as JPEG of a drawn quality, mostly with halved chroma, and read it again."""
    quality = int(rng.integers(_QUALITIES[0], _QUALITIES[1] + 1))
    return save_as_jpeg(picture, quality, full_chroma=bool(rng.random() < _FULL_CHROMA))


def save_as_jpeg(picture: NDArray[np.uint8], quality: int, *, full_chroma: bool = False) -> NDArray[np.uint8]:
    """Save a picture as JPEG and read it again.

    Args:
        picture: uint8 (H, W, 3) RGB.
        quality: libjpeg quality, 1 to 100.
        full_chroma: 4:4:4 in place of 4:2:0.

    Returns:
        uint8 (H, W, 3) RGB.
    """
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444 if full_chroma else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
    parameters = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, int(sampling)]
    _, content = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), parameters)
    again = np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8)
    return np.asarray(cv2.cvtColor(again, cv2.COLOR_BGR2RGB), np.uint8)
