"""The command `select`."""

from pathlib import Path
from typing import Annotated

import typer

from ..terminal import options as opt
from ..terminal.console import make_reporter
from ..terminal.exit_codes import finish, reporting_errors
from ..upsampling.settings import SelectSettings


@reporting_errors
def select(
    reference_features: opt.ReferenceFeatures = None,
    candidate_features: opt.CandidateFeatures = None,
    candidates: opt.Candidates = opt.count_text(SelectSettings.candidates),
    max_selected: opt.MaxSelected = SelectSettings.max_selected,
    out: Annotated[Path, typer.Option("--out", help="Selection to write.")] = Path("selection.parquet"),
    seed: opt.Seed = SelectSettings.seed,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Choose candidate references whose content the labelled ones lack (DDCUp, Algorithm 1).

    Example: syndr-curate select --reference-features kadid.npz --candidate-features kadis.parquet
    """
    from ..upsampling.select import run_select

    summary = run_select(
        opt.required(reference_features, "--reference-features"),
        opt.required(candidate_features, "--candidate-features"),
        out,
        count=opt.parse_count(candidates),
        max_selected=max_selected,
        seed=seed,
        reporter=make_reporter(quiet=quiet),
    )
    finish(summary, as_json=json)
