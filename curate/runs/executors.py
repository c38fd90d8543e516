"""Executors of numbered, independent pieces of work: this process, several of them, or a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, Protocol, TypeVar, get_args

from ..errors import CurateError
from ..whole_numbers import whole_number
from .executor_local import InProcess, Processes
from .threads import cores

__all__ = ["EXECUTORS", "Executor", "InProcess", "Processes", "make_executor"]

Result = TypeVar("Result")

ExecutorName = Literal["local", "ray"]
EXECUTORS: tuple[ExecutorName, ...] = get_args(ExecutorName)


class Executor(Protocol):
    """Carries out numbered, independent pieces of work somewhere."""

    @property
    def name(self) -> str:
        """Its name in messages: `in-process`, `processes`, `ray`."""

    @property
    def workers(self) -> int:
        """How many pieces it works on at once, as far as it knows: for callers that divide their work."""

    def run(self, function: Callable[[int], Result], indexes: Iterable[int]) -> Iterator[tuple[int, Result]]:
        """Call a function on every index, once each.

        The work begins with the first result asked for. When the iterator is closed, or an error or an interrupt
        leaves it, what is under way is given up and no process stays behind.

        Args:
            function: Picklable: a `functools.partial` over a function at the top of a module, bound to plain data.
                An index may be carried out again after a worker was lost, so that it must not matter how often it is.
            indexes: Numbers of the pieces; read lazily, a few ahead of the results.

        Yields:
            (index, result) of each piece as it finishes, in no order that can be relied upon.

        Raises:
            CurateError: A worker died or cannot be had; the message says what to do.
            Exception: What the function raised, as it raised it.
        """


def make_executor(
    name: str, *, workers: int | None = None, ray_address: str | None = None, num_gpus: float = 0
) -> Executor:
    """Choose an executor by its name on the command line.

    Args:
        name: `local`: this process for one worker, else processes of this machine. `ray`: a Ray cluster.
        workers: Pieces carried out at once; by default one per core, or what the cluster has.
        num_gpus: For `ray`: GPUs that each piece needs for itself.
        ray_address: For `ray`: `auto` or `host:port` of a running cluster; None starts one here, for the work's time.

    Raises:
        CurateError: The name is unknown, Ray is not installed, or the settings do not fit it.
    """
    if name not in EXECUTORS:
        raise CurateError(f"executor is {name!r}; expected one of {', '.join(EXECUTORS)}")
    workers = None if workers is None else whole_number("workers", workers, least=1)
    if name == "ray":
        from .executor_ray import RayCluster

        return RayCluster(ray_address, workers, num_gpus=num_gpus)
    if ray_address is not None:
        raise CurateError(f"a Ray address ({ray_address}) needs the executor ray; this one is local")
    count = workers or cores()
    return InProcess() if count == 1 else Processes(count)
