"""Dense soft targets for a trainer, from the soft labels of a mixed manifest."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from PIL import Image

from ...distortions.catalog import CATALOG, LEVELS, PRISTINE
from ..errors import CurateError
from ..manifest.ids import list_ids
from ..manifest.manifest import ok_rows, read_manifest, validate
from ..manifest.pixel_facts import decoding_of
from ..manifest.provenance import read_provenance
from ..manifest.recipes import PRISTINE_NAME, distortion_name
from ..manifest.renderers.check import check_renderers
from ..manifest.roots import Roots, home_of
from ..rendering.mix_recipes import pixel_rows
from ..rendering.pixel_loader import PixelLoader, naming_row
from ..storage.images import DecodeOptions

if TYPE_CHECKING:
    import torch

Layout = Literal["type", "type-pristine", "type-level"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
_TYPES = tuple(entry.id for entry in CATALOG)
_COLUMN = "soft_labels"

Transform = Callable[[Image.Image], Any]


def target_names(layout: Layout = "type") -> tuple[str, ...]:
    """Name the entries of a target, in order.

    Args:
        layout: `type`: the 25 types, so that type t is at index t - 1. `type-pristine`: the same behind the class of
            pristine images at 0, the order of the classifier of `domains`. `type-level`: the 125 pairs of a type and a
            level, level after level of each type.

    Raises:
        CurateError: No such layout.
    """
    names = tuple(distortion_name(kind) for kind in _TYPES)
    if layout == "type":
        return names
    if layout == "type-pristine":
        return (PRISTINE_NAME, *names)
    if layout == "type-level":
        return tuple(f"{name} {level}" for name in names for level in LEVELS)
    raise CurateError(f"{layout!r} is no layout of targets; there are {', '.join(LAYOUTS)}")


def soft_targets(rows: pa.Table, *, layout: Layout = "type") -> NDArray[np.float32]:
    """Lay the soft labels of N rows out as dense vectors.

    What DSMix predicts is the class of the distortion. Which classes a trainer wants is its own choice, hence `layout`;
    `type` is the default since the two images of a mix differ in type.

    Args:
        rows: Rows of a mixed manifest, or of any manifest: a row with one distortion gets a target of one 1.
        layout: What the K entries mean; see `target_names`.

    Returns:
        (N, K) float32; every row sums to 1 up to rounding. Confidences of one class add up.

    Raises:
        CurateError: A row has neither soft labels nor a distortion, or one that is no class of the layout: a pristine
            row, or a type that is not of KADID-10k.
    """
    width = len(target_names(layout))
    owners, kinds, levels, shares = _labels(rows)
    classes = (*_TYPES, PRISTINE) if layout == "type-pristine" else _TYPES
    unknown = np.isnan(shares) | ~np.isin(kinds, classes)
    if unknown.any():
        ids = [rows["sample_id"][int(i)].as_py() for i in np.unique(owners[unknown])]
        hint = (
            "type-pristine has a class for pristine rows" if (kinds[unknown] == PRISTINE).any() else "filter them out"
        )
        raise CurateError(f"{len(ids)} rows have no class in the layout {layout!r}: {list_ids(ids)}; {hint}")
    columns = kinds if layout == "type-pristine" else kinds - 1
    if layout == "type-level":
        columns = columns * len(LEVELS) + levels - 1
    targets = np.zeros((len(rows), width), np.float32)
    np.add.at(targets, (owners, columns), shares.astype(np.float32))
    return targets


class SoftLabelDataset:
    """Images and dense soft targets of a manifest, as a map-style dataset for `torch.utils.data.DataLoader`.

    Only rows with status `ok` are in it, of one split if asked for; `sample_ids` says which, in order. A mix without
    stored pixels is rendered from its recipe, so that a recipe manifest can be trained on without writing an image.

    Attributes:
        sample_ids: Ids of the N rows.
        targets: (N, K) float32.
    """

    def __init__(
        self,
        manifest: pa.Table | Path | str,
        *,
        layout: Layout = "type",
        split: str | None = None,
        transform: Transform | None = None,
        roots: Mapping[str, Path] | None = None,
    ) -> None:
        """Read the rows; no pixel is touched.

        Args:
            manifest: A mixed manifest, or one joined with other rows, or its file. The roots of a table are relative
                to the folder of the file that it was read from, else to the current one.
            layout: What a target's entries mean; see `target_names`.
            split: Rows of this split; None takes all.
            transform: Called with each picture as a PIL image in mode RGB, as in torchvision's datasets; without it,
                pictures become uint8 tensors (3, H, W).
            roots: Folders of roots that have moved.

        Raises:
            CurateError: Not a manifest, or rows without a class in this layout.
        """
        in_memory = isinstance(manifest, pa.Table)
        table = validate(manifest) if in_memory else read_manifest(manifest)
        place = (home_of(table) or Path()) / "manifest.parquet" if in_memory else Path(manifest)
        places = Roots.of_manifest(table, place, roots)
        name = "the manifest" if in_memory else str(manifest)
        self._pixels = PixelLoader(places, decoding=decoding_of(read_provenance(table), DecodeOptions(), name))
        check_renderers(table)
        rows = ok_rows(table)
        if split is not None:
            rows = rows.filter(pc.equal(rows["split"].cast(pa.string()), split))
        self.sample_ids: tuple[str, ...] = tuple(rows["sample_id"].to_pylist())
        self.targets = soft_targets(rows, layout=layout)
        # Arrow, not a list of objects: a million rows stay small, and workers of a DataLoader share them.
        self._rows = rows.combine_chunks()
        self._transform = transform

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._rows)

    def __getitem__(self, index: int) -> "tuple[Any, torch.Tensor]":
        """Return an image and its target; a position beyond the last raises an IndexError, as a sequence does.

        Args:
            index: Position among the ok rows.

        Raises:
            CurateError: The image, or what it is made from, cannot be had: the message names the row, and nothing takes
                its place.
        """
        import torch

        if not 0 <= index < len(self):
            raise IndexError(f"position {index} of {len(self)}")
        image, target = self.pixels(index), torch.from_numpy(self.targets[index])
        if self._transform is None:
            return torch.from_numpy(image).permute(2, 0, 1), target
        return self._transform(Image.fromarray(image)), target

    def pixels(self, index: int) -> NDArray[np.uint8]:
        """Return an image, uint8 (H, W, 3) RGB: stored, or made from its recipe.

        Raises:
            CurateError: It cannot be had; the message names the row and the reason.
        """
        row = next(pixel_rows(self._rows.slice(index, 1)))
        with naming_row(row):
            return self._pixels.load(row)


def _labels(
    rows: pa.Table,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return owner (row), type, level and share of every label; a row without one has a share of NaN."""
    kinds = pc.fill_null(rows["distortion_id"].cast(pa.int64()), -1).to_numpy()
    levels = pc.fill_null(rows["level"].cast(pa.int64()), 0).to_numpy()
    is_single = (kinds >= 0) & ((kinds == PRISTINE) | (levels > 0)) & pc.is_null(rows["chain"]).to_numpy()
    shares = np.where(is_single, 1.0, np.nan)
    owners = np.arange(len(rows))
    if _COLUMN not in rows.column_names:
        return owners, kinds, levels, shares
    soft = rows[_COLUMN].combine_chunks()
    single = np.asarray(pc.fill_null(pc.equal(pc.list_value_length(soft), 0), True), np.bool_)
    values = soft.flatten()
    parts = [np.asarray(values.field(name)) for name in ("distortion_id", "level", "confidence")]
    return (
        np.concatenate([owners[single], np.asarray(pc.list_parent_indices(soft), np.int64)]),
        np.concatenate([kinds[single], parts[0].astype(np.int64)]),
        np.concatenate([levels[single], parts[1].astype(np.int64)]),
        np.concatenate([shares[single], parts[2].astype(np.float64)]),
    )
