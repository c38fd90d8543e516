"""A program of a user, for tests/test_typing_of_public_api.py: it is type-checked, and never run.

It names everything that is public. A line with `type: ignore` is wrong on purpose: mypy has to find the mistake.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import syndr_curate
import torch
from numpy.typing import NDArray
from syndr_curate import (
    Agreement,
    ChainStep,
    ClassScores,
    CrossValidation,
    CurateError,
    CurateWarning,
    DecodeOptions,
    DistortedImage,
    DomainClassifier,
    DomainSelection,
    DRCDownSampler,
    Encoder,
    Evaluation,
    ExcessSelection,
    Executor,
    Features,
    FittedDomains,
    GroupScores,
    ImageEntry,
    ImageSource,
    Interval,
    LabelColumns,
    Labeler,
    LabelMatrix,
    Labels,
    LabelScale,
    LightSettings,
    ManifestDataset,
    ManifestPaths,
    Neighbor,
    NeighborSettings,
    PairedDifference,
    PristineScores,
    PseudoLabels,
    RandomChain,
    RandomDistortion,
    Reporter,
    RowError,
    RunStatistics,
    Sample,
    Scores,
    Selection,
    SkippedFiles,
    SoftLabelDataset,
    SpreadBin,
    TargetImage,
    Task,
    TrainingSettings,
    Verdict,
    __version__,
    append_manifest,
    collect_features,
    cross_validate,
    distort,
    downsample,
    encode,
    evaluate,
    export,
    fit_domains,
    inspect,
    join,
    label,
    load_classifier,
    load_features,
    make_encoder,
    make_executor,
    make_labeler,
    mix,
    open_source,
    read_labels,
    read_manifest,
    register_distortion,
    relocate_manifest,
    report,
    save_classifier,
    save_features,
    select,
    select_domains,
    soft_targets,
    split,
    target_names,
    testset,
    upsample,
    verify,
    write_manifest,
)
from torch import nn


class PrintedTask:
    """One piece of work, printed."""

    def advance(self, rows: int = 1, *, failed: int = 0) -> None:
        print(f"{rows} done, {failed} failed")


class Printed:
    """A reporter that prints."""

    @contextmanager
    def task(self, name: str, total: int) -> Iterator[Task]:
        print(f"{name}: {total}")
        yield PrintedTask()

    def note(self, message: str) -> None:
        print(message)


class MeanColor:
    """An encoder of one's own."""

    name = "mean-color"
    dimensions = 3
    weights_digest: str | None = None

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        if not image.any():
            raise RowError("the picture is black")
        mean: NDArray[np.float32] = image.mean(axis=(0, 1), dtype=np.float32)
        return mean

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.stack(prepared)


class Middling:
    """A labeler of one's own: the middle of all that is known."""

    name = "middling"
    fewest = 1
    needs_complete_set = False

    def predict(
        self, known: LabelMatrix, features: NDArray[np.floating], conditions: Sequence[tuple[int, int]]
    ) -> PseudoLabels:
        middle = np.full((len(features), len(conditions)), np.nanmedian(known.quality))
        nearest = Neighbor(known.features.require_ids()[0], distance=0.0, weight=1.0)
        return PseudoLabels(middle, np.full_like(middle, np.nan), tuple((nearest,) for _ in features))


def encode_a_folder(folder: Path) -> Features:
    source: ImageSource = open_source(folder, ids="path")
    first: ImageEntry = source.entries[0]
    skipped: SkippedFiles = source.skipped
    counts: dict[str, int] = skipped.counts()
    passed_over: str = skipped.reasons() or str(counts)
    own: Encoder = MeanColor()
    known: Encoder = make_encoder("gist", device="cpu")
    make_encoder("efficientnet-lite0", pool=("mean", "std"), layers=[4, 5])
    make_encoder("efficientnet-lite0", pool=3)  # type: ignore[arg-type]
    reporter: Reporter = Printed()
    reporter.note(passed_over)
    table = encode(source, own, batch_size=8, decoding=DecodeOptions(exif_orient=True), reporter=reporter)
    encode(folder / first.path, known)
    encode(str(folder), "gist", workers=2)
    save_features("own.parquet", table["id"].to_pylist(), np.zeros((1, 3), np.float32))
    encode(3, "gist")  # type: ignore[arg-type]
    encode(folder, reporter=print)  # type: ignore[arg-type]
    return load_features(Path("own.parquet"))


