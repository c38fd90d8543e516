"""The command `upsample`."""

from pathlib import Path
from typing import Annotated

import typer

from ..encoding.settings import EncodeSettings
from ..labeling.settings import LabelSettings, NeighborSettings
from ..rendering.settings import DistortSettings
from ..storage.limits import MAX_PIXELS
from ..terminal import options as opt
from ..terminal.console import make_reporter
from ..terminal.cross_validation import Compare, CrossValidate, Plot, check_plot, show_validation
from ..terminal.exit_codes import finish, reporting_errors
from ..terminal.long_run import long_run
from ..upsampling.settings import UpsampleSettings


@reporting_errors
def upsample(
    labels: opt.LabelsFile = None,
    reference_features: opt.ReferenceFeatures = None,
    candidate_features: opt.CandidateFeatures = None,
    types: opt.Types = opt.ALL,
    levels: opt.Levels = opt.levels_text(UpsampleSettings.levels),
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
    candidates: opt.Candidates = opt.count_text(UpsampleSettings.candidates),
    max_selected: opt.MaxSelected = UpsampleSettings.max_selected,
    encoder: opt.EncoderOption = opt.EncoderFlag(EncodeSettings.encoder),
    weights: opt.Weights = EncodeSettings.weights,
    device: opt.Device = opt.DeviceFlag(EncodeSettings.device),
    batch_size: opt.BatchSize = EncodeSettings.batch_size,
    labeler: opt.LabelerOption = opt.LabelerFlag[LabelSettings.labeler],
    max_label_std: opt.MaxLabelStd = LabelSettings.max_label_std,
    neighbors: opt.Neighbors = NeighborSettings.count,
    margin: opt.Margin = NeighborSettings.margin,
    weighting: opt.Weighting = opt.WeightingFlag[NeighborSettings.weighting],
    temperature: opt.Temperature = NeighborSettings.temperature,
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
    with_pristine: Annotated[bool, typer.Option("--with-pristine", help="Add a pristine row per reference.")] = (
        UpsampleSettings.with_pristine
    ),
    only_new: Annotated[
        bool, typer.Option("--only-new", help="Leave the labelled originals out.")
    ] = UpsampleSettings.only_new,
    layout: opt.LayoutOption = opt.LayoutFlag(DistortSettings.layout),
    recipe_only: opt.RecipeOnly = False,
    images_out: opt.ImagesOut = None,
    selection: Annotated[
        Path | None,
        typer.Option("--selection", help="Also write why each candidate was kept or not, as `select` does (.parquet)."),
    ] = None,
    format: opt.ImageFormatOption = opt.FormatFlag(UpsampleSettings.image_format),
    ids: opt.Ids = opt.IdsFlag(DistortSettings.ids),
    exif_orient: opt.ExifOrient = False,
    max_pixels: opt.MaxPixels = MAX_PIXELS,
    workers: opt.Workers = None,
    executor: opt.ExecutorOption = opt.ExecutorFlag.local,
    ray_address: opt.RayAddress = None,
    rows_per_shard: opt.RowsPerShard = None,
    overwrite: opt.Overwrite = False,
    retry_failed: opt.RetryFailed = False,
    out: Annotated[Path, typer.Option("--out", help="Training manifest to write.")] = opt.DEFAULT_MANIFEST,
    seed: opt.Seed = UpsampleSettings.seed,
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
    from ..storage.images import DecodeOptions
    from ..upsampling.request import EncoderChoice, UpsampleRequest
    from ..upsampling.run import run_upsample

    columns = LabelColumns.chosen(
        id=id_column,
        label=label_column,
        reference=reference_column,
        std=std_column,
        raters=raters,
        distortion=distortion_column,
        level=level_column,
    )
    labeling = LabelSettings(
        labeler=labeler.value,
        neighbors=NeighborSettings(count=neighbors, margin=margin, weighting=weighting.value, temperature=temperature),
        max_label_std=max_label_std,
    )
    settings = UpsampleSettings(
        types=parse_types(types),
        levels=parse_levels(levels),
        candidates=opt.parse_count(candidates),
        max_selected=max_selected,
        labeling=labeling,
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
        encoder=EncoderChoice(name=encoder.value, weights=weights, device=device.value, batch_size=batch_size),
        recipe_only=recipe_only,
        images_out=images_out,
        selection=selection,
        ids=ids.value,
        decoding=DecodeOptions(exif_orient=exif_orient, max_pixels=max_pixels),
        workers=workers,
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
