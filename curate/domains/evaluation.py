"""How well a domain classifier distinguishes the classes, in numbers and as a figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..manifest.recipes import distortion_name
from ..storage.figures import figure_png
from .selection_rule import CLASSES, COUNTED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 1160, 980  # pixels
_DARK = 0.4  # above this share a number is written in white


@dataclass(frozen=True)
class ClassScores:
    """Classification results of samples whose class is known.

    Attributes:
        confusion: Samples by true class (rows) and best class (columns), int64 (26, 26).
        top4: Samples of each true class that have it among their four best, int64 (26,).
    """

    confusion: NDArray[np.int64]
    top4: NDArray[np.int64]

    @property
    def samples(self) -> int:
        """Number of samples."""
        return int(self.confusion.sum())

    def top1_accuracy(self) -> float | None:
        """Share of samples whose best class is theirs; None without samples."""
        return int(np.trace(self.confusion)) / self.samples if self.samples else None

    def top4_accuracy(self) -> float | None:
        """Share of samples whose class is among their four best; None without samples."""
        return int(self.top4.sum()) / self.samples if self.samples else None

    def recall(self) -> dict[int, float | None]:
        """Class to the share of its samples that are recognized; None where it has none."""
        sizes = self.confusion.sum(axis=1)
        return {k: int(self.confusion[k, k]) / int(sizes[k]) if sizes[k] else None for k in range(CLASSES)}

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "samples": self.samples,
            "top1": self.top1_accuracy(),
            "top4": self.top4_accuracy(),
            "recall": {distortion_name(kind): value for kind, value in self.recall().items()},
            "confusion": self.confusion.tolist(),
        }


def score_classes(scores: NDArray[np.floating], classes: NDArray[np.int64]) -> ClassScores:
    """Compare class scores with the true classes.

    Args:
        scores: (N, 26); of equal scores the smaller class comes first, as in the counting rule.
        classes: True class of each row.
    """
    ranked = np.argsort(-scores, axis=1, kind="stable")[:, :COUNTED]
    confusion = np.zeros((CLASSES, CLASSES), np.int64)
    np.add.at(confusion, (classes, ranked[:, 0]), 1)
    found = (ranked == classes[:, None]).any(axis=1)
    return ClassScores(confusion, np.bincount(classes[found], minlength=CLASSES))


def confusion_figure(scores: ClassScores, title: str) -> bytes:
    """Draw a confusion matrix and encode it as PNG.

    Args:
        scores: What to draw.
        title: A line above it.

    Raises:
        CurateError: matplotlib cannot be imported.
    """
    return figure_png(lambda figure: draw_confusion(figure, scores, title), width=WIDTH, height=HEIGHT)


def draw_confusion(figure: Figure, scores: ClassScores, title: str) -> None:
    """Draw a confusion matrix on an empty figure: a row per true class, a column per best class, in percent of the row.

    Args:
        figure: What to draw on.
        scores: Right answers are drawn blue, wrong ones orange; cells below half a percent hold no number.
        title: A line above it.
    """
    from matplotlib.colors import PowerNorm
    from matplotlib.ticker import FixedLocator

    sizes = scores.confusion.sum(axis=1, keepdims=True)
    shares = scores.confusion / np.maximum(sizes, 1)
    right, empty = np.eye(CLASSES, dtype=bool), shares == 0
    axes = figure.subplots()
    for colors, hidden in (("Blues", ~right), ("Oranges", right)):
        # The power lets a few percent be seen.
        axes.imshow(np.ma.masked_array(shares, hidden | empty), aspect="auto", cmap=colors, norm=PowerNorm(0.6, 0, 1))
    for (kind, best), share in np.ndenumerate(shares):
        if round(100 * share):
            ink = "white" if share > _DARK else "black"
            axes.text(best, kind, f"{100 * share:.0f}", color=ink, size=9, ha="center", va="center")
    kinds = range(CLASSES)
    for axis in (axes.xaxis, axes.yaxis):
        axis.grid(visible=False)
        axis.set_minor_locator(FixedLocator([kind - 0.5 for kind in kinds]))  # lines between the cells
        axis.grid(visible=True, which="minor")
    axes.set(title=title, xlabel="best class", ylabel="true class")
    axes.set_xticks(kinds)
    axes.set_yticks(kinds, [f"{distortion_name(kind)}  {kind}" for kind in kinds])
    axes.tick_params(which="both", length=0, labeltop=True)
    recall = axes.secondary_yaxis("right")
    recall.set_yticks(kinds, [_percent(value) for value in scores.recall().values()])
    recall.tick_params(length=0)
    recall.set_ylabel("recall")


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"
