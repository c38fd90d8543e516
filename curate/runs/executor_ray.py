"""Numbered pieces of work as tasks of a Ray cluster, or of a Ray started here for the work's time."""

from __future__ import annotations

import functools
import platform
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from ...distortions.registry.carried_types import carrying_types
from ..errors import CurateError
from ..manifest.provenance import RENDERING_LIBRARIES, library_versions
from .executor_worker import PieceResult, attempt, failed, one_thread_per_library, result_of
from .ray_connection import host_and_port, import_ray, joined, one_line, place
from .threads import cores

if TYPE_CHECKING:
    from types import ModuleType

Result = TypeVar("Result")

IN_FLIGHT_PER_WORKER = 2
LOST_WORKERS_PER_PIECE = 5  # how often a piece is carried out again after its worker or node was lost
LOOK_SECONDS = 10.0  # without a result before we look whether anyone is left to work
LOOKS_IN_VAIN = 6  # before a cluster without processors is given up; a node may be on its way
WORKERS_UNKNOWN = 16  # assumed for a cluster that was not asked


class RayCluster:
    """Carries out pieces as Ray tasks, one processor each.

    A piece whose worker or node is lost is carried out again elsewhere. The function goes to the object store once.
    Every node must see the files that the work reads and writes, and have the same versions of this package and of the
    libraries that decide over pixels; one that has others refuses to work.
    """

    name = "ray"

    def __init__(self, address: str | None = None, workers: int | None = None, *, num_gpus: float = 0) -> None:
        """Choose a cluster; it is joined, or started, when the work begins.

        Args:
            address: `auto` or `host:port` of a cluster that this machine is a node of; None starts a Ray here, seen
                by this machine alone, and ends it afterwards.
            workers: Pieces at once; by default as many as the cluster has processors.
            num_gpus: GPUs that a piece needs for itself.

        Raises:
            CurateError: Ray is not installed, or the address is not valid.
        """
        self.address, self.asked, self.num_gpus = address, workers, num_gpus
        if address is not None and address != "auto":
            host_and_port(address)
        import_ray(private=address is None)

    @property
    def workers(self) -> int:
        """How many pieces it works on at once; a guess where a cluster is joined and no number was asked for."""
        return self.asked or (cores() if self.address is None else WORKERS_UNKNOWN)

    def run(self, function: Callable[[int], Result], indexes: Iterable[int]) -> Iterator[tuple[int, Result]]:
        """Yield (index, result) as they finish, in no order; see `Executor.run`."""
        with joined(self.address, self.workers) as ray:
            most = self._most_in_flight(ray)
            task = ray.remote(num_cpus=1, num_gpus=self.num_gpus, max_retries=LOST_WORKERS_PER_PIECE)(carry_out)
            function_there, versions = ray.put(carrying_types(function)), ray.put(_versions())
            pieces: dict[object, int] = {}
            rest, in_vain = iter(indexes), 0
            try:
                while True:
                    while len(pieces) < most and (index := next(rest, None)) is not None:
                        pieces[task.remote(function_there, versions, index)] = index
                    if not pieces:
                        return
                    ready, _ = ray.wait(list(pieces), timeout=LOOK_SECONDS)
                    in_vain = 0 if ready or _processors(ray) >= 1 else in_vain + 1
                    if in_vain == LOOKS_IN_VAIN:
                        raise CurateError(f"{place(self.address)} has no processor left; the same command resumes")
                    for piece in ready:
                        yield result_of(_fetch(ray, piece, pieces.pop(piece)))
            finally:
                for piece in pieces:
                    ray.cancel(piece, force=True)

    def _most_in_flight(self, ray: ModuleType) -> int:
        """Return how many pieces may be under way or waiting at the cluster.

        Raises:
            CurateError: It is smaller than asked for.
        """
        processors = _processors(ray)
        if processors < (self.asked or 1):
            raise CurateError(
                f"{place(self.address)} has {processors} processors, {self.asked or 1} workers were asked for; ask for "
                "fewer, or add nodes (ray start --address=...)"
            )
        gpus = ray.cluster_resources().get("GPU", 0)
        if gpus < self.num_gpus:
            raise CurateError(f"{place(self.address)} has {gpus:g} GPUs; each piece needs {self.num_gpus:g}")
        # More than one per worker waits only where the cluster is not larger than asked: else they would run at once.
        return self.asked if self.asked and self.asked < processors else processors * IN_FLIGHT_PER_WORKER


def carry_out(function: Callable[[int], Result], versions: dict[str, str], index: int) -> PieceResult[Result]:
    """Carry out one piece in a Ray worker, if its libraries have the versions of the caller's."""
    one_thread_per_library()
    here = _versions()
    if here != versions:
        differ = sorted(name for name in versions.keys() | here.keys() if versions.get(name) != here.get(name))
        named = ", ".join(f"{name} {here.get(name, 'none')} instead of {versions.get(name, 'none')}" for name in differ)
        return failed(index, CurateError(f"the node {platform.node()} has {named}; install the same on every node"))
    return attempt(function, index)


@functools.cache
def _versions() -> dict[str, str]:
    return library_versions(RENDERING_LIBRARIES)


def _processors(ray: ModuleType) -> int:
    return int(ray.cluster_resources().get("CPU", 0))


def _fetch(ray: ModuleType, piece: object, index: int) -> PieceResult[Result]:
    try:
        received: PieceResult[Result] = ray.get(piece)
    except ray.exceptions.RayError as error:
        raise CurateError(
            f"Ray gave up piece {index} ({one_line(error)}); every node needs this version of syndr-curate and sees "
            "the same files; the same command resumes"
        ) from error
    return received
