"""Images by the names that label files have for them: case, suffix and folder may differ on disk."""

import os
from pathlib import Path

from ...errors import CurateError
from ...manifest.ids import has_image_suffix, list_ids, strip_image_suffix
from ...storage.safe_paths import is_safe_path


class ImageFolder:
    """The folder of a set's images; names are found whatever case their letters have on disk."""

    def __init__(self, root: Path, relative: str) -> None:
        """List nothing yet; folders are listed once, when they are first asked for."""
        self._root, self._prefix = root, "" if relative in ("", ".") else f"{relative.strip('/')}/"
        self._listed: dict[str, dict[str, str]] = {}
        self._stems: dict[str, dict[str, list[str]]] = {}

    def find(self, name: str) -> str:
        """Return the path of `name`, relative to the set's root: as it is on disk, or as given where it is not there.

        The label files of TID2013 and CSIQ and the files that people have do not agree about upper and lower case.
        """
        parent, file = self._place(name)
        known = self._names(parent)
        found = known.get(file) or known.get(file.lower()) or file
        return f"{parent}/{found}" if parent else found

    def find_stem(self, name: str) -> str:
        """Return what `find` returns; a name without an image suffix may be that of a file with one.

        Raises:
            CurateError: Several images have that name but for the suffix.
        """
        path = self.find(name)
        if has_image_suffix(name) or (self._root / path).is_file():
            return path
        parent, file = self._place(name)
        if parent not in self._stems:
            self._stems[parent] = {}
            for each in dict.fromkeys(self._names(parent).values()):
                if has_image_suffix(each):
                    self._stems[parent].setdefault(strip_image_suffix(each), []).append(each)
        found = sorted(self._stems[parent].get(file, []))
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

    def _names(self, parent: str) -> dict[str, str]:
        if parent not in self._listed:
            folder = self._root / parent
            names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
            # A name that is there as written wins over one that differs in case.
            self._listed[parent] = {n.lower(): n for n in names} | {n: n for n in names}
        return self._listed[parent]


class ImageTree:
    """The images of a folder and of all folders below it, by their file names, whatever case these have on disk."""

    def __init__(self, root: Path, relative: str = ".") -> None:
        """List the folder `relative` of `root`."""
        self._prefix = "" if relative in ("", ".") else f"{relative.strip('/')}/"
        self._paths: dict[str, str] = {}
        for parent, folders, files in os.walk(root / relative):
            folders.sort()
            for file in sorted(name for name in files if has_image_suffix(name)):
                path = (Path(parent) / file).relative_to(root).as_posix()
                self._paths.setdefault(file, path)
                self._paths.setdefault(file.lower(), path)

    def find(self, name: str) -> str:
        """Return the path of the file `name`, relative to the set's root; where it is nowhere, one in the folder."""
        return self.get(name) or self._prefix + name

    def get(self, name: str) -> str | None:
        """Return the path of the file `name`, relative to the set's root; None where it is nowhere."""
        return self._paths.get(name) or self._paths.get(name.lower())
