"""Long runs of zero bytes: what a hole in a file looks like."""

from collections.abc import Iterator

# Disks and networks lose whole sectors or pages. Headers hold short runs of zeros, which are never looked at.
SHORTEST_HOLE = 512
_HOLE = bytes(SHORTEST_HOLE)


def zero_runs(content: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Find the runs of at least `SHORTEST_HOLE` zero bytes.

    Args:
        content: A file's content.
        start: Where to begin.
        end: Where to stop; None is the end of the content.

    Yields:
        Begin and end (exclusive) of each run, as long as it goes.
    """
    end = len(content) if end is None else end
    at = content.find(_HOLE, start, end)
    while at >= 0:
        stop = at + SHORTEST_HOLE
        while content.startswith(_HOLE, stop, end):
            stop += SHORTEST_HOLE
        while stop < end and not content[stop]:
            stop += 1
        yield at, stop
        at = content.find(_HOLE, stop, end)


def hole(start: int, end: int) -> str:
    """Describe a run of zeros that cannot be data."""
    return (
        f"the file is torn: {end - start:,} zero bytes from byte {start:,} on, which no encoder writes there "
        "(a download that did not finish?); get the file again"
    )
