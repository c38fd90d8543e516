"""The command that mixes distorted images: `mix`."""

from pathlib import Path
from typing import Annotated

import typer

from ..mixing.settings import Classes, MixSettings
from ..terminal import options as opt
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import PixelFlags, StrictResultFlags
from ..terminal.no_effect import refuse_without_effect

OF_NEW_MIXES = ("types", "levels", "classes", "sigma", "alpha", "format", "recipe_only", "seed")


@reporting_errors
@with_flag_groups
def mix(
    *,
    context: typer.Context,
    manifest: Annotated[
        Path, typer.Option("--manifest", help="Distorted images with their references.")
    ] = opt.DEFAULT_MANIFEST,
    count: Annotated[
        int | None,
        typer.Option(
            "--count", min=1, help="Number of mixes to make. Without it, the rows of a mixed manifest are rendered."
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", help="Manifest to write (.parquet), or a folder for manifest.parquet.")
    ] = Path("manifests/mix.parquet"),
    images_out: Annotated[
        Path | None,
        typer.Option("--images-out", help="Folder for the rendered images.", show_default="mixes/ beside --out"),
    ] = None,
    preview: Annotated[
        Path | None,
        typer.Option("--preview", help="Also draw the first mixes with references, maps and confidences (.png)."),
    ] = None,
    types: opt.Types = opt.ALL,
    levels: Annotated[str, typer.Option("--levels", help="Levels to use, 1-5, comma-separated.")] = opt.levels_text(
        MixSettings.levels
    ),
    classes: Annotated[
        Classes, typer.Option("--classes", help="What differs between the two images of a mix.")
    ] = MixSettings.classes,
    sigma: Annotated[
        float, typer.Option("--sigma", help="Smoothing of the sensitivity maps, in pixels.")
    ] = MixSettings.sigma,
    alpha: Annotated[
        float,
        typer.Option("--alpha", help="As in CutMix: the share of the background is drawn from Beta(alpha, alpha)."),
    ] = MixSettings.alpha,
    format: opt.ImageFormatOption = MixSettings.image_format,
    recipe_only: opt.RecipeOnly = False,
    pixels: PixelFlags,
    seed: opt.Seed = MixSettings.seed,
    dry_run: opt.DryRun = False,
    result: StrictResultFlags,
) -> None:
    """Mix pairs of distorted images, with soft labels from what each distortion visibly changes (DSMix).

    Example: syndr-curate mix --manifest distorted/manifest.parquet --count 10000 --out mixed/ --preview mixes.png
    """
    from ..datasets.type_lists import parse_levels, parse_types
    from ..mixing.mix_files import run_mix

    settings = None
    if count is None:
        refuse_without_effect(
            context, "without --count: a mixed manifest's rows are rendered as they are", *OF_NEW_MIXES
        )
    else:
        settings = MixSettings(
            count=count,
            types=parse_types(types),
            levels=parse_levels(levels),
            classes=classes,
            sigma=sigma,
            alpha=alpha,
            image_format=format,
            seed=seed,
        )
    summary = run_mix(
        manifest,
        out,
        settings,
        images_out=images_out,
        recipe_only=recipe_only,
        preview=preview,
        **pixels.keywords,
        dry_run=dry_run,
        reporter=result.reporter,
    )
    result.finish(summary)
