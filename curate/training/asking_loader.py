"""The loader that asks a sampler for indices, found on the call stack: a sampler cannot know it otherwise."""

import sys
from collections.abc import Iterator, Sequence, Sized

import torch
from torch.utils.data import DistributedSampler

from ..errors import CurateError

# accelerate's, also used by the Trainer of transformers: they split a loader's batches, or parts of them, over ranks.
_SPLITTERS_OF_BATCHES = ("BatchSamplerShard", "DataLoaderDispatcher")


def check_asking_loader(sample_ids: Sequence[str]) -> None:
    """Refuse to give indices where they would mean other rows, or be split over processes a second time.

    To be called while the first index is asked for. Without a loader on the call stack nothing is checked.

    Args:
        sample_ids: Ids of the rows that the sampler's indices mean, in order.

    Raises:
        CurateError: The loader's dataset has other rows; or something between loader and sampler splits what it gets.
    """
    for owner in _owners():
        _refuse_second_split(owner)
        if isinstance(owner, torch.utils.data.dataloader._BaseDataLoaderIter):
            _refuse_other_rows(owner._dataset, sample_ids)


def _owners() -> Iterator[object]:
    """Give the object of every method on the call stack, from the innermost out."""
    frame = sys._getframe(2)
    while frame is not None:
        owner: object = frame.f_locals.get("self")
        if owner is not None:
            yield owner
        if frame.f_back is None:
            return
        frame = frame.f_back


def _refuse_second_split(owner: object) -> None:
    if type(owner).__name__ in _SPLITTERS_OF_BATCHES:
        state = getattr(owner, "state", owner)  # the dispatcher keeps the number there
        if getattr(state, "num_processes", 1) > 1:
            raise CurateError(
                f"accelerate's {type(owner).__name__} splits the sampler's indices a second time, so that rows would "
                "never be seen; DRCDownSampler splits them over processes itself: leave the loader out of "
                "accelerator.prepare(...) and move each batch with .to(accelerator.device) (under transformers' "
                "Trainer: return the plain DataLoader from get_train_dataloader)"
            )
    # Lightning wraps a sampler in a subclass of it, as other libraries do.
    if isinstance(owner, DistributedSampler) and owner.num_replicas > 1:
        raise CurateError(
            f"{type(owner).__name__} splits the sampler's indices a second time, so that rows would never be seen; "
            "DRCDownSampler splits them over processes itself: give Lightning's Trainer, or Fabric's "
            "setup_dataloaders, use_distributed_sampler=False"
        )


def _refuse_other_rows(dataset: object, sample_ids: Sequence[str]) -> None:
    ids = getattr(dataset, "sample_ids", None)
    if ids is not None:
        if list(ids) != list(sample_ids):
            raise CurateError(
                f"the loader's dataset has {len(ids)} rows, beginning with {ids[0]!r}; the sampler's indices mean "
                f"{len(sample_ids)} others, beginning with {sample_ids[0]!r}, or another order: make the sampler with "
                "the dataset that the DataLoader gets"
            )
    elif isinstance(dataset, Sized) and len(dataset) != len(sample_ids):
        raise CurateError(
            f"the loader's dataset has {len(dataset)} items, but the sampler's indices mean {len(sample_ids)} rows: "
            "give DRCDownSampler the dataset that the DataLoader gets, or the ids of its items as sample_ids="
        )
