"""The command line: parses flags, makes one call into the toolkit, prints the result."""

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer

from .curate.command import options as opt
from .curate.command.console import describe, make_reporter, print_result, table
from .curate.command.settings import read_settings
from .curate.errors import CurateError

EXIT_WRONG, EXIT_ERROR, EXIT_REJECTED, EXIT_INTERRUPTED = 1, 2, 3, 130
DEFAULT_MANIFEST = Path("manifests/train.parquet")
MAX_PIXELS = 100_000_000

P = ParamSpec("P")
app = typer.Typer(
    name="syndr-curate",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Reshape synthetic image-quality data: a manifest goes in, a manifest comes out.",
)


def main() -> None:
    """Run the command line."""
    app()


def _reporting_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Print a `CurateError` as one line and exit with 2; an interrupt exits with 130."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except CurateError as error:
            print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
            raise typer.Exit(EXIT_ERROR) from error
        except KeyboardInterrupt:
            print("interrupted; finished files are whole, and the same command starts again", file=sys.stderr)
            raise typer.Exit(EXIT_INTERRUPTED) from None

    return wrapped


def _finish(summary: dict[str, Any], *, as_json: bool, strict: bool = False, rejected: str = "rows_not_ok") -> None:
    print_result(summary, describe(summary), as_json=as_json)
    if strict and any(summary.get(key) for key in (rejected, "candidates_unusable")):
        raise typer.Exit(EXIT_REJECTED)


def _show_version(value: bool) -> None:
    if value:
        from . import __version__

        print(f"syndr-curate {__version__}")
        raise typer.Exit


