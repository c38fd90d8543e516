"""The work of a shard of images to encode: decoded on threads, encoded in batches."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..errors import RowError
from ..manifest.roots import Roots
from ..rendering.mix_recipes import pixel_rows
from ..rendering.pixel_loader import PixelLoader
from ..runs.threads import ordered_map
from ..storage.images import DecodeOptions
from .encoders import Encoder, make_encoder
from .settings import DeviceName, EncodeSettings

Load = Callable[[], NDArray[np.uint8]]
_Prepared = tuple[int, NDArray[np.float32] | None, str, str | None]

_NOT_FINITE = "its features are not all finite numbers: look at the encoder's weights"

_built: dict["EncoderSpec", Encoder] = {}


class EncoderBuilder(Protocol):
    """Builds an encoder in any process."""

    def build(self) -> Encoder:
        """Return the encoder."""


@dataclass(frozen=True)
class EncoderSpec:
    """Which encoder, described so that another process can build it.

    Attributes:
        name: Its public name.
        weights: A local checkpoint in place of the published one.
        device: Where it computes.
        pool: What is pooled; None: content features.
        layers: Stages that are pooled; None: all.
    """

    name: str = EncodeSettings.encoder
    weights: Path | None = None
    device: DeviceName = EncodeSettings.device
    pool: tuple[str, ...] | None = EncodeSettings.pool
    layers: tuple[int, ...] | None = EncodeSettings.layers

    def build(self) -> Encoder:
        """Return the encoder, built once per process.

        Raises:
            CurateError: Its weights cannot be had.
        """
        if self not in _built:
            _built[self] = make_encoder(
                self.name, weights=self.weights, device=self.device, pool=self.pool, layers=self.layers
            )
        return _built[self]


@dataclass(frozen=True)
class GivenEncoder:
    """An encoder that is already built; for work in this process."""

    encoder: Encoder

    def build(self) -> Encoder:
        """Return it."""
        return self.encoder


@dataclass(frozen=True)
class EncodeWork:
    """Encodes rows: images of a folder (`id, image_path`), or of a manifest (its columns of recipes and mixes too).

    Attributes:
        builder: Gives the encoder.
        batch_size: Pictures per call of the encoder.
        decoding: EXIF orientation, pixel limit.
        folder: Where the paths are relative to; None where the rows name their roots.
        roots: The roots of a manifest's rows.
        workers: Threads that decode; None uses every core.
    """

    builder: EncoderBuilder
    batch_size: int
    decoding: DecodeOptions
    folder: Path | None = None
    roots: Roots | None = None
    workers: int | None = None

    def __call__(self, rows: pa.Table, shard: int = 0, known: pa.Table | None = None) -> pa.Table:  # noqa: ARG002
        """Encode a shard.

        Args:
            rows: What to encode.
            shard: Its number, which does not matter.
            known: What an earlier attempt made of these rows: features of those with status `ok` stay as they are.

        Returns:
            `id, image_path, features (fixed-size list of float32, NaN where status is not ok), status, error`, in
            the rows' order.
        """
        encoder = self.builder.build()
        matrix = np.full((len(rows), encoder.dimensions), np.nan, np.float32)
        statuses: list[str] = ["ok"] * len(rows)
        errors: list[str | None] = [None] * len(rows)
        todo: list[int] = list(range(len(rows)))
        if known is not None:
            matrix[:] = _matrix(known)
            todo = [k for k, status in enumerate(known["status"].to_pylist()) if status != "ok"]

        def prepare(item: tuple[int, Load]) -> _Prepared:
            place, load = item
            try:
                return place, encoder.prepare(load()), "ok", None
            except RowError as error:
                return place, None, error.status, str(error)

        loads = self._loads(rows.take(pa.array(todo, pa.int64())))
        prepared = ordered_map(prepare, zip(todo, loads, strict=True), self.workers)
        for batch in _batches(prepared, self.batch_size):
            good = [(place, picture) for place, picture, _, _ in batch if picture is not None]
            if good:
                matrix[[place for place, _ in good]] = encoder.encode([picture for _, picture in good])
            for place, picture, status, error in batch:
                statuses[place], errors[place] = status, error
                if picture is not None and not np.isfinite(matrix[place]).all():
                    statuses[place], errors[place] = "failed", _NOT_FINITE
        return _feature_table(rows, matrix, statuses, errors)

    def _loads(self, rows: pa.Table) -> Iterator[Load]:
        """Return a function per row that loads its pixels."""
        if self.roots is None:
            folder = self.folder or Path()
            yield from (partial(self.decoding.decode, folder / path) for path in rows["image_path"].to_pylist())
        else:
            pixels = PixelLoader(self.roots, decoding=self.decoding)
            yield from (partial(pixels.load, row) for row in pixel_rows(rows))


def _batches(rows: Iterator[_Prepared], size: int) -> Iterator[Sequence[_Prepared]]:
    while batch := list(islice(rows, size)):
        yield batch


def _matrix(part: pa.Table) -> NDArray[np.float32]:
    column = part["features"].combine_chunks()
    matrix: NDArray[np.float32] = column.flatten().to_numpy().reshape(len(part), column.type.list_size)
    return matrix


def _feature_table(
    rows: pa.Table, matrix: NDArray[np.float32], statuses: Sequence[str], errors: Sequence[str | None]
) -> pa.Table:
    # NaN, not null: pyarrow (seen up to 24) cannot read a fixed-size list with nulls back from Parquet.
    matrix[[status != "ok" for status in statuses]] = np.nan
    held_out = {"split": rows["split"].cast(pa.string())} if "split" in rows.column_names else {}
    return pa.table(
        {
            "id": rows["id"],
            "image_path": rows["image_path"],
            "features": pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), matrix.shape[1]),
            "status": pa.array(statuses, pa.string()),
            "error": pa.array(errors, pa.string()),
            **held_out,
        }
    )
