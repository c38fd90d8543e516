"""The command `evaluate`."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..evaluation.settings import EvaluateSettings, TableFormat
from ..manifest.split_names import Split
from ..terminal import options as opt
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import ResultFlags
from ..terminal.no_effect import refuse_without_effect


@dataclass(frozen=True)
class EvaluateFlags(EvaluateSettings):
    """How predictions are scored, as flags."""

    score_column: Annotated[str, typer.Option("--score-column", help="Predictions: column of scores.")] = (
        EvaluateSettings.score_column
    )
    lower_is_better: Annotated[
        bool,
        typer.Option("--lower-is-better", help="Lower scores are better: negate them, and the baseline's."),
    ] = EvaluateSettings.lower_is_better
    bootstrap: Annotated[
        int,
        typer.Option(
            "--bootstrap",
            min=0,
            help="With --baseline: bootstrap draws for the interval of the difference; 0: no interval.",
        ),
    ] = EvaluateSettings.bootstrap
    seed: opt.Seed = EvaluateSettings.seed


@reporting_errors
@with_flag_groups
def evaluate(
    *,
    context: typer.Context,
    more: Annotated[
        list[Path] | None, typer.Argument(help="More files of predictions, as a shell expands `runs/*.csv`.")
    ] = None,
    predictions: Annotated[
        list[Path] | None,
        typer.Option(
            "--predictions",
            help="CSV or Parquet with `id` and `score`: one file per run of the model. A run is called like its file.",
        ),
    ] = None,
    test: Annotated[Path | None, typer.Option("--test", help="Labeled manifest.", show_default=False)] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", help="Columns to score the groups of, comma-separated: type, level, dataset, split, any."),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(
            "--baseline",
            help="Predictions to compare with: a file, or a folder with one file per run, named like the run's.",
        ),
    ] = None,
    splits: Annotated[
        Path | None,
        typer.Option(
            "--splits", help="If each run has its own split: folder of split files, named like the runs' files."
        ),
    ] = None,
    split: Annotated[
        Split | None,
        typer.Option("--split", help="Only rows of this split.", show_default="all; with --splits: test"),
    ] = None,
    settings: EvaluateFlags,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw the scores: a PNG file (extra `plot`).", show_default=False)
    ] = None,
    format: Annotated[TableFormat, typer.Option("--format", help="Format of the printed table.")] = "table",
    result: ResultFlags,
) -> None:
    """Score a model's predictions against human labels: SRCC, KRCC, PLCC, and after a 4-parameter logistic.

    Several files are several runs: their median, mean and standard deviation are given.

    Example: syndr-curate evaluate --predictions runs/*.csv --test manifests/livec.parquet --by split
    --baseline baseline.csv
    """
    from ..errors import CurateError
    from ..evaluation.evaluate import evaluate as run_evaluate
    from ..evaluation.layout import HEADER, as_csv, as_markdown, rows_of
    from ..storage.figures import check_figure
    from ..terminal.console import table

    files = [file for given in (*(predictions or []), *(more or [])) for file in _listed(given)]
    if not files:
        raise CurateError("--predictions FILE is needed: a CSV or Parquet file with an id and a score per image")
    manifest = opt.required(test, "--test", "a labeled manifest, which `syndr-curate testset` writes")
    if baseline is None:
        refuse_without_effect(context, "without --baseline", "bootstrap", "seed")
    if result.json:
        refuse_without_effect(context, "with --json, which prints no table", "format")
    if plot is not None:
        check_figure(plot, "--plot", *files, manifest, baseline)
    found = run_evaluate(
        files,
        manifest,
        by=[name.strip() for name in by.split(",")] if by else (),
        baseline=baseline,
        splits=splits,
        split=split,
        **asdict(settings),
        reporter=result.reporter,
    )
    if plot is not None:
        from ..evaluation.plot import write_evaluation_figure

        write_evaluation_figure(plot, found)
    if format == "table":
        text = table(HEADER, rows_of(found))
    else:
        text = as_markdown(found) if format == "markdown" else as_csv(found)
    result.print(found.as_json(), text)


def _listed(given: Path) -> list[Path]:
    # Lists are comma-separated, and a file's name may hold a comma.
    return [given] if given.exists() else [Path(part) for part in str(given).split(",")]
