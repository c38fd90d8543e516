"""Plain charts drawn with Pillow: axes, dots, lines, bars. Enough for a picture of some figures, and no more."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Color = tuple[int, int, int]
Ticks = Sequence[tuple[float, str]]

PAPER, INK, GRID, PALE = (255, 255, 255), (30, 30, 30), (225, 225, 225), (120, 120, 120)
# Colours that people with the common colour deficiencies can tell apart (after Okabe and Ito).
COLORS: tuple[Color, ...] = (
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (230, 159, 0),
    (90, 90, 90),
)
_OVERSAMPLING = 3  # drawn larger and shrunk, since Pillow's lines have hard edges
_FONT_SIZE, _TITLE_SIZE = 13, 15
_TICK = 4


class Canvas:
    """A white picture that panels draw on."""

    def __init__(self, width: int, height: int) -> None:
        """Make it, `width` x `height` pixels."""
        self.width, self.height = width, height
        self.image = Image.new("RGB", (width * _OVERSAMPLING, height * _OVERSAMPLING), PAPER)
        self.draw = ImageDraw.Draw(self.image)
        self._fonts = {size: ImageFont.load_default(size * _OVERSAMPLING) for size in (_FONT_SIZE, _TITLE_SIZE)}

    def line(self, points: Sequence[tuple[float, float]], color: Color = INK, width: float = 1.0) -> None:
        """Draw a line through points in pixels."""
        scaled = [(x * _OVERSAMPLING, y * _OVERSAMPLING) for x, y in points]
        self.draw.line(scaled, color, round(width * _OVERSAMPLING), joint="curve")

    def rectangle(self, left: float, top: float, right: float, bottom: float, color: Color) -> None:
        """Fill a rectangle."""
        box = (left, top, right, bottom)
        self.draw.rectangle([round(edge * _OVERSAMPLING) for edge in box], color)

    def dot(self, x: float, y: float, color: Color, radius: float = 3.0) -> None:
        """Draw a filled circle."""
        box = (x - radius, y - radius, x + radius, y + radius)
        self.draw.ellipse([edge * _OVERSAMPLING for edge in box], color)

    def text(
        self, x: float, y: float, text: str, *, anchor: str = "lm", color: Color = INK, title: bool = False
    ) -> None:
        """Write text; `anchor` says which point of it lies at (x, y), as Pillow has it: l, m, r and t, m, b."""
        font = self._fonts[_TITLE_SIZE if title else _FONT_SIZE]
        self.draw.text(
            (x * _OVERSAMPLING, y * _OVERSAMPLING), text, color, font, anchor.replace("t", "a").replace("b", "d")
        )

    def text_upwards(self, x: float, y: float, text: str) -> None:
        """Write text from bottom to top, its middle at (x, y)."""
        font = self._fonts[_FONT_SIZE]
        left, top, right, bottom = font.getbbox(text)
        strip = Image.new("RGB", (int(right - left) + 2, int(bottom - top) + 2), PAPER)
        ImageDraw.Draw(strip).text((-left, -top), text, INK, font)
        turned = strip.transpose(Image.Transpose.ROTATE_90)
        corner = (round(x * _OVERSAMPLING - turned.width / 2), round(y * _OVERSAMPLING - turned.height / 2))
        self.image.paste(turned, corner)

    def pixels(self) -> NDArray[np.uint8]:
        """Return the picture, uint8 (height, width, 3) RGB."""
        return np.asarray(self.image.resize((self.width, self.height), Image.Resampling.LANCZOS))


@dataclass(frozen=True)
class Axis:
    """One axis: its ends, its ticks, its caption."""

    low: float
    high: float
    ticks: Ticks
    caption: str = ""


class Panel:
    """A rectangle of a canvas with a horizontal and a vertical axis."""

    def __init__(
        self, canvas: Canvas, box: tuple[float, float, float, float], x: Axis, y: Axis, title: str = ""
    ) -> None:
        """Draw the frame, the grid and the captions.

        Args:
            canvas: What to draw on.
            box: Left, top, right, bottom of the area inside the axes, in pixels.
            x: Horizontal axis, left to right.
            y: Vertical axis, bottom to top; a low above the high turns it over.
            title: Written above.
        """
        self.canvas, self.box, self.x, self.y = canvas, box, x, y
        left, top, right, bottom = box
        for value, label in x.ticks:
            at = self.across(value)
            canvas.line([(at, top), (at, bottom + _TICK)], GRID)
            canvas.text(at, bottom + 2 * _TICK, label, anchor="mt")
        for value, label in y.ticks:
            at = self.up(value)
            canvas.line([(left - _TICK, at), (right, at)], GRID)
            canvas.text(left - 2 * _TICK, at, label, anchor="rm")
        canvas.line([(left, top), (left, bottom), (right, bottom)], PALE)
        canvas.text(left, top - 16, title, title=True)
        canvas.text((left + right) / 2, bottom + 30, x.caption, anchor="mt")
        if y.caption:
            canvas.text_upwards(left - 48, (top + bottom) / 2, y.caption)

    def across(self, value: float) -> float:
        """Return where a value lies horizontally, in pixels."""
        left, _, right, _ = self.box
        return left + (right - left) * (value - self.x.low) / (self.x.high - self.x.low)

    def up(self, value: float) -> float:
        """Return where a value lies vertically, in pixels."""
        _, top, _, bottom = self.box
        return bottom - (bottom - top) * (value - self.y.low) / (self.y.high - self.y.low)

    def line(self, xs: Sequence[float], ys: Sequence[float], color: Color = INK, width: float = 1.5) -> None:
        """Draw a line through points in the panel's own units."""
        self.canvas.line([(self.across(x), self.up(y)) for x, y in zip(xs, ys, strict=True)], color, width)

    def dot(self, x: float, y: float, color: Color = INK, radius: float = 3.5) -> None:
        """Draw a dot at a point in the panel's own units."""
        self.canvas.dot(self.across(x), self.up(y), color, radius)

    def cell(self, left: float, bottom: float, right: float, top: float, color: Color) -> None:
        """Fill a rectangle in the panel's own units."""
        self.canvas.rectangle(self.across(left), self.up(top), self.across(right), self.up(bottom), color)

    def legend(self, x: float, y: float, entries: Sequence[tuple[str, Color]]) -> None:
        """Name colours, one line each, from a point in the panel's own units downwards."""
        for row, (name, color) in enumerate(entries):
            at = self.up(y) + 18 * row
            self.canvas.dot(self.across(x) + 4, at, color, 4.5)
            self.canvas.text(self.across(x) + 14, at, name)


def even_ticks(low: float, high: float, count: int = 5) -> list[tuple[float, str]]:
    """Return about `count` round numbers between two ends, with their names."""
    width = (high - low) / max(count, 1)
    unit = 10.0 ** np.floor(np.log10(width))
    step = next(float(unit * factor) for factor in (1, 2, 2.5, 5, 10) if unit * factor >= width * (1 - 1e-9))
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    return [(number * step, f"{number * step:.10g}") for number in range(first, last + 1)]
