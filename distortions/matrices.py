"""Three by three matrices on their way into compiled loops.

They travel as tuples: an array's elements would be read from memory again for every pixel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Row = tuple[float, float, float]
Rows = tuple[Row, Row, Row]


def rows(matrix: NDArray[np.floating]) -> Rows:
    """Return a 3 x 3 matrix as a tuple of its rows."""
    first, second, third = ((float(row[0]), float(row[1]), float(row[2])) for row in matrix)
    return first, second, third
