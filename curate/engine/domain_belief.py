"""What a classifier does not believe in must not decide: scores with a floor."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from ...distortions.catalog import PRISTINE

LEAST_BELIEF = 0.05


def believed(scores: NDArray[np.floating], least: float = LEAST_BELIEF) -> NDArray[np.float64]:
    """Put the classes of each image that are not believed in into an order that says nothing.

    DGQA's rule counts four classes of every image, however little the classifier believes in the second to fourth.
    Where that is next to nothing, their order does not depend on the image, only on which types look alike to the
    classifier: the same few runners-up fill the places of every image, and may be counted more often than what the
    set is made of. Here pristine comes first of them, as what else an image would be, and the types follow in an
    order drawn from the image's own scores.

    Args:
        scores: Class probabilities, (N, 26).
        least: Classes with a smaller probability are not believed in; 0 leaves the scores as they are.

    Returns:
        float64 (N, 26): the scores from `least` on as they are, the others below `least`. The same scores give the same
        bits, whatever the other images.
    """
    found = np.array(scores, np.float64)
    for row in found:
        doubtful = row < least
        digest = hashlib.blake2b(row.tobytes(), digest_size=16).digest()
        drawn = np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big"))).random(len(row)) * 0.99
        drawn[PRISTINE] = 0.995
        row[doubtful] = least * drawn[doubtful]
    return found
