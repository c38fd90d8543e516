"""The command `label`."""

from pathlib import Path
from typing import Annotated

import typer

from ..labeling.settings import LabelSettings, NeighborSettings
from ..terminal import options as opt
from ..terminal.console import make_reporter
from ..terminal.cross_validation import Compare, CrossValidate, Plot, check_plot, show_validation
from ..terminal.exit_codes import finish, reporting_errors


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
    labeler: opt.LabelerOption = opt.LabelerFlag[LabelSettings.labeler],
    max_label_std: opt.MaxLabelStd = LabelSettings.max_label_std,
    neighbors: opt.Neighbors = NeighborSettings.count,
    margin: opt.Margin = NeighborSettings.margin,
    weighting: opt.Weighting = opt.WeightingFlag[NeighborSettings.weighting],
    temperature: opt.Temperature = NeighborSettings.temperature,
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
    from ..labeling.label_files import run_label

    file = LabelFile(
        opt.required(labels, "--labels"),
        LabelColumns.chosen(
            id=id_column,
            label=label_column,
            reference=reference_column,
            std=std_column,
            raters=raters,
            distortion=distortion_column,
            level=level_column,
        ),
        lower_is_better,
        opt.parse_range(label_range),
    )
    settings = LabelSettings(
        labeler=labeler.value,
        neighbors=NeighborSettings(count=neighbors, margin=margin, weighting=weighting.value, temperature=temperature),
        max_label_std=max_label_std,
    )
    if cross_validate or compare or plot:
        from ..labeling.validate_label_file import cross_validate_label_file

        features = opt.required(reference_features, "--reference-features")
        check_plot(plot, labels, reference_features)
        found = cross_validate_label_file(
            file, features, settings, compare=compare, reporter=make_reporter(quiet=quiet)
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
        settings=settings,
        seed=seed,
    )
    finish(summary, as_json=json, strict=strict)
