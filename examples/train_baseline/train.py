"""Train the published baseline on manifests: with or without new references, their selection and per-epoch thinning.

`python examples/train_baseline/train.py --help`; README.md beside this file has whole commands.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from model import BACKBONES
from run import Run, Settings
from syndr_curate import CurateError


def parse_arguments(arguments: list[str] | None = None) -> Settings:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--train", type=Path, required=True, metavar="MANIFEST", help="what `syndr-curate upsample` wrote")
    add("--variant", choices=("baseline", "candidates", "selection", "downsampling"), default="downsampling")
    add("--all-candidates", type=Path, metavar="MANIFEST", help="of --variant candidates: new rows without selection")
    add("--scope", choices=("all", "mos"), default="all", help="mos: never thin pseudo-labelled rows, as released")
    add("--test", type=Path, action="append", default=[], metavar="MANIFEST", help="labelled test set; repeatable")
    add("--test-short-side", type=int, default=0, help="shrink larger test images to this (0: as they are)")
    add("--weights", required=True, help="local ImageNet checkpoint of the backbone (.pth, .safetensors), or none")
    add("--backbone", choices=BACKBONES, default="resnet50")
    add("--epochs", type=int, default=24)
    add("--batch-size", type=int, default=32)
    add("--crop", type=int, default=224)
    add("--test-patches", type=int, default=5, help="patches averaged per test image")
    add("--lr", type=float, default=2e-5, help="of the backbone, in every epoch")
    add("--head-factor", type=float, default=10.0, help="the head's learning rate is this much higher")
    add("--weight-decay", type=float, default=5e-4)
    add("--seed", type=int, default=123)
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add("--workers", type=int, default=4, help="processes that read images")
    add("--out", type=Path, required=True, help="folder of the log and the checkpoint")
    add("--resume", action="store_true", help="go on from the checkpoint in --out")
    add("--stop-after", type=int, metavar="N", help="end after N epochs in all, to be resumed later")
    return Settings(**vars(parser.parse_args(arguments)))


def main(arguments: list[str] | None = None) -> None:
    settings = parse_arguments(arguments)
    try:
        for line in Run(settings).epochs():
            print(json.dumps(line), flush=True)
    except CurateError as error:
        # From a worker process the message comes at the end of its traceback.
        print("error:", str(error).splitlines()[-1].rpartition("CurateError: ")[2], file=sys.stderr)
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
