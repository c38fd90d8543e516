"""One training run: the rows of each epoch, the steps, the test sets, the log and the checkpoint."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import checkpoint
import pyarrow.compute as pc
import torch
from evaluate import correlations, predict, save_predictions
from model import QualityModel, make_optimizer
from patches import CenterPatch, Cut, EpochOrder, Patches
from syndr_curate import CurateError, DRCDownSampler, ManifestDataset, collect_features, read_manifest
from torch.utils.data import ConcatDataset, DataLoader

EVALUATION_BATCH = 64
# What a resumed run may change; all else must be as it was.
FREE_TO_CHANGE = ("out", "resume", "stop_after", "epochs", "workers", "device", "test")


@dataclass(frozen=True)
class Settings:
    """The command's flags.

    `variant` is a row of the paper's ablation. `baseline`: rows that are not pseudo-labelled. `candidates`: these and
    the rows of `all_candidates`, new references without selection. `selection`: all rows of `train`, as `upsample`
    wrote it. `downsampling`: the same, thinned before every epoch.
    """

    train: Path
    variant: str
    all_candidates: Path | None
    scope: str
    test: list[Path]
    test_short_side: int
    weights: str
    backbone: str
    epochs: int
    batch_size: int
    crop: int
    test_patches: int
    lr: float
    head_factor: float
    weight_decay: float
    seed: int
    device: str
    workers: int
    out: Path
    resume: bool
    stop_after: int | None

    def __post_init__(self) -> None:
        if (self.variant == "candidates") != (self.all_candidates is not None):
            raise SystemExit("error: --all-candidates goes with --variant candidates, and only with it")

    def fixed(self) -> dict[str, str]:
        """Return the settings that a resumed run must share, as texts."""
        return {name: str(value) for name, value in asdict(self).items() if name not in FREE_TO_CHANGE}


class Run:
    """A run from its first epoch, or from its checkpoint, to its last."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        torch.manual_seed(settings.seed)
        self.model = QualityModel(settings.backbone)
        if settings.weights != "none":
            self.model.load_backbone(Path(settings.weights))
        self.model.to(settings.device)
        self.optimizer = make_optimizer(
            self.model, rate=settings.lr, head_factor=settings.head_factor, decay=settings.weight_decay
        )
        self.sets = self._training_sets()
        cut = Cut(settings.crop, seed=settings.seed)
        self.patches = [Patches(pictures, cut) for pictures in self.sets]
        rows = sum(len(pictures) for pictures in self.sets)
        self.thinned = settings.variant == "downsampling"
        self.order: DRCDownSampler | EpochOrder = (
            DRCDownSampler(self.sets[0], scope=settings.scope, seed=settings.seed)
            if self.thinned
            else EpochOrder(rows, settings.seed)
        )
        fixed = Cut(settings.crop, settings.test_patches, "fixed", settings.test_short_side, settings.seed)
        self.tests = {file.stem: Patches(ManifestDataset(file), fixed) for file in settings.test}
        self.history: list[dict[str, Any]] = self._resume() if settings.resume else []

    def epochs(self) -> Iterator[dict[str, Any]]:
        """Carry out the epochs that are left; give each one's figures after its checkpoint is written."""
        self.settings.out.mkdir(parents=True, exist_ok=True)
        for epoch in range(
            len(self.history), min(self.settings.epochs, self.settings.stop_after or self.settings.epochs)
        ):
            started = time.perf_counter()
            line: dict[str, Any] = {"epoch": epoch, **self._choose_rows(epoch), "loss": self._train()}
            for name, test in self.tests.items():
                found = predict(self.model, test, batch_size=EVALUATION_BATCH, workers=self.settings.workers)
                line[name] = correlations(found)
                save_predictions(found, self.settings.out / f"{name}.csv")
            line["seconds"] = round(time.perf_counter() - started, 1)
            self.history.append(line)
            facts = {"history": self.history, "settings": self.settings.fixed()}
            checkpoint.save(self.settings.out / "checkpoint.safetensors", self.model, self.optimizer, facts)
            (self.settings.out / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in self.history))
            yield line

    def _training_sets(self) -> list[ManifestDataset]:
        settings = self.settings
        table = read_manifest(settings.train, training=True)
        if settings.variant in ("baseline", "candidates"):
            table = table.filter(pc.not_equal(table["label_source"], "pseudo"))
        sets = [ManifestDataset(table, split="train", folder=settings.train.parent)]
        if settings.all_candidates is not None:
            sets.append(ManifestDataset(settings.all_candidates, split="train"))
        return sets

    def _choose_rows(self, epoch: int) -> dict[str, Any]:
        """Decide which rows the epoch trains on: all of them, or those that thinning by the model of now leaves."""
        for patches in self.patches:
            patches.epoch = epoch
        if not isinstance(self.order, DRCDownSampler):
            self.order.epoch = epoch
            return {"rows": len(self.order)}
        features = collect_features(
            self.model,
            self.sets[0].with_transform(CenterPatch(self.settings.crop)),
            batch_size=EVALUATION_BATCH,
            num_workers=self.settings.workers,
        )
        figures = self.order.update(features, epoch=epoch)
        return {"rows": figures["rows_kept"], "of": figures["rows_in"], "largest_cluster": figures["largest_cluster"]}

    def _train(self) -> float:
        settings = self.settings
        self.model.train()
        loader = DataLoader(
            ConcatDataset(self.patches), settings.batch_size, sampler=self.order, num_workers=settings.workers
        )
        total = torch.zeros((), device=settings.device, dtype=torch.float64)
        for patches, labels, _ in loader:
            predictions = self.model(patches.flatten(0, 1).to(settings.device))
            loss = torch.nn.functional.l1_loss(predictions, labels.to(settings.device))
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.detach() * len(labels)
        return round(float(total) / len(self.order), 4)

    def _resume(self) -> list[dict[str, Any]]:
        file = self.settings.out / "checkpoint.safetensors"
        if not file.is_file():
            raise CurateError(f"no checkpoint at {file}: leave out --resume to begin")
        facts = checkpoint.load(file, self.model, self.optimizer)
        for name, value in self.settings.fixed().items():
            if facts["settings"].get(name) != value:
                raise CurateError(f"{file} was written with {name} = {facts['settings'].get(name)}, now it is {value}")
        return facts["history"]
