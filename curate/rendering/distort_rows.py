"""Which rows `distort` makes: of a folder's images, of a manifest's references, or a manifest's own recipes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ...distortions.numerics.denoiser import digest_weights
from ..datasets.image_folders import IdStyle, ImageEntry, ImageSource, open_source
from ..errors import CurateError
from ..manifest.lost_metadata import refuse_lost_recipes
from ..manifest.manifest import ManifestFile
from ..manifest.provenance import digest_file, digest_listing, library_versions, make_provenance
from ..manifest.recipes import RecipeGrid, Reference, recipe_rows
from ..manifest.roots import REFERENCES, RENDERED, Roots
from ..storage.images import ImageFormat
from ..storage.pixel_store import Layout, stored_path

_REFERENCES_AT_ONCE = 64
Listing = list[tuple[str, str, int]]


@dataclass(frozen=True)
class Distortions:
    """What is done to every reference.

    Attributes:
        types: Distortion ids.
        levels: Levels of each type.
        seed: The run's seed.
        image_format: What the pixels are stored as.
    """

    types: tuple[int, ...]
    levels: tuple[int, ...]
    seed: int
    image_format: ImageFormat


@dataclass(frozen=True)
class PlannedRows:
    """The rows of a run, made as they are asked for, so that memory does not grow with their number.

    Attributes:
        count: How many there are.
        references: How many references they have.
        tables: Goes through them in order, in tables of any length.
        sample: Gives about so many of them, spread over the whole.
        listing: (input, path, bytes) of every reference.
        identity: What decides their bytes: the provenance without folders.
        roots: Where their files are on this machine.
    """

    count: int
    references: int
    tables: Callable[[], Iterator[pa.Table]]
    sample: Callable[[int], pa.Table]
    listing: Listing
    identity: Mapping[str, Any]
    roots: Roots


def rows_of_references(source: ImageSource, wanted: Distortions, images_out: Path) -> PlannedRows:
    """Lay out references x types x levels.

    Args:
        source: The pristine images.
        wanted: What is done to them.
        images_out: Folder of the pixels.
    """
    grid = RecipeGrid(
        types=wanted.types,
        levels=wanted.levels,
        seed=wanted.seed,
        reference_root=REFERENCES,
        image_root=RENDERED,
        suffix=f".{wanted.image_format}",
        dataset=source.name,
    )
    conditions = len(grid.conditions())

    def rows(entries: tuple[ImageEntry, ...]) -> pa.Table:
        return recipe_rows([Reference(entry.id, entry.path) for entry in entries], grid)

    def tables() -> Iterator[pa.Table]:
        for start in range(0, len(source.entries), _REFERENCES_AT_ONCE):
            yield rows(source.entries[start : start + _REFERENCES_AT_ONCE])

    def sample(count: int) -> pa.Table:
        step = max(1, len(source.entries) // count)
        chosen = rows(source.entries[::step][:count])
        picks = [(k * conditions + k * conditions // count) for k in range(len(chosen) // conditions)]
        # Of a few references, several conditions each.
        more = max(1, count // max(1, len(picks)))
        spread = sorted({(p + j * conditions // more) % len(chosen) for p in picks for j in range(more)})
        return chosen.take(spread)

    listing = source.listing()
    config = {
        "types": list(wanted.types),
        "levels": list(wanted.levels),
        "seed": wanted.seed,
        "format": wanted.image_format,
    }
    inputs = {source.name: digest_listing((p, b) for _, p, b in listing)}
    identity = make_provenance("distort", config, inputs, denoiser=digest_weights())
    roots = Roots({RENDERED: images_out, REFERENCES: source.folder})
    count = len(source.entries) * conditions
    return PlannedRows(count, len(source.entries), tables, sample, listing, identity, roots)


def rows_of_manifest(manifest: Path, images_out: Path, overrides: Mapping[str, Path] | None) -> PlannedRows:
    """Take the recipe rows of a manifest, to be rendered as they stand.

    Raises:
        CurateError: It has none, has lost its metadata, or is no manifest.
    """
    file = ManifestFile(manifest)
    columns = file.columns(["seed", "image_root", "reference_root", "reference_path"])
    columns = columns.filter(pc.is_valid(columns["seed"]))
    if not len(columns):
        raise CurateError(
            f"{manifest} has no recipe rows (rows with a seed); --types would distort its references anew"
        )
    refuse_lost_recipes(columns)
    recorded = Roots.of_manifest(columns, manifest, overrides)
    image_roots = pc.unique(columns["image_root"].cast(pa.string())).to_pylist()
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
    kept = {key: value for key, value in file.provenance.items() if key not in ("roots", "pixels")}
    identity = {
        **kept,
        "inputs": {**kept.get("inputs", {}), **inputs},
        "versions": library_versions(),
        "denoiser": digest_weights(),
    }

    def tables() -> Iterator[pa.Table]:
        for table in file.tables():
            recipes = table.filter(pc.is_valid(table["seed"]))
            if len(recipes):
                yield recipes

    def sample(count: int) -> pa.Table:
        step = max(1, len(columns) // count)
        seen, picked = 0, []
        for table in tables():
            first = -seen % step
            picked.append(table.take(list(range(first, len(table), step))))
            seen += len(table)
        return pa.concat_tables(picked).slice(0, count)

    return PlannedRows(len(columns), len(pairs), tables, sample, listing, identity, roots)


def references_of(manifest: Path, overrides: Mapping[str, Path] | None) -> ImageSource:
    """Take the references that a manifest names as a source of images.

    Raises:
        CurateError: They lie under several roots, or under none that is known, or the metadata of recipes is lost.
    """
    file = ManifestFile(manifest)
    refuse_lost_recipes(file.columns(["seed"]))
    columns = file.columns(["reference_id", "reference_root", "reference_path"])
    roots = Roots.of_manifest(columns, manifest, overrides)
    used = {
        (row["reference_id"], row["reference_root"], row["reference_path"])
        for row in columns.group_by(columns.column_names).aggregate([]).to_pylist()
        if None not in (row["reference_root"], row["reference_path"])
    }
    names = sorted({root for _, root, _ in used})
    if len(names) != 1:
        raise CurateError(
            f"{manifest} has references under {len(names)} roots ({', '.join(names)}); distort one at a time"
        )
    return ImageSource(names[0], roots.folder(names[0]), tuple(ImageEntry(i, path) for i, _, path in sorted(used)))


def open_references(images: Path, ids: IdStyle, overrides: Mapping[str, Path] | None) -> ImageSource:
    """Open a folder, an image, or the references of a manifest."""
    return references_of(images, overrides) if images.suffix == ".parquet" else open_source(images, ids=ids)


def placed(tables: Iterator[pa.Table], layout: Layout, rows_per_shard: int, *, first: int = 0) -> Iterator[pa.Table]:
    """Give rows the image paths that a layout has for them, by the shard that each will be in.

    Args:
        tables: The rows.
        layout: How their pixels will be stored.
        rows_per_shard: Rows of a shard.
        first: Number of the first archive.
    """
    if layout == "files":
        yield from tables
        return
    done = 0
    for table in tables:
        columns = zip(*(table[n].to_pylist() for n in ("reference_id", "sample_id", "image_path")), strict=True)
        paths = [
            stored_path(
                layout,
                reference_id=reference,
                sample_id=sample,
                suffix=PurePosixPath(path).suffix,
                shard=first + (done + k) // rows_per_shard,
            )
            for k, (reference, sample, path) in enumerate(columns)
        ]
        position = table.schema.get_field_index("image_path")
        yield table.set_column(position, table.schema.field(position), pa.array(paths, pa.string()))
        done += len(table)


def size_of(path: Path) -> int:
    """Return a file's size in bytes, -1 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return -1
