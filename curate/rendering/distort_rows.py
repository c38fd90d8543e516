"""The rows that `distort` makes: references x (types x levels, and chains), and where their pixels go."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa

from ...distortions.numerics.denoising.weights import newest_digest
from ..datasets.image_folders import ImageEntry, ImageSource
from ..manifest.chains.recipes import chain_rows
from ..manifest.chains.settings import ChainSettings
from ..manifest.provenance import digest_json, digest_listing, make_provenance
from ..manifest.recipes import RecipeGrid, Reference, recipe_rows
from ..manifest.renderers.user_types import record_user_types
from ..manifest.roots import REFERENCES, RENDERED, Roots
from ..storage.formats import ImageFormat, Layout
from ..storage.pixel_store import stored_path

_REFERENCES_AT_ONCE = 64
_ROWS_AT_ONCE = 8_000  # a chain's row takes 5 KB while it is laid out
Listing = list[tuple[str, str, int]]


@dataclass(frozen=True)
class Distortions:
    """What is done to every reference.

    Attributes:
        types: Distortion ids; there may be none where there are chains.
        levels: Levels of each type.
        seed: The run's seed.
        image_format: What the pixels are stored as.
        chains: Several distortions, one after another; None for none.
    """

    types: tuple[int, ...]
    levels: tuple[int, ...]
    seed: int
    image_format: ImageFormat
    chains: ChainSettings | None = None


@dataclass(frozen=True)
class PlannedRows:
    """The rows of a run, made as they are asked for, so that memory does not grow with their number.

    Attributes:
        count: How many there are.
        carried: How many of them have no seed: they are not made here, and stay as they are.
        references: How many references they have.
        tables: Goes through them in order, in tables of any length.
        sample: Gives about so many of those that are made, spread over the whole.
        listing: (input, path, bytes) of every reference.
        identity: What decides their bytes: the provenance without folders.
        roots: Where their files are on this machine.
    """

    count: int
    carried: int
    references: int
    tables: Callable[[], Iterator[pa.Table]]
    sample: Callable[[int], pa.Table]
    listing: Listing
    identity: Mapping[str, Any]
    roots: Roots

    @property
    def made(self) -> int:
        """How many rows are made here."""
        return self.count - self.carried


def rows_of_references(
    source: ImageSource, wanted: Distortions, images_out: Path, denoiser: str | None = None
) -> PlannedRows:
    """Lay out references x types x levels, and below those of each reference its chains.

    Args:
        source: The pristine images.
        wanted: What is done to them.
        images_out: Folder of the pixels.
        denoiser: Digest of the weights that type 15 is rendered with; None: the newest.
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
    conditions = len(grid.conditions()) + (0 if wanted.chains is None else wanted.chains.count)

    def rows(entries: tuple[ImageEntry, ...]) -> pa.Table:
        references = [Reference(entry.id, entry.path, entry.split) for entry in entries]
        single = recipe_rows(references, grid)
        if wanted.chains is None:
            return single
        return _by_reference(single, chain_rows(references, grid, wanted.chains), len(references))

    def tables() -> Iterator[pa.Table]:
        at_once = min(_REFERENCES_AT_ONCE, max(1, _ROWS_AT_ONCE // max(1, conditions)))
        for start in range(0, len(source.entries), at_once):
            yield rows(source.entries[start : start + at_once])

    def sample(count: int) -> pa.Table:
        step = max(1, len(source.entries) // count)
        chosen = rows(source.entries[::step][:count])
        picks = [(k * conditions + k * conditions // count) for k in range(len(chosen) // conditions)]
        # Of a few references, several conditions each.
        more = max(1, count // max(1, len(picks)))
        spread = sorted({(p + j * conditions // more) % len(chosen) for p in picks for j in range(more)})
        return chosen.take(spread)

    listing = source.listing()
    config: dict[str, Any] = {
        "types": list(wanted.types),
        "levels": list(wanted.levels),
        "seed": wanted.seed,
        "format": wanted.image_format,
    }
    if wanted.chains is not None:
        config["chains"] = wanted.chains.as_json()
    inputs = {source.name: digest_listing((p, b) for _, p, b in listing)}
    held_out = {entry.id: entry.split for entry in source.entries if entry.split != "train"}
    if held_out:
        inputs["splits"] = digest_json(held_out)
    identity = make_provenance(
        "distort",
        config,
        inputs,
        denoiser=denoiser or newest_digest(),
        user_types=record_user_types(_type_ids(wanted)),
    )
    roots = Roots({RENDERED: images_out, REFERENCES: source.folder})
    count = len(source.entries) * conditions
    return PlannedRows(
        count=count,
        carried=0,
        references=len(source.entries),
        tables=tables,
        sample=sample,
        listing=listing,
        identity=identity,
        roots=roots,
    )


def _type_ids(wanted: Distortions) -> tuple[int, ...]:
    """Return the distortion ids that rows may have, those of chains among them."""
    if wanted.chains is None:
        return wanted.types
    named = tuple(step.distortion_id for chain in wanted.chains.named for step in chain)
    return (*wanted.types, *named, *(wanted.chains.types if wanted.chains.drawn else ()))


def _by_reference(first: pa.Table, second: pa.Table, references: int) -> pa.Table:
    """Put two tables together, the rows of each reference side by side: neighbors share its decoding.

    Args:
        first: The same number of rows for each reference, references outermost.
        second: Likewise.
        references: How many there are.
    """
    places = np.arange(len(first) + len(second))
    blocks = [part.reshape(references, -1) for part in np.split(places, [len(first)])]
    order = np.concatenate(blocks, axis=1).reshape(-1)
    return pa.concat_tables([first, second]).unify_dictionaries().take(pa.array(order))


def placed(tables: Iterator[pa.Table], layout: Layout, rows_per_shard: int, *, first: int = 0) -> Iterator[pa.Table]:
    """Give rows the image paths that a layout has for them, by the shard that each will be in.

    Rows without a seed are not made here: their pixels stay where they are.

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
        names = ("reference_id", "sample_id", "image_path", "seed")
        columns = zip(*(table[name].to_pylist() for name in names), strict=True)
        paths = [
            path
            if seed is None
            else stored_path(
                layout,
                reference_id=reference,
                sample_id=sample,
                suffix=PurePosixPath(path).suffix,
                shard=first + (done + k) // rows_per_shard,
            )
            for k, (reference, sample, path, seed) in enumerate(columns)
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
