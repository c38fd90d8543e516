"""Stage `domains select`: which distortion types suit an unlabeled target set."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ...distortions.catalog import CATALOG, PRISTINE
from ..datasets.image_notes import note_skipped
from ..datasets.settings import IdStyle
from ..datasets.type_lists import PRESET_SUFFIX, parse_types
from ..errors import CurateError, RowError
from ..manifest.pixel_facts import facts_of_decoding
from ..manifest.provenance import attach, make_provenance
from ..runs.progress import SILENT, Reporter
from ..runs.threads import ordered_map
from ..storage.atomic import atomic_path, refuse_overwriting, write_bytes
from ..storage.images import DecodeOptions
from ..whole_numbers import whole_number, whole_numbers
from .classifier import DomainClassifier
from .classifier_files import load_classifier
from .excess_rule import ExcessSelection, select_by_excess
from .pristine_scores import PristineScores
from .selection_rule import Selection, select_types
from .settings import RULES, DomainsSelectSettings, RuleName
from .target_images import OK, TargetImage, open_target

_FAILURES_SHOWN = 10
_BATCH = 16


@dataclass(frozen=True)
class DomainSelection:
    """The class scores and the selection for a target set.

    Attributes:
        selection: Types, shares and top-1 shares over the images that could be used, by the rule asked for.
        published: The same by the published rule.
        images: A row per image, in the set's order: `id, image_path, status, error, scores` (26 of them, null where the
            status is not `ok`).
    """

    selection: ExcessSelection | Selection
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
    rule: RuleName = DomainsSelectSettings.rule,
    max_types: int | None = DomainsSelectSettings.max_types,
    exclude: Collection[int] = (),
    workers: int | None = None,
    reporter: Reporter = SILENT,
) -> DomainSelection:
    """Classify five patches of every image, and select types by the scores.

    Args:
        target: Images, a folder of them, or a manifest (`.parquet`).
        classifier: What gives the class scores, or the file that `domains fit` wrote.
        rule: `excess`: what the set shows beyond pristine photographs. `published`: DGQA's count of the four best.
        max_types: Of excess: types at most; None: no limit.
        exclude: Of excess: types that are never selected.
        workers: Threads; the result does not depend on them.
        reporter: Shows progress.

    Returns:
        The selection, and a row per image, whatever its state.

    Raises:
        CurateError: Nothing to read, none of the images can be used (the message has the first reason), an unknown
            rule, a limit below 1, types to exclude that are none or all, or a classifier that does not know pristine
            photographs.

    Source: DGQA (CVPR 2024); the rule `excess` is this project's.
    """
    images = open_target(Path(target), DecodeOptions()).images if isinstance(target, Path | str) else target
    if isinstance(classifier, Path | str):
        classifier, _ = load_classifier(classifier)
    _check_rule(rule, max_types, exclude, classifier.pristine)
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
    published = select_types(counted)
    if rule == "published":
        return DomainSelection(published, published, table)
    assert classifier.pristine is not None  # checked before the images were read
    found = select_by_excess(counted, classifier.pristine, most=max_types, excluded=exclude)
    return DomainSelection(found, published, table)


def _check_rule(
    rule: RuleName, max_types: int | None, exclude: Collection[int], pristine: PristineScores | None
) -> None:
    if rule not in RULES:
        raise CurateError(f"there is no rule {rule!r}: expected {' or '.join(RULES)}")
    if max_types is not None:
        whole_number("--max-types", max_types, least=1)
    if rule == "excess" and pristine is None:
        raise CurateError(
            "the classifier does not say what it takes pristine photographs for, which the rule excess compares with: "
            "fit it again, or give --rule published"
        )
    if rule == "published" and exclude:
        raise CurateError("--exclude is of the rule excess: leave it out, or leave out --rule published")
    excluded = set(whole_numbers("--exclude", exclude))
    known = {entry.id for entry in CATALOG}
    if unknown := sorted(excluded - known):
        raise CurateError(
            f"--exclude {','.join(map(str, unknown))}: no classifier selects these; expected ids from 1 to {len(known)}"
        )
    if excluded == known:
        raise CurateError("--exclude leaves no type to select: leave some out of it")


def run_domains_select(
    target: Path,
    classifier: Path,
    out: Path,
    settings: DomainsSelectSettings | None = None,
    *,
    name: str | None = None,
    scores: Path | None = None,
    ids: IdStyle = "stem",
    follow_links: bool = False,
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
        follow_links: Search linked folders that lead out of the target's folder.
        roots: Folders of a manifest's roots that have moved.
        decoding: EXIF orientation, pixel limit.
        workers: Threads; None uses every core.
        reporter: Shows progress.

    Returns:
        `rule, types, shares, published, top1_shares, images, unusable, mostly_pristine, note, out`, and by the rule
        excess `excess, certainty`. All are of types by id as text; top-1 shares have `0` for pristine too. `published`
        has the `types` and `shares` of the published rule.

    Raises:
        CurateError: No image or no classifier to read, or a file cannot be written.
    """
    settings = settings or DomainsSelectSettings()
    exclude = () if settings.exclude is None else parse_types(settings.exclude)
    if out.suffix != PRESET_SUFFIX:
        raise CurateError(f"--out {out}: a preset is a {PRESET_SUFFIX} file")
    if scores is not None and scores.suffix != ".parquet":
        raise CurateError(f"--scores {scores}: scores are written as .parquet")
    for written in (out, scores):
        if written is not None:
            refuse_overwriting(written, target, classifier, classifier.with_suffix(".json"))
    opened = open_target(target, decoding or DecodeOptions(), ids=ids, follow_links=follow_links, roots=roots)
    skipped = note_skipped(opened.skipped, target, reporter)
    built, facts = load_classifier(classifier, device=settings.device)
    found = select_domains(
        opened.images,
        built,
        rule=settings.rule,
        max_types=settings.max_types,
        exclude=exclude,
        workers=workers,
        reporter=reporter,
    )
    for row in found.unusable()[:_FAILURES_SHOWN]:
        reporter.note(f"not counted: {row['image_path']}: {row['error']}")
    config = {
        "kind": facts["kind"],
        "rule": settings.rule,
        "max_types": settings.max_types,
        "exclude": list(exclude),
        "exif_orient": False,
        **facts_of_decoding(opened.decoding),
        "max_pixels": opened.decoding.max_pixels,
    }
    inputs = {"target": opened.digest, "classifier": facts["weights_digest"]}
    provenance = make_provenance("domains select", config, inputs)
    if scores is not None:
        with atomic_path(scores) as temporary:
            pq.write_table(attach(found.images, provenance), temporary, compression="zstd")
    summary = summarize(found)
    preset = {"name": name or out.stem, "source": "syndr-curate domains select", **summary, "provenance": provenance}
    write_bytes(out, (json.dumps(preset, indent=2) + "\n").encode())
    summary |= {} if scores is None else {"scores": str(scores)}
    summary |= skipped | opened.note(workers, reporter)
    return {**summary, "out": str(out)}


