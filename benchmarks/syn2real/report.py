"""What came out: a table, the comparisons, and a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from syndr_curate.curate.labeling.plots.chart import COLORS, PALE, Axis, Canvas, Panel, even_ticks
from syndr_curate.curate.terminal.console import table

from .paired import Difference, compare_pairs
from .settings import ARMS, COMPARISONS, Run

# What arms are compared by: its name, where, which score, and the sign that makes a gain positive.
GAINS = (
    ("SRCC", "target", "srcc", 1),
    ("PLCC", "target", "plcc", 1),
    ("MAE (its fall)", "target", "mae", -1),
    ("held-out SRCC", "held_out", "srcc", 1),
)
TITLES = {arm.key: arm.title for arm in ARMS}
_LINE, _LEFT, _TOP = 34, 170, 70


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
        """Compare two arms over the seeds that both have finished; None where there is none."""
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

    def picture(self) -> NDArray[np.uint8]:
        """Draw each arm's scores, and its differences from the baseline with their 95 % intervals."""
        keys = [key for key, results in self.results.items() if results]
        height = _TOP + _LINE * len(keys) + 60
        canvas = Canvas(980, height)
        rows = Axis(len(keys) - 0.5, -0.5, [(row, TITLES[key]) for row, key in enumerate(keys)])
        scores = {key: self.scores(key) for key in keys}
        every = np.concatenate(list(scores.values()))
        ends = _around(every)
        left = Panel(
            canvas,
            (_LEFT, _TOP, 540, height - 60),
            Axis(*ends, even_ticks(*ends), "SRCC on the targets"),
            rows,
            "every seed, and the mean",
        )
        for row, key in enumerate(keys):
            for value in scores[key].tolist():
                left.dot(value, row, COLORS[4], 3)
            mean = float(scores[key].mean())
            left.cell(mean - _hair(ends), row + 0.32, mean + _hair(ends), row - 0.32, COLORS[0])
        self._draw_differences(canvas, keys, height)
        return canvas.pixels()

    def _draw_differences(self, canvas: Canvas, keys: list[str], height: int) -> None:
        found = {key: self.difference(key, "baseline") for key in keys if key != "baseline"}
        values = [
            v
            for d in found.values()
            if d
            for v in (*d.values.tolist(), d.mean - (d.half_width or 0), d.mean + (d.half_width or 0))
        ]
        ends = _around(np.array([0.0, *values]))
        rows = Axis(len(keys) - 0.5, -0.5, [(row, "") for row in range(len(keys))])
        caption = "difference in SRCC, paired by seed"
        panel = Panel(
            canvas,
            (580, _TOP, 950, height - 60),
            Axis(*ends, even_ticks(*ends), caption),
            rows,
            "against the baseline, 95 % interval",
        )
        panel.line([0, 0], [-0.5, len(keys) - 0.5], PALE)
        for row, key in enumerate(keys):
            difference = found.get(key)
            if difference is None:
                continue
            for value in difference.values.tolist():
                panel.dot(value, row, COLORS[4], 3)
            if difference.half_width is not None:
                panel.line(
                    [difference.mean - difference.half_width, difference.mean + difference.half_width],
                    [row, row],
                    COLORS[1],
                    3,
                )
            panel.dot(difference.mean, row, COLORS[1], 5)

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


def _around(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    edge = 0.05 * (high - low) or 0.05
    return low - edge, high + edge


def _hair(ends: tuple[float, float]) -> float:
    return 0.004 * (ends[1] - ends[0])
