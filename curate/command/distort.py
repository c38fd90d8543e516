"""The command `distort`."""

from pathlib import Path
from typing import Annotated

import typer

from ..rendering.settings import DistortSettings
from ..storage.limits import MAX_PIXELS
from ..terminal import options as opt
from ..terminal.console import make_reporter
from ..terminal.exit_codes import finish, reporting_errors
from ..terminal.long_run import long_run


@reporting_errors
def distort(
    images: Annotated[
        Path, typer.Argument(help="Folder of images, one image, or a manifest (.parquet).", readable=False)
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the manifest and the images.")],
    types: Annotated[
        str | None, typer.Option("--types", help="Distortions to apply. Without it, a manifest's rows are rendered.")
    ] = None,
    levels: opt.Levels = opt.levels_text(DistortSettings.levels),
    format: opt.ImageFormatOption = opt.FormatFlag(DistortSettings.image_format),
    layout: opt.LayoutOption = opt.LayoutFlag(DistortSettings.layout),
    recipe_only: opt.RecipeOnly = False,
    contact_sheet: Annotated[
        Path | None,
        typer.Option("--contact-sheet", help="Also draw the first image under every type and level (.png)."),
    ] = None,
    ids: opt.Ids = opt.IdsFlag(DistortSettings.ids),
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
    seed: opt.Seed = DistortSettings.seed,
    dry_run: opt.DryRun = False,
    strict: opt.Strict = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Make distorted images, or the rows that say how to make them.

    Example: syndr-curate distort photos/ --types bid --levels 1,3,5 --out distorted/
    """
    from ..datasets.type_lists import parse_levels, parse_types
    from ..manifest.roots import parse_roots
    from ..rendering.distort import run_distort
    from ..storage.images import DecodeOptions

    summary = run_distort(
        images,
        out,
        types=None if types is None else parse_types(types),
        levels=parse_levels(levels),
        image_format=format.value,
        layout=layout.value,
        seed=seed,
        recipe_only=recipe_only,
        contact_sheet_file=contact_sheet,
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
        ),
        dry_run=dry_run,
        reporter=make_reporter(quiet=quiet),
    )
    finish(summary, as_json=json, strict=strict)
