"""Numbered pieces of work on a Ray cluster, or on a Ray of our own on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from ..errors import CurateError

Result = TypeVar("Result")


class RayCluster:
    """Carries out pieces as tasks of a Ray cluster."""

    name = "ray"

    def __init__(self, address: str | None, workers: int | None) -> None:
        """Remember where the cluster is."""
        raise CurateError("the executor ray is being built")

    @property
    def workers(self) -> int:
        """How many pieces at once."""
        raise NotImplementedError

    def run(self, function: Callable[[int], Result], indexes: Iterable[int]) -> Iterator[tuple[int, Result]]:
        """Yield (index, result) as they finish, in no order; see `Executor.run`."""
        raise NotImplementedError
