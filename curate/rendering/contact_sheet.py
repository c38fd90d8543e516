"""A picture of a reference under each distortion at each level."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ...distortions.catalog import get
from ..errors import RowError
from ..manifest.seeds import row_seed, stream_seed
from .render import render

CELL_WIDTH, CELL_HEIGHT = 192, 144
_MARGIN, _LABEL_WIDTH, _CAPTION_HEIGHT = 8, 190, 22
_PAPER, _INK, _PALE = (255, 255, 255), (20, 20, 20), (110, 110, 110)
_FONT_SIZE = 14


def contact_sheet(
    reference: NDArray[np.uint8],
    reference_id: str,
    *,
    types: Sequence[int],
    levels: Sequence[int],
    seed: int = 123,
    denoiser: str | None = None,
) -> NDArray[np.uint8]:
    """Lay a grid of types x levels, each cell the middle of the distorted picture at its own size.

    Nothing is scaled down, since that would hide noise and blur; a picture smaller than a cell is shown whole.

    Args:
        reference: uint8 (H, W, 3) RGB.
        reference_id: Its id; with the seed it fixes the random types, so that cells equal the rendered images.
        types: Distortion ids, a row each.
        levels: Levels, a column each.
        seed: The run's seed.
        denoiser: Digest of the weights of type 15, as `DecodeOptions` has it.

    Returns:
        uint8 RGB picture.
    """
    width = _MARGIN + _LABEL_WIDTH + len(levels) * (CELL_WIDTH + _MARGIN)
    height = _CAPTION_HEIGHT + len(types) * (CELL_HEIGHT + _CAPTION_HEIGHT + _MARGIN) + _MARGIN
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(_FONT_SIZE)
    for column, level in enumerate(levels):
        x = _MARGIN + _LABEL_WIDTH + column * (CELL_WIDTH + _MARGIN)
        draw.text((x, _MARGIN // 2), f"level {level}", _INK, font)
    for row, kind in enumerate(types):
        entry = get(kind)
        y = _CAPTION_HEIGHT + _MARGIN + row * (CELL_HEIGHT + _CAPTION_HEIGHT + _MARGIN)
        draw.text((_MARGIN, y), f"{entry.id} {entry.name}", _INK, font)
        draw.text((_MARGIN, y + _CAPTION_HEIGHT), _wrapped(entry.parameter), _PALE, font)
        for column, level in enumerate(levels):
            x = _MARGIN + _LABEL_WIDTH + column * (CELL_WIDTH + _MARGIN)
            cell = _cell(reference, reference_id, kind, level, seed, denoiser)
            sheet.paste(cell, (x, y)) if isinstance(cell, Image.Image) else draw.text((x, y), cell, _PALE, font)
            draw.text((x, y + CELL_HEIGHT + 2), f"{entry.parameter_at(level):g}", _PALE, font)
    return np.asarray(sheet)


def _cell(
    reference: NDArray[np.uint8], reference_id: str, kind: int, level: int, seed: int, denoiser: str | None
) -> Image.Image | str:
    try:
        own_seed = row_seed(stream_seed(seed, reference_id, kind, level))
        image = render(reference, kind, level, own_seed, denoiser=denoiser)
    except RowError:
        return "image too small"
    top = max(0, (image.shape[0] - CELL_HEIGHT) // 2)
    left = max(0, (image.shape[1] - CELL_WIDTH) // 2)
    return Image.fromarray(np.ascontiguousarray(image[top : top + CELL_HEIGHT, left : left + CELL_WIDTH]))


def _wrapped(text: str, width: int = 24) -> str:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)
