"""Stage `domains fit`: a classifier of distortion types, trained on images made from references on the fly."""

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....distortions.catalog import LEVELS, PRISTINE
from ...datasets.image_folders import ImageEntry, ImageSource, open_source
from ...errors import CurateError, RowError
from ...manifest.pixel_facts import facts_of_decoding
from ...manifest.provenance import make_provenance
from ...manifest.recipes import distortion_name
from ...runs.progress import SILENT, Reporter
from ...runs.threads import ordered_map
from ...storage.images import DecodeOptions
from ...whole_numbers import hold_whole_numbers
from ..classifier import STAGE, DomainClassifier, LightClassifier, light_patch
from ..evaluation import ClassScores, score_classes
from ..features import FEATURE_VERSION, domain_features
from ..mlp_ensemble import TrainingSettings, train_ensemble
from ..patches import random_patch
from ..pristine_scores import PristineScores
from ..selection_rule import CLASSES
from ..settings import DomainsFitSettings, PerReference
from .training_pictures import fold_of_references, training_cells, training_pictures, types_of_references

_FAILURES_SHOWN = 10
LEAST_REFERENCES = 2
# With all types, two levels of each reference teach nearly as much as five: what is scarce is pictures, not levels.
LEVELS_OF_ALL = 2


@dataclass(frozen=True)
class LightSettings:
    """How the light classifier is fitted.

    Attributes:
        per_reference: Whether a reference gets `one` type, as in the paper, or `all`.
        levels: Levels that a reference is distorted at, drawn for each type; None: five with one type, two with all.
        pristine_variants: Pristine pictures of a reference, each drawn separately.
        pristine_weight: How many times as much as a type the class pristine weighs. Mild cells of several types hardly
            differ from pristine pictures and together outweigh them.
        folds: Networks; each leaves out one fold of the references, on which it is tested.
        training: How each network is trained.
        seed: Of everything random.
    """

    per_reference: PerReference = "all"
    levels: int | None = None
    pristine_variants: int = 12
    pristine_weight: float = 3.0
    folds: int = 4
    training: TrainingSettings = field(default_factory=TrainingSettings)
    seed: int = DomainsFitSettings.seed

    def __post_init__(self) -> None:
        """Refuse what cannot be fitted."""
        hold_whole_numbers(self, levels=1, pristine_variants=0, folds=None, seed=0)
        if self.folds < LEAST_REFERENCES:
            raise CurateError(f"folds {self.folds}: a network needs references to learn from and others to test on")

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
class _LabeledPatches:
    features: NDArray[np.float32]
    classes: NDArray[np.int64]
    again: NDArray[np.bool_]
    folds: NDArray[np.int64]


def fit_domains(
    references: ImageSource | Path | str,
    settings: LightSettings | None = None,
    *,
    decoding: DecodeOptions | None = None,
    workers: int | None = None,
    reporter: Reporter = SILENT,
) -> FittedDomains:
    """Fit the light classifier to pictures made from pristine references.

    Args:
        references: Pristine photographs, two at least, or their folder.
        settings: What to make of them and how to train.
        decoding: EXIF orientation, pixel limit.
        workers: Threads; None uses every core.
        reporter: Shows progress.

    Returns:
        The classifier; the same arguments and library versions give the same bits, whatever the number of threads.

    Raises:
        CurateError: Fewer than two references can be used.

    Source: DGQA (CVPR 2024); the features and the training are this project's.
    """
    source = references if isinstance(references, ImageSource) else open_source(references)
    settings, decoding = settings or LightSettings(), decoding or DecodeOptions()
    patches, unusable = _labeled_patches(source, settings, decoding, workers, reporter)
    ensemble, held_out = train_ensemble(
        patches.features,
        patches.classes,
        patches.folds,
        count=CLASSES,
        seed=settings.seed,
        emphasis={PRISTINE: settings.pristine_weight},
        settings=settings.training,
        workers=workers,
        reporter=reporter,
    )
    clean, again = (
        score_classes(held_out[chosen], patches.classes[chosen]) for chosen in (~patches.again, patches.again)
    )
    config = {"kind": "light", "feature_version": FEATURE_VERSION, **asdict(settings)}
    seen = set(patches.classes.tolist())
    facts = domain_facts(source, config, unusable, seen, decoding, reporter)
    pristine = PristineScores.of_scores(held_out[patches.classes == PRISTINE])
    return FittedDomains(LightClassifier(ensemble, pristine), clean, again, facts)


