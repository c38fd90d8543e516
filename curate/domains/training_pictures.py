"""Training patches of the domain classifiers, made on the fly from pristine references."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ...distortions.catalog import CATALOG, IDENTITY_CELLS, LEVELS, PRISTINE, get
from ..manifest.seeds import stream_seed, uniform_draw
from ..rendering.render import render
from .patches import random_patch
from .settings import PerReference

# Cells that cannot be told from a pristine image: they would teach that a pristine image is distorted. (8, 1) differs
# from it by one code value at most.
PRISTINE_LOOKING_CELLS = frozenset({*IDENTITY_CELLS, (8, 1)})
_LARGEST = (512, 768)  # of a reference while it trains, shorter and longer side: what is beyond is cut off
_LEAST = 224  # pixels of the shorter side below which nothing is drawn smaller
# References are made to look as if by other cameras and scanners: of other sharpness, with grain. What sets one
# collection apart from another must not decide what counts as pristine.
_RESIZED, _FACTORS = 0.8, (0.65, 1.0)
_SHARPENED, _SHARPENING = 0.4, 0.8
_GRAINY, _GRAIN, _GRAIN_COLOR, _GRAIN_SOFTNESS = 0.5, 2.5, np.float32(0.3), 0.8
# The stretch on entry leaves gaps in the histogram of a reference that does not span 0 to 255. Photographs that do
# have none, so gaps must not stand for "pristine".
_FULL_RANGE = 0.5
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
        pristine_variants: Pristine pictures, each drawn anew.
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
    """Deal the types out to the references.

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
    dealt: dict[str, tuple[int, ...]] = {}
    for place, kind in enumerate(every):
        # An equal share of who is left, so that the last type gets the rest.
        drawn = uniform_draw(sorted(left), -(-len(left) // (len(every) - place)), seed, "domain", kind)
        dealt.update(dict.fromkeys(drawn, (kind,)))
        left -= drawn
    return dealt


def fold_of_references(ids: Sequence[str], folds: int, seed: int) -> dict[str, int]:
    """Deal references out to folds of equal size, give or take one; fewer references than folds make fewer folds.

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

    Each is drawn its own size and part of the reference, its own random distortion, and whether it is saved as JPEG.

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
        shown = _as_by_another_camera(reference, rng)
        if kind != PRISTINE and min(shown.shape[:2]) < get(kind).minimum_size:
            continue
        raw = kind == PRISTINE and rng.random() < _AS_IT_IS
        picture = shown if raw else render(shown, kind, level, int(rng.integers(1 << 62)))
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


def _as_by_another_camera(reference: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    height, width = reference.shape[:2]
    largest = _LARGEST if height <= width else _LARGEST[::-1]
    smallest = min(_FACTORS[0], max(largest[0] / height, largest[1] / width))
    smallest = min(1.0, max(smallest, _LEAST / min(height, width)))
    resized, sharpened, grainy, full_range = rng.random(4) < (_RESIZED, _SHARPENED, _GRAINY, _FULL_RANGE)
    factor = float(rng.uniform(smallest, _FACTORS[1])) if resized else 1.0
    # Cut before anything is computed: of a photograph of 24 megapixels most would be thrown away.
    inside = [min(side, math.ceil(most / factor)) for side, most in zip((height, width), largest, strict=True)]
    shown = random_patch(reference, (inside[0], inside[1]), rng).astype(np.float32)
    if resized:
        size = [min(most, max(1, round(side * factor))) for side, most in zip(inside, largest, strict=True)]
        shown = np.asarray(cv2.resize(shown, size[::-1], interpolation=cv2.INTER_AREA), np.float32)
    if sharpened:
        shown += np.float32(rng.uniform(0, _SHARPENING)) * (
            shown - cv2.GaussianBlur(shown, (0, 0), rng.uniform(0.6, 1.2))
        )
    if grainy:
        shown += _grain(shown.shape, rng)
    if full_range and shown.max() > shown.min():
        shown = (shown - shown.min()) * np.float32(255 / (shown.max() - shown.min()))
    return np.rint(np.clip(shown, 0, 255)).astype(np.uint8)


def _grain(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    strength, softness = rng.uniform(0, _GRAIN), rng.uniform(0, _GRAIN_SOFTNESS)
    grain = rng.standard_normal(shape[:2], np.float32)[:, :, None] + _GRAIN_COLOR * rng.standard_normal(
        shape, np.float32
    )
    if softness > _GRAIN_SOFTNESS / 2:
        grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), softness), np.float32)
        grain /= grain.std()
    return np.asarray(np.float32(strength) * grain, np.float32)
