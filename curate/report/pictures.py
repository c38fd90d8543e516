"""Which pictures a report wants, the most telling first, and where their pixels come from."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from ..manifest.roots import CANDIDATES
from ..manifest.seeds import uniform_draw
from ..manifest.selection import KEPT
from ..rendering.mix_recipes import pixel_rows
from .clusters import GalleryCluster
from .references import ORIGINAL, ReferencePoint
from .request import Inputs, ReportManifest
from .thumbnails import Load, Wanted, file_loader

ROW, REFERENCE, PREDICTED = "row:", "reference:", "predicted:"
_CANDIDATE_SHARE = 0.25  # of the pictures, at most, are of candidates that were dropped


def wanted_pictures(
    inputs: Inputs,
    frame: pd.DataFrame,
    rows: pd.DataFrame,
    gallery: Sequence[GalleryCluster],
    cards: Sequence[Mapping[str, Any]],
    points: Sequence[ReferencePoint],
    predicted: Sequence[str],
    *,
    count: int,
    seed: int,
) -> Wanted:
    """List pictures in order of use: predicted, gallery, neighbors, references on the map, candidates, then samples.

    Args:
        inputs: The manifests and their roots.
        frame: All rows.
        rows: Those drawn one by one.
        gallery: The clusters that are shown.
        cards: The pseudo-labeled references that are shown.
        points: Originals and candidates.
        predicted: Sample ids of the pictures that are shown with their predictions, large.
        count: How many pictures there will be at most.
        seed: Seed of the draws.
    """
    wanted = Wanted()
    for identifier, load in row_loaders(inputs, frame, predicted):
        wanted.add(PREDICTED + identifier, load, large=True)
    shown = [identifier for cluster in gallery for identifier in cluster.shown_kept + cluster.shown_left]
    for identifier, load in row_loaders(inputs, frame, shown):
        wanted.add(ROW + identifier, load)
    references = reference_loaders(inputs, frame)
    named = [name for card in cards for name in (card["reference"], *(n["reference"] for n in card["neighbors"]))]
    on_map = [point.id for point in points if point.role in (ORIGINAL, KEPT)]
    for name in dict.fromkeys([*named, *on_map, *references]):
        if name in references:
            wanted.add(REFERENCE + name, references[name])
    _add_candidates(wanted, inputs, points, round(count * _CANDIDATE_SHARE), seed)
    left = max(0, count - len(wanted.loads))
    others = [identifier for identifier in rows["sample_id"] if ROW + identifier not in wanted.loads]
    drawn = uniform_draw(others, left, seed, "report pictures")
    for identifier, load in row_loaders(inputs, frame, [identifier for identifier in others if identifier in drawn]):
        wanted.add(ROW + identifier, load)
    return wanted


def reference_loaders(inputs: Inputs, frame: pd.DataFrame) -> dict[str, Load]:
    """Return what loads each reference that the rows name, those of the most rows first."""
    order = Counter(name for name in frame["reference_id"] if isinstance(name, str))
    names = sorted(order, key=lambda name: (-order[name], name))
    files: dict[str, tuple[ReportManifest, str | None, str]] = {}
    for manifest in (*inputs.chain, *inputs.mixes):
        columns = (manifest.table[name] for name in ("reference_id", "reference_root", "reference_path"))
        for name, root, path in zip(*(column.to_pylist() for column in columns), strict=True):
            if name is not None and path is not None:
                files.setdefault(name, (manifest, root, path))
    return {name: file_loader(files[name][1], files[name][2], files[name][0].pixels) for name in names if name in files}


def row_loaders(inputs: Inputs, frame: pd.DataFrame, ids: Sequence[str]) -> Iterator[tuple[str, Load]]:
    """Give each of some rows and what loads its pixels, in the order of the ids; ids of no row are passed over."""
    manifests = (inputs.before, inputs.after or inputs.before)
    chosen = frame[frame["sample_id"].isin(set(ids))]
    rows = zip(chosen["origin"].tolist(), chosen["position"].tolist(), strict=True)
    where = dict(zip(chosen["sample_id"].tolist(), rows, strict=True))
    for identifier in ids:
        if identifier not in where:
            continue
        origin, position = where[identifier]
        manifest = manifests[origin]
        row = next(pixel_rows(manifest.table.slice(position, 1)))
        yield identifier, partial(manifest.pixels.load, row)


def _add_candidates(wanted: Wanted, inputs: Inputs, points: Sequence[ReferencePoint], count: int, seed: int) -> None:
    home = next((manifest for manifest in inputs.chain if manifest.pixels.roots.has_folder(CANDIDATES)), None)
    dropped = {
        point.id: point.path
        for point in points
        if point.role != ORIGINAL and point.path is not None and REFERENCE + point.id not in wanted.loads
    }
    if home is None:
        return
    for identifier in sorted(uniform_draw(list(dropped), count, seed, "report candidate pictures")):
        path = dropped[identifier]
        if path is not None:
            wanted.add(REFERENCE + identifier, file_loader(CANDIDATES, path, home.pixels))
