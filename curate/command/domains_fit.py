"""The command `domains fit`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..domains.settings import RESNET_BATCH, DomainsFitSettings, KindName, PerReference
from ..terminal import options as opt
from ..terminal.exit_codes import EXIT_REJECTED, reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import FolderFlags, StrictResultFlags


@dataclass(frozen=True)
class FitFlags(DomainsFitSettings):
    """The settings of a fit, as flags."""

    kind: Annotated[
        KindName,
        typer.Option("--kind", help="light: runs without a GPU. resnet50: as in the paper, needs a GPU to be fast."),
    ] = DomainsFitSettings.kind
    per_reference: Annotated[
        PerReference | None,
        typer.Option(
            "--per-reference",
            help="How many types each reference is distorted by: one, as in the paper, or all.",
            show_default="all for light, one for resnet50",
        ),
    ] = DomainsFitSettings.per_reference
    device: opt.Device = DomainsFitSettings.device
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Passes over the training set.", show_default="the kind's own")
    ] = DomainsFitSettings.epochs
    batch_size: Annotated[
        int | None,
        typer.Option("--batch-size", min=2, help="resnet50: patches per step.", show_default=str(RESNET_BATCH)),
    ] = DomainsFitSettings.batch_size
    seed: opt.Seed = DomainsFitSettings.seed


@reporting_errors
@with_flag_groups
def fit(
    *,
    references: Annotated[
        Path, typer.Option("--references", help="Folder of pristine photographs.", show_default=False)
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help="Classifier to write: NAME.safetensors, with NAME.json and (extra `plot`) NAME.png beside it.",
            show_default=False,
        ),
    ],
    settings: FitFlags,
    weights: Annotated[
        Path | None, typer.Option("--weights", help="resnet50: local ImageNet checkpoint (.pth, .safetensors).")
    ] = None,
    reading: FolderFlags,
    dry_run: opt.DryRun = False,
    result: StrictResultFlags,
) -> None:
    """Train a classifier of distortion types on images made from references on the fly.

    Example: syndr-curate domains fit --references photos/ --out domains.safetensors
    """
    from ..domains.fitting.fit_files import describe_fit, run_domains_fit

    summary = run_domains_fit(
        references,
        out,
        settings,
        weights=weights,
        **reading.keywords,
        dry_run=dry_run,
        reporter=result.reporter,
    )
    if dry_run:
        result.finish(summary)
        return
    result.print(summary, describe_fit(summary))
    if result.strict and summary["references_unusable"]:
        raise typer.Exit(EXIT_REJECTED)
