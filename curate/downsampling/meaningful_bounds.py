"""Whether DRCDown's bound on cosines is meaningful for some features, and which bounds would be."""

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..manifest.seeds import uniform_draw
from ..similarity import FeatureRows, cluster_statistics, threshold_components
from .epoch import EpochRows
from .settings import DownsampleSettings

SEARCHED_ROWS = 10_000  # most rows among which bounds are searched, so that a large set does not take long
CHECKED_ROWS = 50_000  # most rows on which bounds of drawn rows are checked: 2 to 8 s a clustering at 40,000
GRIDS = (100, 10_000, 1_000_000)  # the search goes over numbers of 2 decimals, then 4, then 6; float32 has no more
STRICTEST = 1 - 1 / GRIDS[-1]
NEAR = 0.02  # the search ends at a share this close to the one that is wanted
MOST_IN_ONE = 0.5  # a cluster of more than this share of the rows makes a bound mean nothing


class Shares(NamedTuple):
    """The clusters of some rows at one similarity.

    Attributes:
        thinned: Share of the rows in clusters above `keep_min`, 0 to 1.
        largest: Share of the rows in the largest cluster, 0 to 1.
    """

    thinned: float
    largest: float


class Target(NamedTuple):
    """A share of the rows in clusters above `keep_min`, and its tolerance.

    Attributes:
        share: What is wanted, 0 to 1.
        low: The smallest share that will do.
        high: The largest.
        words: The share in words.
    """

    share: float
    low: float
    high: float
    words: str


TENTH = Target(0.10, 0.05, 0.20, "a tenth")
HALF = Target(0.50, 0.35, 0.65, "a half")


def note_meaningless_bound(
    rows: EpochRows, features: FeatureRows, clusters: NDArray[np.int32], settings: DownsampleSettings
) -> str | None:
    """Describe in one line that the bound has no effect on these features, and which bounds would have one.

    The bound means nothing where one cluster holds more than half of the filtered rows, or where no cluster is above
    `keep_min` though there are more than twice as many rows. Only then are other bounds searched for.

    Args:
        rows: N rows, F of them filtered.
        features: (N, D), as `epoch_features` gives them.
        clusters: (F,) the cluster of each filtered row, found with these settings.
        settings: What makes two rows alike, and which clusters are left alone.

    Returns:
        The line; None where the bound means something.
    """
    problem = _problem(clusters, settings)
    if problem is None:
        return None
    searched = search_shares(rows, features, settings)
    drawn, total = searched.rows, len(rows.filtered)
    impossible = _impossible(searched.shares_at, settings.label_gap)
    if impossible is not None:
        advice = impossible
    elif drawn == total:
        advice = _advice(searched.shares_at, _drawn_bounds(searched))
    elif total <= CHECKED_ROWS:
        # More rows have more links, so a bound of the drawn rows may join all of them.
        shares_at = _shares(rows, features, settings, rows.filtered, settings.keep_min)
        bounds = {target: _mended(shares_at, target, bound) for target, bound in _drawn_bounds(searched).items()}
        return _line(settings, problem, _advice(shares_at, bounds))
    else:
        too_loose = cluster_statistics(clusters).largest_cluster > settings.keep_min
        advice = _unchecked_advice(searched, settings.similarity, too_loose=too_loose)
    return _line(settings, problem, advice) + ("" if drawn == total else f" (from {drawn:,} of {total:,} rows)")


class SearchedRows(NamedTuple):
    """Rows among which bounds are searched for.

    Attributes:
        rows: How many they are.
        shares_at: What a similarity, -1 to 1, makes of them.
    """

    rows: int
    shares_at: Callable[[float], Shares]


def search_shares(rows: EpochRows, features: FeatureRows, settings: DownsampleSettings) -> SearchedRows:
    """Take the filtered rows, or 10,000 drawn of more of them, to try similarities on.

    Args:
        rows: N rows, F of them filtered.
        features: (N, D), as `epoch_features` gives them.
        settings: Label gap, `keep_min` (smaller in proportion where rows are drawn), seed and device.
    """
    drawn, total = _drawn_rows(rows, settings.seed), len(rows.filtered)
    keep_min = max(1, round(settings.keep_min * len(drawn) / total))
    return SearchedRows(len(drawn), _shares(rows, features, settings, drawn, keep_min))


