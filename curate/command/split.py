"""The command `split`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..datasets.settings import SplitSettings
from ..terminal import options as opt
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import ResultFlags
from ..terminal.no_effect import refuse_without_effect

SPLIT_COLUMN = "split"


@dataclass(frozen=True)
class ColumnFlags:
    """Which columns of a label file identify what is split."""

    id_column: opt.IdColumn = opt.KADID_ID
    reference_column: opt.ReferenceColumn = opt.KADID_REFERENCE
    split_column: Annotated[
        str, typer.Option("--split-column", help="Label file: column of the official split, if there is one.")
    ] = SPLIT_COLUMN


@reporting_errors
@with_flag_groups
def split(
    *,
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="Label file (CSV) or manifest (.parquet).")],
    fractions: Annotated[
        str, typer.Option("--fractions", help="Shares of train and test, or of train, val and test.")
    ] = ",".join(map(str, SplitSettings.fractions)),
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Number of splits, each with its own seed.")] = (
        SplitSettings.seeds
    ),
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="The first seed; the next splits use the numbers after it.")
    ] = (SplitSettings.seed),
    redraw: Annotated[
        bool, typer.Option("--redraw", help="Draw random splits even if the set has an official one.")
    ] = SplitSettings.redraw,
    columns: ColumnFlags,
    out: Annotated[Path, typer.Option("--out", help="Folder of the split files, seed_123.csv and so on.")] = Path(
        "splits"
    ),
    result: ResultFlags,
) -> None:
    """Split a labeled set by reference, or by row without references: one --split-file per seed.

    All images of a reference are in the same split. A set's own split is read, not drawn.

    Example: syndr-curate split kadid10k/dmos.csv --fractions 0.8,0.2 --seeds 10 --out splits
    """
    from ..datasets.splitting.split import rows_to_split
    from ..datasets.splitting.split_files import run_split

    if source.suffix == ".parquet":
        refuse_without_effect(
            context, "on a manifest, which has its own columns", "id_column", "reference_column", "split_column"
        )
    rows = rows_to_split(
        source,
        id_column=columns.id_column,
        reference_column=columns.reference_column,
        split_column=columns.split_column,
    )
    if rows.official is not None and not redraw:
        refuse_without_effect(
            context, "on a set with a split of its own (--redraw draws others)", "fractions", "seeds", "seed"
        )
    settings = SplitSettings(fractions=opt.parse_fractions(fractions), seeds=seeds, seed=seed, redraw=redraw)
    result.finish(run_split(rows, source, out, settings, reporter=result.reporter))
