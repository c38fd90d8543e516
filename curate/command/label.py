"""The command `label`."""

from pathlib import Path
from typing import Annotated

import typer

from ..terminal import options as opt
from ..terminal.cross_validation import ValidationFlags
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import FeatureFlags, LabelerFlags, LabelFileFlags, StrictResultFlags
from ..upsampling.settings import UpsampleSettings


@reporting_errors
@with_flag_groups
def label(
    *,
    context: typer.Context,
    labels: opt.LabelsFile = None,
    features: FeatureFlags,
    selection: Annotated[Path | None, typer.Option("--selection", help="What `select` wrote.")] = None,
    manifest: Annotated[Path | None, typer.Option("--manifest", help="Rows to label instead of a selection.")] = None,
    validation: ValidationFlags,
    types: opt.Types = opt.ALL,
    levels: opt.Levels = opt.levels_text(UpsampleSettings.levels),
    labeling: LabelerFlags,
    label_columns: LabelFileFlags,
    split_file: opt.SplitFile = None,
    out: Annotated[Path, typer.Option("--out", help="Manifest to write.")] = Path("manifests/pseudo.parquet"),
    seed: opt.Seed = UpsampleSettings.seed,
    result: StrictResultFlags,
) -> None:
    """Label new references from their nearest labelled ones (DDCUp, Algorithm 2).

    Example: syndr-curate label --selection selection.parquet --labels dmos.csv --reference-features kadid.npz
    --candidate-features kadis.parquet --types bid --out manifests/pseudo.parquet
    """
    from ..datasets.type_lists import parse_levels, parse_types
    from ..labeling.label_files import run_label

    file = label_columns.label_file(opt.required(labels, "--labels"))
    if validation.asked:
        from ..labeling.validate_label_file import cross_validate_label_file

        validation.check_plot(labels, features.references, split_file)
        found = cross_validate_label_file(
            file,
            features.references,
            labeling.settings,
            split_file=split_file,
            compare=validation.compare,
            reporter=result.reporter,
        )
        validation.show(found, result)
        return
    labeling.refuse_without_effect(context)
    summary = run_label(
        file,
        features.references,
        features.candidates,
        out,
        selection=selection,
        manifest=manifest,
        types=parse_types(types),
        levels=parse_levels(levels),
        settings=labeling.settings,
        split_file=split_file,
        seed=seed,
        reporter=result.reporter,
    )
    result.finish(summary)
