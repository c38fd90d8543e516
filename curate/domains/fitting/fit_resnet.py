"""The second kind of `domains fit`: ResNet-50 fine-tuned on whole renderings, as in the paper."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....distortions.catalog import LEVELS, PRISTINE
from ...datasets.image_folders import ImageEntry, ImageSource
from ...encoding.settings import DeviceName
from ...encoding.torch_encoders import CROP
from ...errors import CurateError, RowError
from ...manifest.provenance import digest_file
from ...runs.progress import SILENT, Reporter
from ...runs.threads import ordered_map
from ...storage.images import DecodeOptions, decode_image, encode_image
from ...whole_numbers import hold_whole_numbers
from ..evaluation import score_classes
from ..patches import random_patch
from ..pristine_scores import PristineScores
from ..resnet import ResNetClassifier, ResNetTrainer, normalized
from ..settings import RESNET_BATCH, DomainsFitSettings, PerReference
from .fit import FittedDomains, domain_facts, unseen_classes
from .training_pictures import fold_of_references, training_cells, training_pictures, types_of_references

_FAILURES_SHOWN = 10
_HELD_OUT_FOLDS = 5  # the first of them is tested on
_MIRRORED = 0.5
_MEGABYTES_PER_PICTURE = 0.3  # measured on photographs of 481 x 321


@dataclass(frozen=True)
class ResNetSettings:
    """How ResNet-50 is fine-tuned.

    Attributes:
        per_reference: Whether a reference gets `one` type, as in the paper, or `all`.
        pristine_variants: Pristine pictures of a reference, each drawn separately.
        weights: Local ImageNet checkpoint; None takes the published one.
        device: Where torch computes.
        epochs: Passes over the pictures, one random patch of each.
        batch: Patches per step.
        rate: Learning rate of Adam; a tenth of it in the last third of the epochs.
        decay: Weight decay.
        seed: Of everything random.
    """

    per_reference: PerReference = "one"
    pristine_variants: int = 2
    weights: Path | None = None
    device: DeviceName = DomainsFitSettings.device
    epochs: int = 24
    batch: int = RESNET_BATCH
    rate: float = 1e-4
    decay: float = 5e-4
    seed: int = DomainsFitSettings.seed

    def __post_init__(self) -> None:
        """Refuse what cannot be fitted."""
        hold_whole_numbers(self, pristine_variants=0, epochs=1, batch=1, seed=0)

    def cells(self, identifier: str, types: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
        """Return the (distortion id, level) that a reference is rendered at: every level, as in the paper."""
        variants = self.pristine_variants
        return training_cells(identifier, types, levels=len(LEVELS), pristine_variants=variants, seed=self.seed)


@dataclass(frozen=True)
class PictureFile:
    """A rendered picture on disk: its class, whether it was saved as JPEG, and the id of its reference."""

    file: Path
    kind: int
    recompressed: bool
    reference: str


def fit_resnet_domains(
    source: ImageSource,
    settings: ResNetSettings,
    *,
    decoding: DecodeOptions | None = None,
    workers: int | None = None,
    reporter: Reporter = SILENT,
) -> FittedDomains:
    """Fine-tune ResNet-50 on pictures made from pristine references, and test it on a fifth of them, held out.

    The pictures are rendered once into a temporary folder (about 0.3 MB each of 481 x 321 pixels) and read in every
    epoch.

    Args:
        source: The references, two at least, of 224 x 224 pixels at least.
        settings: What to make of them and how to train.
        decoding: EXIF orientation, pixel limit.
        workers: Threads; None uses every core.
        reporter: Shows progress.

    Returns:
        The classifier.

    Raises:
        CurateError: Too few references can be used, no weights, no such device, or no room.

    Source: DGQA (CVPR 2024).
    """
    decoding = decoding or DecodeOptions()
    trainer = ResNetTrainer(
        weights=settings.weights,
        device=settings.device,
        rate=settings.rate,
        decay=settings.decay,
        seed=settings.seed,
    )
    with tempfile.TemporaryDirectory(prefix="syndr-domains-") as folder:
        pictures, unusable = _render(source, Path(folder), settings, decoding, workers, reporter)
        used = sorted({picture.reference for picture in pictures})
        fold = fold_of_references(used, _HELD_OUT_FOLDS, settings.seed)
        training = [picture for picture in pictures if fold[picture.reference] > 0]
        tested = [picture for picture in pictures if fold[picture.reference] == 0]
        if not training or not tested:
            raise CurateError(
                f"{source.name}: {len(used)} references can be used; one is to learn from and one to test on"
            )
        with reporter.task("fine-tune", settings.epochs * len(training)) as task:
            for epoch in range(settings.epochs):
                if epoch and epoch == settings.epochs * 2 // 3:
                    trainer.lower_learning_rate(0.1)
                order = np.random.Generator(np.random.PCG64([settings.seed, epoch])).permutation(len(training))
                trainer.epoch(training_batches([training[i] for i in order], epoch, settings, workers=workers))
                task.advance(len(training))
        seen = {picture.kind for picture in training}
        classifier = trainer.finished(unseen_classes(seen))
        scores, classes, again = _held_out(classifier, tested, workers)
    classifier.pristine = PristineScores.of_scores(scores[classes == PRISTINE])
    clean, compressed = (score_classes(scores[chosen], classes[chosen]) for chosen in (~again, again))
    config = {**asdict(settings), "kind": "resnet50", "weights": settings.weights and digest_file(settings.weights)}
    del config["device"]
    facts = domain_facts(source, config, unusable, seen, decoding, reporter)
    return FittedDomains(classifier, clean, compressed, facts)


def planned(source: ImageSource, settings: ResNetSettings) -> dict[str, Any]:
    """Count what a fit would make."""
    types = types_of_references([entry.id for entry in source.entries], settings.per_reference, settings.seed)
    pictures = sum(len(settings.cells(identifier, kinds)) for identifier, kinds in types.items())
    megabytes = round(_MEGABYTES_PER_PICTURE * pictures)
    return {"kind": "resnet50", "references": len(types), "pictures": pictures, "megabytes_for_a_while": megabytes}


def _render(
    source: ImageSource,
    folder: Path,
    settings: ResNetSettings,
    decoding: DecodeOptions,
    workers: int | None,
    reporter: Reporter,
) -> tuple[list[PictureFile], dict[str, str]]:
    types = types_of_references([entry.id for entry in source.entries], settings.per_reference, settings.seed)

    def make(numbered: tuple[int, ImageEntry]) -> tuple[list[PictureFile], str | None]:
        number, entry = numbered
        try:
            path = source.folder / entry.path
            reference = decoding.decode(path)
        except RowError as error:
            return [], str(error)
        made = []
        cells = settings.cells(entry.id, types[entry.id])
        for place, sample in enumerate(training_pictures(reference, entry.id, cells, settings.seed)):
            if min(sample.picture.shape[:2]) < CROP:
                continue
            file = folder / f"{number}-{place}.png"
            try:
                file.write_bytes(encode_image(sample.picture))
            except OSError as error:
                raise CurateError(f"cannot write {file}: {error.strerror or error}") from error
            made.append(PictureFile(file, sample.kind, sample.recompressed, entry.id))
        return made, None if made else f"smaller than {CROP}x{CROP}"

    pictures: list[PictureFile] = []
    unusable: dict[str, str] = {}
    with reporter.task("render", len(source.entries)) as task:
        done = ordered_map(make, enumerate(source.entries), workers)
        for entry, (made, problem) in zip(source.entries, done, strict=True):
            task.advance(1, failed=int(problem is not None))
            pictures += made
            if problem is not None:
                unusable[entry.path] = problem
    for path, problem in list(unusable.items())[:_FAILURES_SHOWN]:
        reporter.note(f"left out: {path}: {problem}")
    return pictures, unusable


def training_batches(
    pictures: Sequence[PictureFile], epoch: int, settings: ResNetSettings, *, workers: int | None = None
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """Cut a random patch, mirrored or not, of every picture, in order.

    Args:
        pictures: What to learn from.
        epoch: Number of the epoch, which other patches are drawn for.
        settings: Batch size and seed.
        workers: Threads; None uses every core.

    Yields:
        Normalized patches (B, 3, 224, 224) and their classes (B,).
    """

    def patch_of(numbered: tuple[int, PictureFile]) -> NDArray[np.float32]:
        place, picture = numbered
        rng = np.random.Generator(np.random.PCG64([settings.seed, epoch, place]))
        patch = random_patch(decode_image(picture.file), (CROP, CROP), rng)
        return normalized(np.ascontiguousarray(patch[:, ::-1]) if rng.random() < _MIRRORED else patch)

    patches: list[NDArray[np.float32]] = []
    classes: list[int] = []
    # Batch normalization learns nothing from a single patch: what is left over joins the batch before.
    size = settings.batch
    for number, patch in enumerate(ordered_map(patch_of, enumerate(pictures), workers)):
        patches.append(patch)
        classes.append(pictures[number].kind)
        if len(patches) >= size and len(pictures) - number - 1 != 1:
            yield np.stack(patches), np.array(classes)
            patches, classes = [], []
    if patches:
        yield np.stack(patches), np.array(classes)


def _held_out(
    classifier: ResNetClassifier, pictures: Sequence[PictureFile], workers: int | None
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    def prepared(picture: PictureFile) -> NDArray[np.float32]:
        return classifier.prepare(decode_image(picture.file))

    scores = [classifier.scores([patches])[0] for patches in ordered_map(prepared, pictures, workers)]
    classes = np.array([picture.kind for picture in pictures])
    return np.stack(scores), classes, np.array([picture.recompressed for picture in pictures])
