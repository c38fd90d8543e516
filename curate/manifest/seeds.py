"""Random streams that depend on what is drawn for, never on a worker, an order or a clock."""

import hashlib
from collections.abc import Sequence

STREAM_BITS = 63
SEED_BITS = 53  # of a row's seed: a float64, which pandas makes of an integer column with nulls, holds it exactly
_DIGEST_BYTES = 8


def row_seed(stream: int) -> int:
    """Return the seed that a manifest row holds, from the 63-bit seed of what is drawn for.

    Every seed that goes into a manifest is made here.

    Args:
        stream: What `stream_seed` or `context_seed` returns.

    Returns:
        An integer in [0, 2**53): with the reference, enough to render the image again.
    """
    return stream >> (STREAM_BITS - SEED_BITS)


def stream_seed(seed: int, reference_id: str, distortion_id: int, level: int) -> int:
    """Return the 63-bit seed of one generated image; a row that names the image holds its `row_seed`.

    Args:
        seed: The run's seed.
        reference_id: Id of the pristine image.
        distortion_id: Of the catalog, such as 1-25.
        level: 1-5.

    Returns:
        An integer in [0, 2**63).
    """
    return _hash("render", seed, reference_id, distortion_id, level) >> (8 * _DIGEST_BYTES - STREAM_BITS)


def context_seed(*context: str | int) -> int:
    """Return the 63-bit seed of a stream that depends on its context alone.

    Args:
        *context: What is drawn for: first the name of the draw, then the run's seed, ids, ...
    """
    return _hash("context", *context) >> (8 * _DIGEST_BYTES - STREAM_BITS)


def uniform_draw(ids: Sequence[str], count: int, *context: str | int) -> set[str]:
    """Draw `count` ids uniformly without replacement.

    The ids with the smallest keyed hashes are taken, so that the draw depends on the context and the set of ids
    alone, whatever their order, and stays the same from one release of numpy to the next.

    Args:
        ids: Distinct ids.
        count: How many to draw; all are returned where there are fewer.
        *context: What the draw is for: seed, epoch, ...

    Returns:
        The ids drawn.
    """
    if count >= len(ids):
        return set(ids)
    ordered = sorted(ids, key=lambda identifier: (_hash("draw", *context, identifier), identifier))
    return set(ordered[:count])


def digest_ids(ids: Sequence[str]) -> str:
    """Return a digest of a set of ids, the same in any order."""
    digest = hashlib.blake2b(digest_size=16)
    for identifier in sorted(ids):
        digest.update(_framed(identifier))
    return digest.hexdigest()


def _hash(*parts: str | int) -> int:
    digest = hashlib.blake2b(b"".join(_framed(part) for part in parts), digest_size=_DIGEST_BYTES)
    return int.from_bytes(digest.digest(), "big")


def _framed(part: str | int) -> bytes:
    # The length in front keeps ("a", "bc") and ("ab", "c") apart.
    content = str(part).encode()
    return len(content).to_bytes(4, "big") + content
