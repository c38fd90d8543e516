"""The rank of this training process, and work that rank 0 does for all."""

from collections.abc import Callable

import torch.distributed

from ..errors import CurateError
from ..whole_numbers import whole_number


def is_distributed() -> bool:
    """Return whether `torch.distributed` runs."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def replicas_and_rank(num_replicas: int | None = None, rank: int | None = None) -> tuple[int, int]:
    """Return the number of processes and which of them this is; what is not given comes from `torch.distributed`.

    Args:
        num_replicas: Number of processes, at least 1.
        rank: Which of them, 0 to num_replicas - 1.

    Raises:
        CurateError: There is no such rank.
    """
    running = is_distributed()
    replicas = num_replicas if num_replicas is not None else (torch.distributed.get_world_size() if running else 1)
    own = rank if rank is not None else (torch.distributed.get_rank() if running else 0)
    replicas, own = whole_number("num_replicas", replicas), whole_number("rank", own)
    if replicas < 1 or not 0 <= own < replicas:
        raise CurateError(f"rank {own} of num_replicas {replicas}; expected 0 <= rank < num_replicas")
    return replicas, own


def done_by_rank_0(work: Callable[[], bytes]) -> bytes:
    """Do some work on rank 0 of `torch.distributed` and give its result to every rank; to be called on all of them.

    Args:
        work: Called on rank 0 only.

    Raises:
        CurateError: `work` raised one; every rank raises it.
    """
    result: list[bytes | str] = [b""]
    if torch.distributed.get_rank() == 0:
        try:
            result = [work()]
        except CurateError as error:
            result = [str(error)]  # the other ranks wait for something
    torch.distributed.broadcast_object_list(result, src=0)
    if isinstance(result[0], str):
        raise CurateError(result[0])
    return result[0]
