"""One of two training processes, started by torchrun: carries out the script that a page of docs/trainers shows.

Run as `python -m torch.distributed.run --nproc-per-node 2 run_trainer_page.py PAGE NOTES [KILL_AT]` in a folder with
the manifest of the page. Every batch is written down before it is trained on. With KILL_AT the process ends there, in
its second epoch, as if the machine had been switched off; without it, a run that was killed is gone on with.
"""

import json
import os
import re
import sys
from pathlib import Path

import torch
from syndr_curate import DRCDownSampler

CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
FEW_ROWS = {"BATCH": 3, "SAVE_EVERY": 1}


class Notes:
    """What this process was given: a line for each batch."""

    def __init__(self, path: Path, kill_at: int | None) -> None:
        self.path, self.kill_at = path, kill_at

    def take(self, batch, step: int, sampler: DRCDownSampler) -> None:
        if sampler.epoch == 1 and step == self.kill_at:
            os._exit(9)
        line = {"epoch": sampler.epoch, "rows": list(batch.sample_id), "kept": sampler.kept_ids}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")


def note_batches_of_loaders(notes: Notes) -> None:
    class NotingLoader(torch.utils.data.DataLoader):
        def __iter__(self):
            for step, batch in enumerate(super().__iter__()):
                if isinstance(self.sampler, DRCDownSampler):
                    notes.take(batch, step, self.sampler)
                yield batch

    torch.utils.data.DataLoader = NotingLoader


def noting_module(shown: type, notes: Notes) -> type:
    class NotingModel(shown):
        def training_step(self, batch, batch_idx):
            notes.take(batch, batch_idx, self.sampler)
            return super().training_step(batch, batch_idx)

    return NotingModel


def main() -> None:
    page, path = Path(sys.argv[1]), Path(f"{sys.argv[2]}.{os.environ['RANK']}.jsonl")
    kill_at = int(sys.argv[3]) if len(sys.argv) > 3 else None
    notes = Notes(path, kill_at)
    data, loop, start = CODE.findall(page.read_text(encoding="utf-8"))[:3]
    shown = {"__name__": "__main__"}
    if page.stem != "lightning":
        note_batches_of_loaders(notes)
    exec(compile(data, f"{page.name}, data", "exec"), shown)
    shown.update(FEW_ROWS)
    exec(compile(loop, f"{page.name}, loop", "exec"), shown)
    if page.stem != "lightning":
        exec(compile(start, f"{page.name}, start", "exec"), shown)
        return
    shown["Model"] = noting_module(shown["Model"], notes)
    last = Path("lightning-checkpoints/last.ckpt")
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    shown["train"](
        epochs=2,
        checkpoint=None if kill_at is not None else last,
        **{"accelerator": "cpu", "strategy": "ddp", "devices": 2, **quiet},
    )


if __name__ == "__main__":
    main()
