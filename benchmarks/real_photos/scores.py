"""Human scores of a real set: the only module that reads them. Nothing that is trained without them imports it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from syndr_curate import CurateError, read_manifest
from syndr_curate.curate.manifest.ids import list_ids
from syndr_curate.curate.manifest.seeds import context_seed, uniform_draw

from .settings import SEED

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """A target's scores and its halves.

    Attributes:
        scores: T human scores, on [0, 10].
        parts: Places of the pictures of each of `PARTS`.
    """

    scores: Vector
    parts: dict[str, NDArray[np.intp]]


def read_scores(manifest: Path, ids: Sequence[str]) -> Vector:
    """Return the scores of pictures, on [0, 10].

    Raises:
        CurateError: A picture has none.
    """
    table = read_manifest(manifest)
    known = dict(zip(table["sample_id"].to_pylist(), table["label"].to_pylist(), strict=True))
    missing = [identifier for identifier in ids if known.get(identifier) is None]
    if missing:
        raise CurateError(f"{manifest} has no score for {len(missing)} pictures: {list_ids(missing)}")
    return np.array([known[identifier] for identifier in ids], np.float64)


def read_target_scores(manifest: Path, ids: Sequence[str]) -> Target:
    """Return a target's scores, and its halves as the protocol draws them."""
    half_a = uniform_draw(list(ids), len(ids) // 2, 123, "real-photos-half")
    in_a = np.array([identifier in half_a for identifier in ids])
    parts = {"all": np.arange(len(ids)), "a": np.flatnonzero(in_a), "b": np.flatnonzero(~in_a)}
    return Target(read_scores(manifest, ids), parts)


def rank_correlations(truth: Vector, predicted: Vector) -> Vector:
    """Return Spearman's correlation of every row of predictions.

    Args:
        truth: T scores.
        predicted: (..., T).

    Returns:
        (...), -1 to 1; 0 where either side is constant.
    """
    from scipy.stats import rankdata

    return linear_correlations(rankdata(truth), rankdata(predicted, axis=-1))


def linear_correlations(truth: Vector, predicted: Vector) -> Vector:
    """Return Pearson's correlation of every row of predictions; see `rank_correlations`."""
    first = truth - truth.mean()
    others = predicted - predicted.mean(-1, keepdims=True)
    size = np.sqrt((first**2).sum() * (others**2).sum(-1))
    products: Vector = others @ first
    found: Vector = np.divide(products, size, out=np.zeros_like(products), where=size > 0)
    return found


def picture_resamples(places: NDArray[np.intp], count: int, part: str) -> NDArray[np.intp]:
    """Draw pictures with replacement, the same for all arms.

    Returns:
        (count, len(places)) of `places`.
    """
    rng = np.random.Generator(np.random.PCG64(context_seed("real-photos-pictures", SEED, part)))
    return places[rng.integers(len(places), size=(count, len(places)))]
