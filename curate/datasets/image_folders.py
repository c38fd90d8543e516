"""Where images come from: a plain folder, KADID-10k, KADIS-700k."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import CurateError
from ..manifest.ids import has_image_suffix, path_ids, stem_id
from ..manifest.provenance import digest_listing
from ..storage.paths.file_names import MARK, is_storable_name, spelled
from ..storage.paths.regular_files import refuse_special
from ..storage.texts.csv_tables import read_csv
from .image_search import NOTHING_SKIPPED, SkippedFiles, find_images
from .settings import IdStyle

KADID_LABELS = "dmos.csv"
KADID_IMAGES = "images"
KADIS_LIST = "kadis700k_ref_imgs.csv"
KADIS_IMAGES = "ref_imgs"
KADIS_DISTORTED = "dist_imgs"


@dataclass(frozen=True)
class ImageEntry:
    """One image of a source.

    Attributes:
        id: Its id.
        path: Its POSIX path relative to the source's folder.
        split: `train`, `val` or `test`: what a manifest says of it; a folder's images are for training.
    """

    id: str
    path: str
    split: str = "train"


@dataclass(frozen=True)
class ImageSource:
    """A folder of images: the name its rows use for it, where it is, and what is in it.

    Attributes:
        name: The name.
        folder: Where it is.
        entries: Its images.
        skipped: What was skipped when it was searched.
        linked: The folders outside it that were searched, too.
    """

    name: str
    folder: Path
    entries: tuple[ImageEntry, ...]
    skipped: SkippedFiles = NOTHING_SKIPPED
    linked: tuple[Path, ...] = ()

    def digest(self) -> str:
        """Return the digest of the paths and sizes of all images; a missing file counts as size -1."""
        return digest_listing((path, size) for _, path, size in self.listing())

    def listing(self) -> list[tuple[str, str, int]]:
        """Return (name of the source, path, bytes) of every image; a missing file has size -1."""
        return [(self.name, entry.path, _size(self.folder / entry.path)) for entry in self.entries]


def open_source(
    folder: Path | str, *, ids: IdStyle = "stem", name: str | None = None, follow_links: bool = False
) -> ImageSource:
    """List the pristine images of a folder in any of the known layouts.

    A folder with `kadis700k_ref_imgs.csv` is KADIS-700k: that list says which files of `ref_imgs/` there are
    and in which order; without it, a folder with both `ref_imgs/` and `dist_imgs/` is refused. A folder with `dmos.csv`
    and `images/` is KADID-10k: its references are those that the label file names. Any other folder is searched for
    images, subfolders included, in path order; a single image file is a source of one.

    A file whose name no manifest can hold (a backslash, or bytes that are no UTF-8) is listed under another spelling,
    `~` and two digits for each such character: no file is there, and its row says why.

    Args:
        folder: The folder, or one image.
        ids: `stem`: the id is the file name without its image suffix. `path`: the relative path without it, or with it
            where two files differ in nothing else, as `a.png` and `a.jpg`.
        name: The root's name in manifests; by default the layout's or the folder's.
        follow_links: Search linked folders that lead out of the folder; those that lead inside it are always searched.

    Raises:
        CurateError: No such folder, no images in it, two files with one id, or KADIS-700k without its list.
    """
    folder = Path(folder)
    refuse_special(folder)
    if folder.is_file() and has_image_suffix(folder.name):
        return _source(name or root_name(folder.parent), folder.parent, [folder.name], ids)
    if not folder.is_dir():
        raise CurateError(f"no folder {folder}; expected a folder of images")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise CurateError(f"cannot list {folder}: Permission denied")
    if (folder / KADIS_LIST).is_file():
        paths = [f"{KADIS_IMAGES}/{n}" for n in _column(folder / KADIS_LIST, "ref_im")]
        return _source(name or "kadis700k", folder, paths, ids)
    if (folder / KADIS_IMAGES).is_dir() and (folder / KADIS_DISTORTED).is_dir():
        raise CurateError(
            f"{folder} looks like KADIS-700k without its list {KADIS_LIST}: its distorted images would pass for "
            f"pristine ones; put the list there, or give {folder / KADIS_IMAGES}"
        )
    if (folder / KADID_LABELS).is_file() and (folder / KADID_IMAGES).is_dir():
        paths = [f"{KADID_IMAGES}/{n}" for n in dict.fromkeys(_column(folder / KADID_LABELS, "ref_img"))]
        return _source(name or "kadid10k", folder, paths, ids)
    found = find_images(folder, follow_links=follow_links)
    if not found.paths:
        skipped = found.skipped.reasons()
        raise CurateError(
            f"no images in {folder}" + (f"; skipped: {skipped}" if skipped else ": give the folder that holds them")
        )
    source = _source(name or root_name(folder), folder, found.paths, ids)
    return replace(source, skipped=found.skipped, linked=found.linked)


def root_name(folder: Path) -> str:
    """Return the name under which a manifest refers to a folder: the folder's own."""
    # A backslash does no harm here: the name is no path.
    return "\\".join(map(spelled, folder.resolve().name.split("\\"))) or "root"


def _source(name: str, folder: Path, paths: Iterable[str], ids: IdStyle) -> ImageSource:
    paths = _storable_paths(paths, folder)
    identifiers = [stem_id(path) for path in paths] if ids == "stem" else path_ids(paths)
    by_id: dict[str, str] = {}
    for identifier, path in zip(identifiers, paths, strict=True):
        if identifier in by_id:
            hint = " (use --ids path)" if ids == "stem" else ""
            raise CurateError(f"two images have the id {identifier!r}: {by_id[identifier]} and {path}{hint}")
        by_id[identifier] = path
    return ImageSource(name, folder, tuple(ImageEntry(identifier, path) for identifier, path in by_id.items()))


def _storable_paths(paths: Iterable[str], folder: Path) -> list[str]:
    """Rewrite paths that a manifest cannot hold, so that they match no file and no other row."""
    holdable: list[str] = []
    taken: set[str] = set()
    for path in paths:
        text, mark = path, MARK
        if not is_storable_name(path):
            text = spelled(path, mark)
            while text in taken or os.path.lexists(folder / text):
                mark += MARK
                text = spelled(path, mark)
            taken.add(text)
        holdable.append(text)
    return holdable


def _column(path: Path, name: str) -> list[str]:
    frame = read_csv(path)
    if name not in frame.columns:
        raise CurateError(f"{path} has no column {name!r}; it has {', '.join(map(str, frame.columns))}")
    values = frame[name].tolist()
    unsafe = [v for v in values if not v or "/" in v or "\\" in v or v in (".", "..")]
    if unsafe:
        raise CurateError(f"{path}: column {name!r} holds {unsafe[0]!r}, which is not a file name")
    return values


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
