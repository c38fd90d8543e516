"""One training run: the rows of each epoch, the steps, the test sets, the log and the checkpoint."""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import checkpoint
import torch
from evaluate import correlations, predict, save_predictions
from model import QualityModel, make_optimizer
from parallel import Processes
from patches import Cut, Patches, stream
from rows import TrainingRows
from settings import Settings
from syndr_curate import CurateError, ManifestDataset
from torch.utils.data import DataLoader

EVALUATION_BATCH = 64
# What else stands in a line of the log: no test set may be called so.
OWN_NAMES = ("epoch", "rows", "of", "largest_cluster", "loss", "validation", "seconds")


class Run:
    """A run from its first epoch, or from its checkpoint, to its last."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.processes = Processes(settings.device, settings.amp)
        torch.manual_seed(settings.seed)
        self.model = QualityModel(settings.backbone, settings.crop)
        if settings.weights != "none":
            self.model.load_backbone(settings.weights)
        self.model.to(self.processes.device)
        self.optimizer = make_optimizer(
            self.model, rate=settings.lr, head_factor=settings.head_factor, decay=settings.weight_decay
        )
        self._rates = [group["lr"] for group in self.optimizer.param_groups]
        cut = Cut(settings.crop, seed=settings.seed, normalization=self.model.normalization)
        self.rows = TrainingRows(settings, cut, self.processes)
        fixed = replace(cut, count=settings.test_patches, place="fixed")
        self.tests = self._test_sets(replace(fixed, short_side=settings.test_short_side))
        self.validation = None if self.rows.validation is None else Patches(self.rows.validation, fixed)
        self.history: list[dict[str, Any]] = []
        self._part: dict[str, Any] | None = None
        self._steps_left = settings.stop_after_steps
        self._checkpoint = settings.out / "checkpoint.safetensors"
        scaler = self._resume() if settings.resume else self._begin_anew()
        self.network, self.stepper = self.processes.prepare(self.model, self.optimizer)
        self.processes.load_scaler_state(scaler)

    def epochs(self) -> Iterator[dict[str, Any]]:
        """Carry out the epochs that are left; give each one's figures after its checkpoint is written."""
        settings = self.settings
        settings.out.mkdir(parents=True, exist_ok=True)
        for epoch in range(len(self.history), min(settings.epochs, settings.stop_after or settings.epochs)):
            if self._is_worn_out():
                return
            started = time.perf_counter()
            figures = self._begin(epoch)
            loss = self._train(epoch, figures)
            if loss is None:
                return  # in the middle of the epoch, after --stop-after-steps
            line: dict[str, Any] = {"epoch": epoch, **figures, "loss": loss, **self._scores(epoch)}
            line["seconds"] = round(time.perf_counter() - started, 1)
            self.history.append(line)
            self._save(None, None)
            yield line
            if self._steps_left is not None and self._steps_left <= 0:
                return

    def _test_sets(self, cut: Cut) -> dict[str, Patches]:
        split = None if self.settings.test_split == "all" else self.settings.test_split
        names = [file.stem for file in self.settings.test]
        for name in names:
            if names.count(name) > 1 or name in OWN_NAMES:
                raise CurateError(f"a test set is called {name!r}; expected names that differ, and none of {OWN_NAMES}")
        return {file.stem: Patches(ManifestDataset(file, split=split), cut) for file in self.settings.test}

    def _begin(self, epoch: int) -> dict[str, int]:
        """Make an epoch's rows and learning rates ready; one that was begun already keeps its rows."""
        self.rows.begin_epoch(epoch)
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * self._share_of_rate(epoch)
        if self._part is not None:
            figures: dict[str, int] = self._part["figures"]
            return figures
        self.processes.share_buffers(self.model)
        return self.rows.choose(self.model, epoch)

    def _share_of_rate(self, epoch: int) -> float:
        if self.settings.schedule == "constant":
            return 1.0
        return (1.0 + math.cos(math.pi * epoch / self.settings.epochs)) / 2.0

    def _train(self, epoch: int, figures: dict[str, int]) -> float | None:
        """Take the steps of an epoch; return the mean loss, or None where the run ends in the middle."""
        settings, part = self.settings, self._part
        self._part = None
        self.network.train()
        loader = DataLoader(
            self.rows.patches, settings.batch_size, sampler=self.rows.order, num_workers=settings.workers
        )
        # What all processes had before a stop is counted by the first of them.
        before = part["sums"] if part is not None and self.processes.is_first else [0.0, 0.0]
        sums = torch.tensor(before, device=self.processes.device, dtype=torch.float64)
        position = part["order"]["position"] if part is not None else 0
        share = math.ceil((figures["rows"] - position) / self.processes.count)
        seen = 0
        for step, (patches, labels, _) in enumerate(loader, start=1):
            seen += len(labels)
            draws = stream(settings.seed, epoch, f"step after {position + seen * self.processes.count} rows")
            sums += self._step(patches, labels, draws)
            self._steps_left = None if self._steps_left is None else self._steps_left - 1
            if seen >= share:
                continue  # the epoch is over: its own checkpoint follows
            if self._steps_left == 0 or (settings.save_every and step % settings.save_every == 0):
                state, clusters = self.rows.state(seen)
                facts = {"figures": figures, "sums": self.processes.total(sums).tolist(), "order": state}
                self._save(facts, clusters)
            if self._steps_left == 0:
                return None
        loss, rows = self.processes.total(sums).tolist()
        return round(loss / rows, 4)

    def _step(self, patches: torch.Tensor, labels: torch.Tensor, draws: Any) -> torch.Tensor:
        """Take one step; return the sum of the losses and the number of rows."""
        device = self.processes.device
        # A network that draws, such as one with dropout, draws the same after a stop, and other things on each process.
        torch.manual_seed(int(draws.integers(2**62)) + self.processes.rank)
        predictions = self.network(patches.flatten(0, 1).to(device))
        loss = torch.nn.functional.l1_loss(predictions, labels.to(device))
        self.stepper.zero_grad()
        self.processes.backward(loss)
        self.stepper.step()
        return torch.stack([loss.detach().double() * len(labels), torch.tensor(len(labels), device=device)])

    def _scores(self, epoch: int) -> dict[str, Any]:
        """Score the validation rows and the test sets, and write the predictions."""
        self.processes.share_buffers(self.model)
        options = {"batch_size": EVALUATION_BATCH, "workers": self.settings.workers, "processes": self.processes}
        scores: dict[str, Any] = {}
        if self.validation is not None:
            scores["validation"] = correlations(predict(self.model, self.validation, **options))
        is_best = self.validation is None or self._best_epoch([*self.history, {"epoch": epoch, **scores}]) == epoch
        for name, test in self.tests.items():
            found = predict(self.model, test, **options)
            scores[name] = correlations(found)
            if not self.processes.is_first:
                continue
            if is_best:
                save_predictions(found, self.settings.out / f"{name}.csv")
            if self.settings.predictions is not None:
                save_predictions(found, self.settings.predictions_file(name, epoch))
        return scores

    def _best_epoch(self, history: list[dict[str, Any]]) -> int:
        """Return the epoch with the highest SRCC of the validation rows, the first of equals."""
        found = [line["validation"]["srcc"] for line in history]
        # A model that says one number for all has no correlation.
        return max(range(len(found)), key=lambda epoch: -2.0 if math.isnan(found[epoch]) else found[epoch])

    def _is_worn_out(self) -> bool:
        """Tell whether the validation rows have not been ranked better for --patience epochs."""
        if self.validation is None or not self.history:
            return False
        return len(self.history) - 1 - self._best_epoch(self.history) >= (self.settings.patience or 0)

    def _save(self, part: dict[str, Any] | None, clusters: torch.Tensor | None) -> None:
        if self.processes.is_first:
            settings = self.settings
            facts = {
                **{"history": self.history, "settings": settings.fixed(), "part": part},
                **{"rows": self.rows.digest(), "scaler": self.processes.scaler_state()},
            }
            checkpoint.save(self._checkpoint, self.model, self.optimizer, facts, clusters)
            if part is None:
                lines = "".join(json.dumps(line) + "\n" for line in self.history)
                (settings.out / "log.jsonl").write_text(lines)
        self.processes.wait()

    def _begin_anew(self) -> dict[str, Any]:
        """Refuse to write over another run; return that the loss has no scale yet."""
        if self._checkpoint.exists():
            raise CurateError(
                f"{self._checkpoint} is there already: give --resume to go on from it, or another --out to begin anew"
            )
        return {}

    def _resume(self) -> dict[str, Any]:
        """Take the run up where its checkpoint was written; return the state of the loss's scale."""
        file = self._checkpoint
        if not file.is_file():
            raise CurateError(f"no checkpoint at {file}: leave out --resume to begin")
        facts, clusters = checkpoint.load(file, self.model, self.optimizer)
        self.settings.check_resumed(facts["settings"], file)
        if facts.get("rows") != self.rows.digest():
            raise CurateError(
                f"{file} was written with other rows or labels than {self.settings.train} holds now; expected the same "
                "ones: give the manifest of then, or leave out --resume and give another --out"
            )
        self.history, self._part = facts["history"], facts["part"]
        if self._part is not None:
            self.rows.load_state(self._part["order"], clusters)
        scaler: dict[str, Any] = facts["scaler"]
        return scaler
