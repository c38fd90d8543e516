"""Many thresholds at once by Otsu's criterion, found as MATLAB's ``multithresh`` finds them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

BINS = 256

# MATLAB's fminsearch (Lagarias et al., SIAM J. Optim. 9, 1998) with the options multithresh sets.
REFLECT, EXPAND, CONTRACT, SHRINK = 1.0, 2.0, 0.5, 0.5
FIRST_STEP = 0.05
TOLERANCE_X = 1.0
TOLERANCE_F = 1e-4
EVALUATIONS_PER_THRESHOLD = 200


def otsu_thresholds(histogram: NDArray[np.float64], number: int) -> NDArray[np.float64]:
    """Return thresholds that maximize the variance between classes.

    The search is local and starts from evenly spaced thresholds, so its result is what the generator found, not
    the global optimum.

    Args:
        histogram: 256 counts, not all zero.
        number: How many thresholds.

    Returns:
        ``number`` whole thresholds in bins, ascending, float64; evenly spaced ones where the search ends with an
        empty class.

    Source: Otsu, IEEE Trans. SMC 9 (1979); Lagarias, Reeds, Wright, Wright, SIAM J. Optim. 9 (1998).
    """
    share = histogram / histogram.sum()
    weight = np.cumsum(share)
    moment = np.cumsum(share * np.arange(1, BINS + 1))
    # Multiples of a rounded step, as a linear spacing gives them. With 20 thresholds the first simplex holds values on
    # exact halves (12.75 k), and the last bit decides where the search ends.
    start = np.arange(1, number + 1, dtype=np.float64) * ((BINS - 1) / (number + 1))
    found, value = _search(start, weight, moment)
    return _round(found if np.isfinite(value) else start)


def _round(values: NDArray[np.float64]) -> NDArray[np.float64]:
    rounded: NDArray[np.float64] = np.floor(values + 0.5)
    return rounded


@compiled
def _cost(thresholds: NDArray[np.float64], weight: NDArray[np.float64], moment: NDArray[np.float64]) -> float:
    """Minus the variance between classes; infinite where a class is empty or the order is broken."""
    mean = moment[BINS - 1]
    previous, variance = -1, 0.0
    below_weight, below_moment = 0.0, 0.0
    for k in range(thresholds.size + 1):
        # The bin that ends the class, counted from 0: MATLAB's boundary round(t) + 1 counted from 1.
        last = BINS - 1 if k == thresholds.size else int(np.floor(thresholds[k] + 0.5))
        if last <= previous or last < 1 or (k < thresholds.size and last > BINS - 2):
            return np.inf
        class_weight = weight[last] - below_weight
        if class_weight == 0.0:
            return np.inf
        offset = (moment[last] - below_moment) / class_weight - mean
        variance += class_weight * offset * offset
        below_weight, below_moment, previous = weight[last], moment[last], last
    return -variance if np.isfinite(variance) else np.inf


@compiled
def _sort_simplex(simplex: NDArray[np.float64], costs: NDArray[np.float64]) -> None:
    """Insertion sort: stable, as the tie-breaking of the reference search demands."""
    for i in range(1, costs.size):
        cost, corner, j = costs[i], simplex[i].copy(), i
        while j > 0 and costs[j - 1] > cost:
            costs[j] = costs[j - 1]
            simplex[j] = simplex[j - 1]
            j -= 1
        costs[j] = cost
        simplex[j] = corner


@compiled
def _converged(simplex: NDArray[np.float64], costs: NDArray[np.float64]) -> bool:
    n = simplex.shape[1]
    spread = 0.0
    for i in range(1, n + 1):
        difference = abs(costs[0] - costs[i])
        # Two infinite costs differ by NaN, which a maximum leaves out.
        if difference > TOLERANCE_F:
            return False
        for k in range(n):
            spread = max(spread, abs(simplex[i, k] - simplex[0, k]))
    return spread <= TOLERANCE_X


@compiled
def _search(
    start: NDArray[np.float64], weight: NDArray[np.float64], moment: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Nelder-Mead; thresholds are rounded inside the cost only."""
    n = start.size
    simplex = np.empty((n + 1, n))
    costs = np.empty(n + 1)
    for i in range(n + 1):
        simplex[i] = start
        if i > 0:
            simplex[i, i - 1] *= 1 + FIRST_STEP
        costs[i] = _cost(simplex[i], weight, moment)
    _sort_simplex(simplex, costs)
    evaluations, iterations, most = n + 1, 1, EVALUATIONS_PER_THRESHOLD * n
    while evaluations < most and iterations < most and not _converged(simplex, costs):
        evaluations += _step(simplex, costs, weight, moment)
        _sort_simplex(simplex, costs)
        iterations += 1
    return simplex[0].copy(), costs[0]


@compiled
def _step(
    simplex: NDArray[np.float64], costs: NDArray[np.float64], weight: NDArray[np.float64], moment: NDArray[np.float64]
) -> int:
    """Replace the worst corner, or shrink towards the best; return how many costs were evaluated."""
    n: int = simplex.shape[1]
    worst = simplex[n]
    center = np.zeros(n)
    for i in range(n):
        center += simplex[i]
    center /= n
    reflected = (1 + REFLECT) * center - REFLECT * worst
    cost = _cost(reflected, weight, moment)
    if cost < costs[0]:
        further = (1 + REFLECT * EXPAND) * center - REFLECT * EXPAND * worst
        further_cost = _cost(further, weight, moment)
        if further_cost < cost:
            reflected, cost = further, further_cost
        simplex[n], costs[n] = reflected, cost
        return 2
    if cost < costs[n - 1]:
        simplex[n], costs[n] = reflected, cost
        return 1
    if cost < costs[n]:
        nearer = (1 + CONTRACT * REFLECT) * center - CONTRACT * REFLECT * worst
        nearer_cost = _cost(nearer, weight, moment)
        accepted = nearer_cost <= cost
    else:
        nearer = (1 - CONTRACT) * center + CONTRACT * worst
        nearer_cost = _cost(nearer, weight, moment)
        accepted = nearer_cost < float(costs[n])
    if accepted:
        simplex[n], costs[n] = nearer, nearer_cost
        return 2
    for i in range(1, n + 1):
        simplex[i] = simplex[0] + SHRINK * (simplex[i] - simplex[0])
        costs[i] = _cost(simplex[i], weight, moment)
    return n + 2
