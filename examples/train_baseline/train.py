"""Train the published baseline on manifests: with or without new references, their selection and per-epoch thinning.

`python examples/train_baseline/train.py --help`; README.md beside this file has whole commands.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from backbones import CLIP, TORCHVISION
from run import Run
from settings import PRECISIONS, SCHEDULES, VARIANTS, Settings
from syndr_curate import CurateError


def parse_arguments(arguments: list[str] | None = None) -> Settings:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    _add_rows(parser.add_argument_group("rows"))
    _add_tests(parser.add_argument_group("test sets"))
    _add_training(parser.add_argument_group("training"))
    _add_running(parser.add_argument_group("running"))
    return Settings(**vars(parser.parse_args(arguments)))


def _add_rows(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--train", type=Path, required=True, metavar="MANIFEST", help="what `syndr-curate upsample` wrote")
    add("--variant", choices=VARIANTS, default="downsampling", help="row of the ablation, Table 4")
    add("--all-candidates", type=Path, metavar="MANIFEST", help="of candidates(-thinning): new rows without selection")
    add("--split", default="split", metavar="COLUMN", help="column of --train with train, val and test")
    add("--similarity", type=float, default=0.9, help="DRCDown: rows above this cosine are alike")
    add("--label-gap", type=float, default=1.0, help="DRCDown: and with labels closer than this")
    add("--keep-min", type=int, default=20, help="DRCDown: a cluster keeps at least so many")
    add("--keep-fraction", type=float, default=0.5, help="DRCDown: share of a larger cluster that is kept")
    add("--scope", choices=("all", "mos"), default="all", help="mos: never thin pseudo-labeled rows, as released")


def _add_tests(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--test", type=Path, action="append", default=[], metavar="MANIFEST", help="labeled test set; repeatable")
    add("--test-split", choices=("all", "train", "val", "test"), default="all", help="its rows")
    add("--test-short-side", type=int, default=0, help="shrink larger test images to this (0: as they are)")
    add("--test-patches", type=int, default=5, help="patches averaged per test image")
    add("--predictions", metavar="FILE", help="CSV per epoch and test set, e.g. 'runs/a/{test}-{epoch}.csv'")


def _add_training(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--weights", required=True, help="checkpoint of the backbone (.pth, .safetensors), cached, or none")
    add("--backbone", default="resnet50", help=f"{', '.join(TORCHVISION)}, {CLIP} or timm:NAME")
    add("--epochs", type=int, default=24)
    add("--batch-size", type=int, default=32, help="of each process")
    add("--crop", type=int, default=224)
    add("--lr", type=float, default=2e-5, help="of the backbone")
    add("--head-factor", type=float, default=10.0, help="the head's learning rate is this much higher")
    add("--weight-decay", type=float, default=5e-4)
    add("--schedule", choices=SCHEDULES, default="constant", help="of the learning rate, epoch by epoch")
    add("--patience", type=int, metavar="N", help="stop when rows of split val were not ranked better for N epochs")
    add("--amp", choices=PRECISIONS, default="no", help="mixed precision, by accelerate")
    add("--seed", type=int, default=123)


def _add_running(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add("--workers", type=int, default=4, help="processes that read images")
    add("--out", type=Path, required=True, help="folder of the log and the checkpoint")
    add("--resume", action="store_true", help="go on from the checkpoint in --out")
    add("--save-every", type=int, metavar="N", help="also write the checkpoint after every N steps of an epoch")
    add("--stop-after", type=int, metavar="N", help="end after N epochs in all, to be resumed later")
    add("--stop-after-steps", type=int, metavar="N", help="end after N steps of this call, to be resumed later")


def main(arguments: list[str] | None = None) -> None:
    settings = parse_arguments(arguments)
    try:
        run = Run(settings)
        for line in run.epochs():
            if run.processes.is_first:
                print(json.dumps(line), flush=True)
    except CurateError as error:
        # From a worker process the message comes at the end of its traceback.
        print("error:", str(error).splitlines()[-1].rpartition("CurateError: ")[2], file=sys.stderr)
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
