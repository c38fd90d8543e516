"""The paper's figures: maps of a set under several models, and its best and worst predictions, by `report`."""

import sys
from collections.abc import Mapping
from pathlib import Path

from commands import digest_file, done_once, syndr_curate
from experiments import CHECKPOINT, TRAINER, Experiments
from paper import TABLES, Figure, Target
from syndr_curate import ManifestDataset, collect_features, save_features


def make_figure(name: str, figure: Figure, experiments: Experiments, *, seed: int, folder: Path) -> Path:
    """Train what a figure needs and write it as a page; return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{name}.html"
    if figure.gallery:
        target = next(each for table in TABLES.values() for each in table.targets if each.test == figure.test)
        predictions, manifest = experiments.predictions(figure.models[0], target, seed=seed)
        syndr_curate(*gallery_command(manifest, predictions, page))
        return page
    manifest = experiments.manifests.test_set(Target(figure.title, figure.test, figure.types))
    features = {
        method.name: _features(experiments, figure, number, manifest, seed)
        for number, method in enumerate(figure.models)
    }
    syndr_curate(*maps_command(manifest, features, page))
    return page


def maps_command(manifest: Path, features: Mapping[str, Path], page: Path) -> list[str]:
    """Return the command that draws a set's pictures under several models, side by side."""
    named = [text for name, file in features.items() for text in ("--features", f"{name}={file}")]
    return ["report", str(manifest), *named, "--out", str(page), "--quiet"]


def gallery_command(manifest: Path, predictions: Path, page: Path) -> list[str]:
    """Return the command that shows the best and worst predictions with their pictures."""
    return ["report", str(manifest), "--predictions", str(predictions), "--out", str(page), "--quiet"]


def _features(experiments: Experiments, figure: Figure, number: int, manifest: Path, seed: int) -> Path:
    """Return the features of a set by a trained model: what its head takes, of the center of every picture."""
    run, flags = experiments.model(figure.models[number], figure.types, seed=seed)
    folder = experiments.out / "features" / f"{manifest.stem}-{run.name}"
    file = folder / "features.parquet"

    def work() -> None:
        if str(TRAINER) not in sys.path:
            sys.path.append(str(TRAINER))
        import checkpoint
        from model import QualityModel, make_optimizer
        from patches import CenterPatch
        from train import parse_arguments

        settings = parse_arguments([*flags, "--out", str(run)])
        model = QualityModel(settings.backbone, settings.crop)
        checkpoint.load(run / CHECKPOINT, model, make_optimizer(model, rate=1.0, head_factor=1.0, decay=0.0))
        pictures = ManifestDataset(manifest, CenterPatch(settings.crop, model.normalization))
        found = collect_features(model.to(settings.device), pictures, num_workers=settings.workers)
        save_features(file, found.require_ids(), found.matrix)

    done_once(folder, {"run": run.name, "manifest": digest_file(manifest)}, work)
    return file
