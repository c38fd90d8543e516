"""The command `label`."""

from dataclasses import fields
from pathlib import Path
from typing import Annotated

import typer

from ..terminal import options as opt
from ..terminal.cross_validation import ValidationFlags
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import FeatureFlags, LabelerFlags, LabelFileFlags, StrictResultFlags
from ..terminal.no_effect import refuse_without_effect
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
    fit_on: Annotated[
        Path | None,
        typer.Option("--fit-on", help="For --labeler calibrated: a manifest of labeled single distortions."),
    ] = None,
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
    """Label new references from their nearest labeled ones (DDCUp, Algorithm 2), or rows by their type and level.

    Example: syndr-curate label --selection selection.parquet --labels dmos.csv --reference-features kadid.npz
    --candidate-features kadis.parquet --types bid --out manifests/pseudo.parquet
    """
    from ..datasets.type_lists import parse_levels, parse_types
    from ..labeling.label_files import run_label
    from ..labeling.validate_label_file import cross_validate_label_file, refuse_validating

    settings = labeling.settings
    if manifest is not None and selection is None:
        refuse_without_effect(context, "with --manifest, whose rows have theirs", "types", "levels", "seed")
    if validation.asked:
        refuse_validating(settings)
        what = ("selection", "manifest", "fit_on", "candidate_features", "types", "levels", "max_label_std", "seed")
        refuse_without_effect(context, "with --cross-validate, which labels no rows", *what, "out")
    if settings.labeler == "calibrated":
        file = None
        why = "with --labeler calibrated, which learns from --fit-on"
        refuse_without_effect(context, why, "labels", *_of_a_labeled_set())
        features = FeatureFlags()
    elif settings.conditions is None:
        file = label_columns.label_file(
            opt.required(labels, "--labels", "a CSV with a score per image (without labels: --conditions)")
        )
    else:
        file = None
        why = "with --conditions, which need neither a label file nor features"
        refuse_without_effect(context, why, "labels", *_of_a_labeled_set())
        features = FeatureFlags()
    compares_contents = settings.needs_features or validation.compare
    references = features.references if compares_contents else features.reference_features
    if file is not None and validation.asked:
        validation.check_plot(labels, references, split_file)
        found = cross_validate_label_file(
            file,
            references,
            settings,
            split_file=split_file,
            compare=validation.compare,
            reporter=result.reporter,
        )
        validation.show(found, result)
        return
    labeling.refuse_without_effect(context)
    label_columns.refuse_without_effect(context)
    summary = run_label(
        file,
        references,
        features.candidates if compares_contents else features.candidate_features,
        out,
        selection=selection,
        manifest=manifest,
        fit_on=fit_on,
        types=parse_types(types),
        levels=parse_levels(levels),
        settings=settings,
        split_file=split_file,
        seed=seed,
        reporter=result.reporter,
    )
    result.finish(summary)


def _of_a_labeled_set() -> list[str]:
    """Return the flags that say how a labeled set is read."""
    return [field.name for group in (FeatureFlags, LabelFileFlags) for field in fields(group)]
