"""The image as it travels through a distortion: codes and the value each code stands for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

CODES = 256


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

    def present(self) -> NDArray[np.bool_]:
        """Return which of the 256 codes occur."""
        return _present(self.codes.reshape(-1))

    def with_codes(self, codes: NDArray[np.uint8]) -> CodedImage:
        """Return the image with other codes, H x W x 3, uint8, under the same table."""
        return replace(self, codes=codes)

    def with_table(self, table: NDArray[np.float64]) -> CodedImage:
        """Return the image with the same codes under another table of 256 values."""
        return replace(self, table=table)


@compiled
def _present(codes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    seen = np.zeros(CODES, np.bool_)
    for i in range(codes.size):
        seen[codes[i]] = True
    return seen
