"""The command `encode`."""

from pathlib import Path
from typing import Annotated

import typer

from ..encoding.settings import EncodeSettings
from ..storage.limits import MAX_PIXELS
from ..terminal import options as opt
from ..terminal.console import make_reporter
from ..terminal.exit_codes import finish, reporting_errors
from ..terminal.long_run import long_run


@reporting_errors
def encode(
    images: Annotated[
        Path, typer.Argument(help="Folder of images, one image, or a manifest (.parquet).", readable=False)
    ],
    out: Annotated[Path, typer.Option("--out", help="Feature file to write (.parquet).")],
    encoder: opt.EncoderOption = opt.EncoderFlag(EncodeSettings.encoder),
    weights: opt.Weights = EncodeSettings.weights,
    device: opt.Device = opt.DeviceFlag(EncodeSettings.device),
    batch_size: opt.BatchSize = EncodeSettings.batch_size,
    ids: opt.Ids = opt.IdsFlag(EncodeSettings.ids),
    root: opt.RootOverrides = None,
    exif_orient: opt.ExifOrient = False,
    max_pixels: opt.MaxPixels = MAX_PIXELS,
    workers: opt.Workers = None,
    executor: opt.ExecutorOption = opt.ExecutorFlag.local,
    ray_address: opt.RayAddress = None,
    shard: opt.Shard = None,
    rows_per_shard: opt.RowsPerShard = None,
    overwrite: opt.Overwrite = False,
    retry_failed: opt.RetryFailed = False,
    dry_run: opt.DryRun = False,
    strict: opt.Strict = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Compute content features of images.

    Example: syndr-curate encode photos/ --encoder gist --out photos.parquet
    """
    from ..encoding.encode import run_encode
    from ..manifest.roots import parse_roots
    from ..storage.images import DecodeOptions

    summary = run_encode(
        images,
        out,
        encoder=encoder.value,
        weights=weights,
        device=device.value,
        batch_size=batch_size,
        ids=ids.value,
        roots=parse_roots(root or []),
        decoding=DecodeOptions(exif_orient=exif_orient, max_pixels=max_pixels),
        workers=workers,
        run=long_run(
            executor=executor,
            ray_address=ray_address,
            workers=workers,
            shard=shard,
            rows_per_shard=rows_per_shard,
            overwrite=overwrite,
            retry_failed=retry_failed,
            num_gpus=1 if device is opt.DeviceFlag.cuda else 0,
        ),
        dry_run=dry_run,
        reporter=make_reporter(quiet=quiet),
    )
    finish(summary, as_json=json, strict=strict, rejected="failed")
