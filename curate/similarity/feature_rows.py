"""Feature rows as they are stored: checked once, read in tiles, compared exactly in float64."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...distortions.numerics.compiled import compiled
from ..datasets.features import MATRIX_AXES
from ..errors import CurateError
from ..manifest.ids import list_ids
from ..runs.threads import each_span

FeatureMatrix: TypeAlias = NDArray[Any]

READABLE = (np.float16, np.float32, np.float64)
LANES = 32  # partial sums of one dot product; enough of them that the processor adds in vectors
SMALLEST_NORM, LARGEST_NORM = 1e-150, 1e150  # between these, the product of two norms is a normal float64
BLOCK_BYTES = 64 << 20  # faulty rows are looked at in blocks of so many bytes
ROWS_COMPARED = 256  # rows that tell whether a worker reads the same features
SINGLE_ROUNDOFF = 2.0**-24
HALF_SPECIAL = 31  # this exponent marks infinity and NaN in float16
HALF_STEPS = np.ldexp(1.0, np.maximum(np.arange(32), 1) - 25)  # value of the last mantissa bit per float16 exponent


class FeatureRows(NamedTuple):
    """A feature matrix whose rows are measured and have a direction; a tuple, so that compiled loops take it whole.

    Attributes:
        stored: NxD numbers as given, without a copy: float32, float64, or the bits of float16 as uint16.
        norms: N Euclidean lengths, float64.
        half: Whether `stored` holds the bits of float16.
        rounding: Bound on |float32 product - cosine| for `unit` rows, whatever the order of the float32 sum.
    """

    stored: FeatureMatrix
    norms: NDArray[np.float64]
    half: bool
    rounding: float

    @property
    def matrix(self) -> FeatureMatrix:
        """The numbers as given: NxD float16, float32 or float64."""
        return self.stored.view(np.float16) if self.half else self.stored

    @property
    def total(self) -> int:
        """Number of rows, N."""
        return int(self.stored.shape[0])

    @property
    def width(self) -> int:
        """Numbers per row, D."""
        return int(self.stored.shape[1])

    def take(self, positions: NDArray[np.int64]) -> FeatureRows:
        """Some of the rows, with their lengths; a copy, unless they are all rows in order.

        Args:
            positions: M row numbers.

        Returns:
            M rows.
        """
        if np.array_equal(positions, np.arange(self.total)):
            return self
        stored = self.stored[positions]
        stored.flags.writeable = False
        return self._replace(stored=stored, norms=self.norms[positions])

    def as_dtype(self, dtype: np.dtype[Any]) -> FeatureRows:
        """The same numbers in a type that holds them all, which leaves the lengths as they are.

        Args:
            dtype: float16, float32 or float64, no narrower than the rows' own.

        Returns:
            The rows, as a copy where their type is another.
        """
        if self.matrix.dtype == dtype:
            return self
        stored, half = _stored(self.matrix.astype(dtype))
        return self._replace(stored=stored, half=half)

    def unit(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Rows scaled to length 1 in float64 and rounded once.

        Args:
            positions: M row numbers.

        Returns:
            MxD float32.
        """
        tile = np.empty((len(positions), self.width), dtype=np.float32)
        write_unit_rows(self, positions, tile)
        return tile


class Tile(NamedTuple):
    """A piece of the matrix of all cosines, in float32.

    Attributes:
        cosines: RxC float32.
        top: Position of the first row.
        left: Position of the first column.
    """

    cosines: NDArray[np.float32]
    top: int
    left: int


def check_rows(
    features: FeatureMatrix | FeatureRows, ids: Sequence[str] | None = None, source: str = "the feature matrix"
) -> FeatureRows:
    """Measure the rows of a feature matrix in one reading, and refuse rows that have no direction.

    Everything in this room takes what comes out in place of the matrix, and then does not read it through once more.

    Args:
        features: NxD, float16, float32 or float64; may be memory-mapped, and is then read in a stream. Rows that were
            checked before are returned as they are.
        ids: N ids, for the message; without them it names rows by their number.
        source: Where the features came from, for the message.

    Returns:
        The rows, without a copy where each row is contiguous and in the machine's byte order.

    Raises:
        CurateError: The matrix is not NxD floating numbers, or rows hold NaN or infinity, are all zero, or have a
            length outside 1e-150 to 1e150, where the product of two lengths is no longer a normal float64. The
            message names the ids.
    """
    if isinstance(features, FeatureRows):
        return features
    stored, half = _stored(features)
    rows = FeatureRows(stored=stored, norms=_norms(stored, half), half=half, rounding=_rounding(stored))
    usable = (rows.norms > SMALLEST_NORM) & (rows.norms < LARGEST_NORM)
    if not usable.all():
        raise CurateError(f"{source} has {_problems(rows.matrix, np.flatnonzero(~usable), ids)}")
    return rows