def unseen_classes(seen: Collection[int]) -> list[int]:
    """Return the classes that no picture was made of, rising."""
    return [kind for kind in range(CLASSES) if kind not in seen]


def domain_facts(
    source: ImageSource,
    config: dict[str, Any],
    unusable: dict[str, str],
    seen: Collection[int],
    decoding: DecodeOptions,
    reporter: Reporter,
) -> dict[str, Any]:
    """Return the provenance of a classifier for its JSON, and note the classes that it does not know.

    Args:
        source: The references.
        config: Settings, as JSON values.
        unusable: Path to reason of the references left out.
        seen: Classes that pictures were made of.
        decoding: How references are read.
        reporter: Gets a note of the classes that none was made of.
    """
    unseen = [distortion_name(kind) for kind in unseen_classes(seen)]
    if unseen:
        reporter.note(
            f"no picture of {len(unseen)} classes, which the classifier will not know: {', '.join(unseen)}; "
            "give more references, or each of them all types (--per-reference all)"
        )
    return make_provenance(
        STAGE,
        {**config, "exif_orient": False, **facts_of_decoding(decoding), "max_pixels": decoding.max_pixels},
        {source.name: source.digest()},
        classes=[distortion_name(kind) for kind in range(CLASSES)],
        classes_unseen=unseen,
        references=len(source.entries) - len(unusable),
        references_unusable=unusable,
    )


def _labeled_patches(
    source: ImageSource, settings: LightSettings, decoding: DecodeOptions, workers: int | None, reporter: Reporter
) -> tuple[_LabeledPatches, dict[str, str]]:
    ids = [entry.id for entry in source.entries]
    types = types_of_references(ids, settings.per_reference, settings.seed)
    describe = _patch_describer(source, types, settings, decoding)
    rows: list[NDArray[np.float32]] = []
    labels: list[tuple[int, bool, str]] = []
    unusable: dict[str, str] = {}
    with reporter.task("make and describe", len(ids)) as task:
        for entry, (features, classes, problem) in zip(
            source.entries, ordered_map(describe, source.entries, workers), strict=True
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
    if len(used) < LEAST_REFERENCES:
        reason = f" ({next(iter(unusable.values()))})" if unusable else ""
        raise CurateError(f"{source.name}: {len(used)} of {len(ids)} references can be used{reason}; two are needed")
    fold = fold_of_references(used, settings.folds, settings.seed)
    patches = _LabeledPatches(
        np.concatenate(rows),
        np.array([kind for kind, _, _ in labels]),
        np.array([again for _, again, _ in labels]),
        np.array([fold[identifier] for _, _, identifier in labels]),
    )
    return patches, unusable


_Described = tuple[NDArray[np.float32], list[tuple[int, bool]], str | None]


def _patch_describer(
    source: ImageSource, types: dict[str, tuple[int, ...]], settings: LightSettings, decoding: DecodeOptions
) -> Callable[[ImageEntry], _Described]:
    nothing = np.zeros((0, 0), np.float32)

    def describe(entry: ImageEntry) -> _Described:
        try:
            path = source.folder / entry.path
            reference = decoding.decode(path)
            light_patch(reference)
        except RowError as error:
            return nothing, [], str(error)
        cells = settings.cells(entry.id, types[entry.id])
        rows, classes = [], []
        for made in training_pictures(reference, entry.id, cells, settings.seed):
            patch = random_patch(made.picture, light_patch(made.picture), made.rng)
            rows.append(domain_features(patch))
            classes.append((made.kind, made.recompressed))
        return np.stack(rows), classes, None

    return describe
