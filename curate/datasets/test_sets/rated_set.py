"""Labeled test sets, official ones and a user's own, as a manifest."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ...errors import CurateError
from ...manifest.ids import list_ids, require_unique, stem_id
from ...manifest.recipes import distortion_name
from ...manifest.schema import LABEL_MAXIMUM, build_table
from ...manifest.splits import read_splits, split_column
from ...storage.images import image_problem
from ...storage.safe_paths import is_safe_path
from ..labels import LabelFile, LabelScale
from ..settings import OWN_SET, IdStyle
from .distorted_images import read_csiq, read_kadid10k, read_live, read_pipal, read_tid2013
from .image_names import ImageFolder
from .labeled_csv import read_labeled_csv
from .photographs import read_bid, read_biq2021, read_cid2013, read_koniq10k, read_livec, read_spaq
from .ratings import Rating, Reading

READERS: Mapping[str, Callable[[Path, str | None], Reading]] = {
    "koniq10k": read_koniq10k,
    "livec": read_livec,
    "bid": read_bid,
    "spaq": read_spaq,
    "biq2021": read_biq2021,
    "cid2013": read_cid2013,
    "tid2013": read_tid2013,
    "live": read_live,
    "csiq": read_csiq,
    "pipal": read_pipal,
    "kadid10k": read_kadid10k,
}


@dataclass(frozen=True)
class RatedSet:
    """A labeled set as read.

    Attributes:
        name: Its short name, which is the root's name in manifests too.
        root: Its folder.
        label_files: The files that the labels came from.
        ratings: One per image, in the label file's order.
        scale: The ends and the direction of the scores.
        left_out: Entries of the label file that are no rated test images, and what they are; None if there are none.
        group_column: The manifest's column of the set's own groups; None where it has none.
        split_file: The file that the splits came from, where it is not the set's own.
        options: How a user's own label file was read; empty for the official sets.
    """

    name: str
    root: Path
    label_files: tuple[Path, ...]
    ratings: tuple[Rating, ...]
    scale: LabelScale
    left_out: str | None = None
    group_column: str | None = None
    split_file: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def rows(self) -> pa.Table:
        """Lay the set out as a manifest: one row per image, missing and unreadable ones with the reason.

        Raises:
            CurateError: Not a single image is there.
        """
        problems = [image_problem(self.root / rating.path) for rating in self.ratings]
        if all(problems):
            raise CurateError(
                f"none of the {len(problems)} images can be read under {self.root}, e.g. {self.ratings[0].path}: "
                f"{problems[0]} (--images DIR says where they are)"
            )
        conditions = [rating.condition for rating in self.ratings]
        table = build_table(
            {
                "sample_id": [rating.id for rating in self.ratings],
                "image_path": [rating.path for rating in self.ratings],
                "image_root": self.name,
                "reference_id": [reference_id_of(rating) for rating in self.ratings],
                "reference_path": [rating.reference for rating in self.ratings],
                "reference_root": [rating.reference and self.name for rating in self.ratings],
                "distortion_id": [condition and condition[0] for condition in conditions],
                "distortion": [condition and distortion_name(condition[0]) for condition in conditions],
                "level": [condition and condition[1] for condition in conditions],
                "label": self._quality(),
                "label_std": self._standard_errors(),
                "label_source": "mos",
                "dataset": self.name,
                "split": [rating.split for rating in self.ratings],
                "status": ["unreadable" if problem else "ok" for problem in problems],
                "error": problems,
            },
            len(self.ratings),
        )
        if self.group_column is None:
            return table
        groups = pa.array([rating.group for rating in self.ratings], pa.string()).dictionary_encode()
        return table.append_column(self.group_column, groups)

    def _quality(self) -> pa.Array:
        scores = np.array([rating.score for rating in self.ratings], np.float64)
        return pa.array(self.scale.to_quality(scores).astype(np.float32))

    def _standard_errors(self) -> pa.Array:
        unit = LABEL_MAXIMUM / (self.scale.maximum - self.scale.minimum)
        errors = [rating.standard_error for rating in self.ratings]
        return pa.array([None if error is None else error * unit for error in errors], pa.float32())


def reference_id_of(rating: Rating) -> str | None:
    """Return the id of an image's reference; None where it has none."""
    return rating.reference_id or (rating.reference and stem_id(rating.reference))


