"""The result of `evaluate`: scores by group and run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ..manifest.ids import list_ids
from .agreement import Agreement
from .bootstrap import difference_of
from .settings import METRICS, Metric

OVERALL = "overall"


@dataclass(frozen=True)
class RunStatistics:
    """One score over several runs.

    Attributes:
        runs: How many runs have it.
        mean: Their mean.
        median: Their median.
        sd: Their sample standard deviation (n - 1); None for one run.
    """

    runs: int
    mean: float
    median: float
    sd: float | None


@dataclass(frozen=True)
class PairedDifference:
    """How much the scores of runs exceed those of their baselines, pair by pair.

    Attributes:
        mean: Mean of the differences; for `rmse_logistic`, below 0 is better.
        median: Their median.
        low: Lower end of the 95 % bootstrap interval of the mean; None without one.
        high: Its upper end.
    """

    mean: float
    median: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class GroupScores:
    """Scores on one group of rows.

    Attributes:
        by: The column that the group is of; `overall` for all rows.
        group: The column's value; `overall` for all rows.
        runs: Agreement of each run, by its name.
        baseline: Agreement of each run's baseline, by the run's name; empty without a baseline.
        intervals: Ends of the bootstrap interval of the mean paired difference, for the metrics that have one.
    """

    by: str
    group: str
    runs: Mapping[str, Agreement]
    baseline: Mapping[str, Agreement]
    intervals: Mapping[Metric, tuple[float, float]]

    def statistics(self, metric: Metric) -> RunStatistics | None:
        """Return a score's mean, median and standard deviation over the runs; None where no run has it."""
        values = [value for run in self.runs.values() if (value := run.of(metric)) is not None]
        if not values:
            return None
        sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
        return RunStatistics(len(values), float(np.mean(values)), float(np.median(values)), sd)

    def difference(self, metric: Metric) -> PairedDifference | None:
        """Return a score's paired difference to the baseline; None without a baseline, or where no pair has it."""
        found = (difference_of(self.runs[name], baseline, metric) for name, baseline in self.baseline.items())
        values = [value for value in found if value is not None]
        if not values:
            return None
        low, high = self.intervals.get(metric, (None, None))
        return PairedDifference(float(np.mean(values)), float(np.median(values)), low, high)

    def runs_without_scores(self) -> list[str]:
        """Return the runs that have rows and lack a score that others have, and so are left out of its mean.

        A run whose baseline lacks one is left out of the mean difference, and so is among them.
        """
        sides = [self.runs, self.baseline] if self.baseline else [self.runs]
        known = [metric for metric in METRICS if self.statistics(metric) is not None]
        return [
            name
            for name, run in self.runs.items()
            if run.rows and any(side[name].of(metric) is None for side in sides for metric in known)
        ]

    def rows(self) -> tuple[int, int]:
        """Return the smallest and the largest number of rows over the runs."""
        counts = [run.rows for run in self.runs.values()]
        return min(counts), max(counts)

    def as_json(self) -> dict[str, Any]:
        """Return each score, its median if there are several runs, and the details."""
        statistics = {metric: self.statistics(metric) for metric in METRICS}
        low, high = self.rows()
        found: dict[str, Any] = {
            "rows": low if low == high else [low, high],
            **{metric: each and each.median for metric, each in statistics.items()},
        }
        if len(self.runs) > 1:
            found["statistics"] = {metric: each and asdict(each) for metric, each in statistics.items()}
            found["runs"] = {name: run.as_json() for name, run in self.runs.items()}
        if self.baseline:
            differences = {metric: self.difference(metric) for metric in METRICS}
            found["baseline"] = {name: run.as_json() for name, run in self.baseline.items()}
            found["difference"] = {metric: each and asdict(each) for metric, each in differences.items()}
        return found


@dataclass(frozen=True)
class Evaluation:
    """Scores of one or several runs of a model.

    Attributes:
        overall: On all rows.
        groups: On the rows of each value of each column that was asked for.
        rows_left_out: Rows of the test manifest without a label, or with a status other than `ok`.
        unused: Predictions for images that are none of the rows scored, over all runs.
        scored: What each run was scored on, by its name: a table with `sample_id`, `label` (0 to 10) and `score`.
    """

    overall: GroupScores
    groups: tuple[GroupScores, ...]
    rows_left_out: int
    unused: int
    scored: Mapping[str, pa.Table]

    def as_json(self) -> dict[str, Any]:
        """Return the overall scores, and those of the groups under `by`, column by column."""
        by: dict[str, dict[str, Any]] = {}
        for each in self.groups:
            by.setdefault(each.by, {})[each.group] = each.as_json()
        return {
            **self.overall.as_json(),
            "rows_left_out": self.rows_left_out,
            "predictions_unused": self.unused,
            "by": by,
        }


def describe_missing_scores(groups: Sequence[GroupScores]) -> Iterator[str]:
    """Warn of groups in which some runs are left out of a mean or a difference, and name these runs.

    Args:
        groups: All rows first.
    """
    reason = (
        "constant scores or labels, or fewer than five rows: left out of the scores that they or their baselines lack"
    )
    overall, *others = groups
    if runs := overall.runs_without_scores():
        yield f"warning: {len(runs)} of {len(overall.runs)} runs have {reason}: {list_ids(runs)}"
    if found := [f"{group.by} {group.group}" for group in others if group.runs_without_scores()]:
        yield f"warning: in {len(found)} groups some runs have {reason}: {list_ids(found)}"
