"""Groups of flags that several commands take, and what a command makes of each group."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import typer

from ..datasets.settings import IdStyle
from ..encoding.settings import EncodeSettings
from ..labeling.settings import LabelSettings, NeighborSettings
from ..rendering.settings import DistortSettings
from ..runs.progress import Reporter
from ..storage.formats import ColorProfiles
from ..storage.limits import MAX_PIXELS
from . import options as opt
from .console import describe, make_reporter, print_result
from .exit_codes import EXIT_REJECTED
from .no_effect import refuse_without_effect

if TYPE_CHECKING:
    from ..datasets.labels import LabelFile
    from ..storage.images import DecodeOptions


class AnyResult:
    """What a command makes of the flags of its result."""

    json: bool
    quiet: bool
    strict: bool = False

    @property
    def reporter(self) -> Reporter:
        """What shows progress."""
        return make_reporter(quiet=self.quiet)

    def print(self, value: Mapping[str, Any], text: str) -> None:
        """Print a result: one JSON object under `--json`, otherwise the text."""
        print_result(value, text, as_json=self.json)

    def finish(self, summary: dict[str, Any], *, rejected: str = "rows_not_ok") -> None:
        """Print a summary; under `--strict`, exit with 3 where rows were rejected."""
        self.print(summary, describe(summary))
        if self.strict and any(summary.get(key) for key in (rejected, "candidates_unusable")):
            raise typer.Exit(EXIT_REJECTED)


@dataclass(frozen=True)
class ResultFlags(AnyResult):
    """How a command that rejects no rows shows progress and its result."""

    json: opt.Json = False
    quiet: opt.Quiet = False


@dataclass(frozen=True)
class StrictResultFlags(AnyResult):
    """How a command that may reject rows shows progress and its result."""

    strict: opt.Strict = False
    json: opt.Json = False
    quiet: opt.Quiet = False


class PixelKeywords(TypedDict):
    """Keyword arguments of a stage that reads the pixels of a manifest's rows."""

    roots: dict[str, Path]
    max_pixels: int
    workers: int | None


class FolderKeywords(TypedDict):
    """Keyword arguments of a stage that reads a folder of images."""

    ids: IdStyle
    follow_links: bool
    decoding: "DecodeOptions"
    workers: int | None


class ImageKeywords(FolderKeywords):
    """Keyword arguments of a stage that reads a folder of images or a manifest."""

    roots: dict[str, Path]


class _Roots:
    root: list[str] | None

    @property
    def roots(self) -> dict[str, Path]:
        """Root names and their folders."""
        from ..manifest.roots import parse_roots

        return parse_roots(self.root or [])


class _Decoding:
    exif_orient: bool
    icc: ColorProfiles
    max_pixels: int

    @property
    def decoding(self) -> "DecodeOptions":
        """How images are read."""
        from ..storage.images import DecodeOptions

        return DecodeOptions(exif_orient=self.exif_orient, icc=self.icc, max_pixels=self.max_pixels)


@dataclass(frozen=True)
class PixelFlags(_Roots):
    """How the pixels of a manifest's rows are found and read."""

    root: opt.RootOverrides = None
    max_pixels: opt.MaxPixels = MAX_PIXELS
    workers: opt.Workers = None

    @property
    def keywords(self) -> PixelKeywords:
        """What a stage is given of them."""
        return {"roots": self.roots, "max_pixels": self.max_pixels, "workers": self.workers}


@dataclass(frozen=True)
class FolderFlags(_Decoding):
    """How the images of a folder are named and read."""

    ids: opt.Ids = DistortSettings.ids
    follow_links: opt.FollowLinks = False
    exif_orient: opt.ExifOrient = False
    icc: opt.ColorProfilesOption = "ignore"
    max_pixels: opt.MaxPixels = MAX_PIXELS
    workers: opt.Workers = None

    @property
    def keywords(self) -> FolderKeywords:
        """What a stage is given of them."""
        return {
            "ids": self.ids,
            "follow_links": self.follow_links,
            "decoding": self.decoding,
            "workers": self.workers,
        }


@dataclass(frozen=True)
class ImageFlags(FolderFlags, _Roots):
    """How the images of a folder or a manifest are named and read."""

    root: opt.RootOverrides = None

    @property
    def keywords(self) -> ImageKeywords:
        """What a stage is given of them."""
        return {**super().keywords, "roots": self.roots}


