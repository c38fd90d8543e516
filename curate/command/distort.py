"""The command `distort`."""

from pathlib import Path
from typing import Annotated

import typer

from ..manifest.chains.settings import ChainOrder, ChainSettings, ChainStretch
from ..rendering.settings import DistortSettings
from ..terminal import options as opt
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import ImageFlags, StrictResultFlags
from ..terminal.long_run import ExecutorFlags, ResumeFlags, long_run, refuse_strict_share
from ..terminal.no_effect import refuse_flags_of_the_other_input, refuse_without_effect

OF_NEW_ROWS = ("levels", "format", "seed")
OF_DRAWN_CHAINS = ("chain_length", "chain_types", "chain_order")

_LENGTH = ",".join(map(str, ChainSettings.length))


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
        str | None,
        typer.Option("--types", help="Distortions to apply. Without it, the rows of a manifest are rendered."),
    ] = None,
    chain: Annotated[
        list[str] | None,
        typer.Option(
            "--chain",
            help="Chain of distortions, type:level joined by +; one row per reference; may be repeated.",
        ),
    ] = None,
    chains: Annotated[
        int, typer.Option("--chains", min=0, help="Draw N random chains per reference, with --levels.")
    ] = ChainSettings.drawn,
    chain_length: Annotated[
        str, typer.Option("--chain-length", help="Smallest and largest number of distortions in a drawn chain.")
    ] = _LENGTH,
    chain_types: Annotated[
        str,
        typer.Option(
            "--chain-types",
            help="Types in drawn chains, as in --types; a chain has at most one of each family (camera: subfamily).",
        ),
    ] = opt.ALL,
    chain_order: Annotated[
        ChainOrder, typer.Option("--chain-order", help="Whether compression comes last in drawn chains.")
    ] = ChainSettings.order,
    stretch: Annotated[
        ChainStretch,
        typer.Option("--stretch", help="Stretch the image to the full range at every step of a chain, or once."),
    ] = ChainSettings.stretch,
    levels: opt.Levels = opt.levels_text(DistortSettings.levels),
    format: opt.ImageFormatOption = DistortSettings.image_format,
    layout: opt.LayoutOption = DistortSettings.layout,
    recipe_only: opt.RecipeOnly = False,
    contact_sheet: Annotated[
        Path | None,
        typer.Option("--contact-sheet", help="Also draw the first image with every type and level (.png)."),
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

    if recipe_only:
        refuse_without_effect(context, "with --recipe-only, which stores no pixels", "layout")
    refuse_flags_of_the_other_input(context, images)
    if not chains:
        refuse_without_effect(context, "without --chains", *OF_DRAWN_CHAINS)
    if not (chain or chains):
        refuse_without_effect(context, "without --chain or --chains", "stretch")
    if images.suffix == ".parquet" and types is None and not (chain or chains):
        refuse_without_effect(context, "without --types: a manifest's rows are rendered as they are", *OF_NEW_ROWS)
    if chain and types is None and not chains:
        refuse_without_effect(context, "without --types or --chains: a named chain has levels of its own", "levels")
    refuse_strict_share(context, shard)
    summary = run_distort(
        images,
        out,
        types=None if types is None else parse_types(types),
        levels=parse_levels(levels),
        chains=_chain_settings(
            named=chain or [],
            drawn=chains,
            length=chain_length,
            types=chain_types,
            order=chain_order,
            stretch=stretch,
            levels=levels,
        ),
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


def _chain_settings(
    *,
    named: list[str],
    drawn: int,
    length: str,
    types: str,
    order: ChainOrder,
    stretch: ChainStretch,
    levels: str,
) -> ChainSettings | None:
    """Return which chains are asked for; None without chains.

    Raises:
        CurateError: A text is not a chain, or names a type or level that does not exist.
    """
    from ..datasets.type_lists import parse_levels, parse_types
    from ..manifest.chains.chain_lists import parse_chain_length, parse_chains

    if not (named or drawn):
        return None
    return ChainSettings(
        named=parse_chains(named),
        drawn=drawn,
        length=parse_chain_length(length),
        types=parse_types(types),
        levels=parse_levels(levels),
        order=order,
        stretch=stretch,
    )
