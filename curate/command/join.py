"""The command `join`."""

from pathlib import Path
from typing import Annotated

import typer

from ..labeling.pools.settings import JoinLabels
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import ResultFlags


@reporting_errors
@with_flag_groups
def join(
    *,
    manifests: Annotated[
        list[Path], typer.Argument(help="Two manifests or more; the labels of the first one do not change.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Manifest to write.")],
    labels: Annotated[
        JoinLabels | None,
        typer.Option(
            "--labels",
            help="What becomes of labels of unlike sources or scales: take them as they are, or shift each type to the "
            "mean that it has in the first manifest. Without it they are refused.",
        ),
    ] = None,
    result: ResultFlags,
) -> None:
    """Join several manifests into one.

    Example: syndr-curate join train.parquet photos.parquet --labels align --out both.parquet
    """
    from ..labeling.pools.join import describe_join
    from ..labeling.pools.join import join as join_manifests

    summary = join_manifests(manifests, out, labels=labels)
    result.print(summary, describe_join(summary))
