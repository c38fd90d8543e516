"""A manifest as a torch dataset: stored pixels where there are any, otherwise made on the fly."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from numpy.typing import NDArray
from PIL import Image

from ..errors import CurateError
from ..labeling.pools.sources import warn_of_unlike_labels
from ..manifest.manifest import ok_rows, read_manifest, validate
from ..manifest.pixel_facts import decoding_of
from ..manifest.provenance import read_provenance
from ..manifest.renderers.check import check_renderers
from ..manifest.roots import Roots, home_of
from ..manifest.split_names import SPLITS
from ..rendering.mix_recipes import pixel_rows
from ..rendering.pixel_loader import REFERENCE_CACHE_BYTES, PixelLoader, naming_row
from ..storage.images import DecodeOptions
from ..storage.limits import MAX_PIXELS
from .one_thread import compute_on_one_thread_in_workers

# Long, and of no use to a training loop.
_LEFT_OUT = ("neighbors", "status", "error")

Transform = Callable[[Image.Image], Any]


class Sample(NamedTuple):
    """One image and its label; a batch of a `DataLoader` has the same fields.

    Attributes:
        image: What the transform returns; without one, uint8 (3, H, W) RGB.
        label: float32 scalar, quality on [0, 10], higher is better; NaN where the row has none.
        label_std: float32 scalar, standard error of the label on the same scale; NaN where it is not known.
        sample_id: The row's id.
    """

    image: Any
    label: torch.Tensor
    label_std: torch.Tensor
    sample_id: str


class ManifestDataset(torch.utils.data.Dataset[Sample]):
    """The ok rows of a manifest, in its order, as a map-style dataset.

    Item i has the pixels that the manifest promises: the stored image (a file, a member of a tar, bytes in a Parquet
    file), otherwise a rendering from the row's reference and seed, or of a mix its two sources mixed again: bit for bit
    what would be stored. An image that cannot be had is an error that names its row, never another row's image.

    It may be used in any number of `DataLoader` workers, forked or spawned: rows are Arrow columns, whose memory forked
    workers share, and no file stays open.

    Attributes:
        rows: The rows as an Arrow table: the manifest's columns but for `neighbors`, `status` and `error`.
        transform: Called with each picture as a PIL image in mode RGB, as in torchvision's datasets.
        split: The split whose rows these are; None for all.
        rows_not_ok: How many rows of the manifest are left out because their status is not `ok`.
    """

    def __init__(
        self,
        manifest: Path | str | pa.Table,
        transform: Transform | None = None,
        *,
        split: str | None = None,
        roots: Mapping[str, Path | str] | None = None,
        folder: Path | str | None = None,
        max_pixels: int = MAX_PIXELS,
        reference_cache_bytes: int = REFERENCE_CACHE_BYTES,
    ) -> None:
        """Read a manifest; images are looked for when they are asked for.

        Args:
            manifest: A manifest, or its file.
            transform: Called with a PIL image (RGB). None gives uint8 tensors (3, H, W), which can be batched as
                long as all images have one size.
            split: `train`, `val` or `test`: only rows of that split. By default all.
            roots: Root name to its folder, where files have moved.
            folder: What the roots of a table are relative to: by default the folder of the file that it was read from,
                else the current one. A file's are relative to its own folder.
            max_pixels: Images with more pixels are refused.
            reference_cache_bytes: Memory for decoded references, in each process that renders; 0 keeps none.

        Raises:
            CurateError: The manifest cannot be read, has no root of a given name, or no row to load.
        """
        if split is not None and split not in SPLITS:
            raise CurateError(f"split {split!r}; expected {', '.join(SPLITS)}, or None for all rows")
        table, place = _opened(manifest, folder)
        usable = ok_rows(table)
        self.rows_not_ok = len(table) - len(usable)
        chosen = usable if split is None else usable.filter(pc.equal(usable["split"], split))
        if not len(chosen):
            of_split = "" if split is None else f" and split {split}"
            raise CurateError(
                f"the manifest has no row with status ok{of_split}; `syndr-curate inspect` counts its rows by split "
                "and status"
            )
        check_renderers(chosen)
        warn_of_unlike_labels(chosen, "the manifest" if isinstance(manifest, pa.Table) else str(manifest))
        left_out = [name for name in _LEFT_OUT if name in chosen.column_names]
        # One chunk per column: an item is then found at once, and nothing of the rows left out travels to a worker.
        self.rows: pa.Table = chosen.drop_columns(left_out).combine_chunks()
        self.transform = transform
        self.split = split
        self._labels = _floats(self.rows["label"])
        self._label_stds = _floats(self.rows["label_std"])
        self._pixels = PixelLoader(
            Roots.of_manifest(table, place, {name: Path(path) for name, path in (roots or {}).items()}),
            decoding=decoding_of(read_provenance(table), DecodeOptions(max_pixels=max_pixels), str(place)),
            cache_bytes=reference_cache_bytes,
        )

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def __getitem__(self, index: int) -> Sample:
        """Load one row.

        Raises:
            IndexError: There is no such row.
            CurateError: Its image cannot be had; the message names the row and the reason.
        """
        place = int(index) + len(self) * (index < 0)
        if not 0 <= place < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        pixels = self.pixels(place)
        image = (
            torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
            if self.transform is None
            else self.transform(Image.fromarray(pixels))
        )
        label, label_std = torch.tensor(self._labels[place]), torch.tensor(self._label_stds[place])
        return Sample(image, label, label_std, self.rows["sample_id"][place].as_py())

    @property
    def sample_ids(self) -> list[str]:
        """The ids of all rows, in order."""
        ids: list[str] = self.rows["sample_id"].to_pylist()
        return ids

    def pixels(self, index: int) -> NDArray[np.uint8]:
        """Return the pixels of row `index` before any transform: uint8 (H, W, 3) RGB.

        Raises:
            CurateError: They cannot be had; the message names the row and the reason.
        """
        row = next(pixel_rows(self.rows.slice(index, 1)))
        compute_on_one_thread_in_workers()
        with naming_row(row):
            return self._pixels.load(row)

    def with_transform(self, transform: Transform | None) -> ManifestDataset:
        """Return a dataset of the same rows, sharing their memory, with another transform."""
        twin = copy.copy(self)
        twin.transform = transform
        return twin


def _opened(manifest: Path | str | pa.Table, folder: Path | str | None) -> tuple[pa.Table, Path]:
    if isinstance(manifest, pa.Table):
        return validate(manifest), Path(folder or home_of(manifest) or ".") / "manifest.parquet"
    if folder is not None:
        raise CurateError("folder= is for a table; the roots of a manifest file are relative to the file's own folder")
    return read_manifest(manifest), Path(manifest)


def _floats(column: pa.ChunkedArray) -> NDArray[np.float32]:
    values: NDArray[np.float32] = pc.fill_null(column, float("nan")).to_numpy().astype(np.float32)
    return values
