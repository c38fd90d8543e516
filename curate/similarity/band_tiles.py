"""The tiles of a band, each worked out when it is asked for: there may be millions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .label_band import Band

TILES_DOWN = 32
LEAST_TILE_ROWS, MOST_TILE_ROWS = 128, 512
TILE_ASPECT = 4  # columns per row of a tile


class TileRange(NamedTuple):
    """Positions of a tile's rows, top to bottom, and columns, left to right; the ends are exclusive."""

    top: int
    bottom: int
    left: int
    right: int


class BandTiles:
    """Tiles that cover every pair of a band once, row by row.

    Of each row of tiles it holds where it ends and how many tiles stand before it; 10 million rows with labels spread
    over [0, 10] have nine million tiles in 20,000 rows of tiles.
    """

    def __init__(self, band: Band, tile_rows: int | None = None, *, aspect: int = TILE_ASPECT) -> None:
        """Cut a band into tiles.

        Args:
            band: The order of the rows and how far each must look.
            tile_rows: Rows of a tile; by default few enough that the ragged edge of the band costs little.
            aspect: Columns per row of a tile.
        """
        total = len(band.order)
        self._total = total
        self._height = tile_rows or min(max(total // TILES_DOWN, LEAST_TILE_ROWS), MOST_TILE_ROWS)
        self._width = self._height * aspect
        tops = np.arange(0, total, self._height)
        self._ends = band.reach[np.minimum(tops + self._height, total) - 1]
        self._before = np.concatenate([[0], np.cumsum(-(-(self._ends - tops) // self._width))])

    def __len__(self) -> int:
        """Return the number of tiles."""
        return int(self._before[-1])

    def __getitem__(self, number: int) -> TileRange:
        """Work out one tile.

        Args:
            number: 0 to the number of tiles less 1.

        Raises:
            IndexError: There is no such tile.
        """
        if not 0 <= number < len(self):
            raise IndexError(f"tile {number}: expected 0 to {len(self) - 1}")
        row = int(np.searchsorted(self._before, number, side="right")) - 1
        top = row * self._height
        left = top + (number - int(self._before[row])) * self._width
        end = int(self._ends[row])
        return TileRange(top, min(top + self._height, self._total), left, min(left + self._width, end))

    def __iter__(self) -> Iterator[TileRange]:
        """Give all tiles, one at a time."""
        return map(self.__getitem__, range(len(self)))
