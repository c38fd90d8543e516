"""Stage `domains fit`: a classifier of distortion types, trained on images made from references on the fly."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...distortions.catalog import LEVELS, PRISTINE
from ..data.atomic import refuse_overwriting, write_bytes
from ..data.images import UnreadableImageError, decode_image, encode_image
from ..data.provenance import make_provenance
from ..data.sources import IdStyle, ImageEntry, ImageSource, open_source
from ..engine.domain_classifier import (
    STAGE,
    WEIGHTS_SUFFIX,
    DomainClassifier,
    KindName,
    LightClassifier,
    facts_path,
    light_patch,
    save_classifier,
)
from ..engine.domain_features import FEATURE_VERSION, domain_features
from ..engine.domain_network import TrainingSettings, train_ensemble
from ..engine.domain_patches import random_patch
from ..engine.domain_rule import CLASSES
from ..engine.domain_samples import (
    PerReference,
    fold_of_references,
    training_cells,
    training_samples,
    types_of_references,
)
from ..engine.domain_scores import ClassScores, confusion_picture, score_classes
from ..engine.encoders import DeviceName
from ..engine.progress import SILENT, Reporter
from ..engine.recipes import distortion_name
from ..engine.render import RenderOptions
from ..engine.workers import ordered_map
from ..errors import CurateError

_FAILURES_SHOWN = 10
_LEAST_REFERENCES = 2
PICTURE_SUFFIX = ".png"
# With all types, three levels of each reference teach nearly as much as five: what is scarce is pictures, not levels.
LEVELS_OF_ALL = 3


@dataclass(frozen=True)
class LightSettings:
    """How the light classifier is fitted.

    Attributes:
        per_reference: Whether a reference gets `one` type, as in the paper, or `all`.
        levels: Levels that a reference is distorted at, drawn for each type; None: five with one type, three with all.
        pristine_variants: Pristine pictures of a reference, each drawn anew.
        pristine_weight: How many times as much as a type the class pristine weighs. Mild cells of several types hardly
            differ from pristine pictures and together outweigh them.
        folds: Networks; each leaves out one fold of the references, on which it is tested.
        training: How each network is trained.
        seed: Of everything random.
    """

    per_reference: PerReference = "all"
    levels: int | None = None
    pristine_variants: int = 16
    pristine_weight: float = 3.0
    folds: int = 4
    training: TrainingSettings = field(default_factory=TrainingSettings)
    seed: int = 123

    def cells(self, identifier: str, types: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
        """Return the (distortion id, level) that a reference is rendered at."""
        levels = self.levels or (len(LEVELS) if self.per_reference == "one" else LEVELS_OF_ALL)
        return training_cells(
            identifier, types, levels=levels, pristine_variants=self.pristine_variants, seed=self.seed
        )


@dataclass(frozen=True)
class FittedDomains:
    """A trained classifier and how well it does on references that it has not seen.

    Attributes:
        classifier: What `select_domains` applies.
        clean: Held-out scores of patches as rendered.
        recompressed: Held-out scores of patches saved as JPEG once more.
        facts: Provenance, as JSON values.
    """

    classifier: DomainClassifier
    clean: ClassScores
    recompressed: ClassScores
    facts: dict[str, Any]

    @property
    def together(self) -> ClassScores:
        """Held-out scores of all patches."""
        return ClassScores(self.clean.confusion + self.recompressed.confusion, self.clean.top4 + self.recompressed.top4)


@dataclass(frozen=True)
class _Samples:
    features: NDArray[np.float32]
    classes: NDArray[np.int64]
    again: NDArray[np.bool_]
    folds: NDArray[np.int64]


def fit_domains(
    references: ImageSource | Path | str,
    settings: LightSettings | None = None,
    *,
    options: RenderOptions | None = None,
    reporter: Reporter = SILENT,
) -> FittedDomains:
    """Fit the light classifier to pictures made from pristine references.

    Args:
        references: Pristine photographs, two at least, or their folder.
        settings: What to make of them and how to train.
        options: Threads, EXIF orientation, pixel limit.
        reporter: Shows progress.

    Returns:
        The classifier; the same arguments and library versions give the same bits, whatever the number of threads.

    Raises:
        CurateError: Fewer than two references can be used.

    Source: DGQA (CVPR 2024); the features and the training are this project's.
    """
    source = references if isinstance(references, ImageSource) else open_source(references)
    settings, options = settings or LightSettings(), options or RenderOptions()
    samples, unusable = _light_samples(source, settings, options, reporter)
    ensemble, held_out = train_ensemble(
        samples.features,
        samples.classes,
        samples.folds,
        count=CLASSES,
        seed=settings.seed,
        emphasis={PRISTINE: settings.pristine_weight},
        settings=settings.training,
        workers=options.workers,
        reporter=reporter,
    )
    clean, again = (
        score_classes(held_out[chosen], samples.classes[chosen]) for chosen in (~samples.again, samples.again)
    )
    config = {"kind": "light", "feature_version": FEATURE_VERSION, **asdict(settings)}
    facts = domain_facts(source, config, unusable, options)
    return FittedDomains(LightClassifier(ensemble), clean, again, facts)


def domain_facts(
    source: ImageSource, config: dict[str, Any], unusable: dict[str, str], options: RenderOptions
) -> dict[str, Any]:
    """Put together what a classifier's JSON says of where it comes from."""
    return make_provenance(
        STAGE,
        {**config, "exif_orient": options.exif_orient, "max_pixels": options.max_pixels},
        {source.name: source.digest()},
        classes=[distortion_name(kind) for kind in range(CLASSES)],
        references=len(source.entries) - len(unusable),
        references_unusable=unusable,
    )


