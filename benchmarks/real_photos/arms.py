"""The arms: which rows with which labels a model is trained on, written down before a score is read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from syndr_curate import CurateError
from syndr_curate.curate.datasets.type_lists import read_preset
from syndr_curate.curate.manifest.seeds import uniform_draw
from syndr_curate.curate.storage.atomic import write_bytes

from .labels import CALIBRATED, CONDITION, KNN, MDSI
from .pictures import CANDIDATES, LABELED
from .renderings import CAMERA_POOL, CHAINS
from .settings import BLUR_TYPES, PRESETS, SEED, SINGLE_TYPES, TYPES, Run
from .type_selection import selected_types

ALL, BID, SELECTED, PUBLISHED = "all", "bid", "selected", "selected-published"
BASELINE = ALL
KEPT = "kept"  # the candidates that `select` keeps
Control = Literal["constant", "shuffled"]
_TITLES = {ALL: "all types", SELECTED: "domains select", PUBLISHED: "domains select, published rule"}


@dataclass(frozen=True)
class Arm:
    """One training set.

    Attributes:
        key: For file names.
        title: For tables.
        types: Distortion ids of the single types.
        source: Who labels the rows.
        added: Pools beside the labeled references' single types.
        control: What is done to the labels: `constant`: the added rows get the mean label of the others; `shuffled`:
            labels change places among the references of one type and level.
    """

    key: str
    title: str
    types: tuple[int, ...]
    source: str = CONDITION
    added: tuple[str, ...] = ()
    control: Control | None = None

    def blocks(self) -> Iterator[tuple[str, int | None]]:
        """Give (pool, type) of the blocks of rows; type None stands for the whole pool."""
        yield from ((LABELED, kind) for kind in self.types)
        for pool in self.added:
            if pool in (CHAINS, CAMERA_POOL):
                yield pool, None
            else:
                yield from ((pool, kind) for kind in self.types)


def type_sets(run: Run) -> dict[str, tuple[int, ...]]:
    """Return the sets of types that are compared, by name; a selection that is empty is left out."""
    presets = {name: read_preset(name) for name in PRESETS}
    chosen = {name: types for name, types in selected_types(run).items() if types}
    return {ALL: TYPES, **presets, **chosen}


def arms_of(sets: Mapping[str, tuple[int, ...]], *, neighbors: bool) -> tuple[Arm, ...]:
    """Return all arms.

    Args:
        sets: What `type_sets` gives.
        neighbors: Whether there are labels by the published neighbor rule.
    """
    arms = [Arm(name, _TITLES.get(name, f"preset {name}"), types) for name, types in sets.items()]
    for name in (ALL, BID, SELECTED):
        if name in sets:
            arms += _variants(name, sets[name], neighbors=neighbors)
    arms += [Arm(f"type-{kind}", f"type {kind} alone", (kind,)) for kind in SINGLE_TYPES]
    arms.append(Arm("blur", "blur types (1, 2, 3) alone", BLUR_TYPES))
    return tuple(arms)


def _variants(name: str, types: tuple[int, ...], *, neighbors: bool) -> list[Arm]:
    title = _TITLES.get(name, f"preset {name}")

    def arm(key: str, text: str, source: str = CONDITION, *added: str, control: Control | None = None) -> Arm:
        return Arm(f"{name}-{key}", f"{title}, {text}", types, source, added, control)

    arms = [
        arm("candidates", "+ all candidates", CONDITION, CANDIDATES),
        arm("kept", "+ selected candidates", CONDITION, KEPT),
        arm("constant", "+ all candidates, constant label", CONDITION, CANDIDATES, control="constant"),
    ]
    for source, text in ((MDSI, "MDSI labels"), (CALIBRATED, "calibrated labels")):
        arms += [
            arm(source, text, source),
            arm(f"{source}-chains", f"{text}, + chains", source, CHAINS),
            arm(f"{source}-camera", f"{text}, + camera", source, CAMERA_POOL),
        ]
    arms.append(arm("mdsi-shuffled", "MDSI labels, shuffled", MDSI, control="shuffled"))
    if neighbors:
        arms.append(arm(KNN, "neighbor labels", KNN))
    return [*arms, arm("everything", "calibrated labels, + all three", CALIBRATED, KEPT, CHAINS, CAMERA_POOL)]


def write_arms(run: Run) -> tuple[Arm, ...]:
    """Write down the arms and the random sets of types.

    Returns:
        The arms.

    Raises:
        CurateError: There is no arm of a key that was asked for.
    """
    sets = type_sets(run)
    arms = _only(arms_of(sets, neighbors=run.inputs.neighbor_labels is not None), run.only)
    size = len(sets.get(SELECTED, sets[BID]))
    content = {"arms": [asdict(arm) for arm in arms], "random_sets": random_sets(size, run.size.random_sets)}
    write_bytes(run.path("arms.json"), json.dumps(content, indent=1).encode())
    return arms


def _only(arms: tuple[Arm, ...], keys: tuple[str, ...]) -> tuple[Arm, ...]:
    known = [arm.key for arm in arms]
    unknown = [key for key in keys if key not in known]
    if unknown:
        raise CurateError(f"no arm {unknown[0]!r}; there are {', '.join(known)}")
    always = {BASELINE, *PRESETS}
    return tuple(arm for arm in arms if not keys or arm.key in always or arm.key in keys)


def read_arms(run: Run) -> tuple[Arm, ...]:
    """Return the arms that were written down."""
    read = json.loads(run.path("arms.json").read_text())["arms"]
    return tuple(Arm(**{**arm, "types": tuple(arm["types"]), "added": tuple(arm["added"])}) for arm in read)


def read_random_sets(run: Run) -> list[tuple[int, ...]]:
    """Return the random sets of types, as many types in each as `domains select` takes."""
    return [tuple(types) for types in json.loads(run.path("arms.json").read_text())["random_sets"]]


def random_sets(size: int, count: int) -> list[tuple[int, ...]]:
    """Draw sets of types."""
    every = [str(kind) for kind in TYPES]
    drawn = (uniform_draw(every, size, SEED, "real-photos-random-set", number) for number in range(count))
    return [tuple(sorted(int(kind) for kind in each)) for each in drawn]
