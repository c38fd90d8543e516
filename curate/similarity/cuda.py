"""Tiles on an accelerator through torch: products and the first sifting there, decisions in float64 here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...distortions.numerics.compiled import compiled
from ..errors import CurateError
from ..runs.threads import SPAN_ROWS, Progress
from .band_tiles import BandTiles, TileRange
from .disjoint_sets import Parents, find_and_shorten, join, roots_of
from .feature_rows import FeatureRows
from .label_band import Band
from .tiles import Rule, cosine_rule, is_edge

if TYPE_CHECKING:
    import torch

DEVICE_TILE_ROWS = 8192  # a square tile of float32 cosines takes 256 MiB
RESIDENT_SHARE = 0.6  # of the device's free memory, which the unit rows may fill; else they are sent tile by tile
MOST_CANDIDATES = 4_000_000  # pairs brought back at once; a tile with more is halved


class Candidates(NamedTuple):
    """Pairs of a tile which may be edges between different components.

    Attributes:
        first: P positions.
        second: P positions.
        cosines: P float32.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    cosines: NDArray[np.float32]


def open_device(name: str) -> torch.device:
    """Open a CUDA device.

    Args:
        name: `cuda`, or `cuda:<number>`.

    Returns:
        The device; torch is imported here first.

    Raises:
        CurateError: The name is not `cuda` or `cuda:<number>`, or torch finds no such device.
    """
    if name.partition(":")[0] != "cuda":
        raise CurateError(f"device is {name!r}; expected cpu, cuda or cuda:<number>")
    import torch

    if not torch.cuda.is_available():
        raise CurateError(f"device is {name!r}, but torch {torch.__version__} finds no CUDA device here; use cpu")
    try:
        device = torch.device(name)
        torch.cuda.get_device_properties(device)
    except (RuntimeError, AssertionError) as error:
        raise CurateError(
            f"device is {name!r}, but torch finds {torch.cuda.device_count()} CUDA devices, numbered from 0"
        ) from error
    return device


class DeviceSearch:
    """Joins what the tiles of a band hold, with the tiles on a torch device."""

    def __init__(self, rows: FeatureRows, band: Band, parents: Parents, threshold: float, device: torch.device) -> None:
        """Put what the device needs on it, with all unit rows where they fit."""
        import torch

        self.rows, self.band, self.parents, self.device = rows, band, parents, device
        self.rule = cosine_rule(threshold, rows.rounding)
        self.reach = torch.from_numpy(band.reach).to(device)
        self.resident = self._resident_rows()

    def join_tiles(self, tile_rows: int | None, progress: Progress | None) -> None:
        """Join what the tiles hold."""
        tiles = BandTiles(self.band, tile_rows or DEVICE_TILE_ROWS, aspect=1)
        with float32_products():
            for done, tile_range in enumerate(tiles, start=1):
                self.join_tile(tile_range)
                if progress is not None:
                    progress(done, len(tiles))

    def join_tile(self, tile_range: TileRange) -> None:
        """Join what one tile holds, in halves where too many pairs come into question at once."""
        roots = self._roots(tile_range.top, tile_range.bottom), self._roots(tile_range.left, tile_range.right)
        if min(roots[0].min(), roots[1].min()) == max(roots[0].max(), roots[1].max()):
            return
        candidates = self._candidates(tile_range, *roots)
        if candidates is not None:
            join_candidates(candidates, self.rows, self.band, self.parents, self.rule)
            return
        middle = (tile_range.top + tile_range.bottom) // 2
        self.join_tile(tile_range._replace(bottom=middle))
        self.join_tile(tile_range._replace(top=middle))

    def _candidates(
        self, tile_range: TileRange, row_roots: NDArray[np.int32], column_roots: NDArray[np.int32]
    ) -> Candidates | None:
        """Sift a tile on the device; None where more pairs are left than may be brought back, and it can be halved."""
        import torch

        cosines = self._unit(tile_range.top, tile_range.bottom) @ self._unit(tile_range.left, tile_range.right).T
        first = torch.arange(tile_range.top, tile_range.bottom, device=self.device)[:, None]
        second = torch.arange(tile_range.left, tile_range.right, device=self.device)[None, :]
        sought = cosines > float(self.rule.low)
        sought &= (second > first) & (second < self.reach[tile_range.top : tile_range.bottom, None])
        sought &= torch.from_numpy(row_roots).to(self.device)[:, None] != torch.from_numpy(column_roots).to(self.device)
        if int(sought.sum()) > MOST_CANDIDATES and tile_range.bottom - tile_range.top > 1:
            return None
        r, c = torch.nonzero(sought, as_tuple=True)
        values = cosines[r, c].cpu().numpy()
        return Candidates(r.cpu().numpy() + tile_range.top, c.cpu().numpy() + tile_range.left, values)

    def _roots(self, start: int, stop: int) -> NDArray[np.int32]:
        return roots_of(self.parents, np.arange(start, stop))

    def _resident_rows(self) -> torch.Tensor | None:
        """All unit rows on the device, by position, where they fit."""
        import torch

        size = self.rows.total * self.rows.width * 4
        if self.device.type == "cuda" and size > RESIDENT_SHARE * torch.cuda.mem_get_info(self.device)[0]:
            return None
        resident = torch.empty((self.rows.total, self.rows.width), dtype=torch.float32, device=self.device)
        for start in range(0, self.rows.total, SPAN_ROWS):
            span = self.band.order[start : start + SPAN_ROWS]
            resident[start : start + len(span)] = torch.from_numpy(self.rows.unit(span)).to(self.device)
        return resident

    def _unit(self, start: int, stop: int) -> torch.Tensor:
        import torch

        if self.resident is not None:
            return self.resident[start:stop]
        return torch.from_numpy(self.rows.unit(self.band.order[start:stop])).to(self.device)


@contextmanager
def float32_products() -> Iterator[None]:
    """Matrix products in float32 throughout (TF32 off), and the former setting afterwards."""
    import torch

    former = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(former)


@compiled
def join_candidates(candidates: Candidates, rows: FeatureRows, band: Band, parents: Parents, rule: Rule) -> None:
    """Join the candidates that are edges, deciding in float64 where float32 cannot."""
    for pair in range(candidates.first.shape[0]):
        p, q = candidates.first[pair], candidates.second[pair]
        if find_and_shorten(parents, p) == find_and_shorten(parents, q):
            continue
        if candidates.cosines[pair] > rule.high or is_edge(rows, band, p, q, rule.threshold):
            join(parents, p, q)
