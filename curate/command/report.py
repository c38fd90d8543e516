"""The command `report`: one page to look at."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..report.settings import Method, ReportSettings
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
        typer.Option("--projection", help="How features are laid out on a plane; auto: UMAP where it is installed."),
    ] = ReportSettings.projection
    pictures: Annotated[
        int, typer.Option("--pictures", min=0, help="Put at most so many thumbnails into the file.")
    ] = ReportSettings.pictures
    max_rows: Annotated[int, typer.Option("--max-rows", min=1, help="Draw at most so many images on the map.")] = (
        ReportSettings.max_rows
    )
    seed: opt.Seed = ReportSettings.seed


@reporting_errors
@with_flag_groups
def report(
    *,
    context: typer.Context,
    manifests: Annotated[
        list[Path],
        typer.Argument(metavar="MANIFEST...", help="What there was, and what there is after, in this order."),
    ],
    features: Annotated[
        Path | None, typer.Option("--features", help="Features of the first manifest's ok rows: the map of images.")
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
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")] = Path("report.html"),
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    settings: LookFlags,
    pixels: PixelFlags,
    result: ResultFlags,
) -> None:
    """Write one self-contained HTML page: what went in and out, labels, maps, clusters, neighbors, provenance.

    Example: syndr-curate report manifests/train.parquet manifests/epoch3.parquet --features epoch3.npy --open
    """
    from ..report.report import run_report
    from ..report.request import ReportRequest

    if features is None:
        refuse_without_effect(context, "without --features, which make the map of images", "max_rows")
    if features is None and content.reference_features is None and content.candidate_features is None:
        refuse_without_effect(context, "without a feature file, of which a map is made", "projection")
    request = ReportRequest(
        manifests=tuple(manifests),
        out=out,
        features=features,
        selection=selection,
        reference_features=content.reference_features,
        candidate_features=content.candidate_features,
        dropped=dropped,
        domains=tuple(domains or ()),
        settings=settings,
        **pixels.keywords,
    )
    summary = run_report(request, result.reporter)
    if open_it:
        typer.launch(out.resolve().as_uri())
    result.finish(summary)
