"""Rows that say how to make an image by several distortions: which chains a reference gets, and their seeds."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa

from ....distortions.chains import Chain, ChainStep, format_chain
from ...errors import CurateError
from ...storage.paths.file_names import rendered_path
from ..ids import make_chain_id
from ..recipes import RecipeGrid, Reference
from ..schema import CHAIN, build_table
from ..seeds import context_seed, row_seed
from .settings import TOO_FEW_CHAINS, ChainSettings, is_compression

CHAIN_NAME = "chain"
# A draw that finds a chain again is repeated, so that a reference's chains differ.
_DRAWS_PER_CHAIN = 100

_NULL_STEP = dict.fromkeys(ChainStep._fields)

T = TypeVar("T")


class SeededChain(NamedTuple):
    """A chain that can be applied.

    Attributes:
        seed: Of the whole, which its steps' seeds go with; a row holds it as its own.
        steps: With seeds.
    """

    seed: int
    steps: Chain


def chain_rows(references: Sequence[Reference], grid: RecipeGrid, wanted: ChainSettings) -> pa.Table:
    """Lay out the rows references x chains.

    Args:
        references: R pristine images.
        grid: What the rows have in common; its types and levels are not looked at.
        wanted: The chains.

    Returns:
        A manifest table with `wanted.count` rows per reference, references outermost; `distortion` is `chain`,
        `distortion_id`, `level` and labels are null, status `ok`.

    Raises:
        CurateError: There are fewer different chains than asked for.
    """
    cells = [(reference, chain) for reference in references for chain in chains_of(reference.id, wanted, grid.seed)]
    ids = [make_chain_id(reference.id, chain.steps) for reference, chain in cells]
    columns = {
        "sample_id": ids,
        "image_path": [rendered_path(ref.id, i, grid.suffix) for i, (ref, _) in zip(ids, cells, strict=True)],
        "image_root": grid.image_root,
        "reference_id": [reference.id for reference, _ in cells],
        "reference_path": [reference.path for reference, _ in cells],
        "reference_root": grid.reference_root,
        "distortion": CHAIN_NAME,
        "dataset": grid.dataset,
        "split": [reference.split for reference, _ in cells],
        "seed": pa.array([chain.seed for _, chain in cells], pa.int64()),
        "chain": pa.array([[step._asdict() for step in chain.steps] for _, chain in cells], CHAIN),
        "status": "ok",
    }
    return build_table(columns, len(cells))


def chains_of(reference_id: str, wanted: ChainSettings, seed: int) -> tuple[SeededChain, ...]:
    """Return the chains of a reference: the named ones, then the drawn ones, each different.

    They depend on the reference's id, the settings and the seed alone. Of a larger number, the first are the same.

    Args:
        reference_id: Id of the pristine image.
        wanted: The chains.
        seed: The run's seed.

    Raises:
        CurateError: There are fewer different chains than asked for.
    """
    bare = dict.fromkeys(wanted.named)
    for attempt in range(_DRAWS_PER_CHAIN * wanted.count):
        if len(bare) == wanted.count:
            break
        bare[draw_chain(wanted, seed, reference_id, attempt)] = None
    if len(bare) < wanted.count:
        raise CurateError(
            f"{wanted.drawn} different chains were asked for and {len(bare) - len(wanted.named)} found for "
            f"{reference_id!r}: {TOO_FEW_CHAINS}"
        )
    return tuple(seeded(wanted.with_stretch(chain), seed, reference_id) for chain in bare)


def chain_texts(column: pa.ChunkedArray) -> list[str | None]:
    """Return the column `chain` as people write it: `gaussian_blur:2+jpeg:3`, None for a row of one type."""
    return [None if steps is None else format_chain(chain_of_row(steps)) for steps in column.to_pylist()]


def chain_of_row(steps: Sequence[Mapping[str, Any] | None]) -> Chain:
    """Return the chain that a row's cell of the column `chain` holds.

    Args:
        steps: The cell. What it leaves open is kept so, for a message about that row: a step or type that is null is
            no type, a level that is null is not a number.
    """
    return tuple(_step_of_row(step or _NULL_STEP) for step in steps)


def draw_chain(wanted: ChainSettings, *context: str | int) -> Chain:
    """Draw one chain: its length, the groups of types in their order, and of each group a type and level.

    Args:
        wanted: What to draw from.
        *context: What it is drawn for: seed, id of the reference, number of the draw, ...

    Returns:
        The steps, without seeds and without stretches.
    """
    groups = wanted.groups()
    shortest, longest = wanted.length
    length = _pick(range(shortest, longest + 1), "length", *context)
    order = sorted(range(len(groups)), key=lambda group: context_seed("chain", "group", *context, group))
    pairs = [_pick(groups[group], "pair", *context, group) for group in order[:length]]
    if wanted.order == "compression-last":
        pairs.sort(key=lambda pair: is_compression(pair[0]))
    return tuple(ChainStep(kind, float(level)) for kind, level in pairs)


def seeded(chain: Chain, *context: str | int) -> SeededChain:
    """Give a chain and each of its steps a seed.

    Args:
        chain: The steps. Where it is stretched does not change the seeds, so that both ways have the same noise.
        *context: What it is drawn for: the run's seed, the id of the reference.
    """
    cells = [f"{step.distortion_id}:{step.level:g}" for step in chain if not step.is_stretch]
    numbers = iter(range(len(cells)))

    def steps() -> Iterator[ChainStep]:
        for step in chain:
            if step.is_stretch:
                yield step
                continue
            yield step._replace(seed=row_seed(context_seed("chain", "step", *context, *cells, next(numbers))))

    return SeededChain(row_seed(context_seed("chain", "whole", *context, *cells)), tuple(steps()))


def _step_of_row(step: Mapping[str, Any]) -> ChainStep:
    level = math.nan if step["level"] is None else step["level"]
    return ChainStep(step["distortion_id"], level, step["seed"])


def _pick(options: Sequence[T], *context: str | int) -> T:
    # Of 2^63 numbers: that they are no multiple of the options shifts no chance by more than 1 in 10^16.
    return options[context_seed("chain", *context) % len(options)]
