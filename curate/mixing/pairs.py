"""Which images are mixed with which: the pairs of stage `mix`, drawn before any pixel is read."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...distortions.catalog import LEVELS
from ..errors import CurateError
from ..manifest.lost_metadata import refuse_lost_recipes
from ..manifest.recipes import distortion_name
from ..manifest.schema import MIX_FIELDS, build_table
from ..manifest.seeds import context_seed, row_seed
from ..manifest.splits import held_out_of
from ..rendering.mix_recipes import source_column
from .settings import Classes, MixSettings

MIXED = "mixes"
Positions = NDArray[np.int64]


@dataclass(frozen=True)
class MixPlan:
    """Which images will be mixed.

    Attributes:
        rows: A mixed manifest, still without boxes and confidences.
        sources: The usable images, by id.
        left_out: Why rows of the manifest are not among them: reason to number of rows.
    """

    rows: pa.Table
    sources: pa.Table
    left_out: dict[str, int]


def plan_mixes(table: pa.Table, settings: MixSettings) -> MixPlan:
    """Draw the pairs: two classes uniformly, then an image of each uniformly.

    The draw depends on the seed and the set of usable images alone, not on their order; a larger count begins with the
    same mixes.

    Args:
        table: A manifest.
        settings: Count, classes, seed.

    Raises:
        CurateError: Fewer than two classes among the usable images, or the manifest has lost its metadata.
    """
    refuse_lost_recipes(table)
    sources, left_out = usable_sources(table, settings)
    groups = _classes(sources, settings.classes)
    if len(groups) < 2:  # noqa: PLR2004
        names = sorted({distortion_name(kind) for kind in sources["distortion_id"].to_pylist()})
        wanted = "distortion types" if settings.classes == "type" else "pairs of type and level"
        without = ", ".join(f"{n} {reason}" for reason, n in left_out.items()) or "none"
        raise CurateError(
            f"mixing needs images of at least two {wanted}, with their references; usable are {len(sources)} rows of "
            f"{', '.join(names) or 'none'} (left out: {without})"
        )
    first, second = _draw_pairs(groups, settings)
    return MixPlan(_rows(sources, first, second, settings), sources, left_out)


def usable_sources(table: pa.Table, settings: MixSettings) -> tuple[pa.Table, dict[str, int]]:
    """Find the rows of a manifest that can be mixed: distorted training images with a reference.

    Args:
        table: A manifest.
        settings: The types and levels to use.

    Returns:
        These rows, ordered by id, and how many were left out for which reason.
    """
    # One row of a reference in another split holds all of them out: they show the same content.
    held_out = pa.array(list(held_out_of(table)), pa.string())
    kinds, levels = pc.fill_null(table["distortion_id"], 0), pc.fill_null(table["level"], 0)
    chosen = pc.and_(
        pc.is_in(kinds, pa.array(settings.types, pa.int16())), pc.is_in(levels, pa.array(settings.levels, pa.int8()))
    )
    reasons = {
        "not ok": pc.not_equal(table["status"], "ok"),
        "held out": pc.or_(pc.not_equal(table["split"], "train"), pc.is_in(table["reference_id"], value_set=held_out)),
        "without reference": pc.or_(pc.is_null(table["reference_path"]), pc.is_null(table["reference_root"])),
        "of several distortions": pc.is_valid(table["chain"]),
        "without distortion": pc.or_(pc.equal(kinds, 0), pc.equal(levels, 0)),
        "of other types or levels": pc.invert(chosen),
    }
    left, left_out = np.ones(len(table), np.bool_), {}
    for reason, unusable in reasons.items():
        now = left & np.asarray(unusable, np.bool_)
        if now.any():
            left_out[reason] = int(now.sum())
        left &= ~now
    return table.filter(pa.array(left)).sort_by("sample_id"), left_out


def _classes(sources: pa.Table, classes: Classes) -> list[Positions]:
    kinds = sources["distortion_id"].to_numpy().astype(np.int64)
    levels = sources["level"].to_numpy().astype(np.int64)
    keys = kinds if classes == "type" else kinds * (max(LEVELS) + 1) + levels
    return [np.flatnonzero(keys == key) for key in np.unique(keys)]


def _draw_pairs(groups: list[Positions], settings: MixSettings) -> tuple[Positions, Positions]:
    # Four numbers per mix, in rows, so that a larger count continues the same stream.
    rng = np.random.Generator(np.random.PCG64(context_seed("mix pairs", settings.seed)))
    draws = rng.random((settings.count, 4))
    first = (draws[:, 0] * len(groups)).astype(np.int64)
    second = (draws[:, 1] * (len(groups) - 1)).astype(np.int64)
    second += second >= first
    return _members(groups, first, draws[:, 2]), _members(groups, second, draws[:, 3])


def _members(groups: list[Positions], chosen: Positions, draws: NDArray[np.float64]) -> Positions:
    sizes = np.array([len(group) for group in groups])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    members: Positions = np.concatenate(groups)[starts[chosen] + (draws * sizes[chosen]).astype(np.int64)]
    return members


def _rows(sources: pa.Table, first: Positions, second: Positions, settings: MixSettings) -> pa.Table:
    a, b = source_column(sources, first), source_column(sources, second)
    streams = _streams(a.field("sample_id").to_pylist(), b.field("sample_id").to_pylist(), settings)
    # Of all 63 bits, which two mixes share more seldom than the 53 of their seeds.
    ids = [f"mix_{stream:016x}" for stream in streams]
    datasets = sources["dataset"].cast(pa.string()).combine_chunks()
    of_a, of_b = (datasets.take(pa.array(positions)) for positions in (first, second))
    columns = {
        "sample_id": ids,
        # A folder per first two digits, so that no folder holds millions.
        "image_path": [f"{i[4:6]}/{i}.{settings.image_format}" for i in ids],
        "image_root": MIXED,
        "dataset": pc.if_else(pc.fill_null(pc.equal(of_a, of_b), False), of_a, None),
        "split": "train",
        "seed": pa.array([row_seed(stream) for stream in streams], pa.int64()),
        "status": "ok",
    }
    table = build_table(columns, len(ids))
    known = {"source_a": a, "source_b": b}
    for field in MIX_FIELDS:
        table = table.append_column(field, known.get(field.name, pa.nulls(len(ids), field.type)))
    return table


def _streams(first: list[str], second: list[str], settings: MixSettings) -> list[int]:
    # From content: the same pair has the same stream at every position. A pair drawn again gets another box.
    drawn: Counter[tuple[str, str]] = Counter()
    streams = []
    for pair in zip(first, second, strict=True):
        streams.append(context_seed("mix", settings.seed, repr(float(settings.alpha)), *pair, drawn[pair]))
        drawn[pair] += 1
    return streams