def _light_samples(
    source: ImageSource, settings: LightSettings, options: RenderOptions, reporter: Reporter
) -> tuple[_Samples, dict[str, str]]:
    ids = [entry.id for entry in source.entries]
    types = types_of_references(ids, settings.per_reference, settings.seed)
    describe = _describer(source, types, settings, options)
    rows: list[NDArray[np.float32]] = []
    labels: list[tuple[int, bool, str]] = []
    unusable: dict[str, str] = {}
    with reporter.task("make and describe", len(ids)) as task:
        for entry, (features, classes, problem) in zip(
            source.entries, ordered_map(describe, source.entries, options.workers), strict=True
        ):
            task.advance(1, failed=int(problem is not None))
            if problem is not None:
                unusable[entry.path] = problem
                continue
            rows.append(features)
            labels += [(kind, again, entry.id) for kind, again in classes]
    for path, problem in list(unusable.items())[:_FAILURES_SHOWN]:
        reporter.note(f"left out: {path}: {problem}")
    used = sorted({identifier for _, _, identifier in labels})
    if len(used) < _LEAST_REFERENCES:
        reason = f" ({next(iter(unusable.values()))})" if unusable else ""
        raise CurateError(f"{source.name}: {len(used)} of {len(ids)} references can be used{reason}; two are needed")
    fold = fold_of_references(used, settings.folds, settings.seed)
    samples = _Samples(
        np.concatenate(rows),
        np.array([kind for kind, _, _ in labels]),
        np.array([again for _, again, _ in labels]),
        np.array([fold[identifier] for _, _, identifier in labels]),
    )
    return samples, unusable


_Described = tuple[NDArray[np.float32], list[tuple[int, bool]], str | None]


def _describer(
    source: ImageSource, types: dict[str, tuple[int, ...]], settings: LightSettings, options: RenderOptions
) -> Callable[[ImageEntry], _Described]:
    nothing = np.zeros((0, 0), np.float32)

    def describe(entry: ImageEntry) -> _Described:
        try:
            path = source.folder / entry.path
            reference = decode_image(path, exif_orient=options.exif_orient, max_pixels=options.max_pixels)
            light_patch(reference)
        except (UnreadableImageError, ValueError) as error:
            return nothing, [], str(error)
        cells = settings.cells(entry.id, types[entry.id])
        rows, classes = [], []
        for sample in training_samples(reference, entry.id, cells, settings.seed):
            patch = random_patch(sample.picture, light_patch(sample.picture), sample.rng)
            rows.append(domain_features(patch))
            classes.append((sample.kind, sample.recompressed))
        return np.stack(rows), classes, None

    return describe


