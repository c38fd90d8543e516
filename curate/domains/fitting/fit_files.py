"""Stage `domains fit` as the command runs it: from a folder to the classifier's files, and what to say of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...datasets.image_folders import ImageSource, open_source
from ...datasets.image_notes import note_distorted, note_images, note_skipped
from ...datasets.settings import IdStyle
from ...errors import CurateError
from ...manifest.recipes import distortion_name
from ...printable import printable_lines
from ...runs.progress import SILENT, Reporter
from ...storage.atomic import cannot_write, refuse_overwriting, write_bytes
from ...storage.figures import why_no_figures
from ...storage.images import DecodeOptions
from ..classifier_files import WEIGHTS_SUFFIX, facts_path, save_classifier
from ..evaluation import confusion_figure
from ..selection_rule import CLASSES
from ..settings import DomainsFitSettings, PerReference
from .fit import LEAST_REFERENCES, FittedDomains, LightSettings, fit_domains
from .training_pictures import types_of_references

FIGURE_SUFFIX = ".png"


def run_domains_fit(
    references: Path,
    out: Path,
    settings: DomainsFitSettings | None = None,
    *,
    weights: Path | None = None,
    ids: IdStyle = "stem",
    follow_links: bool = False,
    decoding: DecodeOptions | None = None,
    workers: int | None = None,
    dry_run: bool = False,
    reporter: Reporter = SILENT,
) -> dict[str, Any]:
    """Fit a classifier and write it: `NAME.safetensors`, its facts `NAME.json`, its confusion matrix `NAME.png`.

    Without matplotlib, `NAME.png` is left out, and a note says so before the fit.

    Args:
        references: Folder of pristine photographs.
        out: `NAME.safetensors`.
        settings: The kind of classifier, and how it is fitted.
        weights: Of resnet50: a local ImageNet checkpoint.
        ids: How ids are made from file names.
        follow_links: Search linked folders that lead out of the folder of references.
        decoding: EXIF orientation, pixel limit.
        workers: Threads; None uses every core.
        dry_run: Say what would be made, and make nothing.
        reporter: Shows progress.

    Returns:
        `kind, references, references_unusable, classes_unseen, patches, held_out_top1, ..., recall, confusion,
        confusion_matrix, facts, out`. `confusion` counts held-out patches by true class (26 rows) and best class;
        `confusion_matrix` is the path of its figure, None without matplotlib.

    Raises:
        CurateError: No references, a setting that does not belong to the kind, or a file cannot be written.
    """
    settings = settings or DomainsFitSettings()
    if out.suffix != WEIGHTS_SUFFIX:
        raise CurateError(f"--out {out}: a classifier is a {WEIGHTS_SUFFIX} file, with its .json and .png beside it")
    for written in (out, facts_path(out), out.with_suffix(FIGURE_SUFFIX)):
        refuse_overwriting(written, weights)
    source = open_source(references, ids=ids, follow_links=follow_links)
    if any(out.resolve().is_relative_to(folder.resolve()) for folder in (references, *source.linked)):
        raise CurateError(
            f"--out {out} is in the folder of references: its .png would be read as a reference next time; choose "
            "another --out"
        )
    skipped = note_skipped(source.skipped, references, reporter)
    note_distorted(source, reporter)
    if len(source.entries) < LEAST_REFERENCES:
        raise CurateError(f"{references}: {len(source.entries)} reference; two are needed at least")
    _warn_of_missing_figure(out.with_suffix(FIGURE_SUFFIX), reporter)
    chosen: PerReference = settings.per_reference or ("all" if settings.kind == "light" else "one")
    if settings.kind == "light":
        if weights is not None:
            raise CurateError(
                "the light classifier starts from no weights: leave out --weights, or add --kind resnet50"
            )
        if settings.batch_size is not None:
            raise CurateError("--batch-size is of resnet50: leave it out, or add --kind resnet50")
        if settings.device == "cuda":
            raise CurateError("the light classifier needs no GPU: leave out --device cuda, or add --kind resnet50")
        light = LightSettings(per_reference=chosen, seed=settings.seed)
        if settings.epochs is not None:
            light = replace(light, training=replace(light.training, epochs=settings.epochs))
        if dry_run:
            return {**_planned(source, light), **skipped, "dry_run": True, "out": str(out)}
        fitted = fit_domains(source, light, decoding=decoding, workers=workers, reporter=reporter)
    else:
        from .fit_resnet import ResNetSettings, fit_resnet_domains, planned

        resnet = ResNetSettings(per_reference=chosen, weights=weights, device=settings.device, seed=settings.seed)
        resnet = replace(resnet, epochs=settings.epochs or resnet.epochs, batch=settings.batch_size or resnet.batch)
        if dry_run:
            return {**planned(source, resnet), **skipped, "dry_run": True, "out": str(out)}
        fitted = fit_resnet_domains(source, resnet, decoding=decoding, workers=workers, reporter=reporter)
    summary = write_fitted(fitted, out)
    files = [source.folder / entry.path for entry in source.entries]
    icc = (decoding or DecodeOptions()).icc
    return {**summary, **skipped, **note_images(files, icc=icc, workers=workers, reporter=reporter)}


def write_fitted(fitted: FittedDomains, out: Path) -> dict[str, Any]:
    """Write a fitted classifier with its facts and, where it can be drawn, its confusion matrix; return its summary.

    Raises:
        CurateError: A file cannot be written, or the figure of an older classifier cannot be removed.
    """
    scores = {"clean": fitted.clean.as_json(), "recompressed": fitted.recompressed.as_json()}
    facts = save_classifier(fitted.classifier, {**fitted.facts, "held_out": scores}, out)
    figure = _write_confusion(fitted, out.with_suffix(FIGURE_SUFFIX))
    return {
        "kind": facts["kind"],
        "references": facts["references"],
        "references_unusable": len(facts["references_unusable"]),
        "classes_unseen": facts["classes_unseen"],
        "patches": fitted.together.samples,
        "held_out_top1": fitted.clean.top1_accuracy(),
        "held_out_top4": fitted.clean.top4_accuracy(),
        "held_out_top1_recompressed": fitted.recompressed.top1_accuracy(),
        "held_out_top4_recompressed": fitted.recompressed.top4_accuracy(),
        "recall": {distortion_name(k): value for k, value in fitted.together.recall().items()},
        "confusion": fitted.together.confusion.tolist(),
        "confusion_matrix": None if figure is None else str(figure),
        "facts": str(facts_path(out)),
        "out": str(out),
    }


def describe_fit(summary: Mapping[str, Any]) -> str:
    """Format a summary as text, with a line per class."""
    clean, again = (
        f"top-1 {_percent(summary[f'held_out_top1{suffix}'])}, top-4 {_percent(summary[f'held_out_top4{suffix}'])}"
        for suffix in ("", "_recompressed")
    )
    lines = [
        f"{summary['kind']} classifier of {CLASSES} classes from {summary['references']:,} references",
        "on single patches of references that a network has not seen, all levels:",
        f"  as rendered          {clean}",
        f"  saved as JPEG again  {again}",
        "confusion matrix (both together, percent of a class's patches):",
        f"  {'id':>2}  {'class':<24}{'recall':>8}  taken for (id: percent)",
    ]
    for kind in range(CLASSES):
        name = distortion_name(kind)
        recall, others = _percent(summary["recall"][name]), _taken_for(summary["confusion"][kind], kind)
        lines.append(f"  {kind:>2}  {name:<24}{recall:>8}  {others}".rstrip())
    lines.append(f"confusion matrix: {summary['confusion_matrix'] or 'not drawn, as there is no matplotlib'}")
    lines += [f"{name}: {summary[name]}" for name in ("facts", "out")]
    if summary["classes_unseen"]:
        lines.append(f"not known, as no picture was made of them: {', '.join(summary['classes_unseen'])}")
    if summary["references_unusable"]:
        lines.append(
            f"left out: {summary['references_unusable']} references that could not be used, named in the facts"
        )
    return printable_lines(lines)


def _warn_of_missing_figure(path: Path, reporter: Reporter) -> None:
    problem = why_no_figures()
    if problem is not None:
        reporter.note(f"{path} is left out: {problem}")


def _write_confusion(fitted: FittedDomains, path: Path) -> Path | None:
    if why_no_figures() is None:
        title = f"Held-out references, {fitted.together.samples:,} patches, percent of each row"
        write_bytes(path, confusion_figure(fitted.together, title))
        return path
    try:
        path.unlink(missing_ok=True)  # of an older classifier, which was of this name
    except OSError as error:
        raise cannot_write(path, error) from error
    return None


def _taken_for(row: Sequence[int], kind: int) -> str:
    percent = [round(100 * count / max(1, sum(row))) for count in row]
    others = sorted((other for other in range(CLASSES) if other != kind and percent[other]), key=lambda k: -percent[k])
    return ", ".join(f"{other}: {percent[other]}" for other in others)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _planned(source: ImageSource, settings: LightSettings) -> dict[str, Any]:
    types = types_of_references([entry.id for entry in source.entries], settings.per_reference, settings.seed)
    pictures = sum(len(settings.cells(identifier, kinds)) for identifier, kinds in types.items())
    return {"kind": "light", "references": len(source.entries), "pictures": pictures}
