"""Which of several training processes this is."""

import torch.distributed

from ..errors import CurateError


def is_distributed() -> bool:
    """Tell whether `torch.distributed` runs."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def replicas_and_rank(num_replicas: int | None = None, rank: int | None = None) -> tuple[int, int]:
    """Return the number of processes and which of them this is; what is not given comes from `torch.distributed`.

    Raises:
        CurateError: There is no such rank.
    """
    running = is_distributed()
    replicas = num_replicas if num_replicas is not None else (torch.distributed.get_world_size() if running else 1)
    own = rank if rank is not None else (torch.distributed.get_rank() if running else 0)
    if replicas < 1 or not 0 <= own < replicas:
        raise CurateError(f"rank {own} of num_replicas {replicas}; expected 0 <= rank < num_replicas")
    return replicas, own