@dataclass(frozen=True)
class FeatureFlags:
    """Features of the labeled references and of the candidates."""

    reference_features: opt.ReferenceFeatures = None
    candidate_features: opt.CandidateFeatures = None

    @property
    def references(self) -> Path:
        """The file of the references, which must be given."""
        return opt.required(self.reference_features, "--reference-features", "`syndr-curate encode` writes it")

    @property
    def candidates(self) -> Path:
        """The file of the candidates, which must be given."""
        return opt.required(self.candidate_features, "--candidate-features", "`syndr-curate encode` writes it")


@dataclass(frozen=True)
class EncoderFlags:
    """Which encoder, and where it computes."""

    encoder: opt.EncoderOption = EncodeSettings.encoder
    weights: opt.Weights = EncodeSettings.weights
    device: opt.Device = EncodeSettings.device
    batch_size: opt.BatchSize = EncodeSettings.batch_size


@dataclass(frozen=True)
class LabelerFlags:
    """How new references are labeled."""

    labeler: opt.LabelerOption = LabelSettings.labeler
    conditions: opt.ConditionsOption = LabelSettings.conditions
    max_label_std: opt.MaxLabelStd = LabelSettings.max_label_std
    neighbors: opt.Neighbors = NeighborSettings.count
    margin: opt.Margin = NeighborSettings.margin
    weighting: opt.WeightingOption = NeighborSettings.weighting
    temperature: opt.Temperature = NeighborSettings.temperature
    neighbors_from: opt.NeighborsFromOption = LabelSettings.neighbors_from

    def refuse_without_effect(self, context: typer.Context) -> None:
        """Refuse flags of a labeler that another one passes over.

        Raises:
            CurateError: The message names them.
        """
        rule = ("neighbors", "margin", "weighting", "temperature")
        if self.conditions is not None:
            chosen = () if self.labeler == "condition" else ("labeler",)
            why = "with --conditions, whose means are the labels"
            refuse_without_effect(context, why, *chosen, *rule, "neighbors_from")
        elif self.labeler != "knn":
            refuse_without_effect(context, f"with --labeler {self.labeler}: knn alone has neighbors", *rule)
        elif self.weighting != "similarity":
            refuse_without_effect(context, "without --weighting similarity", "temperature")

    @property
    def settings(self) -> LabelSettings:
        """The settings of the labeling stage."""
        neighbors = NeighborSettings(
            count=self.neighbors, margin=self.margin, weighting=self.weighting, temperature=self.temperature
        )
        return LabelSettings(
            labeler="condition" if self.conditions is not None else self.labeler,
            neighbors=neighbors,
            max_label_std=self.max_label_std,
            neighbors_from=self.neighbors_from,
            conditions=self.conditions,
        )


@dataclass(frozen=True)
class LabelFileFlags:
    """How a label file is read."""

    id_column: opt.IdColumn = opt.KADID_ID
    label_column: opt.LabelColumn = opt.KADID_LABEL
    reference_column: opt.ReferenceColumn = opt.KADID_REFERENCE
    std_column: opt.StdColumn = None
    raters: opt.Raters = None
    distortion_column: opt.DistortionColumn = None
    level_column: opt.LevelColumn = None
    lower_is_better: opt.LowerIsBetter = False
    label_range: opt.LabelRange = None

    def refuse_without_effect(self, context: typer.Context) -> None:
        """Refuse a number of votes where no column of spread is read.

        Raises:
            CurateError: The message names the flag.
        """
        if self.std_column is None and (self.id_column, self.label_column) != (opt.KADID_ID, opt.KADID_LABEL):
            refuse_without_effect(context, "without --std-column, whose numbers it divides", "raters")

    def label_file(self, path: Path) -> "LabelFile":
        """Return a label file with these columns and this scale.

        Raises:
            CurateError: The flags do not go together.
        """
        from ..datasets.label_columns import LabelColumns
        from ..datasets.labels import LabelFile

        columns = LabelColumns.chosen(
            id=self.id_column,
            label=self.label_column,
            reference=self.reference_column,
            std=self.std_column,
            raters=self.raters,
            distortion=self.distortion_column,
            level=self.level_column,
        )
        return LabelFile(path, columns, self.lower_is_better, opt.parse_range(self.label_range))
