"""The command `encode`."""

from pathlib import Path
from typing import Annotated

import typer

from ..terminal import options as opt
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import EncoderFlags, ImageFlags, StrictResultFlags
from ..terminal.long_run import ExecutorFlags, ResumeFlags, long_run
from ..terminal.no_effect import refuse_without_effect


@reporting_errors
@with_flag_groups
def encode(
    *,
    context: typer.Context,
    images: Annotated[
        Path, typer.Argument(help="Folder of images, one image, or a manifest (.parquet).", readable=False)
    ],
    out: Annotated[Path, typer.Option("--out", help="Feature file to write (.parquet).")],
    encoding: EncoderFlags,
    reading: ImageFlags,
    where: ExecutorFlags,
    shard: opt.Shard = None,
    resume: ResumeFlags,
    dry_run: opt.DryRun = False,
    result: StrictResultFlags,
) -> None:
    """Compute content features of images.

    Example: syndr-curate encode photos/ --encoder gist --out photos.parquet
    """
    from ..encoding.encode import run_encode

    if images.suffix == ".parquet":
        refuse_without_effect(context, "on a manifest, whose rows have their ids", "ids")
    else:
        refuse_without_effect(context, "on a folder or an image, which is its own root", "root")
    summary = run_encode(
        images,
        out,
        encoder=encoding.encoder,
        weights=encoding.weights,
        device=encoding.device,
        batch_size=encoding.batch_size,
        **reading.keywords,
        run=long_run(
            where,
            resume,
            workers=reading.workers,
            shard=shard,
            num_gpus=1 if encoding.device == "cuda" else 0,
        ),
        dry_run=dry_run,
        reporter=result.reporter,
    )
    result.finish(summary, rejected="failed")
