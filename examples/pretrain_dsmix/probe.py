"""A linear probe on a pre-trained, frozen backbone: ridge regression from its features to labels, scored on a test set.

`python examples/pretrain_dsmix/probe.py --help`.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import torch
from network import Backbone
from pictures import LargeEnough
from safetensors import safe_open
from safetensors.torch import load_file
from syndr_curate import CurateError, ManifestDataset, collect_features, evaluate
from torch import nn
from torchvision.transforms import v2


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--backbone", type=Path, required=True, metavar="FILE", help="what pretrain.py wrote")
    add("--train", type=Path, required=True, metavar="MANIFEST", help="labeled rows; those of split train are fitted")
    add("--test", type=Path, required=True, metavar="MANIFEST", help="labeled rows that are scored")
    add("--crop", type=int, default=224, help="the middle of each picture")
    add("--ridge", type=float, default=1.0, help="penalty on standardized features, for each row")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add("--workers", type=int, default=4, help="processes that read images")
    add("--out", type=Path, required=True, help="predictions (.csv), as `syndr-curate evaluate` reads them")
    return parser.parse_args(arguments)


def probe(settings: argparse.Namespace) -> float:
    """Fit the probe, write its predictions, and return their SRCC."""
    if not settings.backbone.is_file():
        raise CurateError(f"no backbone at {settings.backbone}; expected a file that pretrain.py wrote")
    with safe_open(settings.backbone, framework="pt") as file:
        backbone = Backbone(file.metadata()["backbone"])
    backbone.load_state_dict(load_file(settings.backbone))
    backbone.to(settings.device)
    inputs, labels, _ = features_of(backbone, settings.train, settings, split="train")
    test_inputs, _, ids = features_of(backbone, settings.test, settings, split=None)
    mean, std = inputs.mean(axis=0), inputs.std(axis=0) + 1e-6
    weights = ridge((inputs - mean) / std, labels - labels.mean(), penalty=settings.ridge * len(labels))
    scores = ((test_inputs - mean) / std) @ weights + labels.mean()
    settings.out.parent.mkdir(parents=True, exist_ok=True)
    pa.csv.write_csv(pa.table({"id": ids, "score": scores}), settings.out)
    found = evaluate(settings.out, settings.test).overall.statistics("srcc")
    if found is None:
        raise CurateError("the probe predicts the same score for every row, so it has no SRCC: lower --ridge")
    return found.median


def features_of(
    backbone: nn.Module, manifest: Path, settings: argparse.Namespace, *, split: str | None
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return features (N, D), labels (N,) and ids of the labeled rows."""
    center = [
        LargeEnough(settings.crop),
        v2.CenterCrop(settings.crop),
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
    ]
    rows = ManifestDataset(manifest, v2.Compose(center), split=split)
    found = collect_features(backbone, rows, layer=backbone, num_workers=settings.workers)
    labels = rows.rows["label"].to_numpy()
    known = np.isfinite(labels)
    ids = [name for name, keep in zip(found.require_ids(), known, strict=True) if keep]
    return found.matrix[known].astype(np.float64), labels[known].astype(np.float64), ids


def ridge(inputs: np.ndarray, labels: np.ndarray, *, penalty: float) -> np.ndarray:
    """Return the weights (D,) that minimize the squared error plus `penalty` times their squares."""
    return np.linalg.solve(inputs.T @ inputs + penalty * np.eye(inputs.shape[1]), inputs.T @ labels)


def main(arguments: list[str] | None = None) -> None:
    settings = parse_arguments(arguments)
    try:
        print(f"SRCC {probe(settings):.4f}")
    except CurateError as error:
        # From a worker process the message comes at the end of its traceback.
        print("error:", str(error).splitlines()[-1].rpartition("CurateError: ")[2], file=sys.stderr)
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
