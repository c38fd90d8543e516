"""Stage `evaluate`: scores of a model's predictions against human labels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..datasets.predictions import Predictions, PredictionSource, files_in, named_sources, read_predictions
from ..errors import CurateError
from ..manifest.ids import list_ids, refuse_one_text
from ..manifest.splits import read_splits
from ..runs.progress import SILENT, Reporter, Task
from .agreement import agreement_of
from .bootstrap import Pair, paired_intervals
from .evaluation import OVERALL, Evaluation, GroupScores, describe_missing_scores
from .labeled_rows import LabeledRows, Rows, read_labeled_rows
from .settings import EvaluateSettings

TEST = "test"

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """A run's scores on its rows of the test set, and its baseline's.

    Attributes:
        name: Its name.
        rows: Numbers of its rows, rising.
        scores: Its score of each.
        baseline: Its baseline's score of each; None without a baseline.
    """

    name: str
    rows: Rows
    scores: Vector
    baseline: Vector | None

    def within(self, rows: Rows) -> "Run":
        """Return the run on those of its rows that are among some others."""
        kept = np.isin(self.rows, rows)
        baseline = None if self.baseline is None else self.baseline[kept]
        return Run(self.name, self.rows[kept], self.scores[kept], baseline)


def evaluate(
    predictions: PredictionSource | Sequence[Path | str] | Mapping[str, PredictionSource],
    test: pa.Table | Path | str,
    *,
    by: Iterable[str] = (),
    baseline: PredictionSource | Mapping[str, PredictionSource] | None = None,
    splits: Mapping[str, Mapping[str, str]] | Path | str | None = None,
    split: str | None = None,
    score_column: str = EvaluateSettings.score_column,
    lower_is_better: bool = EvaluateSettings.lower_is_better,
    bootstrap: int = EvaluateSettings.bootstrap,
    seed: int = EvaluateSettings.seed,
    reporter: Reporter = SILENT,
) -> Evaluation:
    """Score one or several runs of a model: SRCC, KRCC, PLCC, and PLCC and RMSE after the 4-parameter logistic.

    Args:
        predictions: A file (CSV or Parquet: `id`, `score`) or table for each run; runs are known by their keys, or by
            their files' names without suffix (where these are alike, by the names of their folders).
        test: The labeled manifest, or its file. Every labeled row that is scored needs a prediction.
        by: Columns of the manifest to score the groups of, too; `type` is the distortion.
        baseline: Predictions to compare with: one for all runs, one for each by its name, or a folder with a file named
            like each run's.
        splits: Where each run has a split of its own: what `split` returns, or a folder of split files, by the names of
            the runs.
        split: Score the rows of this split alone; by default all rows, or with `splits` those of `test`.
        score_column: The column of scores.
        lower_is_better: The scores measure degradation: negate them, the baseline's too.
        bootstrap: Draws for the interval of a paired difference; 0: no interval.
        seed: Seed of these draws.
        reporter: Shows how far the draws are, and notes rows and predictions that are left out of the scores.

    Returns:
        The scores, overall and by group.

    Raises:
        CurateError: A row without a prediction, a run without a baseline or a split, or a bad input.
    """
    refuse_one_text(by, "the columns to group by")
    settings = EvaluateSettings(
        score_column=score_column, lower_is_better=lower_is_better, bootstrap=bootstrap, seed=seed
    )
    rows, sources, columns = read_labeled_rows(test), named_sources(predictions), list(dict.fromkeys(by))
    parts = _parts(rows, list(sources), splits, split)
    runs, unused = _runs(rows, sources, _baselines(baseline, list(sources)), parts, settings)
    groups = [(OVERALL, OVERALL, np.arange(len(rows.table)))]
    groups += [(column, group, members) for column in columns for group, members in rows.groups(column).items()]
    labels, units = rows.labels, rows.units()
    draws = bootstrap * len(groups) if baseline is not None else 0
    with (reporter if draws else SILENT).task("bootstrap", draws) as task:
        found = [
            _score(column, group, [run.within(members) for run in runs], labels, units, settings, task)
            for column, group, members in groups
        ]
    # With `splits`, a group may have no row that any run is tested on.
    kept = [each for each in found[1:] if each.rows()[1]]
    if rows.left_out:
        reporter.note(f"{rows.left_out} rows of {rows.name} have no label or a status other than ok: left out")
    if unused:
        reporter.note(f"{unused} predictions are for images that are not scored: not used")
    for note in describe_missing_scores([found[0], *kept]):
        reporter.note(note)
    scored = {run.name: rows.scored(run.rows, run.scores) for run in runs}
    return Evaluation(found[0], tuple(kept), rows.left_out, unused, scored)


def _score(
    column: str,
    group: str,
    runs: Sequence[Run],
    labels: Vector,
    units: NDArray[np.intp],
    settings: EvaluateSettings,
    task: Task,
) -> GroupScores:
    paired = {
        run.name: Pair(labels[run.rows], run.scores, run.baseline, units[run.rows])
        for run in sorted(runs, key=lambda run: run.name)
        if run.baseline is not None
    }
    pairs = [pair for pair in paired.values() if len(pair.labels)]
    context = (settings.seed, column, group)
    return GroupScores(
        by=column,
        group=group,
        runs={run.name: agreement_of(labels[run.rows], run.scores) for run in runs},
        baseline={name: agreement_of(pair.labels, pair.baseline) for name, pair in paired.items()},
        intervals=paired_intervals(pairs, draws=settings.bootstrap, context=context, task=task) if pairs else {},
    )


def _runs(
    rows: LabeledRows,
    sources: Mapping[str, PredictionSource],
    baselines: Mapping[str, PredictionSource],
    parts: Mapping[str, Rows],
    settings: EvaluateSettings,
) -> tuple[list[Run], int]:
    def read(source: PredictionSource) -> Predictions:
        return read_predictions(source, score_column=settings.score_column, lower_is_better=settings.lower_is_better)

    once = {id(source): read(source) for source in baselines.values()}
    runs, unused = [], 0
    for name, source in sources.items():
        given, part = read(source), parts[name]
        other = once[id(baselines[name])] if name in baselines else None
        runs.append(
            Run(name, part, rows.scores_of(given, part), None if other is None else rows.scores_of(other, part))
        )
        unused += len(given.scores) - len(part)
    return runs, unused


def _baselines(
    baseline: PredictionSource | Mapping[str, PredictionSource] | None, names: Sequence[str]
) -> Mapping[str, PredictionSource]:
    if baseline is None:
        return {}
    if isinstance(baseline, Mapping):
        _require_all(baseline, names, "baseline")
        return {name: baseline[name] for name in names}
    if not isinstance(baseline, pa.Table) and Path(baseline).is_dir():
        return files_in(Path(baseline), names, "baseline")
    return dict.fromkeys(names, baseline)


def _parts(
    rows: LabeledRows,
    names: Sequence[str],
    splits: Mapping[str, Mapping[str, str]] | Path | str | None,
    split: str | None,
) -> dict[str, Rows]:
    if splits is None:
        return dict.fromkeys(names, rows.of_split(split, None))
    if isinstance(splits, Path | str):
        if not Path(splits).is_dir():
            raise CurateError(f"no folder {splits}; expected a folder of split files, as `split` writes it")
        files = files_in(Path(splits), names, "split file")
        splits = {name: read_splits(file, rows.reference_of) for name, file in files.items()}
    _require_all(splits, names, "split")
    return {name: rows.of_split(split or TEST, splits[name]) for name in names}


def _require_all(given: Iterable[str], names: Iterable[str], what: str) -> None:
    known = set(given)
    lacking = [name for name in names if name not in known]
    if lacking:
        raise CurateError(
            f"there is no {what} for the runs {list_ids(lacking)}; expected one named like each run, there are "
            f"{list_ids(sorted(known)) or 'none'}"
        )