def find_bound(
    shares_at: Callable[[float], Shares],
    target: Target,
    *,
    near: float = NEAR,
    above: float = -1.0,
    below: float = 1.0,
) -> float | None:
    """Find a similarity at which clusters above `keep_min` hold a share of the rows, none of them more than half.

    Bisection in at most 22 steps, since no share rises with the similarity; over numbers of few decimals first.

    Args:
        shares_at: What a similarity, -1 to 1, makes of the rows.
        target: The share that is wanted.
        near: The search ends at a share this close to it.
        above: The similarity is this or more, in steps of 0.01 ...
        below: ... and this or less, likewise.

    Returns:
        The similarity; None where none of six decimals will do.

    >>> find_bound(lambda similarity: Shares(thinned=1 - similarity, largest=0.1), HALF)
    0.5
    """
    scale = GRIDS[0]
    looser, stricter = math.floor(above * scale), math.ceil(below * scale)
    for grid in GRIDS:
        looser, stricter, scale = looser * grid // scale, stricter * grid // scale, grid
        while stricter - looser > 1:
            middle = (looser + stricter) // 2
            shares = shares_at(middle / scale)
            if abs(shares.thinned - target.share) <= near and shares.largest <= MOST_IN_ONE:
                return middle / scale
            if shares.thinned > target.share or shares.largest > MOST_IN_ONE:
                looser = middle
            else:
                stricter = middle
    fitting = [bound for bound in (looser / scale, stricter / scale) if _fits(shares_at(bound), target)]
    return min(fitting, key=lambda bound: abs(shares_at(bound).thinned - target.share), default=None)


def _fits(shares: Shares, target: Target) -> bool:
    return target.low <= shares.thinned <= target.high and shares.largest <= MOST_IN_ONE


def _problem(clusters: NDArray[np.int32], settings: DownsampleSettings) -> str | None:
    total, largest = len(clusters), cluster_statistics(clusters).largest_cluster
    said = f"the largest cluster holds {largest:,} of {total:,} rows"
    if largest > settings.keep_min and largest > MOST_IN_ONE * total:
        return said
    if largest <= settings.keep_min and total > 2 * settings.keep_min:
        return f"{said}, and none up to keep_min {settings.keep_min} is thinned"
    return None


def _drawn_rows(rows: EpochRows, seed: int) -> NDArray[np.int64]:
    if len(rows.filtered) <= SEARCHED_ROWS:
        return rows.filtered
    ids = rows.filtered_ids
    drawn = uniform_draw(ids, SEARCHED_ROWS, "meaningful bounds", seed)
    return rows.filtered[[identifier in drawn for identifier in ids]]


def _shares(
    rows: EpochRows, features: FeatureRows, settings: DownsampleSettings, chosen: NDArray[np.int64], keep_min: int
) -> Callable[[float], Shares]:
    labels = rows.labels[chosen]
    taken = features.take(chosen)

    @cache
    def shares_at(similarity: float) -> Shares:
        found = threshold_components(taken, labels, similarity, settings.label_gap, device=settings.device)
        statistics = cluster_statistics(found, large=keep_min)
        return Shares(statistics.share_in_large, statistics.largest_cluster / len(chosen))

    return shares_at


def _impossible(shares_at: Callable[[float], Shares], label_gap: float) -> str | None:
    if shares_at(-1.0).thinned < TENTH.low:
        return (
            "no similarity would thin a tenth of the rows: labels are too far apart, too few differ by less than "
            f"label_gap {label_gap}"
        )
    closest = shares_at(STRICTEST)
    if closest.thinned > HALF.high or closest.largest > MOST_IN_ONE:
        return (
            f"no similarity would thin only a part: even {STRICTEST} thins clusters with {_percent(closest.thinned)} "
            "of the rows, as they are all but identical"
        )
    return None


def _line(settings: DownsampleSettings, problem: str, advice: str) -> str:
    return f"similarity {settings.similarity} means nothing for these features: {problem}; {advice}"


def _drawn_bounds(searched: SearchedRows) -> dict[Target, float | None]:
    return {target: find_bound(searched.shares_at, target) for target in (TENTH, HALF)}


def _unchecked_advice(searched: SearchedRows, similarity: float, *, too_loose: bool) -> str:
    bounds = _drawn_bounds(searched)
    useful = {
        target: bound if bound is not None and bound != similarity and (bound > similarity) == too_loose else None
        for target, bound in bounds.items()
    }
    if useful == bounds or any(bound is not None for bound in useful.values()):
        return _advice(searched.shares_at, useful)
    side = "above" if too_loose else "below"
    return f"try a similarity a little {side} it, since drawn rows have fewer links than all rows"


def _mended(shares_at: Callable[[float], Shares], target: Target, start: float | None) -> float | None:
    near = target.share - target.low
    if start is None:
        return find_bound(shares_at, target, near=near)
    shares = shares_at(start)
    if _fits(shares, target):
        return start
    if shares.thinned > target.share or shares.largest > MOST_IN_ONE:
        return find_bound(shares_at, target, near=near, above=start)
    return find_bound(shares_at, target, near=near, below=start)


def _advice(shares_at: Callable[[float], Shares], bounds: dict[Target, float | None]) -> str:
    found = [(bound, _percent(shares_at(bound).thinned)) for bound in bounds.values() if bound is not None]
    if not found:
        return "no similarity would thin clusters with about a tenth or a half of the rows, since they join all at once"
    (first, share), others = found[0], found[1:]
    said = f"similarity {first} would thin clusters with {share} of the rows"
    said += "".join(f", {bound} with {percent}" for bound, percent in others)
    return said + "".join(f", none with about {target.words}" for target, bound in bounds.items() if bound is None)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
