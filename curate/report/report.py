"""The report: one HTML page about what the toolkit did to a set of images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from ..datasets.predictions import PredictionSource
from ..runs.progress import SILENT, Reporter
from ..storage.atomic import write_bytes
from ..storage.limits import MAX_PIXELS
from .contents import make_contents
from .maps.coordinates import coordinates_file, save_layouts
from .maps.figure import map_figure
from .maps.models import UNNAMED
from .page import build_page, plotly_script
from .request import ReportRequest, read_inputs
from .rows import CAME, LEFT
from .settings import ColorBy, Method, ReportSettings

Files: TypeAlias = Path | str | Sequence[Path | str]


def report(
    manifests: Files,
    out: Path | str,
    *,
    features: Path | str | Mapping[str, Files] | None = None,
    selection: Path | str | None = None,
    reference_features: Path | str | None = None,
    candidate_features: Path | str | None = None,
    dropped: Path | str | None = None,
    domains: Files = (),
    predictions: PredictionSource | None = None,
    png: Path | str | None = None,
    projection: Method = ReportSettings.projection,
    pictures: int = ReportSettings.pictures,
    max_rows: int = ReportSettings.max_rows,
    seed: int = ReportSettings.seed,
    color_by: ColorBy | None = ReportSettings.color_by,
    gallery: int = ReportSettings.gallery,
    score_column: str = ReportSettings.score_column,
    lower_is_better: bool = ReportSettings.lower_is_better,
    roots: Mapping[str, Path] | None = None,
    max_pixels: int = MAX_PIXELS,
    workers: int | None = None,
    reporter: Reporter = SILENT,
) -> dict[str, Any]:
    """Write one self-contained HTML page about what became of a set, and the coordinates of its maps beside it.

    Args:
        manifests: One manifest file, or several in order: the first is what there was, the last what there is after.
        out: The HTML file.
        features: Features of the first manifest's ok rows: a file, or for maps side by side the name of each model to
            its file, or to several files with the features of different rows.
        selection: What `select` wrote.
        reference_features: Features of the labeled references.
        candidate_features: Features of the candidates.
        dropped: What `downsample` wrote of the rows left out.
        domains: Preset files of `select_domains`' command.
        predictions: A file (CSV, TSV or Parquet) or table with an id and a score of a model for each picture, as
            `evaluate` reads it: the best and the worst predicted are shown.
        png: A PNG file to draw the maps of `features` into, for print.
        projection: How features are laid out on a plane: `pca` or `umap`.
        pictures: At most so many thumbnails go into the page.
        max_rows: At most so many rows are drawn on a map.
        seed: Seed of the projection and of every draw.
        color_by: What colors in `png` stand for; None: the data set where there are several, otherwise the type.
        gallery: So many of the best and of the worst predicted pictures.
        score_column: The column of scores in `predictions`.
        lower_is_better: These scores measure degradation.
        roots: Folders of roots that have moved.
        max_pixels: Images with more pixels are not shown.
        workers: Threads; None uses every core.
        reporter: Shows progress, and is told what the page cannot show.

    Returns:
        `rows_before, rows_after, rows_left, rows_came, points, projection, pictures, bytes, missing, coordinates, out`,
        with `png` where one is drawn.

    Raises:
        CurateError: plotly is not installed, an input cannot be used, or something is asked for that has no effect
            without another argument; nothing is written then.
    """
    settings = ReportSettings(
        projection=projection,
        pictures=pictures,
        max_rows=max_rows,
        seed=seed,
        color_by=color_by,
        gallery=gallery,
        score_column=score_column,
        lower_is_better=lower_is_better,
    )
    named = features if isinstance(features, Mapping) else {} if features is None else {UNNAMED: features}
    request = ReportRequest(
        manifests=_paths(manifests),
        out=Path(out),
        features={name: _paths(files) for name, files in named.items()},
        selection=_path(selection),
        reference_features=_path(reference_features),
        candidate_features=_path(candidate_features),
        dropped=_path(dropped),
        domains=_paths(domains),
        predictions=predictions,
        png=_path(png),
        roots=roots or {},
        settings=settings,
        max_pixels=max_pixels,
        workers=workers,
    )
    return run_report(request, reporter)


def run_report(request: ReportRequest, reporter: Reporter = SILENT) -> dict[str, Any]:
    """Write a report as `report` does.

    Args:
        request: What to show.
        reporter: Shows progress.

    Returns:
        What `report` returns.

    Raises:
        CurateError: As `report` does.
    """
    plotly = plotly_script()
    inputs = read_inputs(request)
    contents = make_contents(inputs, request, reporter)
    payload, layouts = contents.payload, contents.maps.layouts
    content = build_page(payload, plotly=plotly).encode()
    picture = None
    if request.png is not None:
        points = {name: layout.points for name, layout in contents.maps.samples.items()}
        picture = map_figure(contents.maps.rows, points, contents.types, request.settings.color_by)
    saved = coordinates_file(request.out)
    if layouts:
        save_layouts(layouts, saved)
    write_bytes(request.out, content)
    if request.png is not None and picture is not None:
        write_bytes(request.png, picture)
    for note in payload["missing"].values():
        reporter.note(note)
    states = payload["states"]
    drawn = {} if request.png is None else {"png": str(request.png)}
    return {
        "rows_before": payload["manifests"][0]["rows"],
        "rows_after": payload["manifests"][-1]["rows"],
        "rows_left": states[LEFT],
        "rows_came": states[CAME],
        "points": {layout.name: len(layout.ids) for layout in layouts},
        "projection": {layout.name: layout.method for layout in layouts},
        "pictures": len(payload["pictures"]["data"]),
        "bytes": len(content),
        "missing": list(payload["missing"]),
        "coordinates": str(saved) if layouts else None,
        "out": str(request.out),
        **drawn,
    }


def _path(file: Path | str | None) -> Path | None:
    return None if file is None else Path(file)


def _paths(files: Files) -> tuple[Path, ...]:
    return (Path(files),) if isinstance(files, Path | str) else tuple(Path(file) for file in files)
