"""The command `distort`."""

from pathlib import Path
from typing import Annotated

import typer

from ..rendering.settings import DistortSettings
from ..terminal import options as opt
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import ImageFlags, StrictResultFlags
from ..terminal.long_run import ExecutorFlags, ResumeFlags, long_run
from ..terminal.no_effect import refuse_without_effect

MANIFEST_SUFFIX = ".parquet"
OF_NEW_ROWS = ("levels", "format", "seed")


@reporting_errors
@with_flag_groups
def distort(
    *,
    context: typer.Context,
    images: Annotated[
        Path, typer.Argument(help="Folder of images, one image, or a manifest (.parquet).", readable=False)
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the manifest and the images.")],
    types: Annotated[
        str | None, typer.Option("--types", help="Distortions to apply. Without it, a manifest's rows are rendered.")
    ] = None,
    levels: opt.Levels = opt.levels_text(DistortSettings.levels),
    format: opt.ImageFormatOption = DistortSettings.image_format,
    layout: opt.LayoutOption = DistortSettings.layout,
    recipe_only: opt.RecipeOnly = False,
    contact_sheet: Annotated[
        Path | None,
        typer.Option("--contact-sheet", help="Also draw the first image under every type and level (.png)."),
    ] = None,
    reading: ImageFlags,
    where: ExecutorFlags,
    shard: opt.Shard = None,
    resume: ResumeFlags,
    seed: opt.Seed = DistortSettings.seed,
    dry_run: opt.DryRun = False,
    result: StrictResultFlags,
) -> None:
    """Make distorted images, or the rows that say how to make them.

    Example: syndr-curate distort photos/ --types bid --levels 1,3,5 --out distorted/
    """
    from ..datasets.type_lists import parse_levels, parse_types
    from ..rendering.distort import run_distort

    is_manifest = images.suffix == MANIFEST_SUFFIX
    if recipe_only:
        refuse_without_effect(context, "with --recipe-only, which stores no pixels", "layout")
    if is_manifest:
        refuse_without_effect(context, "on a manifest, whose rows have their ids", "ids")
    else:
        refuse_without_effect(context, "on a folder or an image, which is its own root", "root")
    if is_manifest and types is None:
        refuse_without_effect(context, "without --types: a manifest's rows are rendered as they stand", *OF_NEW_ROWS)
    summary = run_distort(
        images,
        out,
        types=None if types is None else parse_types(types),
        levels=parse_levels(levels),
        image_format=format,
        layout=layout,
        seed=seed,
        recipe_only=recipe_only,
        contact_sheet_file=contact_sheet,
        **reading.keywords,
        run=long_run(
            where,
            resume,
            workers=reading.workers,
            shard=shard,
        ),
        dry_run=dry_run,
        reporter=result.reporter,
    )
    result.finish(summary)
