"""Which files below a folder are its images, and what is skipped, with the reasons."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import CurateError
from ..manifest.ids import has_image_suffix

_SUFFIXES_NAMED = 5
_NO_SUFFIX = "no suffix"


@dataclass(frozen=True)
class SkippedFiles:
    """What a search of a folder has skipped.

    Attributes:
        files: Files that do not end like an image.
        suffixes: Their suffixes in small letters, the most frequent ones.
        linked_folders: Links to folders outside the folder.
        broken_links: Links to nothing. One that ends like an image is listed instead: its row says what is wrong.
        hidden: Hidden folders, and hidden files that end like an image.
    """

    files: int = 0
    suffixes: tuple[str, ...] = ()
    linked_folders: int = 0
    broken_links: int = 0
    hidden: int = 0

    def counts(self) -> dict[str, int]:
        """Return what was skipped for a summary; a count of zero is left out."""
        counts = {
            "skipped_files": self.files,
            "skipped_linked_folders": self.linked_folders,
            "skipped_broken_links": self.broken_links,
            "skipped_hidden": self.hidden,
        }
        return {name: count for name, count in counts.items() if count}

    def reasons(self) -> str:
        """Describe what was skipped and why; an empty text if nothing was."""
        reasons = [
            (
                self.files,
                "file that does not end",
                "files that do not end",
                f" like an image ({_listed(self.suffixes)})",
            ),
            (self.linked_folders, "linked folder", "linked folders", " outside of it (--follow-links reads them)"),
            (self.broken_links, "broken link", "broken links", ""),
            (self.hidden, "hidden file or folder", "hidden files or folders", ""),
        ]
        return "; ".join(f"{count} {one if count == 1 else many}{why}" for count, one, many, why in reasons if count)


NOTHING_SKIPPED = SkippedFiles()


@dataclass(frozen=True)
class FoundImages:
    """The images below a folder.

    Attributes:
        paths: Their paths relative to the folder, with `/`, sorted; as the file system spells them.
        skipped: What was skipped.
        linked: The folders outside the folder that were searched by links.
    """

    paths: tuple[str, ...]
    skipped: SkippedFiles
    linked: tuple[Path, ...] = ()


def find_images(folder: Path, *, follow_links: bool = False) -> FoundImages:
    """Search a folder and its subfolders for image files.

    A linked folder is searched too if it leads to a place inside the folder. A place that is reached on two ways is
    searched once, by its own path rather than by a link's. Linked files are files like others.

    Args:
        folder: Where to search.
        follow_links: Search linked folders that lead out of the folder as well.

    Raises:
        CurateError: A folder cannot be listed.
    """
    search = _Search(follow_links=follow_links)
    search.walk(str(folder))
    return FoundImages(tuple(sorted(search.paths)), search.skipped(), tuple(search.linked))


@dataclass(frozen=True)
class _Place:
    """A folder that is searched: where it is listed, where it really is, and its path below the folder, with a `/`."""

    path: str
    real: str
    prefix: str


class _Search:
    def __init__(self, *, follow_links: bool) -> None:
        self.follow_links = follow_links
        self.paths: list[str] = []
        self.links: list[_Place] = []
        self.linked: list[Path] = []
        self.seen: set[str] = set()
        self.suffixes: Counter[str] = Counter()
        self.linked_folders = self.broken_links = self.hidden = 0

    def walk(self, folder: str) -> None:
        """Search a folder: first the files in it, then linked folders, which may be known by then."""
        top = os.path.realpath(folder)
        self._search(_Place(folder, top, ""))
        while self.links:
            link = self.links.pop(0)
            if link.real in self.seen:
                continue
            if os.path.join(link.real, "").startswith(os.path.join(top, "")):
                self._search(link)
            elif self.follow_links:
                self.linked.append(Path(link.real))
                self._search(link)
            else:
                self.linked_folders += 1

    def skipped(self) -> SkippedFiles:
        """Return what was skipped."""
        frequent = sorted(self.suffixes, key=lambda suffix: (-self.suffixes[suffix], suffix))
        return SkippedFiles(
            files=self.suffixes.total(),
            suffixes=tuple(frequent),
            linked_folders=self.linked_folders,
            broken_links=self.broken_links,
            hidden=self.hidden,
        )

    def _search(self, start: _Place) -> None:
        pending = [start]
        while pending:
            place = pending.pop()
            if place.real in self.seen:
                continue
            self.seen.add(place.real)
            pending += self._visit_folder(place)

    def _visit_folder(self, place: _Place) -> Iterator[_Place]:
        """Collect a folder's images, postpone its linked folders, and return its own subfolders."""
        for entry in _entries(place.path):
            linked = entry.is_symlink()
            if os.path.isdir(entry.path) if linked else entry.is_dir(follow_symlinks=False):
                if entry.name.startswith("."):
                    self.hidden += 1
                elif linked:
                    self.links.append(_Place(entry.path, os.path.realpath(entry.path), f"{place.prefix}{entry.name}/"))
                else:
                    yield _Place(entry.path, os.path.join(place.real, entry.name), f"{place.prefix}{entry.name}/")
            else:
                self._visit_entry(entry, place.prefix, linked=linked)

    def _visit_entry(self, entry: os.DirEntry[str], prefix: str, *, linked: bool) -> None:
        name = entry.name
        if name.startswith("."):
            self.hidden += has_image_suffix(f"_{name}")  # `.png` is hidden, too, though there is nothing before its dot
        elif has_image_suffix(name):
            self.paths.append(prefix + name)
        elif linked and not os.path.exists(entry.path):
            self.broken_links += 1
        else:
            self.suffixes[os.path.splitext(name)[1].lower() or _NO_SUFFIX] += 1


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise CurateError(f"cannot list {folder}: {error.strerror or error}") from error


def _listed(suffixes: tuple[str, ...]) -> str:
    more = len(suffixes) - _SUFFIXES_NAMED
    return ", ".join(suffixes[:_SUFFIXES_NAMED]) + (f" and {more} more" if more > 0 else "")