def measured_rows(features: FeatureMatrix, norms: NDArray[np.float64]) -> FeatureRows:
    """Take a feature matrix whose rows were measured elsewhere, without reading it through once more.

    Args:
        features: NxD, as `check_rows` took it.
        norms: N lengths that it found.

    Returns:
        The rows.

    Raises:
        CurateError: Rows of a sample have other lengths: these are other features.
    """
    stored, half = _stored(features)
    step = max(1, len(norms) // ROWS_COMPARED)
    sample = np.ascontiguousarray(stored[::step])
    again = np.empty(len(sample), dtype=np.float64)
    write_norms(sample, half, 0, len(sample), again)
    if stored.shape[0] != len(norms) or not np.array_equal(again, norms[::step]):
        raise CurateError(
            "the features that a worker reads are not those that the search began with; no file may change while it "
            "is searched, and every machine must see the same one"
        )
    return FeatureRows(stored=stored, norms=norms, half=half, rounding=_rounding(stored))


def _rounding(stored: FeatureMatrix) -> float:
    """Bound the error of a float32 product of two unit rows, whatever the order of its sum."""
    return 1.01 * (int(stored.shape[1]) + 8) * SINGLE_ROUNDOFF


def _stored(features: FeatureMatrix) -> tuple[FeatureMatrix, bool]:
    plain = np.asarray(features)
    if plain.dtype.newbyteorder("=") not in READABLE or plain.ndim != MATRIX_AXES or plain.shape[1] == 0:
        raise CurateError(
            f"features are {plain.dtype} of shape {plain.shape}; expected NxD float16, float32 or float64 with D of "
            "at least 1: one row per sample"
        )
    stored = np.ascontiguousarray(plain, dtype=plain.dtype.newbyteorder("="))
    half = stored.dtype == np.float16
    view = stored.view(np.uint16) if half else stored.view()
    view.flags.writeable = False  # one compiled version serves arrays and read-only maps alike
    return view, half


def _norms(stored: FeatureMatrix, half: bool) -> NDArray[np.float64]:
    norms = np.empty(stored.shape[0], dtype=np.float64)
    each_span(stored.shape[0], lambda start, stop: write_norms(stored, half, start, stop, norms))
    return norms


def _problems(matrix: FeatureMatrix, faulty: NDArray[np.int64], ids: Sequence[str] | None) -> str:
    """Say what is wrong with the rows that have no usable length; only these are read again."""
    found: dict[str, list[str]] = {
        "with NaN or infinity": [],
        "that are all zero": [],
        "of a length beyond all measure": [],
    }
    not_finite, zero, immeasurable = found.values()
    step = max(1, BLOCK_BYTES // (8 * matrix.shape[1]))
    for start in range(0, len(faulty), step):
        numbers = faulty[start : start + step]
        block = np.asarray(matrix[numbers], dtype=np.float64)
        finite = np.asarray(np.isfinite(block).all(axis=1))
        empty = np.asarray(~block.any(axis=1))
        for number, is_finite, is_empty in zip(numbers.tolist(), finite.tolist(), empty.tolist(), strict=True):
            kind = not_finite if not is_finite else zero if is_empty else immeasurable
            kind.append(f"row {number}" if ids is None else ids[number])
    found = {
        "with NaN or infinity": not_finite,
        "that are all zero": zero,
        "of a length beyond all measure": immeasurable,
    }
    return "; ".join(f"{len(names)} rows {what}: {list_ids(names)}" for what, names in found.items() if names)


@compiled
def half_value(bits: np.int64) -> float:
    """Value of a float16 from its bits, exact; infinity and NaN both become NaN."""
    exponent = (bits >> 10) & 31
    if exponent == HALF_SPECIAL:
        return float(np.nan)
    mantissa = (bits & 1023) + (1024 if exponent > 0 else 0)
    value: float = mantissa * HALF_STEPS[exponent]
    return -value if bits & 0x8000 else value


@compiled
def dot(a: FeatureMatrix, b: FeatureMatrix, half: bool) -> float:
    """Dot product of two stored rows in float64, in an order that depends on D alone."""
    width = a.shape[0]
    whole = width // LANES * LANES
    sums = np.zeros(LANES, dtype=np.float64)
    if half:
        for k in range(0, whole, LANES):
            for lane in range(LANES):
                sums[lane] += half_value(np.int64(a[k + lane])) * half_value(np.int64(b[k + lane]))
        for k in range(whole, width):
            sums[k - whole] += half_value(np.int64(a[k])) * half_value(np.int64(b[k]))
    else:
        for k in range(0, whole, LANES):
            for lane in range(LANES):
                sums[lane] += np.float64(a[k + lane]) * np.float64(b[k + lane])
        for k in range(whole, width):
            sums[k - whole] += np.float64(a[k]) * np.float64(b[k])
    total = 0.0
    for lane in range(LANES):
        total += sums[lane]
    return total


@compiled
def cosine(a: FeatureRows, i: int, b: FeatureRows, j: int) -> float:
    """Cosine of row i of one matrix and row j of another in float64; symmetric to the last bit."""
    value: float = dot(a.stored[i], b.stored[j], a.half) / (a.norms[i] * b.norms[j])
    return min(1.0, max(-1.0, value))


@compiled
def write_norms(stored: FeatureMatrix, half: bool, start: int, stop: int, norms: NDArray[np.float64]) -> None:
    """Euclidean lengths of rows start to stop."""
    for row in range(start, stop):
        norms[row] = np.sqrt(dot(stored[row], stored[row], half))


@compiled
def write_unit_rows(rows: FeatureRows, positions: NDArray[np.int64], tile: NDArray[np.float32]) -> None:
    """Scale the rows at `positions` to length 1 into `tile`."""
    for r in range(positions.shape[0]):
        source = rows.stored[positions[r]]
        scale = 1.0 / rows.norms[positions[r]]
        if rows.half:
            for k in range(source.shape[0]):
                tile[r, k] = np.float32(half_value(np.int64(source[k])) * scale)
        else:
            for k in range(source.shape[0]):
                tile[r, k] = np.float32(np.float64(source[k]) * scale)