def add_content(references: Features, candidates: Features) -> None:
    columns = LabelColumns(id="file", label="mos", reference="ref")
    labels: Labels = read_labels("labels.csv", columns, label_range=(1.0, 5.0))
    scale: LabelScale = labels.scale
    print(scale.minimum, labels.references())
    selection = select(references, "candidates.parquet", max_selected=50)
    rows = label(labels, references, candidates, selection=selection, types="all", labeler="gp", max_label_std=1.0)
    neighbors = NeighborSettings(count=9, weighting="similarity")
    paths = ManifestPaths(dataset="ours", image_root="ours")
    table = upsample(labels, references, candidates, types=[1, "jpeg"], neighbors=neighbors, paths=paths)
    label(labels, references, candidates, selection=selection, splits={"a": "test"}, neighbors_from="all")
    upsample(labels, references, candidates, splits={"a": "val"}, neighbors_from="train", reporter=Printed())
    write_manifest(table, "train.parquet", training=True)
    write_manifest(testset("csv", labels=Path("labels.csv"), columns=columns, ids="path"), "test.parquet")
    testset("bid", "BID", split_file="splits.csv")
    testset("bid", ids="name")  # type: ignore[arg-type]
    append_manifest("train.parquet", rows)
    print(join(["train.parquet", Path("more.parquet")], "all.parquet", labels="align")["shifts"])
    join(["a.parquet", "b.parquet"], "all.parquet", labels="shift")  # type: ignore[arg-type]
    label(manifest=rows, conditions="kadid10k", max_label_std=0.9)
    label(labels, manifest=rows, labeler="condition")
    label(manifest=rows, labeler="calibrated", fit_on=rows)
    label(manifest=rows, conditions="tid2013")  # type: ignore[arg-type]
    label(labels, references, candidates, labeler="svm")  # type: ignore[arg-type]
    upsample(labels, references, candidates, neighbors=9)  # type: ignore[arg-type]
    upsample(labels, references, candidates, neighbors_from="val")  # type: ignore[arg-type]


def how_good_are_labels(labels: Labels, references: Features) -> dict[int, float]:
    found: CrossValidation = cross_validate(labels, references, make_labeler("gp"))
    own: Labeler = Middling()
    scores: Scores = cross_validate(labels, references, own).scores()
    bins: tuple[SpreadBin, ...] = scores.reliability
    intervals: tuple[Interval, ...] = scores.intervals
    print(scores.mae, bins[0].rmse, intervals[0].covered)
    cross_validate(labels, references, "gp")  # type: ignore[arg-type]
    return {level: each.rmse for level, each in found.by_level().items()}


def held_out_references(labels: Labels) -> set[str]:
    drawn: dict[str, dict[str, str]] = split(labels, fractions=(0.8, 0.1, 0.1), seeds=3)
    split("labels.csv", fractions=0.8)  # type: ignore[arg-type]
    return {reference for reference, name in drawn["seed_123"].items() if name == "test"}


def score(runs: list[Path], labels: Labels) -> float:
    found: Evaluation = evaluate(runs, "livec.parquet", by=["split"], baseline=Path("base.csv"), reporter=Printed())
    evaluate({"seed_123": "a.csv"}, "kadid.parquet", splits=split(labels, seeds=1), bootstrap=0)
    overall: GroupScores = found.overall
    first: Agreement = overall.runs["a"]
    statistics: RunStatistics | None = overall.statistics("plcc_logistic")
    difference: PairedDifference | None = overall.difference("srcc")
    overall.statistics("accuracy")  # type: ignore[arg-type]
    evaluate(runs, "livec.parquet", by=3)  # type: ignore[arg-type]
    print(first.srcc, statistics and statistics.median, difference and difference.low, found.as_json())
    return difference.mean if difference else 0.0


def look(models: dict[str, Path]) -> int:
    written = report(["before.parquet", "after.parquet"], "report.html", features=models, png="maps.png")
    report("kadid.parquet", Path("r.html"), predictions="scores.csv", gallery=12, reporter=Printed())
    report("all.parquet", "r.html", features={"resnet50": ["kadid.npz", "livec.npz"]}, color_by="dataset")
    report("kadid.parquet", "r.html", color_by="shape")  # type: ignore[arg-type]
    return int(written["bytes"])


