"""How well a domain classifier tells the classes apart, in numbers and as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..manifest.recipes import distortion_name
from .selection_rule import CLASSES, COUNTED

_CELL, _MARGIN, _TITLE = 34, 12, 34
_NAMES, _HEADS = 190, 30
_RECALL = 64
_FONT, _SMALL = 14, 12
_PAPER, _INK, _PALE = (255, 255, 255), (20, 20, 20), (120, 120, 120)
_RIGHT, _WRONG = (24, 112, 84), (196, 62, 34)
_DARK = 0.55  # above this share a number is written in white


@dataclass(frozen=True)
class ClassScores:
    """What became of a number of samples whose class is known.

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
        """Class to the share of its samples that are recognised; None where it has none."""
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


def confusion_picture(scores: ClassScores, title: str) -> NDArray[np.uint8]:
    """Draw a confusion matrix: a row per true class, a column per best class, in percent of the row.

    Args:
        scores: What to draw.
        title: A line above it.

    Returns:
        uint8 RGB picture. Right answers are green, wrong ones red; cells below half a percent are empty.
    """
    side = CLASSES * _CELL
    width = _MARGIN + _NAMES + side + _RECALL + _MARGIN
    sheet = Image.new("RGB", (width, _TITLE + _HEADS + side + _HEADS + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(sheet)
    font, small = ImageFont.load_default(_FONT), ImageFont.load_default(_SMALL)
    left, top = _MARGIN + _NAMES, _TITLE + _HEADS
    draw.text((_MARGIN, _MARGIN), title, _INK, font)
    draw.text((left - 10, top - 18), "true \\ best", _PALE, small, anchor="ra")
    draw.text((left + side + _RECALL - 4, top - 18), "recall", _PALE, small, anchor="ra")
    recall, sizes = scores.recall(), scores.confusion.sum(axis=1)
    for kind in range(CLASSES):
        middle = _CELL * kind + _CELL // 2
        for y in (top - 12, top + side + 14):
            draw.text((left + middle, y), str(kind), _INK, small, anchor="mm")
        draw.text((left - 10, top + middle), f"{distortion_name(kind)}  {kind}", _INK, font, anchor="rm")
        value = recall[kind]
        draw.text((left + side + _RECALL - 4, top + middle), _percent(value), _INK, font, anchor="rm")
        for best in range(CLASSES):
            share = scores.confusion[kind, best] / sizes[kind] if sizes[kind] else 0.0
            _draw_cell(draw, (left + best * _CELL, top + kind * _CELL), float(share), kind == best, small)
    draw.rectangle((left, top, left + side, top + side), outline=_PALE)
    return np.asarray(sheet)


def _draw_cell(
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    share: float,
    right: bool,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    x, y = corner
    strength = share**0.6  # so that a few percent can be seen
    ink = _RIGHT if right else _WRONG
    color = tuple(round(255 + (tone - 255) * strength) for tone in ink)
    draw.rectangle((x, y, x + _CELL, y + _CELL), fill=color, outline=(235, 235, 235))
    if round(100 * share):
        text = _PAPER if strength > _DARK else _INK
        draw.text((x + _CELL // 2, y + _CELL // 2), f"{100 * share:.0f}", text, font, anchor="mm")


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"
