"""How large a run is, what goes into it, and where its files lie."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from syndr_curate.curate.manifest.provenance import digest_file, library_versions
from syndr_curate.distortions import CATALOG

from ..shared.plan import keep_plan

LIBRARIES = (
    "syndr-curate",
    "torch",
    "timm",
    "numpy",
    "scipy",
    "scikit-learn",
    "opencv-python-headless",
    "pillow",
    "pyarrow",
    "numba",
)
SEED = 123
PARTS = ("all", "a", "b")  # of the target's pictures: all, the development half, the test half
DENOISE = 15  # a network runs for it: as slow as all other types together
TYPES = tuple(entry.id for entry in CATALOG if entry.id != DENOISE)
PRESETS = ("livec", "koniq", "bid", "livec-greedy", "koniq-greedy")  # those for real photographs
SINGLE_TYPES = (1, 2, 3, 9, 10)
BLUR_TYPES = (1, 2, 3)
# Per row: the mean squared error over the training rows, and the penalty on squared weights of standardized features.
PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


@dataclass(frozen=True)
class Size:
    """How large a run is.

    Attributes:
        frame: Side of every rendered picture, in pixels; a smaller photograph gives as large a frame as it can.
        references: Labeled references, drawn from the pristine photographs.
        more_candidates: Candidates drawn from the other folders, beside the pristine photographs that are left.
        pristine_candidates: Pristine photographs that are candidates; None: all that are left.
        levels: Of the labeled references.
        other_levels: Of candidates and of the camera family.
        chains: Per labeled reference.
        target: Pictures of the target that are drawn; None: all.
        resamples: Resamples of the references.
        picture_resamples: Resamples of the target's pictures.
        random_sets: Random sets of types for the selection's own test.
        shown_sets: How many of them make the row of the table.
        head_seeds: Trainings of the small head per finalist.
        head_steps: Numbers of steps at which the head is asked, ascending; half A chooses one.
        thinning_seeds: Trainings of the small head per way of thinning.
        thinning_steps: Their steps: what half A chose for heads that see all rows.
        thinning_ways: Keys of the ways; None: all.
        keep_min: Clusters up to this size are left alone.
        encoder: Whose features are trained on.
        pool: What is pooled of its stages; None: its content features.
        domain_references: Pristine photographs that the classifier of types is fitted to; None: all.
        quick_domains: Fit a poor classifier of types in seconds: to show that it runs.
    """

    frame: int
    references: int
    more_candidates: int
    pristine_candidates: int | None = None
    levels: tuple[int, ...] = (1, 2, 3, 4, 5)
    other_levels: tuple[int, ...] = (1, 3, 5)
    chains: int = 30
    target: int | None = None
    resamples: int = 10
    picture_resamples: int = 1000
    random_sets: int = 200
    shown_sets: int = 24
    head_seeds: int = 5
    head_steps: tuple[int, ...] = (25, 50, 100, 200, 400)
    thinning_seeds: int = 5
    thinning_steps: int = 200
    thinning_ways: tuple[str, ...] | None = None
    keep_min: int = 20
    encoder: str = "efficientnet-lite0"
    pool: tuple[str, ...] | None = ("mean", "std")
    domain_references: int | None = None
    quick_domains: bool = False


SIZES = {
    "tiny": Size(
        frame=48,
        references=3,
        more_candidates=3,
        levels=(1, 3, 5),
        other_levels=(1, 5),
        chains=2,
        resamples=3,
        picture_resamples=50,
        random_sets=12,
        shown_sets=4,
        head_seeds=2,
        head_steps=(3, 6),
        thinning_seeds=2,
        thinning_steps=5,
        thinning_ways=("published", "half-both", "half-pseudo"),
        keep_min=2,
        encoder="gist",
        pool=None,
        quick_domains=True,
    ),
    "small": Size(
        frame=160,
        references=12,
        more_candidates=6,
        pristine_candidates=6,
        levels=(1, 3, 5),
        other_levels=(1, 5),
        chains=8,
        target=120,
        domain_references=12,
    ),
    "default": Size(frame=288, references=54, more_candidates=53),
    "full": Size(frame=512, references=81, more_candidates=53),
}


@dataclass(frozen=True)
class NeighborLabels:
    """A labeled set whose labels are lent by the published neighbor rule.

    Attributes:
        labels: Label file with KADID-10k's columns.
        features: Features of its references.
        encoder: What gave them; our references are encoded by it.
    """

    labels: Path
    features: Path
    encoder: str


@dataclass(frozen=True)
class Inputs:
    """What a run reads.

    Attributes:
        pristine: Folder of pristine photographs.
        candidates: Folders of photographs with new content.
        target: Manifest of the target, with human scores.
        second: Manifest of another real set; None: no row "trained on the other set".
        classifier: What `domains fit` wrote; None: it is fitted to `pristine`.
        neighbor_labels: For the label source `knn`; None: left out.
    """

    pristine: Path
    candidates: tuple[Path, ...]
    target: Path
    second: Path | None = None
    classifier: Path | None = None
    neighbor_labels: NeighborLabels | None = None


@dataclass(frozen=True)
class Run:
    """Where a run keeps its files, and what it is made of.

    Attributes:
        folder: Everything that is finished lies here.
        size: How large it is.
        inputs: What it reads.
        only: Keys of the arms beside all types and the presets; empty: all arms.
    """

    folder: Path
    size: Size
    inputs: Inputs
    only: tuple[str, ...] = ()

    def keep_plan(self, digests: dict[str, str]) -> None:
        """Write down the plan, or hold a second start to the first one's.

        Args:
            digests: Of the pictures, by what they are for.

        Raises:
            CurateError: The folder holds another run; the message names what differs.
        """
        given = self.inputs
        lent = given.neighbor_labels
        files = {
            "classifier": given.classifier,
            "neighbor_labels": None if lent is None else lent.labels,
            "neighbor_features": None if lent is None else lent.features,
        }
        plan: dict[str, Any] = {
            "size": asdict(self.size),
            "seed": SEED,
            "types": TYPES,
            "penalties": PENALTIES,
            "arms": self.only,
            **digests,
            **{name: None if path is None else digest_file(path) for name, path in files.items()},
            "neighbor_encoder": None if lent is None else lent.encoder,
            "libraries": library_versions(LIBRARIES),
        }
        keep_plan(self.folder, plan)

    def path(self, *parts: str) -> Path:
        """Return the path of a file of this run."""
        return self.folder.joinpath(*parts)