def summarize(found: DomainSelection) -> dict[str, Any]:
    """Return a selection as JSON values."""
    selection, unusable = found.selection, found.unusable()
    by_excess = isinstance(selection, ExcessSelection)
    mostly_pristine = 2 * selection.top1_shares[PRISTINE] > 1
    facts: dict[str, Any] = {
        "rule": "excess" if by_excess else "published",
        **_types_and_shares(selection),
        **_evidence(selection),
        "published": _types_and_shares(found.published),
        "top1_shares": {str(kind): share for kind, share in selection.top1_shares.items()},
        "images": selection.images,
        "unusable": [{"image_path": row["image_path"], "error": row["error"]} for row in unusable],
        "mostly_pristine": mostly_pristine,
    }
    if not selection.types:
        return {**facts, "note": _why_none(selection)}
    if mostly_pristine and not by_excess:
        pristine = f"{100 * selection.top1_shares[PRISTINE]:.0f} % of the images look undistorted"
        note = f"{pristine}; the types are what such images are classified as next, and mean little for the set"
        return {**facts, "note": note}
    return facts


def _why_none(selection: ExcessSelection | Selection) -> str:
    if selection.images == 1:
        return "one image shows no type for certain: none is selected; give more images of the set, or --rule published"
    left_out = isinstance(selection, ExcessSelection) and selection.left_out
    no_type = f"no type but those excluded ({','.join(map(str, left_out))})" if left_out else "no type"
    return f"the images show {no_type} more often than pristine photographs do: none is selected"


def _types_and_shares(selection: ExcessSelection | Selection) -> dict[str, Any]:
    return {
        "types": list(selection.types),
        "shares": {str(kind): share for kind, share in selection.shares.items()},
    }


def _evidence(selection: ExcessSelection | Selection) -> dict[str, dict[str, float]]:
    if not isinstance(selection, ExcessSelection):
        return {}
    return {
        name: {str(kind): round(float(values[kind]), 6) for kind in selection.shares}
        for name, values in (("excess", selection.excess), ("certainty", selection.certainty))
    }


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
