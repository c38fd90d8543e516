"""The command `encode`."""

from pathlib import Path
from typing import Annotated

import typer

from ..terminal import options as opt
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import EncoderFlags, ImageFlags, StrictResultFlags
from ..terminal.long_run import ExecutorFlags, ResumeFlags, long_run, refuse_strict_share
from ..terminal.no_effect import refuse_flags_of_the_other_input


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
    pool: opt.Pool = None,
    layers: opt.PooledLayers = None,
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

    refuse_flags_of_the_other_input(context, images)
    refuse_strict_share(context, shard)
    summary = run_encode(
        images,
        out,
        encoder=encoding.encoder,
        weights=encoding.weights,
        device=encoding.device,
        pool=None if pool is None else tuple(pool.split(",")),
        layers=opt.parse_layers(layers),
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