def find_domains(photos: Path) -> tuple[int, ...]:
    settings = LightSettings(per_reference="all", training=TrainingSettings(epochs=3))
    fitted: FittedDomains = fit_domains(photos, settings, decoding=DecodeOptions(), reporter=Printed())
    held_out: ClassScores = fitted.together
    print(held_out.top1_accuracy())
    facts = save_classifier(fitted.classifier, fitted.facts, "domains.safetensors")
    again: tuple[DomainClassifier, dict[str, object]] = load_classifier("domains.safetensors")
    black = TargetImage("black", "black.png", lambda: np.zeros((200, 200, 3), np.uint8))
    found: DomainSelection = select_domains([black], again[0], max_types=3, exclude=[15])
    chosen: ExcessSelection | Selection = found.selection
    plain: Selection = found.published
    known: PristineScores | None = again[0].pristine
    print(facts["kind"], chosen.shares[1], plain.counts, known and known.limits)
    select_domains([black], again[0], rule="rank")  # type: ignore[arg-type]
    print(found.chosen)  # type: ignore[attr-defined]
    return chosen.types


def thin_an_epoch(features: NDArray[np.float32]) -> None:
    executor: Executor = make_executor("local", workers=2)
    kept = downsample(features, read_manifest("train.parquet"), epoch=3, scope="mos", executor=executor)
    write_manifest(kept, Path("epoch3.parquet"), training=True)
    downsample(features, "train.parquet", epoch="3")  # type: ignore[arg-type]


def hand_over(manifest: Path) -> int:
    done = export(manifest, "webdataset", "shards", split="train", rows_per_shard=500, reporter=Printed())
    export(manifest, "coco", "shards")  # type: ignore[arg-type]
    return int(done["rows"])


def check(manifest: Path) -> list[str]:
    verdict: Verdict = verify(manifest, sample=10)
    print(inspect(manifest)["rows"], relocate_manifest(manifest, {"ours": Path("/data")}))
    relocate_manifest(manifest, {}, provenance_from="old.parquet")
    return verdict.problems


def upside_down(image: NDArray[np.uint8], _amount: float) -> NDArray[np.uint8]:
    return image[::-1]


def blurred(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    register_distortion(200, "upside_down", upside_down, (1, 2, 3, 4, 5), version="2")
    register_distortion("200", "upside_down", upside_down, (1, 2, 3, 4, 5))  # type: ignore[arg-type]
    distort(image, 1.5, level=3)  # type: ignore[arg-type]
    distort(image, "gaussian_blur", level=2.5)
    return distort(image, "gaussian_blur", level=3)


def augmented(image: NDArray[np.uint8]) -> float:
    transform = RandomDistortion("bid", levels=[1, 5], seed=7)
    transform.set_epoch(1)
    transform(image, key="photo")
    done: DistortedImage = RandomChain(length=(2, 3), order="any").distort(image, key=3)
    first: ChainStep = done.chain[0]
    RandomChain(order="last")  # type: ignore[arg-type]
    return done.level + first.level


def train(model: nn.Module) -> list[str]:
    dataset = ManifestDataset("train.parquet", split="train")
    sampler = DRCDownSampler(dataset, similarity=0.8, features_fn=lambda: collect_features(model, dataset))
    sampler.set_epoch(0)
    sample: Sample = dataset[0]
    labels: torch.Tensor = sample.label
    rows = mix("train.parquet", count=10, types=[1, 9])
    mixed = SoftLabelDataset(rows, layout="type-pristine")
    print(dict(zip(target_names("type"), soft_targets(rows)[0].tolist(), strict=True)))
    print(labels, len(mixed), sample.quality)  # type: ignore[attr-defined]
    return sampler.sample_ids


def main() -> int:
    try:
        find_domains(Path("photos"))
    except CurateError as error:
        print(error)
        return 2
    warnings.simplefilter("error", CurateWarning)
    print(__version__)
    print(syndr_curate.upsmaple)  # type: ignore[attr-defined]
    return 0
