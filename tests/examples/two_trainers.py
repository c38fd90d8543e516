"""One of two training processes, started by torchrun: train.py as it is, with a note of the rows of every step.

Run as `python -m torch.distributed.run --nproc-per-node 2 two_trainers.py NOTES FLAGS ...`.
"""

import json
import os
import sys
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "train_baseline"


def main() -> None:
    sys.path.insert(0, str(EXAMPLE))
    import run
    import torch
    import train

    given: list[tuple[int, list[str]]] = []

    class NotingLoader(torch.utils.data.DataLoader):
        def __iter__(self):
            for batch in super().__iter__():
                given.append((self.sampler.epoch, list(batch.sample_id)))
                yield batch

    class TinyNetwork(torch.nn.Sequential):
        def __init__(self):
            layers = [torch.nn.Conv2d(3, 8, 7, stride=4), torch.nn.BatchNorm2d(8), torch.nn.ReLU()]
            super().__init__(*layers, torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten())

    run.DataLoader = NotingLoader
    sys.modules["model"].make_backbone = lambda *_: sys.modules["backbones"].Backbone(TinyNetwork(), 32)
    train.main(sys.argv[2:])
    notes = Path(f"{sys.argv[1]}.{os.environ['RANK']}.json")
    notes.write_text(json.dumps({"world": torch.distributed.get_world_size(), "given": given}))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