@app.callback()
@_reporting_errors
def _prepare(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    group: Any = context.command
    commands = {
        name: {p.name: bool(getattr(p, "multiple", False)) for p in command.params if p.name != "help"}
        for name, command in group.commands.items()
    }
    context.default_map = read_settings(Path.cwd(), commands)


@app.command()
@_reporting_errors
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder of everything it makes.")] = Path("manifests/demo"),
    seed: opt.Seed = 123,
    workers: opt.Workers = None,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Run the whole pipeline on images it makes itself: no download, no weights.

    Example: syndr-curate demo --out manifests/demo
    """
    from .curate.stages.demo import run_demo

    steps = run_demo(out, seed=seed, workers=workers, reporter=make_reporter(quiet=quiet))
    print_result(steps.as_json(), steps.as_text(), as_json=json)


@app.command()
@_reporting_errors
def encode(
    images: Annotated[Path, typer.Argument(help="Folder of images, one image, or a manifest (.parquet).")],
    out: Annotated[Path, typer.Option("--out", help="Feature file to write (.parquet).")],
    encoder: opt.EncoderOption = opt.EncoderFlag.resnet50,
    weights: opt.Weights = None,
    device: opt.Device = opt.DeviceFlag.auto,
    batch_size: opt.BatchSize = 32,
    ids: opt.Ids = opt.IdsFlag.stem,
    root: opt.RootOverrides = None,
    exif_orient: opt.ExifOrient = False,
    max_pixels: opt.MaxPixels = MAX_PIXELS,
    workers: opt.Workers = None,
    dry_run: opt.DryRun = False,
    strict: opt.Strict = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Compute content features of images.

    Example: syndr-curate encode photos/ --encoder gist --out photos.parquet
    """
    from .curate.data.roots import parse_roots
    from .curate.engine.render import RenderOptions
    from .curate.stages.encode import run_encode

    summary = run_encode(
        images,
        out,
        encoder=encoder.value,
        weights=weights,
        device=device.value,
        batch_size=batch_size,
        ids=ids.value,
        roots=parse_roots(root or []),
        options=RenderOptions(exif_orient=exif_orient, max_pixels=max_pixels, workers=workers),
        dry_run=dry_run,
        reporter=make_reporter(quiet=quiet),
    )
    _finish(summary, as_json=json, strict=strict, rejected="failed")


@app.command()
@_reporting_errors
def select(
    reference_features: opt.ReferenceFeatures = None,
    candidate_features: opt.CandidateFeatures = None,
    candidates: opt.Candidates = "all",
    max_selected: opt.MaxSelected = None,
    out: Annotated[Path, typer.Option("--out", help="Selection to write.")] = Path("selection.parquet"),
    seed: opt.Seed = 123,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Choose candidate references whose content the labelled ones lack (DDCUp, Algorithm 1).

    Example: syndr-curate select --reference-features kadid.npz --candidate-features kadis.parquet
    """
    from .curate.stages.select import run_select

    summary = run_select(
        opt.required(reference_features, "--reference-features"),
        opt.required(candidate_features, "--candidate-features"),
        out,
        count=opt.parse_count(candidates),
        max_selected=max_selected,
        seed=seed,
        reporter=make_reporter(quiet=quiet),
    )
    _finish(summary, as_json=json)


@app.command()
@_reporting_errors
def distort(
    images: Annotated[Path, typer.Argument(help="Folder of images, one image, or a manifest (.parquet).")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the manifest and the images.")],
    types: Annotated[
        str | None, typer.Option("--types", help="Distortions to apply. Without it, a manifest's rows are rendered.")
    ] = None,
    levels: opt.Levels = "1,2,3,4,5",
    format: opt.ImageFormatOption = opt.FormatFlag.png,
    recipe_only: opt.RecipeOnly = False,
    contact_sheet: Annotated[
        Path | None,
        typer.Option("--contact-sheet", help="Also draw the first image under every type and level (.png)."),
    ] = None,
    ids: opt.Ids = opt.IdsFlag.stem,
    root: opt.RootOverrides = None,
    exif_orient: opt.ExifOrient = False,
    max_pixels: opt.MaxPixels = MAX_PIXELS,
    workers: opt.Workers = None,
    seed: opt.Seed = 123,
    dry_run: opt.DryRun = False,
    strict: opt.Strict = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Make distorted images, or the rows that say how to make them.

    Example: syndr-curate distort photos/ --types bid --levels 1,3,5 --out distorted/
    """
    from .curate.data.roots import parse_roots
    from .curate.data.types import parse_levels, parse_types
    from .curate.engine.render import RenderOptions
    from .curate.stages.distort import run_distort

    summary = run_distort(
        images,
        out,
        types=None if types is None else parse_types(types),
        levels=parse_levels(levels),
        image_format=format.value,
        seed=seed,
        recipe_only=recipe_only,
        contact_sheet_file=contact_sheet,
        ids=ids.value,
        roots=parse_roots(root or []),
        options=RenderOptions(exif_orient=exif_orient, max_pixels=max_pixels, workers=workers),
        dry_run=dry_run,
        reporter=make_reporter(quiet=quiet),
    )
    _finish(summary, as_json=json, strict=strict)


@app.command()
@_reporting_errors
def label(
    labels: opt.LabelsFile = None,
    reference_features: opt.ReferenceFeatures = None,
    candidate_features: opt.CandidateFeatures = None,
    selection: Annotated[Path | None, typer.Option("--selection", help="What `select` wrote.")] = None,
    manifest: Annotated[Path | None, typer.Option("--manifest", help="Rows to label instead of a selection.")] = None,
    cross_validate: Annotated[
        bool,
        typer.Option("--cross-validate", help="Leave out one labelled reference at a time: how far off are labels?"),
    ] = False,
    compare: Annotated[
        bool, typer.Option("--compare", help="With --cross-validate: every labeller side by side.")
    ] = False,
    types: opt.Types = "all",
    levels: opt.Levels = "1,3,5",
    labeler: opt.LabelerOption = opt.LabelerFlag.knn,
    max_label_std: opt.MaxLabelStd = None,
    neighbors: opt.Neighbors = 5,
    margin: opt.Margin = 0.05,
    weighting: opt.Weighting = opt.WeightingFlag.published,
    temperature: opt.Temperature = 0.05,
    id_column: opt.IdColumn = opt.KADID_ID,
    label_column: opt.LabelColumn = opt.KADID_LABEL,
    reference_column: opt.ReferenceColumn = opt.KADID_REFERENCE,
    std_column: opt.StdColumn = None,
    raters: opt.Raters = None,
    distortion_column: opt.DistortionColumn = None,
    level_column: opt.LevelColumn = None,
    lower_is_better: opt.LowerIsBetter = False,
    label_range: opt.LabelRange = None,
    out: Annotated[Path, typer.Option("--out", help="Manifest to write.")] = Path("manifests/pseudo.parquet"),
    seed: opt.Seed = 123,
    strict: opt.Strict = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Label new references from their nearest labelled ones (DDCUp, Algorithm 2).

    Example: syndr-curate label --selection selection.parquet --labels dmos.csv --reference-features kadid.npz
    --candidate-features kadis.parquet --types bid --out manifests/pseudo.parquet
    """
    from .curate.data.labels import LabelColumns, LabelFile
    from .curate.data.types import parse_levels, parse_types
    from .curate.stages.label import NeighborSettings
    from .curate.stages.label_files import run_label

    file = LabelFile(
        opt.required(labels, "--labels"),
        LabelColumns.chosen(
            id_column, label_column, reference_column, std_column, raters, distortion_column, level_column
        ),
        lower_is_better,
        opt.parse_range(label_range),
    )
    neighbor_settings = NeighborSettings(neighbors, margin, weighting.value, temperature)
    if cross_validate or compare:
        from .curate.stages.cross_validate_files import run_cross_validate

        features = opt.required(reference_features, "--reference-features")
        reporter = make_reporter(quiet=quiet)
        scores, text = run_cross_validate(
            file, features, labeler.value, neighbor_settings, compare=compare, reporter=reporter
        )
        print_result(scores, text, as_json=json)
        return
    summary = run_label(
        file,
        opt.required(reference_features, "--reference-features"),
        opt.required(candidate_features, "--candidate-features"),
        out,
        selection=selection,
        manifest=manifest,
        types=parse_types(types),
        levels=parse_levels(levels),
        settings=neighbor_settings,
        labeler=labeler.value,
        max_label_std=max_label_std,
        seed=seed,
    )
    _finish(summary, as_json=json, strict=strict)


@app.command()
@_reporting_errors
def upsample(
    labels: opt.LabelsFile = None,
    reference_features: opt.ReferenceFeatures = None,
    candidate_features: opt.CandidateFeatures = None,
    types: opt.Types = "all",
    levels: opt.Levels = "1,3,5",
    dataset: Annotated[
        str | None,
        typer.Option("--dataset", help="Name of the labelled set; kadid10k has a known layout under --root."),
    ] = None,
    root: Annotated[Path | None, typer.Option("--root", help="Folder of the labelled images.")] = None,
    references: Annotated[Path | None, typer.Option("--references", help="Folder of pristine references.")] = None,
    proxy_labels: Annotated[
        bool,
        typer.Option("--proxy-labels", help="Distort --references and label them by a full-reference metric (MDSI)."),
    ] = False,
    candidates_root: Annotated[
        Path | None, typer.Option("--candidates-root", help="Folder of candidate references (KADIS-700k or any).")
    ] = None,
    candidates: opt.Candidates = "all",
    max_selected: opt.MaxSelected = None,
    encoder: opt.EncoderOption = opt.EncoderFlag.resnet50,
    weights: opt.Weights = None,
    device: opt.Device = opt.DeviceFlag.auto,
    batch_size: opt.BatchSize = 32,
    labeler: opt.LabelerOption = opt.LabelerFlag.knn,
    max_label_std: opt.MaxLabelStd = None,
    neighbors: opt.Neighbors = 5,
    margin: opt.Margin = 0.05,
    weighting: opt.Weighting = opt.WeightingFlag.published,
    temperature: opt.Temperature = 0.05,
    id_column: opt.IdColumn = opt.KADID_ID,
    label_column: opt.LabelColumn = opt.KADID_LABEL,
    reference_column: opt.ReferenceColumn = opt.KADID_REFERENCE,
    std_column: opt.StdColumn = None,
    raters: opt.Raters = None,
    distortion_column: opt.DistortionColumn = None,
    level_column: opt.LevelColumn = None,
    lower_is_better: opt.LowerIsBetter = False,
    label_range: opt.LabelRange = None,
    split_file: Annotated[
        Path | None,
        typer.Option("--split-file", help="CSV of reference_id (or id) and split: val and test are held out."),
    ] = None,
    with_pristine: Annotated[bool, typer.Option("--with-pristine", help="Add a pristine row per reference.")] = False,
    only_new: Annotated[bool, typer.Option("--only-new", help="Leave the labelled originals out.")] = False,
    recipe_only: opt.RecipeOnly = False,
    images_out: opt.ImagesOut = None,
    format: opt.ImageFormatOption = opt.FormatFlag.png,
    ids: opt.Ids = opt.IdsFlag.stem,
    exif_orient: opt.ExifOrient = False,
    max_pixels: opt.MaxPixels = MAX_PIXELS,
    workers: opt.Workers = None,
    out: Annotated[Path, typer.Option("--out", help="Training manifest to write.")] = DEFAULT_MANIFEST,
    seed: opt.Seed = 123,
    dry_run: opt.DryRun = False,
    strict: opt.Strict = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Add new content to a labelled set: select, distort and label, joined with the originals (DDCUp).

    Example: syndr-curate upsample --dataset kadid10k --root KADID-10k --candidates-root KADIS-700k --types bid
    """
    from .curate.data.labels import LabelColumns, LabelFile
    from .curate.data.types import parse_levels, parse_types
    from .curate.engine.render import RenderOptions
    from .curate.stages.label import NeighborSettings
    from .curate.stages.upsample import UpsampleSettings
    from .curate.stages.upsample_files import run_upsample
    from .curate.stages.upsample_request import EncoderChoice, UpsampleRequest

    columns = LabelColumns.chosen(
        id_column, label_column, reference_column, std_column, raters, distortion_column, level_column
    )
    settings = UpsampleSettings(
        types=parse_types(types),
        levels=parse_levels(levels),
        candidates=opt.parse_count(candidates),
        max_selected=max_selected,
        neighbors=NeighborSettings(neighbors, margin, weighting.value, temperature),
        labeler=labeler.value,
        max_label_std=max_label_std,
        with_pristine=with_pristine,
        only_new=only_new,
        image_format=format.value,
        seed=seed,
    )
    request = UpsampleRequest(
        settings=settings,
        out=out,
        labels=None if labels is None else LabelFile(labels, columns, lower_is_better, opt.parse_range(label_range)),
        dataset=dataset,
        root=root,
        references=references,
        proxy_labels=proxy_labels,
        reference_features=reference_features,
        candidates_root=candidates_root,
        candidate_features=candidate_features,
        split_file=split_file,
        encoder=EncoderChoice(encoder.value, weights, device.value, batch_size),
        recipe_only=recipe_only,
        images_out=images_out,
        ids=ids.value,
        render=RenderOptions(exif_orient=exif_orient, max_pixels=max_pixels, workers=workers),
        dry_run=dry_run,
    )
    _finish(run_upsample(request, make_reporter(quiet=quiet)), as_json=json, strict=strict)


@app.command()
@_reporting_errors
def downsample(
    features: Annotated[
        Path, typer.Option("--features", help="Features of the manifest's ok rows.", show_default=False)
    ],
    manifest: Annotated[Path, typer.Option("--manifest", help="Training manifest.")] = DEFAULT_MANIFEST,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Epoch's manifest.", show_default="<features stem>.parquet beside the manifest"),
    ] = None,
    similarity: Annotated[float, typer.Option("--similarity", help="Two rows are alike above this cosine.")] = 0.9,
    label_gap: Annotated[float, typer.Option("--label-gap", help="... if their labels differ by less.")] = 1.0,
    keep_min: Annotated[int, typer.Option("--keep-min", help="Clusters up to this size are left alone.")] = 20,
    keep_fraction: Annotated[float, typer.Option("--keep-fraction", help="Share kept of a larger cluster.")] = 0.5,
    scope: Annotated[
        opt.ScopeFlag, typer.Option("--scope", help="Filter all rows, or leave pseudo-labelled ones alone (mos).")
    ] = opt.ScopeFlag.all,
    epoch: Annotated[
        int | None,
        typer.Option("--epoch", min=0, help="Epoch to come.", show_default="from epoch<N> in the file's name"),
    ] = None,
    dropped: Annotated[Path | None, typer.Option("--dropped", help="Also write the rows left out.")] = None,
    device: opt.Device = opt.DeviceFlag.cpu,
    seed: opt.Seed = 123,
    strict: opt.Strict = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Thin redundant clusters for one epoch (DRCDown, Algorithm 3).

    Example: syndr-curate downsample --features epoch3.npy
    """
    from .curate.stages.downsample import DownsampleSettings
    from .curate.stages.downsample_files import run_downsample

    settings = DownsampleSettings(similarity, label_gap, keep_min, keep_fraction, scope.value, seed, device.value)
    summary = run_downsample(
        features,
        manifest,
        out=out,
        dropped=dropped,
        epoch=epoch,
        settings=settings,
        reporter=make_reporter(quiet=quiet),
    )
    _finish(summary, as_json=json, strict=strict)


@app.command()
@_reporting_errors
def inspect(
    manifest: Annotated[Path, typer.Argument(help="Manifest to look at.")],
    json: opt.Json = False,
    quiet: opt.Quiet = False,  # noqa: ARG001
) -> None:
    """Show what is in a manifest.

    Example: syndr-curate inspect manifests/train.parquet
    """
    from .curate.stages.inspect import as_text
    from .curate.stages.inspect import inspect as run_inspect

    facts = run_inspect(manifest)
    print_result(facts, as_text(facts), as_json=json)


@app.command()
@_reporting_errors
def verify(
    manifest: Annotated[Path, typer.Argument(help="Manifest to check.")],
    sample: Annotated[int, typer.Option("--sample", min=0, help="Rows to render again and compare.")] = 100,
    root: opt.RootOverrides = None,
    workers: opt.Workers = None,
    seed: opt.Seed = 123,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Check schema, ids, labels, files and pixels of a manifest; exit with 1 when something is wrong.

    Example: syndr-curate verify manifests/train.parquet --root kadid10k=/data/KADID-10k
    """
    from .curate.data.roots import parse_roots
    from .curate.stages.verify import verify as run_verify

    verdict = run_verify(
        manifest,
        sample=sample,
        roots=parse_roots(root or []),
        seed=seed,
        workers=workers,
        reporter=make_reporter(quiet=quiet),
    )
    print_result(verdict.as_json(), verdict.as_text(), as_json=json)
    if verdict.problems:
        raise typer.Exit(EXIT_WRONG)


@app.command()
@_reporting_errors
def relocate(
    manifest: Annotated[Path, typer.Argument(help="Manifest to rewrite in place.")],
    root: opt.RootOverrides = None,
    json: opt.Json = False,
    quiet: opt.Quiet = False,  # noqa: ARG001
) -> None:
    """Tell a manifest where its files are now, after a dataset has moved.

    Example: syndr-curate relocate manifests/train.parquet --root kadid10k=/data/KADID-10k
    """
    from .curate.data.roots import parse_roots, relocate_manifest

    _finish(relocate_manifest(manifest, parse_roots(root or [])), as_json=json)


@app.command()
@_reporting_errors
def distortions(json: opt.Json = False, quiet: opt.Quiet = False) -> None:  # noqa: ARG001
    """Print the catalog: the 25 distortions of KADID-10k and their levels.

    Example: syndr-curate distortions
    """
    from .distortions.catalog import CATALOG

    entries = [
        {
            "id": entry.id,
            "name": entry.name,
            "family": entry.family,
            "levels": list(entry.parameters),
            "parameter": entry.parameter,
            "random": entry.random,
            "minimum_size": entry.minimum_size,
        }
        for entry in CATALOG
    ]
    rows: list[tuple[str, ...]] = [
        (str(e.id), e.name, e.family, " ".join(f"{p:g}" for p in e.parameters), e.parameter, "yes" if e.random else "")
        for e in CATALOG
    ]
    print_result(
        {"distortions": entries},
        table(("id", "name", "family", "levels 1-5", "parameter", "random"), rows),
        as_json=json,
    )