def run_domains_fit(
    references: Path,
    out: Path,
    *,
    kind: KindName = "light",
    per_reference: PerReference | None = None,
    weights: Path | None = None,
    device: DeviceName = "auto",
    epochs: int | None = None,
    batch_size: int | None = None,
    ids: IdStyle = "stem",
    seed: int = 123,
    options: RenderOptions | None = None,
    dry_run: bool = False,
    reporter: Reporter = SILENT,
) -> dict[str, Any]:
    """Fit a classifier and write it: `NAME.safetensors`, its facts `NAME.json`, its confusion matrix `NAME.png`.

    Args:
        references: Folder of pristine photographs.
        out: `NAME.safetensors`.
        kind: `light` or `resnet50`.
        per_reference: Types per reference, `one` or `all`; by default all for light, one for resnet50.
        weights: Of resnet50: a local ImageNet checkpoint.
        device: Of resnet50: where torch computes.
        epochs: Passes over the training set; None keeps the kind's own number.
        batch_size: Of resnet50.
        ids: How ids are made from file names.
        seed: Of everything random.
        options: Threads, EXIF orientation, pixel limit.
        dry_run: Say what would be made, and make nothing.
        reporter: Shows progress.

    Returns:
        `kind, references, references_unusable, patches, held_out_top1, ..., recall, confusion_matrix, facts, out`.

    Raises:
        CurateError: No references, a setting that does not belong to the kind, or a file cannot be written.
    """
    if out.suffix != WEIGHTS_SUFFIX:
        raise CurateError(f"--out {out}: a classifier is a {WEIGHTS_SUFFIX} file, with its .json and .png beside it")
    refuse_overwriting(out, weights)
    source = open_source(references, ids=ids)
    options = options or RenderOptions()
    chosen: PerReference = per_reference or ("all" if kind == "light" else "one")
    if kind == "light":
        if weights is not None:
            raise CurateError(
                "the light classifier starts from no weights: leave --weights away, or add --kind resnet50"
            )
        light = LightSettings(per_reference=chosen, seed=seed)
        if epochs is not None:
            light = replace(light, training=replace(light.training, epochs=epochs))
        if dry_run:
            return {**_planned(source, light), "dry_run": True, "out": str(out)}
        fitted = fit_domains(source, light, options=options, reporter=reporter)
    else:
        from .domains_resnet import ResNetSettings, fit_resnet_domains, planned

        resnet = ResNetSettings(per_reference=chosen, weights=weights, device=device, seed=seed)
        resnet = replace(resnet, epochs=epochs or resnet.epochs, batch=batch_size or resnet.batch)
        if dry_run:
            return {**planned(source, resnet), "dry_run": True, "out": str(out)}
        fitted = fit_resnet_domains(source, resnet, options=options, reporter=reporter)
    return write_fitted(fitted, out)


def write_fitted(fitted: FittedDomains, out: Path) -> dict[str, Any]:
    """Write a fitted classifier with its facts and its confusion matrix, and return its summary.

    Raises:
        CurateError: A file cannot be written.
    """
    scores = {"clean": fitted.clean.as_json(), "recompressed": fitted.recompressed.as_json()}
    facts = save_classifier(fitted.classifier, {**fitted.facts, "held_out": scores}, out)
    picture = out.with_suffix(PICTURE_SUFFIX)
    title = f"Held-out references, {fitted.together.samples:,} patches, percent of each row"
    write_bytes(picture, encode_image(confusion_picture(fitted.together, title)))
    return {
        "kind": facts["kind"],
        "references": facts["references"],
        "references_unusable": len(facts["references_unusable"]),
        "patches": fitted.together.samples,
        "held_out_top1": fitted.clean.top1_accuracy(),
        "held_out_top4": fitted.clean.top4_accuracy(),
        "held_out_top1_recompressed": fitted.recompressed.top1_accuracy(),
        "held_out_top4_recompressed": fitted.recompressed.top4_accuracy(),
        "recall": {distortion_name(k): value for k, value in fitted.together.recall().items()},
        "confusion_matrix": str(picture),
        "facts": str(facts_path(out)),
        "out": str(out),
    }


def describe_fit(summary: Mapping[str, Any]) -> str:
    """Lay a summary out for people, with a line per class."""
    clean, again = (
        f"top-1 {_percent(summary[f'held_out_top1{suffix}'])}, top-4 {_percent(summary[f'held_out_top4{suffix}'])}"
        for suffix in ("", "_recompressed")
    )
    lines = [
        f"{summary['kind']} classifier of {CLASSES} classes from {summary['references']:,} references",
        "on single patches of references that a network has not seen, all levels:",
        f"  as rendered          {clean}",
        f"  saved as JPEG again  {again}",
        "recall of each class (both together):",
    ]
    for kind in range(CLASSES):
        name = distortion_name(kind)
        lines.append(f"  {kind:>2}  {name:<24}{_percent(summary['recall'][name]):>8}")
    for name in ("confusion_matrix", "facts", "out"):
        lines.append(f"{name.replace('_', ' ')}: {summary[name]}")
    if summary["references_unusable"]:
        lines.append(
            f"left out: {summary['references_unusable']} references that could not be used, named in the facts"
        )
    return "\n".join(lines)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _planned(source: ImageSource, settings: LightSettings) -> dict[str, Any]:
    types = types_of_references([entry.id for entry in source.entries], settings.per_reference, settings.seed)
    pictures = sum(len(settings.cells(identifier, kinds)) for identifier, kinds in types.items())
    return {"kind": "light", "references": len(source.entries), "pictures": pictures}
