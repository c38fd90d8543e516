"""The weights of distortion 15 that ship with the package: the newest, and older ones for rows made with them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...errors import DistortionError
from .network import NetworkForm, weight_shapes

if TYPE_CHECKING:
    import torch

# Newest first. A released file is never changed or left out: manifests name it by its digest.
SHIPPED: Mapping[str, NetworkForm] = {
    "denoiser-2.safetensors": NetworkForm(widths=(16, 48, 80), blocks_down=(1, 2, 2), blocks_up=(1, 1)),
    "denoiser-1.safetensors": NetworkForm(widths=(32, 64, 128), blocks_down=(1, 2, 2), blocks_up=(1, 2)),
}
_DIGITS_SHOWN = 12


class Network(NamedTuple):
    """A network that is ready to run: its weights, float32, and its form."""

    weights: Mapping[str, torch.Tensor]
    form: NetworkForm


def newest_digest() -> str:
    """Return the SHA-256 of the newest weights' file, as hexadecimal digits; torch is not needed for it."""
    return next(iter(_files_by_digest()))


def first_digest() -> str:
    """Return the SHA-256 of the first weights' file."""
    return list(_files_by_digest())[-1]


def shipped_digests() -> tuple[str, ...]:
    """Return the SHA-256 of every weights' file of this release, newest first."""
    return tuple(_files_by_digest())


def digest_for(recorded: str | None) -> str:
    """Return the digest of the weights that rows are rendered with.

    Args:
        recorded: Of the weights that they were made with; None where that is not known.

    Returns:
        The same where this release ships these weights, else the newest.
    """
    return recorded if recorded is not None and recorded in _files_by_digest() else newest_digest()


def load_network(digest: str | None = None) -> Network:
    """Return the network with shipped weights, by their digest.

    Args:
        digest: Of the weights' file; None: the newest.

    Raises:
        DistortionError: This release does not ship such weights.
    """
    known = _files_by_digest()
    name = known.get(digest or newest_digest())
    if name is None:
        shown = ", ".join(each[:_DIGITS_SHOWN] for each in known)
        message = f"no denoiser weights with SHA-256 {str(digest)[:_DIGITS_SHOWN]} are installed, only {shown}"
        raise DistortionError(message)
    return load_shipped(name)


def load_shipped(name: str) -> Network:
    """Return the network with shipped weights; each is read once per process.

    Args:
        name: A key of ``SHIPPED``.
    """
    with _loading:  # `cache` alone would let two first callers both load
        return _load(name)


_loading = threading.Lock()


@cache
def _load(name: str) -> Network:
    import torch
    from safetensors.numpy import load

    form, stored, weights = SHIPPED[name], load(_content(name)), {}
    for key, shape in weight_shapes(form).items():
        weight = torch.from_numpy(stored[key].astype(np.float32)).reshape(shape)
        # Channels last: a fifth to a quarter faster on the networks measured.
        weights[key] = weight.contiguous(memory_format=torch.channels_last) if len(shape) > 1 else weight
    return Network(weights, form)


@cache
def _files_by_digest() -> Mapping[str, str]:
    return {hashlib.sha256(_content(name)).hexdigest(): name for name in SHIPPED}


def _content(name: str) -> bytes:
    return (files(__package__) / name).read_bytes()
