"""What came out: a table, the comparisons, and a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from syndr_curate.curate.storage.figures import COLORS, DIAGONAL, figure_png
from syndr_curate.curate.terminal.console import table

from ..shared.paired import Difference, compare_pairs
from .settings import ARMS, COMPARISONS, Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What arms are compared by: its name, where, which score, and the sign that makes a gain positive.
GAINS = (
    ("SRCC", "target", "srcc", 1),
    ("PLCC", "target", "plcc", 1),
    ("MAE (its fall)", "target", "mae", -1),
    ("held-out SRCC", "held_out", "srcc", 1),
)
TITLES = {arm.key: arm.title for arm in ARMS}
_LINE, _AROUND = 34, 110  # heights in pixels: of an arm, and of what lies above and below all


class Report:
    """The results of a run, arm by arm."""

    def __init__(self, run: Run) -> None:
        """Read what is finished."""
        self.run = run
        self.results: dict[str, dict[int, dict[str, Any]]] = {arm.key: {} for arm in ARMS}
        for result in run.results():
            self.results[result["arm"]][result["seed"]] = result

    def scores(self, arm: str, on: str = "target", score: str = "srcc") -> NDArray[np.float64]:
        """Return a score of an arm, one per finished seed."""
        return np.array([result[on][score] for result in self.results[arm].values()])

    def difference(
        self, arm: str, other: str, on: str = "target", score: str = "srcc", sign: int = 1
    ) -> Difference | None:
        """Compare two arms over the seeds that both have finished; None if no seed is finished in both."""
        seeds = [seed for seed in self.results[arm] if seed in self.results[other]]
        if not seeds:
            return None
        values = [[self.results[key][seed][on][score] for seed in seeds] for key in (arm, other)]
        return compare_pairs(sign * np.array(values[0]), sign * np.array(values[1]))

    def as_text(self) -> str:
        """Return the tables."""
        return "\n\n".join([self._arms(), *(self._differences(*gain) for gain in GAINS), self._labels()])

    def as_json(self) -> dict[str, Any]:
        """Return means, deviations and comparisons."""
        arms = {
            key: {
                f"{on}_{score}": _mean_and_spread(self.scores(key, on, score))
                for on in ("target", "held_out")
                for score in ("srcc", "plcc", "mae")
            }
            for key, results in self.results.items()
            if results
        }
        differences = []
        for arm, other in COMPARISONS:
            for _, on, score, sign in GAINS:
                if difference := self.difference(arm, other, on, score, sign):
                    plain = {**vars(difference), "values": difference.values.tolist(), "better": difference.better}
                    differences.append({"arm": arm, "other": other, "on": on, "score": score, **plain})
        return {"arms": arms, "differences": differences}

    def figure(self) -> bytes:
        """Draw each arm's scores, and its differences from the baseline with their 95 % intervals, as PNG."""
        shown = sum(bool(results) for results in self.results.values())
        return figure_png(self.draw, width=980, height=_AROUND + _LINE * shown)

    def draw(self, figure: Figure) -> None:
        """Draw what `figure` encodes."""
        keys = [key for key, results in self.results.items() if results]
        left, right = figure.subplots(1, 2, sharey=True)
        left.set_yticks(range(len(keys)), [TITLES[key] for key in keys])
        left.set(ylim=(len(keys) - 0.5, -0.5), xlabel="SRCC on the targets", title="every seed, and the mean")
        right.axvline(0, color=DIAGONAL)
        right.set(xlabel="difference in SRCC, paired by seed", title="against the baseline, 95 % interval")
        for row, key in enumerate(keys):
            scores = self.scores(key)
            left.plot(scores, np.full(len(scores), row), ".", color=COLORS[4])
            left.plot(scores.mean(), row, "|", color=COLORS[0], markersize=18, markeredgewidth=3)
            difference = None if key == "baseline" else self.difference(key, "baseline")
            if difference is not None:
                right.plot(difference.values, np.full(len(difference.values), row), ".", color=COLORS[4])
                right.errorbar(
                    difference.mean, row, xerr=difference.half_width, fmt="o", color=COLORS[1], elinewidth=2.5
                )

    def _arms(self) -> str:
        header = ("arm", "seeds", "rows", "SRCC", "PLCC", "MAE", "held-out SRCC", "kept", "seconds", "of a core")
        lines = []
        for key, results in self.results.items():
            if not results:
                continue
            each = list(results.values())
            lines.append(
                (
                    TITLES[key],
                    str(len(each)),
                    f"{np.mean([r['rows'] for r in each]):.0f}",
                    *(_plus_minus(self.scores(key, "target", score)) for score in ("srcc", "plcc", "mae")),
                    _plus_minus(self.scores(key, "held_out")),
                    _kept(each),
                    *(f"{np.mean([r[key] for r in each]):.0f}" for key in ("seconds", "cpu_seconds")),
                )
            )
        return table(header, lines)

    def _differences(self, name: str, on: str, score: str, sign: int) -> str:
        header = (f"gain in {name}", "mean", "95 % interval", "better", "t", "Wilcoxon", "sign flips")
        lines = []
        for arm, other in COMPARISONS:
            difference = self.difference(arm, other, on, score, sign)
            if difference is None:
                continue
            width = difference.half_width
            interval = "-" if width is None else f"{difference.mean - width:+.4f} to {difference.mean + width:+.4f}"
            lines.append(
                (
                    f"{TITLES[arm]} - {TITLES[other]}",
                    f"{difference.mean:+.4f}",
                    interval,
                    f"{difference.better} of {len(difference.values)}",
                    *(_p(p) for p in (difference.p_t, difference.p_wilcoxon, difference.p_sign_flip)),
                )
            )
        return table(header, lines)

    def _labels(self) -> str:
        header = ("new labels", "references", "MAE against the metric itself")
        lines = []
        for arm in ARMS:
            each = list(self.results[arm.key].values())
            if arm.new != "none" and each:
                count = np.mean([r["new_references"] for r in each])
                lines.append((arm.title, f"{count:.1f}", _plus_minus(np.array([r["new_label_mae"] for r in each]))))
        return table(header, lines)


def _mean_and_spread(values: NDArray[np.float64]) -> dict[str, float | None]:
    return {"mean": float(values.mean()), "std": float(values.std(ddof=1)) if len(values) > 1 else None}


def _plus_minus(values: NDArray[np.float64]) -> str:
    return f"{values.mean():.4f} ± {values.std(ddof=1):.4f}" if len(values) > 1 else f"{values.mean():.4f}"


def _kept(results: list[dict[str, Any]]) -> str:
    shares = [epoch["rows_kept"] / result["rows"] for result in results for epoch in result["epochs_thinned"]]
    return f"{np.mean(shares):.0%}" if shares else "100%"


def _p(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
