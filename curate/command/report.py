"""The command `report`: one page to look at."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..report.settings import ColorBy, Method, ReportSettings
from ..terminal import options as opt
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import FeatureFlags, PixelFlags, ResultFlags
from ..terminal.no_effect import refuse_without_effect


@dataclass(frozen=True)
class LookFlags(ReportSettings):
    """How much a page shows, as flags."""

    projection: Annotated[
        Method,
        typer.Option(
            "--projection",
            help="How features are laid out on a plane. umap keeps neighbors together and takes a minute or more.",
        ),
    ] = ReportSettings.projection
    pictures: Annotated[int, typer.Option("--pictures", min=0, help="Largest number of thumbnails in the file.")] = (
        ReportSettings.pictures
    )
    max_rows: Annotated[int, typer.Option("--max-rows", min=1, help="Largest number of images on the map.")] = (
        ReportSettings.max_rows
    )
    seed: opt.Seed = ReportSettings.seed
    color_by: Annotated[
        ColorBy | None,
        typer.Option(
            "--color-by",
            help="With --png: what the colors show.",
            show_default="the data set where there are several, otherwise the type",
        ),
    ] = ReportSettings.color_by
    gallery: Annotated[
        int,
        typer.Option("--gallery", min=1, help="With --predictions: how many of the best and of the worst are shown."),
    ] = ReportSettings.gallery
    score_column: Annotated[str, typer.Option("--score-column", help="Predictions: column of scores.")] = (
        ReportSettings.score_column
    )
    lower_is_better: Annotated[
        bool, typer.Option("--lower-is-better", help="Predictions: lower scores are better.")
    ] = ReportSettings.lower_is_better


@reporting_errors
@with_flag_groups
def report(
    *,
    context: typer.Context,
    manifests: Annotated[
        list[Path],
        typer.Argument(metavar="MANIFEST...", help="The manifest before and, if there is one, the manifest after."),
    ],
    features: Annotated[
        list[str] | None,
        typer.Option(
            "--features",
            metavar="FILE|NAME=FILE",
            help="Features of the first manifest's ok rows: the map of images. NAME=FILE, several times: the maps of "
            "several models side by side; files of one NAME are put together.",
        ),
    ] = None,
    selection: Annotated[
        Path | None, typer.Option("--selection", help="What `select` wrote: why candidates were dropped.")
    ] = None,
    content: FeatureFlags,
    dropped: Annotated[
        Path | None,
        typer.Option(
            "--dropped",
            help="What `downsample --dropped` wrote: the clusters of rows left out.",
            show_default="worked out from --features",
        ),
    ] = None,
    domains: Annotated[
        list[Path] | None,
        typer.Option("--domains", help="Preset file that `domains select` wrote: shares of types; may be repeated."),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            "--predictions",
            help="CSV or Parquet with `id` and `score` of a model: shows the best and the worst predictions.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")] = Path("report.html"),
    png: Annotated[
        Path | None,
        typer.Option("--png", help="Draw the maps of images into this PNG file, too (extra `plot`)."),
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    settings: LookFlags,
    pixels: PixelFlags,
    result: ResultFlags,
) -> None:
    """Write one self-contained HTML page: what went in and out, labels, maps, clusters, neighbors, provenance.

    Example: syndr-curate report manifests/train.parquet manifests/epoch3.parquet --features epoch3.npy --open
    """
    from ..report.maps.models import parse_feature_files
    from ..report.report import report as write_report

    if not features:
        refuse_without_effect(context, "without --features, which make the map of images", "max_rows", "png")
    if png is None:
        refuse_without_effect(context, "without --png, whose colors it chooses", "color_by")
    if predictions is None:
        alone = ("gallery", "score_column", "lower_is_better")
        refuse_without_effect(context, "without --predictions", *alone)
    if not features and content.reference_features is None and content.candidate_features is None:
        refuse_without_effect(context, "without a feature file, of which a map is made", "projection")
    summary = write_report(
        manifests,
        out,
        features=parse_feature_files(features or ()),
        selection=selection,
        reference_features=content.reference_features,
        candidate_features=content.candidate_features,
        dropped=dropped,
        domains=domains or (),
        predictions=predictions,
        png=png,
        **asdict(settings),
        **pixels.keywords,
        reporter=result.reporter,
    )
    if open_it:
        typer.launch(out.resolve().as_uri())
    result.finish(summary)
