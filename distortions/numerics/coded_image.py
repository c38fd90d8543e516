"""The image as it travels through a distortion: codes and the value each code stands for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

CODES = 256
FULL = 255.0


class Line(NamedTuple):
    """What a sample stands for: ``scale`` times the sample, plus ``offset``."""

    scale: float
    offset: float


@dataclass(frozen=True)
class CodedImage:
    """An image whose samples take at most 256 values.

    A tone curve changes ``table`` alone, a copied patch ``codes`` alone: exact in double precision at the price of
    a table look-up.

    Attributes:
        codes: H x W x 3, uint8, C-contiguous.
        table: 256 values, float64: what each code stands for.
    """

    codes: NDArray[np.uint8]
    table: NDArray[np.float64]

    def dense(self) -> NDArray[np.float64]:
        """Return the values as H x W x 3, float64, a fresh array."""
        return np.asarray(cv2.LUT(self.codes, self.table), dtype=np.float64)

    def line(self) -> Line:
        """Return the line that the table of an image on entry is."""
        last = CODES - 1
        return Line(scale=float(self.table[last] - self.table[0]) / last, offset=float(self.table[0]))

    def counts(self) -> NDArray[np.int64]:
        """Return how often each of the 256 codes occurs."""
        return _counts(self.codes.reshape(-1))

    def with_codes(self, codes: NDArray[np.uint8]) -> CodedImage:
        """Return the image with other codes, H x W x 3, uint8, under the same table."""
        return replace(self, codes=codes)

    def with_table(self, table: NDArray[np.float64]) -> CodedImage:
        """Return the image with the same codes under another table of 256 values."""
        return replace(self, table=table)


def of_codes(codes: NDArray[np.uint8]) -> CodedImage:
    """Return the image of 8-bit codes, H x W x 3, as decoders and other programs give them: code / 255 each."""
    return CodedImage(codes, np.arange(CODES) / FULL)


@compiled
def _counts(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    # Two histograms by turns: runs of one code would wait for their own last increment.
    even, odd = np.zeros(CODES, np.int64), np.zeros(CODES, np.int64)
    for i in range(0, codes.size - 1, 2):
        even[codes[i]] += 1
        odd[codes[i + 1]] += 1
    if codes.size % 2 == 1:
        even[codes[codes.size - 1]] += 1
    return even + odd
