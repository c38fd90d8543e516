"""The commands of SynDR-IQA: `select`, `label`, `upsample`, `downsample`."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import CurateError
from ..terminal import options as opt
from ..terminal.console import make_reporter
from ..terminal.cross_validation import Compare, CrossValidate, Plot, check_plot, show_validation
from ..terminal.exit_codes import finish, reporting_errors
from .long_runs import long_run


@reporting_errors
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
    from ..upsampling.select import run_select

    summary = run_select(
        opt.required(reference_features, "--reference-features"),
        opt.required(candidate_features, "--candidate-features"),
        out,
        count=opt.parse_count(candidates),
        max_selected=max_selected,
        seed=seed,
        reporter=make_reporter(quiet=quiet),
    )
    finish(summary, as_json=json)


@reporting_errors
def label(
    labels: opt.LabelsFile = None,
    reference_features: opt.ReferenceFeatures = None,
    candidate_features: opt.CandidateFeatures = None,
    selection: Annotated[Path | None, typer.Option("--selection", help="What `select` wrote.")] = None,
    manifest: Annotated[Path | None, typer.Option("--manifest", help="Rows to label instead of a selection.")] = None,
    cross_validate: CrossValidate = False,
    compare: Compare = False,
    plot: Plot = None,
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
    from ..datasets.labels import LabelColumns, LabelFile
    from ..datasets.type_lists import parse_levels, parse_types
    from ..labeling.knn import NeighborSettings
    from ..labeling.label_files import run_label

    file = LabelFile(
        opt.required(labels, "--labels"),
        LabelColumns.chosen(
            id_column, label_column, reference_column, std_column, raters, distortion_column, level_column
        ),
        lower_is_better,
        opt.parse_range(label_range),
    )
    neighbor_settings = NeighborSettings(neighbors, margin, weighting.value, temperature)
    if cross_validate or compare or plot:
        from ..labeling.validate_label_file import cross_validate_label_file

        features = opt.required(reference_features, "--reference-features")
        check_plot(plot, labels, reference_features)
        found = cross_validate_label_file(
            file, features, labeler.value, neighbor_settings, compare=compare, reporter=make_reporter(quiet=quiet)
        )
        show_validation(found, plot, as_json=json)
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
    finish(summary, as_json=json, strict=strict)


@reporting_errors
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
    cross_validate: CrossValidate = False,
    compare: Compare = False,
    plot: Plot = None,
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
    layout: opt.LayoutOption = opt.LayoutFlag.files,
    recipe_only: opt.RecipeOnly = False,
    images_out: opt.ImagesOut = None,
    selection: Annotated[
        Path | None,
        typer.Option("--selection", help="Also write why each candidate was kept or not, as `select` does (.parquet)."),
    ] = None,
    format: opt.ImageFormatOption = opt.FormatFlag.png,
    ids: opt.Ids = opt.IdsFlag.stem,
    exif_orient: opt.ExifOrient = False,
    max_pixels: opt.MaxPixels = opt.MAX_PIXELS,
    workers: opt.Workers = None,
    executor: opt.ExecutorOption = opt.ExecutorFlag.local,
    ray_address: opt.RayAddress = None,
    rows_per_shard: opt.RowsPerShard = None,
    overwrite: opt.Overwrite = False,
    retry_failed: opt.RetryFailed = False,
    out: Annotated[Path, typer.Option("--out", help="Training manifest to write.")] = opt.DEFAULT_MANIFEST,
    seed: opt.Seed = 123,
    dry_run: opt.DryRun = False,
    strict: opt.Strict = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Add new content to a labelled set: select, distort and label, joined with the originals (DDCUp).

    Example: syndr-curate upsample --dataset kadid10k --root KADID-10k --candidates-root KADIS-700k --types bid
    """
    from ..datasets.labels import LabelColumns, LabelFile
    from ..datasets.type_lists import parse_levels, parse_types
    from ..labeling.knn import NeighborSettings
    from ..rendering.render import RenderOptions
    from ..upsampling.request import EncoderChoice, UpsampleRequest
    from ..upsampling.rows import UpsampleSettings
    from ..upsampling.run import run_upsample

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
        selection=selection,
        ids=ids.value,
        render=RenderOptions(exif_orient=exif_orient, max_pixels=max_pixels, workers=workers),
        layout=layout.value,
        run=long_run(
            executor=executor,
            ray_address=ray_address,
            workers=workers,
            shard=None,
            rows_per_shard=rows_per_shard,
            overwrite=overwrite,
            retry_failed=retry_failed,
        ),
        dry_run=dry_run,
    )
    if cross_validate or compare or plot:
        from ..upsampling.cross_validation import cross_validate_upsample

        check_plot(plot, labels, reference_features)
        found = cross_validate_upsample(request, compare=compare, reporter=make_reporter(quiet=quiet))
        show_validation(found, plot, as_json=json)
        return
    finish(run_upsample(request, make_reporter(quiet=quiet)), as_json=json, strict=strict)


@reporting_errors
def downsample(
    features: Annotated[
        Path, typer.Option("--features", help="Features of the manifest's ok rows.", show_default=False)
    ],
    manifest: Annotated[Path, typer.Option("--manifest", help="Training manifest.")] = opt.DEFAULT_MANIFEST,
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
    executor: Annotated[
        opt.ExecutorFlag | None,
        typer.Option(
            "--executor",
            help="Look for clusters on processes of this machine, or on a Ray cluster; the result is the same.",
            show_default="threads of this process",
        ),
    ] = None,
    ray_address: opt.RayAddress = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="With --executor: how many.", show_default="one per core"),
    ] = None,
    seed: opt.Seed = 123,
    strict: opt.Strict = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Thin redundant clusters for one epoch (DRCDown, Algorithm 3).

    Example: syndr-curate downsample --features epoch3.npy
    """
    from ..downsampling.downsample import DownsampleSettings
    from ..downsampling.downsample_files import run_downsample
    from ..runs.executors import make_executor

    if executor is None and (workers is not None or ray_address is not None):
        given = "--workers" if workers is not None else "--ray-address"
        raise CurateError(f"{given} needs --executor local or ray; without one, threads on every core do the work")
    settings = DownsampleSettings(similarity, label_gap, keep_min, keep_fraction, scope.value, seed, device.value)
    summary = run_downsample(
        features,
        manifest,
        out=out,
        dropped=dropped,
        epoch=epoch,
        settings=settings,
        executor=None if executor is None else make_executor(executor.value, workers=workers, ray_address=ray_address),
        reporter=make_reporter(quiet=quiet),
    )
    finish(summary, as_json=json, strict=strict)
