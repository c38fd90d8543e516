"""How well a model ranks and predicts the labels of a test set."""

import csv
from pathlib import Path

import numpy as np
import torch
from model import QualityModel
from parallel import Processes
from patches import Patches
from scipy.stats import pearsonr, spearmanr
from syndr_curate import CurateError
from torch.utils.data import DataLoader, Subset


@torch.inference_mode()
def predict(
    model: QualityModel, test: Patches, *, batch_size: int, workers: int, processes: Processes | None = None
) -> dict[str, tuple[float, float]]:
    """Return (label, prediction) by sample id; a prediction is the mean over the image's patches.

    Of several processes each predicts its share, and all get all.
    """
    device = next(model.parameters()).device
    model.eval()
    found: dict[str, tuple[float, float]] = {}
    rank, count = (processes.rank, processes.count) if processes is not None else (0, 1)
    share = Subset(test, range(rank, len(test), count))
    for patches, labels, ids in DataLoader(share, batch_size=batch_size, num_workers=workers):
        scores = model(patches.flatten(0, 1).to(device)).cpu().view(len(ids), -1).mean(dim=1)
        found |= dict(zip(ids, zip(labels.tolist(), scores.tolist(), strict=True), strict=True))
    return found if processes is None else processes.joined(found)


def correlations(found: dict[str, tuple[float, float]]) -> dict[str, float]:
    """Return SRCC and PLCC (no fitted curve in between) over the labeled images."""
    labels, scores = np.array(list(found.values())).T
    known = np.isfinite(labels)
    if known.sum() < 3:
        raise CurateError(f"{known.sum()} labeled images are too few for a correlation; expected 3 or more")
    return {
        "srcc": float(spearmanr(labels[known], scores[known]).statistic),
        "plcc": float(pearsonr(labels[known], scores[known]).statistic),
    }


def save_predictions(found: dict[str, tuple[float, float]], path: Path) -> None:
    """Write the prediction of each image, as `syndr-curate evaluate` reads it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "score"))
        writer.writerows((identifier, score) for identifier, (_, score) in found.items())
