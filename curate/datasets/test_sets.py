"""Labelled test sets in their official layouts: KonIQ-10k, LIVE Challenge, BID, SPAQ, TID2013, LIVE, CSIQ."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from ..errors import CurateError
from ..manifest.ids import list_ids, require_unique, stem_id
from ..manifest.schema import LABEL_MAXIMUM, build_table
from ..storage.images import image_problem
from ..storage.safe_paths import is_safe_path
from .labels import LabelScale
from .published.test_set_readers import READERS, Rating


@dataclass(frozen=True)
class RatedSet:
    """A labelled set as read.

    Attributes:
        name: Its short name, which is the root's name in manifests too.
        root: Its folder.
        label_files: The files that the labels came from.
        ratings: One per image, in the label file's order.
        scale: The ends and the direction of the scores.
        left_out: Entries of the label file that are no rated test images, and what they are; None if there are none.
    """

    name: str
    root: Path
    label_files: tuple[Path, ...]
    ratings: tuple[Rating, ...]
    scale: LabelScale
    left_out: str | None = None

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
        return build_table(
            {
                "sample_id": [rating.id for rating in self.ratings],
                "image_path": [rating.path for rating in self.ratings],
                "image_root": self.name,
                "reference_id": [rating.reference and stem_id(rating.reference) for rating in self.ratings],
                "reference_path": [rating.reference for rating in self.ratings],
                "reference_root": [rating.reference and self.name for rating in self.ratings],
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

    def _quality(self) -> pa.Array:
        scores = np.array([rating.score for rating in self.ratings], np.float64)
        return pa.array(self.scale.to_quality(scores).astype(np.float32))

    def _standard_errors(self) -> pa.Array:
        unit = LABEL_MAXIMUM / (self.scale.maximum - self.scale.minimum)
        errors = [rating.standard_error for rating in self.ratings]
        return pa.array([None if error is None else error * unit for error in errors], pa.float32())


def read_test_set(name: str, root: Path | str, *, images: str | None = None) -> RatedSet:
    """Read a labelled test set from its official layout.

    Args:
        name: `koniq10k`, `livec`, `bid`, `spaq`, `tid2013`, `live` or `csiq`.
        root: The set's folder, with its own label files in it.
        images: Folder of the images, relative to `root`, where it is not the official one.

    Returns:
        The ratings; `.rows()` makes a manifest of them.

    Raises:
        CurateError: An unknown set, a label file that is missing or not as it should be (the message says what was
            expected), or an image folder that is not there.
    """
    root = Path(root)
    if name not in READERS:
        raise CurateError(f"no test set called {name!r}; there are {', '.join(READERS)}")
    if not root.is_dir():
        raise CurateError(f"no folder {root}; expected the folder of {name}")
    if images is not None and not ((is_safe_path(images) or images == ".") and (root / images).is_dir()):
        raise CurateError(f"no folder {images!r} inside {root}")
    read = READERS[name](root, images)
    source = read.files[0]
    if not read.ratings:
        raise CurateError(f"{source} names no images")
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
    return RatedSet(name, root, read.files, tuple(read.ratings), read.scale, read.left_out)
