"""The flags that several commands share, each written once."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from ..datasets.settings import IdStyle
from ..encoding.settings import ENCODERS, TIMM_PREFIX, DeviceName
from ..errors import CurateError
from ..labeling.settings import ConditionsName, LabelerName, NeighborsFrom, Weighting
from ..runs.executors import ExecutorName
from ..storage.formats import ColorProfiles, ImageFormat, Layout
from ..storage.texts.strict_numbers import finite_number, whole_number

ALL = "all"  # of types, or of candidates
# The columns of KADID-10k's own label file.
KADID_ID, KADID_LABEL, KADID_REFERENCE = "dist_img", "dmos", "ref_img"
DEFAULT_MANIFEST = Path("manifests/train.parquet")


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress and no notes.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 3 if any row has a status other than ok.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of all random draws.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Threads; by default one per core.")]

LayoutOption = Annotated[
    Layout,
    typer.Option(
        "--layout",
        help="How pixels are stored: image files, tars for webdataset, or Parquet files with an image column.",
    ),
]
ExecutorOption = Annotated[
    ExecutorName, typer.Option("--executor", help="Where the run is carried out: this machine or a Ray cluster.")
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray-address", help="With --executor ray: the cluster, auto or host:port.", show_default="start one here"
    ),
]
Shard = Annotated[
    str | None,
    typer.Option(
        "--shard",
        help="Do only this share of the run: 1/3, or slurm for this array task (slurm:32: of 32). Then run `merge`.",
    ),
]
RowsPerShard = Annotated[
    int | None,
    typer.Option(
        "--rows-per-shard",
        min=1,
        help="Rows per shard: after each, progress is saved; an archive of pixels holds one shard.",
        show_default="by the size of the run",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Start over and discard what an earlier run left.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Try the rows again that failed in an earlier run.")]

Types = Annotated[
    str,
    typer.Option(
        "--types",
        help="Distortion ids or names, `all` (the 25 of KADID-10k), `camera`, a preset (bid, livec, pipal-1, ...) or a "
        "preset file.",
    ),
]
Levels = Annotated[str, typer.Option("--levels", help="Levels of the new rows, 1-5, comma-separated.")]
ImageFormatOption = Annotated[ImageFormat, typer.Option("--format", help="Image format, lossless.")]
RecipeOnly = Annotated[
    bool, typer.Option("--recipe-only", help="Store no pixels; they are rendered from the rows when needed.")
]
ImagesOut = Annotated[
    Path | None,
    typer.Option("--images-out", help="Folder for the rendered images.", show_default="images/ beside the manifest"),
]

Ids = Annotated[
    IdStyle,
    typer.Option("--ids", help="What becomes an image's id: the file's stem, or its relative path without suffix."),
]
FollowLinks = Annotated[
    bool, typer.Option("--follow-links", help="Also search linked folders outside the folder of images.")
]
ExifOrient = Annotated[bool, typer.Option("--exif-orient", help="Rotate images by their EXIF orientation.")]
ColorProfilesOption = Annotated[
    ColorProfiles,
    typer.Option("--icc", help="Color profiles other than sRGB: ignore them, or convert the pixels to sRGB."),
]
MaxPixels = Annotated[int, typer.Option("--max-pixels", min=1, help="Refuse images with more pixels.")]

EncoderOption = Annotated[
    str,
    typer.Option(
        "--encoder",
        help=f"{', '.join(ENCODERS)}, or {TIMM_PREFIX}NAME, a model of timm. The weights of efficientnet-lite0 are a "
        "package (extra offline); gist needs none.",
    ),
]
Pool = Annotated[
    str | None,
    typer.Option(
        "--pool",
        help="Quality features instead of content features: mean, std or mean,std of each channel, over whole images.",
    ),
]
PooledLayers = Annotated[
    str | None,
    typer.Option(
        "--layers", help="With --pool: stages of the network, 1 is the finest, comma-separated.", show_default="all"
    ),
]
Weights = Annotated[
    Path | None, typer.Option("--weights", help="Local checkpoint (.pth, .safetensors) for the named encoder.")
]
Device = Annotated[DeviceName, typer.Option("--device", help="Where torch computes.")]
BatchSize = Annotated[int, typer.Option("--batch-size", min=1, help="Images per call of the encoder.")]

ReferenceFeatures = Annotated[
    Path | None, typer.Option("--reference-features", help="Features of the labeled references (with ids).")
]
CandidateFeatures = Annotated[
    Path | None, typer.Option("--candidate-features", help="Features of the candidates (with ids).")
]
Candidates = Annotated[
    str, typer.Option("--candidates", help="Number of candidates to draw at random before selecting, or `all`.")
]
MaxSelected = Annotated[int | None, typer.Option("--max-selected", min=1, help="Keep at most N new references.")]

LabelerOption = Annotated[
    LabelerName,
    typer.Option(
        "--labeler",
        help="knn: the published rule. gp: a model that measured better. condition: the mean of each type and level. "
        "calibrated: full-reference measures, fitted to --fit-on.",
    ),
]
ConditionsOption = Annotated[
    ConditionsName | None,
    typer.Option(
        "--conditions",
        help="Labels without a data set: the human mean of each type and level over KADID-10k's references.",
    ),
]
MaxLabelStd = Annotated[
    float | None,
    typer.Option("--max-label-std", help="Leave out rows with a label_std above this.", show_default="keep all"),
]
Neighbors = Annotated[
    int,
    typer.Option("--neighbors", min=1, help="Nearest labeled references per new one; all of them if there are fewer."),
]
Margin = Annotated[
    float,
    typer.Option(
        "--margin", help="Of these neighbors, keep those whose distance exceeds the smallest by less than this."
    ),
]
WeightingOption = Annotated[
    Weighting,
    typer.Option(
        "--weighting",
        help="Weights of the neighbors, by distance d: softmax(d) as published, or softmax(-d/temperature).",
    ),
]
NeighborsFromOption = Annotated[
    NeighborsFrom,
    typer.Option(
        "--neighbors-from",
        help="Which references give their labels to new rows: those that --split-file does not hold out, or all.",
    ),
]
Temperature = Annotated[float, typer.Option("--temperature", help="With --weighting similarity: the temperature.")]

LabelsFile = Annotated[Path | None, typer.Option("--labels", help="CSV with a score per distorted image.")]
IdColumn = Annotated[str, typer.Option("--id-column", help="Label file: column of image names.")]
LabelColumn = Annotated[str, typer.Option("--label-column", help="Label file: column of scores.")]
ReferenceColumn = Annotated[str, typer.Option("--reference-column", help="Label file: column of reference names.")]
StdColumn = Annotated[
    str | None,
    typer.Option(
        "--std-column",
        help="Label file: column of the standard deviation of the votes.",
        show_default="var with KADID-10k's columns, else none",
    ),
]
Raters = Annotated[
    int | None,
    typer.Option(
        "--raters",
        min=1,
        help="Votes per image; the standard error is std/sqrt(raters).",
        show_default="30 with KADID-10k's columns, else 1: the column is a standard error",
    ),
]
DistortionColumn = Annotated[
    str | None,
    typer.Option(
        "--distortion-column", help="Label file: column of types 1-25, or 200-999.", show_default="from the image name"
    ),
]
LevelColumn = Annotated[
    str | None,
    typer.Option("--level-column", help="Label file: column of levels 1-5.", show_default="from the image name"),
]
LowerIsBetter = Annotated[bool, typer.Option("--lower-is-better", help="Lower scores are better: flip them.")]
LabelRange = Annotated[
    str | None,
    typer.Option(
        "--label-range",
        help="MIN,MAX of the score's scale. The default uses held-out rows too; give it to leave them out.",
        show_default="of the whole file",
    ),
]
SplitFile = Annotated[
    Path | None,
    typer.Option(
        "--split-file",
        help="CSV of reference_id (or id) and split: val and test are held out, and give no labels to new rows.",
    ),
]

RunFolder = Annotated[Path, typer.Argument(help="What a long run was given as --out, or its run folder.")]
RootOverrides = Annotated[
    list[str] | None, typer.Option("--root", help="name=DIR: where a root's files are now; may be repeated.")
]


def required(value: Path | None, flag: str, what: str) -> Path:
    """Return a path that must be given, by flag or settings file.

    Args:
        value: The path, if it was given.
        flag: The flag.
        what: What the file is and where it comes from, for the message.

    Raises:
        CurateError: It is not.
    """
    if value is None:
        raise CurateError(f"{flag} FILE is needed: {what}")
    return value


def levels_text(levels: Iterable[int]) -> str:
    """Write levels as `--levels` takes them."""
    return ",".join(map(str, levels))


def count_text(count: int | None) -> str:
    """Write a count as `parse_count` takes it; None stands for all."""
    return ALL if count is None else str(count)


def parse_range(text: str | None) -> tuple[float, float] | None:
    """Turn `MIN,MAX` into two numbers.

    Raises:
        CurateError: Not two finite numbers.
    """
    if text is None:
        return None
    ends = [finite_number(part) for part in text.split(",")]
    if len(ends) != 2 or ends[0] is None or ends[1] is None:  # noqa: PLR2004
        raise CurateError(f"--label-range {text!r}: expected MIN,MAX, e.g. 0,100")
    return ends[0], ends[1]


def parse_count(text: str) -> int | None:
    """Turn `all` or a number into a count; None stands for all.

    Raises:
        CurateError: Neither.
    """
    if text == ALL:
        return None
    count = whole_number(text)
    if count is None or count < 1:
        raise CurateError(f"--candidates {text!r}: expected a number of at least 1, or all")
    return count


def parse_fractions(text: str) -> tuple[float, ...]:
    """Turn `0.8,0.2` into numbers.

    Raises:
        CurateError: A part is no finite number.
    """
    shares = [finite_number(part) for part in text.split(",")]
    known = tuple(share for share in shares if share is not None)
    if len(known) < len(shares):
        raise CurateError(f"--fractions {text!r}: expected comma-separated shares that add up to 1, e.g. 0.8,0.2")
    return known


def parse_layers(text: str | None) -> tuple[int, ...] | None:
    """Turn `3,4,5` into stages; None stands for all.

    Raises:
        CurateError: A part is no whole number.
    """
    if text is None:
        return None
    stages = [whole_number(part) for part in text.split(",")]
    known = tuple(stage for stage in stages if stage is not None)
    if len(known) < len(stages):
        raise CurateError(f"--layers {text!r}: expected comma-separated whole numbers from 1, e.g. 3,4,5")
    return known
