"""Root names in a manifest, and the folders they stand for on this machine."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import CurateError
from ..storage.safe_paths import is_safe_path
from .lost_metadata import LOST_METADATA, has_lost_metadata
from .provenance import attach, read_provenance, recorded_roots

RENDERED = "images"
REFERENCES = "references"
CANDIDATES = "candidates"
# Schema metadata of a table in memory: the folder that its roots are relative to. No file has it.
_HOME_KEY = b"syndr_curate_home"


@dataclass(frozen=True)
class Roots:
    """Where the files of a manifest are.

    Attributes:
        folders: Root name to folder; None where it is not known yet.
        metadata_lost: Whether the manifest has lost its metadata, and with it how its references are read.
    """

    folders: Mapping[str, Path | None]
    metadata_lost: bool = False

    @classmethod
    def of_manifest(cls, table: pa.Table, manifest: Path, overrides: Mapping[str, Path] | None = None) -> "Roots":
        """Take the roots of a manifest: relative to the folder of the file itself, with the caller's own first.

        Args:
            table: The manifest, or its columns that name roots: roots missing in its metadata are known by its rows.
            manifest: The file.
            overrides: Root name to the folder where its files are now.

        Raises:
            CurateError: An override names a root that the manifest does not use, or its `roots` are no folders.
        """
        lost, recorded = has_lost_metadata(table), recorded_roots(table)
        home = manifest.resolve().parent
        if overrides or lost:
            recorded = {**dict.fromkeys(_roots_of_rows(table)), **recorded}
        # Without its dots the path is good even where the manifest's own folder is not made yet.
        folders: dict[str, Path | None] = {
            name: None if folder is None else Path(os.path.normpath(home / folder)) for name, folder in recorded.items()
        }
        for name, folder in (overrides or {}).items():
            if name not in folders:
                raise CurateError(f"the manifest has no root {name!r}; it has {', '.join(sorted(folders)) or 'none'}")
            folders[name] = folder
        return cls(folders, metadata_lost=lost)

    def folder(self, root: str | None) -> Path:
        """Return the folder of a root.

        Raises:
            CurateError: Nobody has said yet where it is.
        """
        folder = self.folders.get(root or "")
        if folder is None:
            why = f"; {LOST_METADATA}" if self.metadata_lost else ""
            raise CurateError(f"the folder of root {root!r} is not known: give --root {root}=DIR{why}")
        return folder

    def resolve(self, root: str | None, path: str) -> Path:
        """Return the file behind a (root, path) pair.

        Raises:
            CurateError: The root has no folder, or the path would leave it.
        """
        folder = self.folder(root)
        if not is_safe_path(path):
            raise CurateError(f"{path!r} is not a path inside its root")
        return folder / path

    def has_folder(self, root: str | None) -> bool:
        """Return whether the root's folder is known."""
        return self.folders.get(root or "") is not None

    def require_metadata(self) -> None:
        """Refuse to render from references whose decoding options are not known.

        Raises:
            CurateError: The manifest has lost its metadata.
        """
        if self.metadata_lost:
            raise CurateError(f"its rows cannot be rendered: {LOST_METADATA}")

    def as_json(self, manifest: Path) -> dict[str, str | None]:
        """Return the roots as a manifest records them: POSIX paths relative to the manifest's folder."""
        return {
            name: None if folder is None else relative_folder(folder, manifest)
            for name, folder in sorted(self.folders.items())
        }


def _roots_of_rows(table: pa.Table) -> set[str]:
    names: set[str] = set()
    for column in ("image_root", "reference_root"):
        parts = [table[column]] if column in table.column_names else []
        parts += [pc.struct_field(table[s], column) for s in ("source_a", "source_b") if s in table.column_names]
        for part in parts:
            names |= {name for name in pc.unique(part.cast(pa.string())).to_pylist() if name is not None}
    return names


def relative_folder(folder: Path, manifest: Path) -> str:
    """Return a folder as a POSIX path relative to a manifest's own folder."""
    # A link at `manifest` is replaced by the file, not followed.
    return Path(os.path.relpath(folder.resolve(), manifest.parent.resolve())).as_posix()


def rebase(table: pa.Table, old: Path, new: Path) -> pa.Table:
    """Rewrite a manifest's root folders for a file in another folder.

    Args:
        table: A manifest read from `old`, or made from one.
        old: The manifest that its roots are relative to.
        new: Where the table will be written.
    """
    provenance = read_provenance(table)
    if old.resolve().parent == new.parent.resolve() or "roots" not in provenance:
        return table
    roots = Roots.of_manifest(table, old)
    return attach(table, {**provenance, "roots": roots.as_json(new)})


def with_home(table: pa.Table, folder: Path | None) -> pa.Table:
    """Record which folder a table's roots are relative to; new provenance (`attach`) drops the record.

    Args:
        table: A manifest; one that has lost its metadata has no roots either, and stays as it is.
        folder: Of the file that it was read from; None forgets it.
    """
    metadata = {key: value for key, value in (table.schema.metadata or {}).items() if key != _HOME_KEY}
    if folder is not None and not has_lost_metadata(table):
        metadata[_HOME_KEY] = os.fsencode(folder)
    return table.replace_schema_metadata(metadata or None)


def home_of(table: pa.Table) -> Path | None:
    """Return the folder that a table's roots are relative to; None for a table that was not read from a file.

    Args:
        table: A manifest.
    """
    folder = (table.schema.metadata or {}).get(_HOME_KEY)
    return None if folder is None else Path(os.fsdecode(folder))


def moved(table: pa.Table, path: Path) -> pa.Table:
    """Return a table with its roots as a file at `path` must have them, and without a note of where it came from.

    Args:
        table: A manifest.
        path: Where it will be written.
    """
    home = home_of(table)
    return table if home is None else with_home(rebase(table, home / path.name, path), None)


def parse_roots(texts: Iterable[str]) -> dict[str, Path]:
    """Turn `name=DIR` pairs into folders.

    Raises:
        CurateError: A text is not of that form, or the folder does not exist.
    """
    roots = {}
    for text in texts:
        name, separator, folder = text.partition("=")
        if not (name and separator and folder):
            raise CurateError(f"--root {text!r}: expected name=DIR")
        if not Path(folder).is_dir():
            raise CurateError(f"--root {text!r}: no folder {folder}")
        roots[name] = Path(folder)
    return roots
