"""Stage `domains select`: which distortion types suit an unlabelled target set."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..datasets.image_folders import ImageSource, open_source
from ..datasets.image_notes import note_images
from ..datasets.settings import IdStyle
from ..datasets.type_lists import PRESET_SUFFIX
from ..errors import CurateError, RowError
from ..manifest.manifest import ManifestFile, ok_rows, read_manifest
from ..manifest.pixel_facts import decoding_of, facts_of_decoding
from ..manifest.provenance import attach, digest_file, make_provenance, read_provenance
from ..manifest.recipes import distortion_name
from ..manifest.roots import Roots
from ..printable import printable_lines
from ..rendering.mix_recipes import pixel_rows
from ..rendering.pixel_loader import PixelLoader
from ..runs.progress import SILENT, Reporter
from ..runs.threads import ordered_map
from ..storage.atomic import atomic_path, refuse_overwriting, write_bytes
from ..storage.images import DecodeOptions
from .classifier import DomainClassifier
from .classifier_files import load_classifier
from .selection_rule import Selection, select_types
from .settings import DomainsSelectSettings

_FAILURES_SHOWN = 10
_BATCH = 16
OK = "ok"


@dataclass(frozen=True)
class TargetImage:
    """One image of a target set.

    Attributes:
        id: Its id.
        path: Where it lies below its root.
        load: Gives its pixels.
        status: `ok`, or the status of a manifest row that has no pixels.
        error: Why it has none.
    """

    id: str
    path: str
    load: Callable[[], NDArray[np.uint8]]
    status: str = OK
    error: str | None = None


@dataclass(frozen=True)
class DomainSelection:
    """What a classifier and the counting rule say of a target set.

    Attributes:
        selection: Types, shares and top-1 shares over the images that could be used.
        published: The same by the published rule, which fills all four places of every image.
        images: A row per image, in the set's order: `id, image_path, status, error, scores` (26 of them, null where the
            status is not `ok`).
    """

    selection: Selection
    published: Selection
    images: pa.Table

    def unusable(self) -> list[dict[str, Any]]:
        """Return id, path, status and error of the images that could not be used."""
        rows = self.images.select(["id", "image_path", "status", "error"]).to_pylist()
        return [row for row in rows if row["status"] != OK]


def select_domains(
    target: Sequence[TargetImage] | Path | str,
    classifier: DomainClassifier | Path | str,
    *,
    least_belief: float = DomainsSelectSettings.least_belief,
    workers: int | None = None,
    reporter: Reporter = SILENT,
) -> DomainSelection:
    """Ask a classifier about five patches of every image, and select types by DGQA's rule.

    Args:
        target: Images, a folder of them, or a manifest (`.parquet`).
        classifier: What gives the class scores, or the file that `domains fit` wrote.
        least_belief: A class with a smaller probability takes no place of an image; 0 is the published rule.
        workers: Threads; the result does not depend on them.
        reporter: Shows progress.

    Returns:
        The selection, and a row per image, whatever its state.

    Raises:
        CurateError: Nothing to read, none of the images can be used (the message has the first reason), or a belief
            outside [0, 1).

    Source: DGQA (CVPR 2024); `least_belief` is this project's.
    """
    _check_belief(least_belief)
    images = images_of(Path(target), DecodeOptions()) if isinstance(target, Path | str) else target
    if isinstance(classifier, Path | str):
        classifier, _ = load_classifier(classifier)
    rows: list[dict[str, Any]] = []
    with reporter.task("classify", len(images)) as task:
        prepared = ordered_map(partial(_prepare, classifier), images, workers)
        for batch in _batches(prepared):
            ready = [patches for _, patches, _, _ in batch if patches is not None]
            scores = iter(classifier.scores(ready) if ready else ())
            for image, patches, status, error in batch:
                row = {"id": image.id, "image_path": image.path, "status": status, "error": error}
                rows.append({**row, "scores": None if patches is None else next(scores).tolist()})
            task.advance(len(batch), failed=len(batch) - len(ready))
    usable = [row["scores"] for row in rows if row["scores"] is not None]
    if not usable:
        first = f": {rows[0]['image_path']}: {rows[0]['error']}" if rows else ""
        raise CurateError(f"none of {len(rows)} target images can be used{first}")
    columns = {
        name: pa.array([row[name] for row in rows], pa.string()) for name in ("id", "image_path", "status", "error")
    }
    table = pa.table({**columns, "scores": pa.array([row["scores"] for row in rows], pa.list_(pa.float64()))})
    counted = np.array(usable)
    return DomainSelection(select_types(counted, least_belief), select_types(counted), table)


def _check_belief(least: float) -> None:
    if not 0 <= least < 1:
        raise CurateError(f"--least-belief {least}: expected a probability, from 0 to below 1")


def images_of(
    target: Path,
    decoding: DecodeOptions,
    *,
    ids: IdStyle = "stem",
    roots: Mapping[str, Path] | None = None,
) -> list[TargetImage]:
    """List the images of a folder, of one image, or of a manifest."""
    if target.suffix == ".parquet":
        return images_of_manifest(target, decoding, roots)
    return images_of_source(open_source(target, ids=ids), decoding)


def images_of_source(source: ImageSource, decoding: DecodeOptions) -> list[TargetImage]:
    """List the images of a folder."""
    return [
        TargetImage(entry.id, entry.path, partial(decoding.decode, source.folder / entry.path))
        for entry in source.entries
    ]


def images_of_manifest(
    manifest: Path, decoding: DecodeOptions, roots: Mapping[str, Path] | None = None
) -> list[TargetImage]:
    """List the images of a manifest by sample id; rows without stored pixels are made when they are looked at.

    Rows that are not ok stay in the list, with their reason.

    Raises:
        CurateError: The manifest cannot be read, `decoding` contradicts it, or where files lie that its rows need is
            not known.
    """
    table = read_manifest(manifest)
    pixels = _pixels_of(table, manifest, decoding, roots)
    pixels.require_roots(pixel_rows(ok_rows(table)))
    states = zip(table["status"].to_pylist(), table["error"].to_pylist(), strict=True)
    return [
        TargetImage(row.sample_id, row.image_path, partial(pixels.load, row), status, error)
        for row, (status, error) in zip(pixel_rows(table), states, strict=True)
    ]


def _pixels_of(
    table: pa.Table, manifest: Path, decoding: DecodeOptions, roots: Mapping[str, Path] | None
) -> PixelLoader:
    places = Roots.of_manifest(table, manifest, roots)
    return PixelLoader(places, decoding=decoding_of(read_provenance(table), decoding, str(manifest)))


def run_domains_select(
    target: Path,
    classifier: Path,
    out: Path,
    settings: DomainsSelectSettings | None = None,
    *,
    name: str | None = None,
    scores: Path | None = None,
    ids: IdStyle = "stem",
    roots: Mapping[str, Path] | None = None,
    decoding: DecodeOptions | None = None,
    workers: int | None = None,
    reporter: Reporter = SILENT,
) -> dict[str, Any]:
    """Select the types of a target folder or manifest, and write them as a preset.

    Args:
        target: Folder of images, one image, or a manifest (`.parquet`).
        classifier: What `domains fit` wrote.
        out: Preset file to write (`.json`).
        settings: How types are selected.
        name: The preset's name; by default the file's stem.
        scores: Also write a row per image with its class scores (`.parquet`).
        ids: How ids are made from file names.
        roots: Folders of a manifest's roots that have moved.
        decoding: EXIF orientation, pixel limit.
        workers: Threads; None uses every core.
        reporter: Shows progress.

    Returns:
        `types, shares, published, top1_shares, images, unusable, mostly_pristine, note, out`. Shares are of types by id
        as text; top-1 shares have `0` for pristine too. `published` has `types` and `shares` as without `least_belief`.

    Raises:
        CurateError: No image or no classifier to read, or a file cannot be written.
    """
    settings = settings or DomainsSelectSettings()
    _check_belief(settings.least_belief)
    if out.suffix != PRESET_SUFFIX:
        raise CurateError(f"--out {out}: a preset is a {PRESET_SUFFIX} file")
    if scores is not None and scores.suffix != ".parquet":
        raise CurateError(f"--scores {scores}: scores are written as .parquet")
    for written in (out, scores):
        if written is not None:
            refuse_overwriting(written, target, classifier, classifier.with_suffix(".json"))
    decoding = decoding or DecodeOptions()
    if target.suffix == ".parquet":
        decoding = decoding_of(ManifestFile(target).provenance, decoding, str(target))
    images = images_of(target, decoding, ids=ids, roots=roots)
    inputs = {"target": digest_file(target) if target.suffix == ".parquet" else open_source(target, ids=ids).digest()}
    built, facts = load_classifier(classifier, device=settings.device)
    found = select_domains(images, built, least_belief=settings.least_belief, workers=workers, reporter=reporter)
    for row in found.unusable()[:_FAILURES_SHOWN]:
        reporter.note(f"not counted: {row['image_path']}: {row['error']}")
    config = {
        "kind": facts["kind"],
        "least_belief": settings.least_belief,
        "exif_orient": False,
        **facts_of_decoding(decoding),
        "max_pixels": decoding.max_pixels,
    }
    inputs["classifier"] = facts["weights_digest"]
    provenance = make_provenance("domains select", config, inputs)
    if scores is not None:
        with atomic_path(scores) as temporary:
            pq.write_table(attach(found.images, provenance), temporary, compression="zstd")
    summary = summarize(found)
    preset = {"name": name or out.stem, "source": "syndr-curate domains select", **summary, "provenance": provenance}
    write_bytes(out, (json.dumps(preset, indent=2) + "\n").encode())
    summary |= {} if scores is None else {"scores": str(scores)}
    if target.suffix == ".parquet":
        table = ok_rows(read_manifest(target))
        pixels = _pixels_of(table, target, decoding, roots)
        summary |= pixels.note_images(pixel_rows(table), workers=workers, reporter=reporter)
    else:
        source = open_source(target, ids=ids)
        files = [source.folder / entry.path for entry in source.entries]
        summary |= note_images(files, icc=decoding.icc, workers=workers, reporter=reporter)
    return {**summary, "out": str(out)}


def summarize(found: DomainSelection) -> dict[str, Any]:
    """Return what a selection says, as JSON values."""
    selection = found.selection
    unusable = found.unusable()
    facts: dict[str, Any] = {
        **_types_and_shares(selection),
        "published": _types_and_shares(found.published),
        "top1_shares": {str(kind): share for kind, share in selection.top1_shares.items()},
        "images": selection.images,
        "unusable": [{"image_path": row["image_path"], "error": row["error"]} for row in unusable],
        "mostly_pristine": selection.mostly_pristine,
    }
    note = _note(selection)
    return facts if note is None else {**facts, "note": note}


def _note(selection: Selection) -> str | None:
    pristine = f"{100 * selection.top1_shares[0]:.0f} % of the images look undistorted"
    if selection.mostly_pristine:
        if not selection.types:
            return f"{pristine}, and no type is believed in: there is nothing to choose by"
        return f"{pristine}; the types are what such images are taken for next, and say little of the set"
    if not selection.types:
        return "no type is believed in often enough; --least-belief 0 selects by rank alone"
    return None


def _types_and_shares(selection: Selection) -> dict[str, Any]:
    return {
        "types": list(selection.types),
        "shares": {str(kind): share for kind, share in selection.shares.items()},
    }


def describe_selection(summary: Mapping[str, Any]) -> str:
    """Lay a summary out for people: a line per class, the selected ones marked, the largest shares first."""
    shares, published, top1 = (
        {int(kind): share for kind, share in found.items()}
        for found in (summary["shares"], summary["published"]["shares"], summary["top1_shares"])
    )
    chosen = set(summary["types"])
    ordered = [0, *sorted(shares, key=lambda kind: (-shares[kind], -top1[kind], -published[kind], kind))]
    lines = [f"{'':2}{'id':>3}  {'type':<24}{'share':>8}{'top-1':>9}{'published':>11}"]
    for kind in ordered:
        share, bare = (f"{100 * found[kind]:.1f} %" if kind else "" for found in (shares, published))
        mark = "* " if kind in chosen else "  "
        line = f"{mark}{kind:>3}  {distortion_name(kind):<24}{share:>8}{100 * top1[kind]:>7.1f} %{bare:>11}"
        lines.append(line.rstrip())
    lines.append(
        "share: of three places per image, selected from 3.5 %; top-1: of the images; published: share by rank alone"
    )
    lines.append(f"selected (*): {_listed(summary['types'])}, from {summary['images']:,} images")
    if summary["published"]["types"] != summary["types"]:
        lines.append(f"the published rule (--least-belief 0) selects: {_listed(summary['published']['types'])}")
    if summary["unusable"]:
        lines.append(f"not counted: {len(summary['unusable'])} images that could not be used, named in the preset")
    if "note" in summary:
        lines.append(f"note: {summary['note']}")
    if summary["types"]:
        lines.append(f"use it: --types {summary['out']}")
    return printable_lines(lines)


def _listed(types: Sequence[int]) -> str:
    return ",".join(map(str, types)) or "no type"


_Prepared = tuple[TargetImage, NDArray[np.float32] | None, str, str | None]


def _prepare(classifier: DomainClassifier, image: TargetImage) -> _Prepared:
    if image.status != OK:
        return image, None, image.status, image.error
    try:
        return image, classifier.prepare(image.load()), OK, None
    except RowError as error:
        return image, None, error.status, str(error)


def _batches(prepared: Iterator[_Prepared]) -> Iterator[list[_Prepared]]:
    while batch := list(islice(prepared, _BATCH)):
        yield batch
