"""The command `domains select`."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from ..domains.settings import DomainsSelectSettings, RuleName
from ..terminal import options as opt
from ..terminal.exit_codes import EXIT_REJECTED, reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import ImageFlags, StrictResultFlags
from ..terminal.no_effect import refuse_flags_of_the_other_input, refuse_without_effect


@dataclass(frozen=True)
class SelectFlags(DomainsSelectSettings):
    """The settings of a selection, as flags."""

    rule: Annotated[
        RuleName,
        typer.Option(
            "--rule",
            help="excess: types that the set shows more often than pristine photographs do. published: DGQA's count.",
        ),
    ] = DomainsSelectSettings.rule
    max_types: Annotated[
        int | None, typer.Option("--max-types", min=1, help="With --rule excess: largest number of types to select.")
    ] = DomainsSelectSettings.max_types
    exclude: Annotated[
        str | None,
        typer.Option(
            "--exclude",
            help="With --rule excess: types that are never selected, for example denoise, which is slow to render.",
            show_default="(none)",
        ),
    ] = DomainsSelectSettings.exclude
    device: opt.Device = DomainsSelectSettings.device


@reporting_errors
@with_flag_groups
def select(
    *,
    context: typer.Context,
    target: Annotated[
        Path,
        typer.Option("--target", help="Folder of images, one image, or a manifest (.parquet).", show_default=False),
    ],
    classifier: Annotated[Path, typer.Option("--classifier", help="What `domains fit` wrote.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="Preset file to write (.json), for --types.", show_default=False)],
    name: Annotated[
        str | None, typer.Option("--name", help="The preset's name.", show_default="the file's stem")
    ] = None,
    scores: Annotated[
        Path | None, typer.Option("--scores", help="Also write the class scores of every image (.parquet).")
    ] = None,
    settings: SelectFlags,
    reading: ImageFlags,
    result: StrictResultFlags,
) -> None:
    """Select the distortion types that suit an unlabeled target set, as a preset for `--types`.

    Example: syndr-curate domains select --target photos/ --classifier domains.safetensors --out mine.json
    """
    from ..domains.select import run_domains_select
    from ..domains.selection_text import describe_selection

    refuse_flags_of_the_other_input(context, target)
    if settings.rule == "published":
        refuse_without_effect(context, "with --rule published", "max_types", "exclude")
        settings = replace(settings, exclude=None)  # what a settings file says holds for every call
    summary = run_domains_select(
        target,
        classifier,
        out,
        settings,
        name=name,
        scores=scores,
        **reading.keywords,
        reporter=result.reporter,
    )
    result.print(summary, describe_selection(summary))
    if result.strict and summary["unusable"]:
        raise typer.Exit(EXIT_REJECTED)
