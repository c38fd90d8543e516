"""The command `export`: manifests for other tools."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..export.settings import ExportSettings, Target
from ..manifest.split_names import Split
from ..terminal import options as opt
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import PixelFlags, StrictResultFlags
from ..terminal.no_effect import refuse_without_effect

OF_PIXELS = ("render", "hardlink", "follow_links", "root", "max_pixels", "workers")


@dataclass(frozen=True)
class ExportFlags(ExportSettings):
    """How an export is made, as flags."""

    render: Annotated[bool, typer.Option("--render", help="Render rows whose pixels are not stored.")] = (
        ExportSettings.render
    )
    hardlink: Annotated[
        bool,
        typer.Option(
            "--hardlink", help="Hard-link stored files instead of copying them, where the file system allows it."
        ),
    ] = ExportSettings.hardlink
    rows_per_shard: Annotated[
        int, typer.Option("--rows-per-shard", min=1, help="With --to webdataset: rows per tar.")
    ] = ExportSettings.rows_per_shard
    follow_links: Annotated[
        bool,
        typer.Option("--follow-links", help="Also export stored files that are links to files outside their root."),
    ] = ExportSettings.follow_links
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier export at --out.")] = (
        ExportSettings.overwrite
    )


@reporting_errors
@with_flag_groups
def export(
    *,
    context: typer.Context,
    manifest: Annotated[Path, typer.Argument(help="Manifest to export.")],
    to: Annotated[
        Target,
        typer.Option(
            "--to",
            help="hf: imagefolder with metadata.parquet and a card. pyiqa: meta_info.csv. webdataset: tar shards. "
            "fiftyone: a CSV dataset. ids: one id per line.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder to make; for ids a text file.", show_default=False)],
    split: Annotated[Split | None, typer.Option("--split", help="Only rows of this split.")] = None,
    settings: ExportFlags,
    pixels: PixelFlags,
    dry_run: opt.DryRun = False,
    result: StrictResultFlags,
) -> None:
    """Write a manifest's ok rows in the form that another tool reads.

    Example: syndr-curate export manifests/train.parquet --to pyiqa --out exports/pyiqa
    """
    from ..export.export import export as write_export

    if to == "ids":
        refuse_without_effect(context, "with --to ids, which exports no pixels", *OF_PIXELS)
    if to != "webdataset":
        refuse_without_effect(context, f"with --to {to}: only webdataset has shards", "rows_per_shard")
    else:
        refuse_without_effect(context, "with --to webdataset, whose images are in tars", "hardlink")
    summary = write_export(
        manifest,
        to,
        out,
        split=split,
        **asdict(settings),
        **pixels.keywords,
        dry_run=dry_run,
        reporter=result.reporter,
    )
    result.finish(summary)
