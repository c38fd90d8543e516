"""What a run is made of: its size, its arms, and the file that holds a second start to the same plan."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from syndr_curate.curate.manifest.provenance import library_versions

from ..shared.plan import keep_plan

LIBRARIES = ("syndr-curate", "torch", "numpy", "opencv-python-headless", "pillow", "scipy")
# The catalog's nearest relatives of what the targets suffer from, set down before anything was trained:
# gaussian blur, motion blur, JPEG, white noise, darken, contrast change.
TYPES = (1, 3, 10, 11, 17, 25)
LABELLED_LEVELS = (1, 2, 3, 4, 5)
NEW_LEVELS = (1, 3, 5)  # SynDR-IQA labels new references at these
# Algorithm 3's bound on cosines belongs to a network. With this one the published 0.9 links all pictures, and the one
# cluster that holds them loses a random half. At 0.995 a fifth to a half of the baseline's pictures are in clusters
# above 20. Chosen by that count alone, in one baseline, and never by a score.
SIMILARITY, PUBLISHED_SIMILARITY = 0.995, 0.9


@dataclass(frozen=True)
class Size:
    """How large a run is.

    Attributes:
        frame: Side of every picture, in pixels: a photograph shrunk until its shorter side is this long, then cut.
        crop: Side of what the network sees in training.
        widths: Channels of the network's layers.
        labelled: Labeled references per seed.
        candidates: Candidate references per seed.
        held_out: References per seed whose distorted versions are for testing alone.
        target_photographs: Photographs that are degraded for the target set, the same for all seeds.
        target_versions: Degraded versions of each.
        epochs: Passes over the baseline's set; every arm takes as many steps.
        seeds: Number of seeds.
        batch: Pictures per step.
    """

    frame: int
    crop: int
    widths: tuple[int, ...]
    labelled: int
    candidates: int
    held_out: int
    target_photographs: int
    target_versions: int
    epochs: int
    seeds: int
    batch: int = 16


SIZES = {
    "tiny": Size(48, 40, (4, 8), 6, 8, 2, 4, 2, 2, 2),
    "small": Size(96, 80, (16, 32, 64, 96), 30, 60, 20, 100, 4, 16, 5),
    "default": Size(128, 112, (16, 32, 64, 96), 40, 80, 20, 100, 4, 16, 10),
    "large": Size(224, 192, (48, 96, 192, 256, 256), 80, 80, 20, 100, 8, 40, 10, 32),
}

NewReferences = Literal["none", "candidates", "selected"]
LabelSource = Literal["knn", "gp", "metric"]


@dataclass(frozen=True)
class Arm:
    """One way to prepare the training set.

    Attributes:
        key: For file names.
        title: For tables.
        new: Which candidates join the labeled references.
        labels: Who labels them: Algorithm 2, gp, or (for comparison alone) the metric itself.
        similarity: Bound of Algorithm 3, which filters each epoch; None: no filter.
    """

    key: str
    title: str
    new: NewReferences = "none"
    labels: LabelSource = "knn"
    similarity: float | None = None


ARMS = (
    Arm("baseline", "baseline"),
    Arm("candidates", "+ candidates", "candidates"),
    Arm("selection", "+ selection", "selected"),
    Arm("downsampling", "+ downsampling", similarity=SIMILARITY),
    Arm("halves", "+ downsampling at 0.9", similarity=PUBLISHED_SIMILARITY),
    Arm("all", "all", "selected", similarity=SIMILARITY),
    Arm("all-gp", "all, gp labels", "selected", "gp", SIMILARITY),
    Arm("all-metric", "all, true labels", "selected", "metric", SIMILARITY),
)
# (arm, what it is compared with)
COMPARISONS = (
    *((arm.key, "baseline") for arm in ARMS[1:]),
    ("selection", "candidates"),
    ("all-gp", "all"),
    ("all-metric", "all"),
)


@dataclass(frozen=True)
class Run:
    """Where a run keeps its files, and what it is made of.

    Attributes:
        folder: Everything that is finished lies here.
        size: How large it is.
        device: `cpu` or `cuda`, for the training.
        seed: Seed of the target set and of the rendering.
    """

    folder: Path
    size: Size
    device: str = "cpu"
    seed: int = 123

    def keep_plan(self, photographs: str) -> None:
        """Write down the plan, or hold a second start to the first one's.

        Args:
            photographs: Digest of the photographs.

        Raises:
            CurateError: The folder holds another run; the message names what differs.
        """
        plan = {
            "size": asdict(self.size),
            "arms": [asdict(arm) for arm in ARMS],
            "types": TYPES,
            "seed": self.seed,
            "device": self.device,
            "photographs": photographs,
            "libraries": library_versions(LIBRARIES),
        }
        keep_plan(self.folder, plan)

    def result_path(self, arm: Arm, seed: int) -> Path:
        """Return where the result of one training goes."""
        return self.folder / "results" / f"{arm.key}-{seed:02d}.json"

    def results(self) -> list[dict[str, Any]]:
        """Return the results that are there, in the order of arms and seeds."""
        paths = [self.result_path(arm, seed) for arm in ARMS for seed in range(self.size.seeds)]
        return [json.loads(path.read_text()) for path in paths if path.is_file()]
