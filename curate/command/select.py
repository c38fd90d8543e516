"""The command `select`."""

from pathlib import Path
from typing import Annotated

import typer

from ..terminal import options as opt
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import FeatureFlags, ResultFlags
from ..upsampling.settings import SelectSettings


@reporting_errors
@with_flag_groups
def select(
    *,
    features: FeatureFlags,
    candidates: opt.Candidates = opt.count_text(SelectSettings.candidates),
    max_selected: opt.MaxSelected = SelectSettings.max_selected,
    out: Annotated[Path, typer.Option("--out", help="Selection to write.")] = Path("selection.parquet"),
    seed: opt.Seed = SelectSettings.seed,
    result: ResultFlags,
) -> None:
    """Choose candidate references with content that the labeled ones lack (DDCUp, Algorithm 1).

    Example: syndr-curate select --reference-features kadid.npz --candidate-features kadis.parquet
    """
    from ..upsampling.select import run_select

    summary = run_select(
        features.references,
        features.candidates,
        out,
        count=opt.parse_count(candidates),
        max_selected=max_selected,
        seed=seed,
        reporter=result.reporter,
    )
    result.finish(summary)