def read_test_set(
    name: str,
    root: Path | str | None = None,
    *,
    images: Path | str | None = None,
    labels: LabelFile | None = None,
    ids: IdStyle = "stem",
    dataset: str | None = None,
    split_file: Path | str | None = None,
) -> RatedSet:
    """Read a labeled test set: from its official layout, or from a user's label file and folder.

    Args:
        name: `koniq10k`, `livec`, `bid`, `spaq`, `biq2021`, `cid2013`, `tid2013`, `live`, `csiq`, `pipal`, `kadid10k`,
            or `csv`: a set of one's own.
        root: The set's folder, with its own label files in it. `csv` needs none.
        images: Folder of the images, relative to `root`, where it is not the official one. For `csv` without a `root`,
            a folder as it is; by default that of the label file.
        labels: For `csv`: the label file.
        ids: For `csv`: an id is the file stem, or the name with its folders.
        dataset: For `csv`: what the manifest calls the set; by default the name of the label file's folder.
        split_file: A CSV of `split` and `reference_id` or `id` that replaces the split of the set: rows that it does
            not name are `train`. For sets without references, ids of images.

    Returns:
        The ratings; `.rows()` makes a manifest of them.

    Raises:
        CurateError: An unknown set, a label file that is missing or not as it should be (the message says what was
            expected), or an image folder that is not there.
    """
    if name == OWN_SET:
        rated = _read_own_set(root, images, labels, ids, dataset)
    else:
        if labels is not None:
            raise CurateError(f"{name} has its own label file; --labels goes with {OWN_SET} alone")
        rated = _read_official_set(name, root, images)
    return rated if split_file is None else _with_splits(rated, Path(split_file))


def _read_official_set(name: str, root: Path | str | None, images: Path | str | None) -> RatedSet:
    if name not in READERS:
        raise CurateError(f"no test set called {name!r}; there are {', '.join((*READERS, OWN_SET))}")
    if root is None:
        raise CurateError(f"{name} needs --root DIR: the set's folder, with its own label file in it")
    root = Path(root)
    if not root.is_dir():
        raise CurateError(f"no folder {root}; expected the folder of {name}")
    below = None if images is None else str(images)
    _require_below(root, below)
    return _checked(name, root, READERS[name](root, below))


def _read_own_set(
    root: Path | str | None,
    images: Path | str | None,
    labels: LabelFile | None,
    ids: IdStyle,
    dataset: str | None,
) -> RatedSet:
    if labels is None:
        raise CurateError(f"{OWN_SET} needs --labels FILE: a CSV with a name and a score per image")
    below = "."
    if root is not None:
        root = Path(root)
        below = "." if images is None else str(images)
    else:
        root = labels.path.parent if images is None else Path(images)
    if not root.is_dir():
        raise CurateError(f"no folder {root}; expected the folder of the images of {labels.path}")
    _require_below(root, below)
    read = read_labeled_csv(labels, ImageFolder(root, below), ids=ids)
    name = dataset or labels.path.resolve().parent.name or OWN_SET
    return _checked(name, root, read, {"columns": asdict(labels.columns), "ids": ids})


def _require_below(root: Path, images: str | None) -> None:
    if images is not None and not ((is_safe_path(images) or images == ".") and (root / images).is_dir()):
        raise CurateError(
            f"no folder {images!r} inside {root}: --images names the folder of the images, relative to --root"
        )


def _checked(name: str, root: Path, read: Reading, options: Mapping[str, Any] | None = None) -> RatedSet:
    source = read.files[0]
    if not read.ratings:
        raise CurateError(f"{source} names no images; expected a row per image")
    require_unique((rating.id for rating in read.ratings), f"{source}: images")
    unsafe = [r.path for r in read.ratings if not is_safe_path(r.path)]
    if unsafe:
        raise CurateError(f"{source} names images that are not inside their folder: {list_ids(unsafe)}")
    low, high = read.scale.minimum, read.scale.maximum
    outside = [r.id for r in read.ratings if not low <= r.score <= high]  # NaN is outside too
    if outside:
        raise CurateError(
            f"{source}: {len(outside)} scores are not numbers from {low:g} to {high:g}, the scale of {name}: "
            f"{list_ids(outside)}"
        )
    return RatedSet(
        name,
        root,
        read.files,
        tuple(read.ratings),
        read.scale,
        read.left_out,
        read.group_column,
        options=options or {},
    )


def _with_splits(rated: RatedSet, split_file: Path) -> RatedSet:
    # An image without a reference is split by its own id.
    keys = [reference_id_of(rating) or rating.id for rating in rated.ratings]
    splits = read_splits(split_file, dict(zip((rating.id for rating in rated.ratings), keys, strict=True)))
    ratings = (
        replace(rating, split=split) for rating, split in zip(rated.ratings, split_column(keys, splits), strict=True)
    )
    return replace(rated, ratings=tuple(ratings), split_file=split_file)
