"""Features: a matrix and the ids of its rows, matched by id wherever there are ids."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CurateError
from ..manifest.id_mismatch import explain_mismatch
from ..manifest.ids import list_ids, refuse_one_text, require_texts, require_unique

MATRIX_AXES = 2  # rows, and the numbers of a row


@dataclass(frozen=True)
class Features:
    """A feature matrix and the ids of its rows.

    Attributes:
        matrix: Floating array (N, D), possibly memory-mapped.
        ids: N ids; None for a bare `.npy`, whose rows are the manifest's ok rows in order.
        names: N file names as the file has them; None without ids.
        source: Where the features came from, for messages.
        provenance: What the file says about how it was made.
        held_out: Ids of rows that a manifest held out for validation or test.
    """

    matrix: NDArray[np.floating[Any]]
    ids: tuple[str, ...] | None
    names: tuple[str, ...] | None
    source: str
    provenance: dict[str, Any]
    held_out: frozenset[str] = frozenset()

    def require_ids(self) -> tuple[str, ...]:
        """Return the ids, or raise if the file has none.

        Raises:
            CurateError: The file is a bare `.npy`.
        """
        if self.ids is None:
            raise CurateError(f"{self.source} has no ids: use .npz or .parquet, or put {_ids_name(self.source)} beside")
        return self.ids

    def aligned_to(self, ids: Sequence[str], what: str) -> NDArray[np.floating[Any]]:
        """Return the matrix with one row per id, in the order of `ids`.

        Args:
            ids: The ids wanted.
            what: What they are, for messages ("the manifest's ok rows").

        Raises:
            CurateError: Ids are missing or superfluous (the message names them, and why they do not match), or the row
                count of a bare `.npy` differs.
        """
        refuse_one_text(ids, what)
        if self.ids is None:
            if len(self.matrix) != len(ids):
                raise CurateError(
                    f"{self.source} has {len(self.matrix)} rows, but {what} are {len(ids)}; a .npy without ids must "
                    f"hold exactly these rows in order (formats with ids: .npz, .parquet, or {_ids_name(self.source)})"
                )
            return self.matrix
        if list(self.ids) == list(ids):
            return self.matrix
        position = {identifier: row for row, identifier in enumerate(self.ids)}
        missing = [i for i in ids if i not in position]
        if missing:
            reason = explain_mismatch(ids, self.ids, wanted_in=what, given_in=self.source)
            raise CurateError(
                f"{self.source} has no features for {len(missing)} of {what}: {list_ids(missing)}{reason}"
            )
        wanted = set(ids)
        superfluous = [i for i in self.ids if i not in wanted]
        if superfluous:
            raise CurateError(
                f"{self.source} holds {len(superfluous)} ids that are not among {what}: {list_ids(superfluous)}"
            )
        return self.matrix[np.array([position[i] for i in ids], dtype=np.int64)]


def alike(ids: Sequence[str], source: str) -> Features:
    """Give every id the same features, for a labeler that does not use content.

    Args:
        ids: N ids.
        source: Where the ids came from, for messages.
    """
    return Features(matrix=np.ones((len(ids), 1)), ids=tuple(ids), names=None, source=source, provenance={})


def check_features(features: Features) -> Features:
    """Check the shape, the kind of numbers and the ids of features, without reading the numbers.

    Args:
        features: What a file or a caller gave.

    Returns:
        The same features, in float16, float32 or float64 of this machine's byte order: others are converted.

    Raises:
        CurateError: No floating N x D matrix, an empty one, another number of ids than rows, or ids that repeat or are
            no text.
    """
    matrix, source = features.matrix, features.source
    if matrix.ndim != MATRIX_AXES or not np.issubdtype(matrix.dtype, np.floating):
        raise CurateError(f"{source} holds {matrix.dtype} of shape {matrix.shape}, expected floating numbers (rows, D)")
    if not matrix.size:
        raise CurateError(f"{source} is empty: its shape is {matrix.shape}; expected one row or more")
    if features.ids is not None:
        if len(features.ids) != len(matrix):
            raise CurateError(f"{source} has {len(features.ids)} ids for {len(matrix)} rows; expected one for each")
        require_texts(features.ids, source)
        require_unique(features.ids, source)
    if matrix.dtype.itemsize > np.dtype(np.float64).itemsize:
        return replace(features, matrix=matrix.astype(np.float64))
    if not matrix.dtype.isnative:
        return replace(features, matrix=matrix.astype(matrix.dtype.newbyteorder("=")))
    return features


def _ids_name(source: str) -> str:
    return Path(source).with_suffix(".ids.txt").name if source.endswith(".npy") else "<stem>.ids.txt"
