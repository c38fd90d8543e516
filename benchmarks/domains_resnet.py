"""How fast the domain classifier's ResNet-50 learns and answers on a device.

    python benchmarks/domains_resnet.py --device cuda

The weights are random and the references painted. Patches in memory first, then `domains fit --kind resnet50` as a
whole, which renders its pictures on the processor. Prints lines of a Markdown table.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from made_data import paint_photographs, random_resnet50
from syndr_curate.curate.datasets.image_folders import open_source
from syndr_curate.curate.domains.fitting.fit_resnet import ResNetSettings, fit_resnet_domains
from syndr_curate.curate.domains.resnet import ResNetTrainer
from syndr_curate.curate.domains.selection_rule import CLASSES
from syndr_curate.curate.domains.settings import RESNET_BATCH
from syndr_curate.curate.encoding.torch_encoders import CROP

PATCHES = 5  # of a picture that is asked about
SIDE = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--batch", type=int, default=RESNET_BATCH, help="patches per step")
    parser.add_argument("--references", type=int, default=16, help="of the whole fit")
    parser.add_argument("--epochs", type=int, default=3, help="of the whole fit")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        weights = random_resnet50(Path(name))
        in_memory(weights, arguments)
        paint_photographs(Path(name) / "references", arguments.references, side=SIDE)
        whole_fit(Path(name) / "references", weights, arguments)


def in_memory(weights: Path, arguments: argparse.Namespace) -> None:
    """Time steps and answers on patches that are in memory."""
    trainer = ResNetTrainer(weights=weights, device=arguments.device, rate=1e-4, decay=5e-4, seed=0)
    rng = np.random.default_rng(0)
    patches = rng.standard_normal((arguments.batch, 3, CROP, CROP), dtype=np.float32)
    batch = patches, rng.integers(0, CLASSES, arguments.batch)
    trainer.epoch([batch])
    started = time.perf_counter()
    trainer.epoch([batch] * arguments.steps)
    rate = arguments.steps * arguments.batch / (time.perf_counter() - started)
    print(
        f"| domain classifier, ResNet-50 learns, batches of {arguments.batch} | {rate:,.1f} patches/s | |", flush=True
    )
    classifier = trainer.finished()
    asked = [np.resize(patches, (PATCHES, 3, CROP, CROP))]
    classifier.scores(asked)
    started = time.perf_counter()
    classifier.scores(asked * arguments.steps)
    rate = arguments.steps / (time.perf_counter() - started)
    print(
        f"| domain classifier, ResNet-50 answers, {PATCHES} patches a picture | {rate:,.1f} pictures/s | |", flush=True
    )


def whole_fit(folder: Path, weights: Path, arguments: argparse.Namespace) -> None:
    """Time the fit of a classifier to painted references."""
    settings = ResNetSettings(
        weights=weights, device=arguments.device, epochs=arguments.epochs, batch=arguments.batch, pristine_variants=1
    )
    started = time.perf_counter()
    fitted = fit_resnet_domains(open_source(folder), settings)
    seconds = time.perf_counter() - started
    print(
        f"| `domains fit --kind resnet50`, {arguments.references} references, {arguments.epochs} epochs | "
        f"{seconds:.1f} s | rendering on the processor included; {fitted.together.samples} held-out patches |"
    )


if __name__ == "__main__":
    main()
