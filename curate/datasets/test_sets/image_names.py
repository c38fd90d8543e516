"""Images by the names that label files have for them: case, Unicode form, suffix and folder may differ on disk."""

import os
from pathlib import Path

from ...errors import CurateError
from ...manifest.ids import folded_id, has_image_suffix, list_ids, strip_image_suffix
from ...storage.safe_paths import is_safe_path


class ImageFolder:
    """The folder of a set's images; names are found in any case or Unicode form."""

    def __init__(self, root: Path, relative: str) -> None:
        """List nothing yet; folders are listed once, when they are first asked for."""
        self._root, self._prefix = root, "" if relative in ("", ".") else f"{relative.strip('/')}/"
        self._listed: dict[str, _Spellings] = {}
        self._stems: dict[str, _Spellings] = {}

    def find(self, name: str) -> str:
        """Return the path of `name`, relative to the set's root: as it is on disk, or as given where it is not there.

        The label files of TID2013 and CSIQ and the files that people have do not agree about upper and lower case.

        Raises:
            CurateError: It is not there as given, and several files differ from it in case or Unicode form alone.
        """
        parent, file = self._place(name)
        found = self._names(parent).of(file)
        if len(found) > 1:
            raise CurateError(f"{name!r} may be any of {list_ids(found)}; expected the file's name to the letter")
        chosen = found[0] if found else file
        return f"{parent}/{chosen}" if parent else chosen

    def find_stem(self, name: str) -> str:
        """Return what `find` returns; a name without an image suffix may be that of a file with one.

        Raises:
            CurateError: Several images have that name but for the suffix, or as `find`.
        """
        path = self.find(name)
        if has_image_suffix(name) or (self._root / path).is_file():
            return path
        parent, file = self._place(name)
        if parent not in self._stems:
            self._stems[parent] = _Spellings()
            for each in filter(has_image_suffix, self._names(parent).all()):
                self._stems[parent].add(strip_image_suffix(each), each)
        found = self._stems[parent].of(file)
        if len(found) > 1:
            raise CurateError(f"{name!r} may be any of {list_ids(found)}; expected the file's name with its suffix")
        if not found:
            return path
        return f"{parent}/{found[0]}" if parent else found[0]

    def get(self, name: str) -> str | None:
        """Return what `find_stem` returns; None where there is no such file.

        Raises:
            CurateError: As `find_stem`.
        """
        path = self.find_stem(name)
        return path if is_safe_path(path) and (self._root / path).is_file() else None

    def _place(self, name: str) -> tuple[str, str]:
        parent, _, file = (self._prefix + name).rpartition("/")
        return parent, file

    def _names(self, parent: str) -> "_Spellings":
        if parent not in self._listed:
            folder = self._root / parent
            self._listed[parent] = _Spellings()
            for name in [entry.name for entry in folder.iterdir()] if folder.is_dir() else []:
                self._listed[parent].add(name, name)
        return self._listed[parent]


class ImageTree:
    """The images of a folder and of all folders below it, by their file names, in any case or Unicode form."""

    def __init__(self, root: Path, relative: str = ".") -> None:
        """List the folder `relative` of `root`."""
        self._prefix = "" if relative in ("", ".") else f"{relative.strip('/')}/"
        self._paths = _Spellings()
        for parent, _, files in os.walk(root / relative):
            for file in filter(has_image_suffix, files):
                self._paths.add(file, (Path(parent) / file).relative_to(root).as_posix())

    def find(self, name: str) -> str:
        """Return the path of the file `name`, relative to the set's root; if there is none, a path in the folder.

        Raises:
            CurateError: As `get`.
        """
        return self.get(name) or self._prefix + name

    def get(self, name: str) -> str | None:
        """Return the path of the file `name`, relative to the set's root; None if there is none.

        Raises:
            CurateError: Several folders have a file of that name: which one was rated is unknown.
        """
        found = self._paths.of(name)
        if len(found) > 1:
            raise CurateError(
                f"{name!r} may be any of {list_ids(found)}; expected one such file: name the folder of the images "
                "with --images, or move the other files out of the set's folder"
            )
        return found[0] if found else None


class _Spellings:
    """Entries by name: by the exact spelling, or else in another case or Unicode form."""

    def __init__(self) -> None:
        self._exact: dict[str, list[str]] = {}
        self._alike: dict[str, list[str]] = {}

    def add(self, name: str, thing: str) -> None:
        self._exact.setdefault(name, []).append(thing)
        self._alike.setdefault(folded_id(name), []).append(thing)

    def of(self, name: str) -> list[str]:
        """Return the entries with the name, in order; several if the name is ambiguous."""
        return sorted(self._exact.get(name) or self._alike.get(folded_id(name), []))

    def all(self) -> list[str]:
        return [thing for things in self._exact.values() for thing in things]
