"""The rows and the references of a manifest, as `distort` takes them up."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ...distortions.numerics.denoising.weights import digest_for
from ..datasets.image_folders import ImageEntry, ImageSource
from ..errors import CurateError
from ..manifest.ids import list_ids
from ..manifest.lost_metadata import refuse_lost_recipes
from ..manifest.manifest import ManifestFile
from ..manifest.pixel_facts import DENOISER, USER_TYPES, denoiser_of
from ..manifest.provenance import attach, digest_file, digest_listing, library_versions
from ..manifest.renderers.check import check_renderers
from ..manifest.renderers.user_types import record_user_types, refuse_absent_types, user_type_ids
from ..manifest.roots import Roots
from ..manifest.split_names import SPLITS
from .distort_rows import PlannedRows, size_of
from .render import with_seed


def rows_of_manifest(file: ManifestFile, images_out: Path, overrides: Mapping[str, Path] | None) -> PlannedRows:
    """Take the rows of a manifest: those with a seed to be rendered as they stand, the others to be carried along.

    Args:
        file: The manifest.
        images_out: Folder of the pixels.
        overrides: Folders of its roots that have moved.

    Raises:
        CurateError: It has no row with a seed, or the pixels of a row without one lie where new ones would go.
    """
    manifest = file.path
    every = file.columns(["seed", "image_root", "reference_root", "reference_path"])
    columns = with_seed(every)
    if not len(columns):
        raise CurateError(
            f"{manifest} has no recipe rows (rows with a seed); --types would distort its references anew"
        )
    refuse_lost_recipes(columns)
    recorded = Roots.of_manifest(every, manifest, overrides)
    if columns["image_root"].null_count:
        raise CurateError(
            f"{manifest}: {columns['image_root'].null_count} rows with a seed name no image_root; expected the name "
            "of a root in every row"
        )
    image_roots = _names(columns["image_root"])
    carried_roots = _names(every.filter(pc.is_null(every["seed"]))["image_root"])
    _refuse_mixed_roots(carried_roots, image_roots, recorded, images_out)
    roots = Roots({**recorded.folders, **dict.fromkeys(image_roots, images_out)})
    places = columns.select(["reference_root", "reference_path"]).group_by(["reference_root", "reference_path"])
    pairs = [(row["reference_root"], row["reference_path"]) for row in places.aggregate([]).to_pylist()]
    listing = sorted(
        (root, path, size_of(roots.resolve(root, path)) if roots.has_folder(root) else -1)
        for root, path in pairs
        if root is not None and path is not None
    )
    inputs = {"manifest": digest_file(manifest)}
    for root in sorted({root for root, _, _ in listing}):
        inputs[root] = digest_listing((path, size) for name, path, size in listing if name == root)
    kept = {key: value for key, value in file.provenance.items() if key not in ("roots", "pixels", USER_TYPES)}
    typed = file.columns(["distortion_id", "seed", "chain"])
    if file.provenance:
        typed = attach(typed, file.provenance)
        check_renderers(typed)
    refuse_absent_types(typed)
    identity = {
        **kept,
        "inputs": {**kept.get("inputs", {}), **inputs},
        "versions": library_versions(),
        DENOISER: digest_for(denoiser_of(kept)),
    }
    registered = record_user_types(user_type_ids(typed))
    if registered is not None:
        identity[USER_TYPES] = registered
    carried = len(every) - len(columns)
    if carried:
        identity["config"] = {**kept.get("config", {}), "rows_carried": carried}

    def sample(count: int) -> pa.Table:
        step = max(1, len(columns) // count)
        seen, picked = 0, []
        for table in map(with_seed, file.tables()):
            first = -seen % step
            picked.append(table.take(list(range(first, len(table), step))))
            seen += len(table)
        return pa.concat_tables(picked).slice(0, count)

    return PlannedRows(
        count=len(every),
        carried=carried,
        references=len(pairs),
        tables=file.tables,
        sample=sample,
        listing=listing,
        identity=identity,
        roots=roots,
    )


def references_of(file: ManifestFile, overrides: Mapping[str, Path] | None) -> ImageSource:
    """Take the references that a manifest names as a source of images, each with its split.

    Args:
        file: The manifest.
        overrides: Folders of its roots that have moved.

    Raises:
        CurateError: They lie under several roots, or under none that is known; a reference has no id, two files, or two
            splits.
    """
    manifest = file.path
    refuse_lost_recipes(file.columns(["seed"]))
    columns = file.columns(["reference_id", "reference_root", "reference_path", "split"])
    roots = Roots.of_manifest(columns, manifest, overrides)
    used = [
        (row["reference_id"], row["reference_root"], row["reference_path"], row["split"])
        for row in columns.group_by(columns.column_names).aggregate([]).to_pylist()
        if None not in (row["reference_root"], row["reference_path"])
    ]
    names = sorted({root for _, root, _, _ in used})
    if len(names) != 1:
        raise CurateError(
            f"{manifest} has references under {len(names)} roots ({', '.join(names)}); distort one at a time"
        )
    entries: dict[str, ImageEntry] = {}
    for identifier, _, path, split in sorted(used, key=str):
        if identifier is None:
            raise CurateError(f"{manifest}: the reference {path!r} has no reference_id, which its new rows would go by")
        if split not in SPLITS:
            raise CurateError(f"{manifest}: column 'split' holds {split!r}; it may hold {', '.join(SPLITS)}")
        entry = entries.setdefault(identifier, ImageEntry(identifier, path, split))
        if entry.path != path:
            raise CurateError(
                f"{manifest}: the reference {identifier!r} is {entry.path!r} in one row and {path!r} in another; give "
                "each file an id of its own"
            )
        if entry.split != split:
            raise CurateError(
                f"{manifest}: the reference {identifier!r} is of split {entry.split} in one row and of {split} in "
                "another; its new rows need one: give all its rows the same"
            )
    return ImageSource(names[0], roots.folder(names[0]), tuple(entries[identifier] for identifier in sorted(entries)))


def _names(roots: pa.ChunkedArray) -> list[str]:
    names: list[str] = pc.unique(roots.cast(pa.string())).drop_null().to_pylist()
    return names


def _refuse_mixed_roots(carried: Iterable[str], made: Collection[str], recorded: Roots, images_out: Path) -> None:
    """Refuse rows without a seed whose pixels lie where those of the other rows will."""
    taken = [root for root in carried if root in made]
    if taken:
        raise CurateError(
            f"rows without a seed have their pixels under {list_ids(taken)}, the image_root of rows that are rendered "
            f"into {images_out}: they would not be found any more; give them an image_root of their own"
        )
    for root in carried:
        if recorded.has_folder(root) and recorded.folder(root).resolve() == images_out.resolve():
            raise CurateError(
                f"{images_out} holds the pixels of rows without a seed (root {root!r}), among which new ones would be "
                "written: choose another --out"
            )
