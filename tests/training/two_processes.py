"""One of two training processes, started by torchrun: writes down which rows it was given, before and after a stop.

Run as `python -m torch.distributed.run --nproc-per-node 2 two_processes.py FRAMEWORK FOLDER WORKERS`. No loop here
tells the sampler how many processes there are.
"""

import json
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from syndr_curate import CurateError, DRCDownSampler
from syndr_curate.curate.manifest.schema import build_table
from torch.utils.data import DataLoader

COUNT, BATCH, STOP = 46, 3, 2
IDS = [f"s{number:02d}" for number in range(COUNT)]


class Numbers(torch.utils.data.Dataset):
    """The picture of row i is the number i."""

    def __len__(self):
        return COUNT

    def __getitem__(self, index):
        return torch.tensor([float(index)])


def new_sampler(**choice) -> DRCDownSampler:
    columns = {"sample_id": IDS, "image_path": IDS, "label": np.full(COUNT, 5, np.float32), "label_source": "mos"}
    table = build_table({**columns, "split": "train", "status": "ok"}, COUNT)
    return DRCDownSampler(table, sample_ids=IDS, features_fn=lambda: np.ones((COUNT, 2), np.float32), **choice)


def new_loader(sampler, workers: int):
    return DataLoader(Numbers(), batch_size=BATCH, sampler=sampler, num_workers=workers)


def rows_of(batches) -> list[int]:
    return [int(row) for batch in batches for row in batch[:, 0].tolist()]


def train_and_resume(sampler, workers: int) -> dict:
    """Two epochs; then the second again, stopped after some batches and gone on with by new objects."""
    facts = {"epochs": []}
    loader = new_loader(sampler, workers)
    for epoch in range(2):
        sampler.set_epoch(epoch)
        facts["epochs"].append({"rows": rows_of(loader), "kept": [IDS.index(name) for name in sampler.kept_ids]})
    seen = rows_of(islice(loader, STOP))
    again = new_sampler()
    again.load_state_dict(sampler.state_dict(rows_seen=STOP * BATCH))
    again.set_epoch(1)
    facts["resumed"] = {"before": seen, "after": rows_of(new_loader(again, workers))}
    return facts


def plain_torch(_: Path, workers: int) -> dict:
    sampler = new_sampler()  # before the processes are joined
    torch.distributed.init_process_group("gloo")
    return train_and_resume(sampler, workers)


def accelerate(_: Path, workers: int) -> dict:
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True)
    sampler = new_sampler()
    facts = train_and_resume(sampler, workers)
    prepared = accelerator.prepare(new_loader(sampler, workers))
    try:
        facts["prepared"] = rows_of(prepared)
    except CurateError as error:
        facts["prepared"] = str(error)
    return facts


def lightning(folder: Path, workers: int) -> dict:
    import lightning.pytorch as pl
    from torchdata.stateful_dataloader import StatefulDataLoader

    class Model(pl.LightningModule):
        def __init__(self, stop_at=None):
            super().__init__()
            self.head = torch.nn.Linear(1, 1)
            self.sampler = new_sampler()  # Lightning joins the processes later
            self.given, self.kept, self.stop_at = {}, {}, stop_at

        def train_dataloader(self):
            self.sampler.set_epoch(self.current_epoch)
            self.kept[self.current_epoch] = [IDS.index(name) for name in self.sampler.kept_ids]
            return StatefulDataLoader(Numbers(), batch_size=BATCH, sampler=self.sampler, num_workers=workers)

        def training_step(self, batch, batch_idx):
            self.given.setdefault(self.current_epoch, []).extend(rows_of([batch]))
            if (self.current_epoch, batch_idx) == self.stop_at:
                self.trainer.should_stop = True
            return self.head(batch / COUNT).mean()

        def on_train_batch_end(self, _outputs, _batch, batch_idx):
            if (self.current_epoch, batch_idx) == self.stop_at:
                self.trainer.save_checkpoint(folder / "middle.ckpt")

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

        def on_save_checkpoint(self, checkpoint):
            checkpoint["drcdown"] = self.sampler.state_dict()

        def on_load_checkpoint(self, checkpoint):
            self.sampler.load_state_dict(checkpoint["drcdown"])

    def fit(model, checkpoint=None, **choice):
        trainer = pl.Trainer(
            **{"max_epochs": 2, "reload_dataloaders_every_n_epochs": 1, "use_distributed_sampler": False, **choice},
            **{"accelerator": "cpu", "devices": 2, "strategy": "ddp", "default_root_dir": folder},
            **{"logger": False, "enable_progress_bar": False, "enable_checkpointing": False},
        )
        trainer.fit(model, ckpt_path=checkpoint, weights_only=False)
        return model

    whole = fit(Model())
    stopped = Model(stop_at=(1, STOP - 1))
    fit(stopped)
    after = fit(Model(), folder / "middle.ckpt")
    facts = {
        "epochs": [{"rows": whole.given[epoch], "kept": whole.kept[epoch]} for epoch in range(2)],
        "resumed": {"before": stopped.given[1][: STOP * BATCH], "after": after.given[1]},
    }
    try:
        facts["prepared"] = fit(Model(), use_distributed_sampler=True).given
    except (CurateError, RuntimeError) as error:
        facts["prepared"] = f"{error}, after {error.__context__}"  # Lightning fails once more as it cleans up
    return facts


def transformers_trainer(folder: Path, workers: int) -> dict:
    from transformers import Trainer, TrainerCallback, TrainingArguments

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.head = torch.nn.Linear(1, 1)

        def forward(self, row):
            return {"loss": self.head(row / COUNT).mean()}

    def train(loader_of) -> dict:
        given, kept = {0: [], 1: []}, {}
        sampler = new_sampler()

        class NextEpoch(TrainerCallback):
            def on_epoch_begin(self, *_, **__):
                kept[sampler.epoch] = [IDS.index(name) for name in sampler.kept_ids]

            def on_epoch_end(self, *_, **__):
                sampler.set_epoch(sampler.epoch + 1)

        class OurTrainer(Trainer):
            def get_train_dataloader(self):
                sampler.set_epoch(0)
                loader = DataLoader(
                    Numbers(),
                    batch_size=BATCH,
                    sampler=sampler,
                    num_workers=workers,
                    collate_fn=lambda rows: {"row": torch.stack(rows)},
                )
                return loader_of(self, loader)

            def training_step(self, model, inputs, *more):
                given[sampler.epoch] += rows_of([inputs["row"]])
                return super().training_step(model, inputs, *more)

        args = TrainingArguments(
            output_dir=str(folder),
            use_cpu=True,
            num_train_epochs=2,
            report_to=[],
            save_strategy="no",
            disable_tqdm=True,
        )
        OurTrainer(model=Model(), args=args, callbacks=[NextEpoch()]).train()
        return {"epochs": [{"rows": given[epoch], "kept": kept[epoch]} for epoch in range(2)]}

    facts = train(lambda _trainer, loader: loader)
    try:
        facts["prepared"] = train(lambda trainer, loader: trainer.accelerator.prepare(loader))["epochs"]
    except CurateError as error:
        facts["prepared"] = str(error)
    return facts


def main() -> None:
    framework, folder, workers = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    frameworks = {"plain": plain_torch, "accelerate": accelerate, "lightning": lightning}
    facts = {**frameworks, "transformers": transformers_trainer}[framework](folder, workers)
    (folder / f"{torch.distributed.get_rank()}.json").write_text(json.dumps(facts))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
