"""The command `upsample`."""

from dataclasses import fields
from pathlib import Path
from typing import Annotated

import typer

from ..rendering.settings import DistortSettings
from ..terminal import options as opt
from ..terminal.cross_validation import ValidationFlags
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import EncoderFlags, FeatureFlags, FolderFlags, LabelerFlags, LabelFileFlags, StrictResultFlags
from ..terminal.long_run import ExecutorFlags, ResumeFlags, long_run
from ..terminal.no_effect import refuse_without_effect
from ..upsampling.settings import UpsampleSettings


@reporting_errors
@with_flag_groups
def upsample(
    *,
    context: typer.Context,
    labels: opt.LabelsFile = None,
    features: FeatureFlags,
    types: opt.Types = opt.ALL,
    levels: opt.Levels = opt.levels_text(UpsampleSettings.levels),
    dataset: Annotated[
        str | None,
        typer.Option("--dataset", help="Name of the labeled set; kadid10k has a known layout under --root."),
    ] = None,
    root: Annotated[Path | None, typer.Option("--root", help="Folder of the labeled images.")] = None,
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
    encoding: EncoderFlags,
    labeling: LabelerFlags,
    validation: ValidationFlags,
    label_columns: LabelFileFlags,
    split_file: opt.SplitFile = None,
    with_pristine: Annotated[bool, typer.Option("--with-pristine", help="Add a pristine row per reference.")] = (
        UpsampleSettings.with_pristine
    ),
    only_new: Annotated[
        bool, typer.Option("--only-new", help="Leave out the labeled originals.")
    ] = UpsampleSettings.only_new,
    layout: opt.LayoutOption = DistortSettings.layout,
    recipe_only: opt.RecipeOnly = False,
    images_out: opt.ImagesOut = None,
    selection: Annotated[
        Path | None,
        typer.Option("--selection", help="Also write why each candidate was kept or not, as `select` does (.parquet)."),
    ] = None,
    format: opt.ImageFormatOption = UpsampleSettings.image_format,
    reading: FolderFlags,
    where: ExecutorFlags,
    resume: ResumeFlags,
    out: Annotated[Path, typer.Option("--out", help="Training manifest to write.")] = opt.DEFAULT_MANIFEST,
    seed: opt.Seed = UpsampleSettings.seed,
    dry_run: opt.DryRun = False,
    result: StrictResultFlags,
) -> None:
    """Add new content to a labeled set: select, distort and label, joined with the originals (DDCUp).

    `--references` with `--conditions` or `--proxy-labels` makes the labeled set from the
    references, distorted at all five levels; candidates may then be left out.

    Example: syndr-curate upsample --dataset kadid10k --root KADID-10k --candidates-root KADIS-700k --types bid
    """
    from ..datasets.type_lists import parse_levels, parse_types
    from ..upsampling.request import EncoderChoice, UpsampleRequest, known_label_file
    from ..upsampling.run import run_upsample

    if recipe_only:
        refuse_without_effect(context, "with --recipe-only, which stores no pixels", "layout", "images_out")
    if proxy_labels or labeling.conditions is not None:
        given = "--proxy-labels" if proxy_labels else "--conditions"
        flags = [field.name for field in fields(LabelFileFlags)]
        refuse_without_effect(context, f"with {given}, which read no label file", *flags)
        refuse_without_effect(context, f"with {given}, which label --references", "dataset", "root")
        if candidates_root is None and features.candidate_features is None and not validation.asked:
            groups = (EncoderFlags, FeatureFlags, LabelerFlags) if proxy_labels else (EncoderFlags, FeatureFlags)
            flags = [field.name for group in groups for field in fields(group) if field.name != "conditions"]
            why = "without candidates: the references get all levels, and none are selected"
            refuse_without_effect(context, why, "levels", "candidates", "max_selected", "selection", *flags)
    else:
        label_columns.refuse_without_effect(context)
        if candidates_root is None:
            refuse_without_effect(context, "without --candidates-root: no other images are named by it", "ids")
    if candidates_root is None and references is None:
        why = "without --references or --candidates-root: no folder is searched"
        refuse_without_effect(context, why, "follow_links")
    if features.reference_features is not None and (validation.asked or features.candidate_features is not None):
        flags = [field.name for field in fields(EncoderFlags)]
        refuse_without_effect(context, "where feature files are given for all images", *flags)
    if not validation.asked:
        labeling.refuse_without_effect(context)
    settings = UpsampleSettings(
        types=parse_types(types),
        levels=parse_levels(levels),
        candidates=opt.parse_count(candidates),
        max_selected=max_selected,
        labeling=labeling.settings,
        with_pristine=with_pristine,
        only_new=only_new,
        image_format=format,
        seed=seed,
    )
    label_file = labels or known_label_file(dataset, root)
    request = UpsampleRequest(
        settings=settings,
        out=out,
        labels=None if label_file is None else label_columns.label_file(label_file),
        dataset=dataset,
        root=root,
        references=references,
        proxy_labels=proxy_labels,
        reference_features=features.reference_features,
        candidates_root=candidates_root,
        candidate_features=features.candidate_features,
        split_file=split_file,
        encoder=EncoderChoice(
            name=encoding.encoder,
            weights=encoding.weights,
            device=encoding.device,
            batch_size=encoding.batch_size,
        ),
        recipe_only=recipe_only,
        images_out=images_out,
        selection=selection,
        **reading.keywords,
        layout=layout,
        run=long_run(where, resume, workers=reading.workers),
        dry_run=dry_run,
    )
    if validation.asked:
        from ..upsampling.cross_validation import cross_validate_upsample

        validation.check_plot(label_file, features.reference_features, split_file)
        found = cross_validate_upsample(request, compare=validation.compare, reporter=result.reporter)
        validation.show(found, result)
        return
    result.finish(run_upsample(request, result.reporter))
