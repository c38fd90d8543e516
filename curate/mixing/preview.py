"""A picture of what `mix` does: references, distorted images, sensitivity maps, mixes and confidences."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..manifest.recipes import distortion_name
from ..rendering.pasting import Box
from ..rendering.render import Recipe
from .dsmix import DistortedPair, Mix
from .sensitivity import SensitivityMap

CELL_SIDE = 256
_MARGIN, _CAPTION, _FONT_SIZE = 10, 20, 14
_PAPER, _INK, _PALE, _TRACK = (255, 255, 255), (20, 20, 20), (110, 110, 110), (225, 225, 225)
_COLOR_A, _COLOR_B = (33, 102, 172), (217, 95, 2)
_COLUMNS = 3
_MIX_WIDTH = 2 * CELL_SIDE
_LEFT_OF_MIX = _MARGIN + _COLUMNS * (CELL_SIDE + _MARGIN)
_WIDTH = _LEFT_OF_MIX + _MIX_WIDTH + _MARGIN
_BAR_WIDTH, _BAR_HEIGHT = _MIX_WIDTH // 3, 14
_FADED = 0.75
_ID_SHOWN = 48
_NOTE = "Bar: confidence. Raw: the part of its map that the mix shows; the rest is faded. Area: the part of the pixels."

Picture = NDArray[np.uint8]
Color = tuple[int, int, int]


@dataclass(frozen=True)
class PreviewMix:
    """One mix to show.

    Attributes:
        sample_id: Its id.
        recipes: A and B as rows name them.
        sources: Their pixels.
        box: Where B shows.
        mix: The mixed image and the maps.
    """

    sample_id: str
    recipes: tuple[Recipe, Recipe]
    sources: tuple[DistortedPair, DistortedPair]
    box: Box
    mix: Mix


def mix_preview(mixes: Sequence[PreviewMix]) -> Picture:
    """Draw mixes one below the other, each with its two sources on the left and the result on the right.

    A row per source shows its reference, its distorted image and its map, from black (no change) to yellow (where it
    changes most). Of the map, the part that the mix leaves out is faded.

    Args:
        mixes: At least one.

    Returns:
        uint8 RGB picture.
    """
    blocks = [_block(mix) for mix in mixes]
    sheet = Image.new("RGB", (_WIDTH, sum(block.height for block in blocks) + _CAPTION + _MARGIN), _PAPER)
    top = 0
    for block in blocks:
        sheet.paste(block, (0, top))
        top += block.height
    ImageDraw.Draw(sheet).text((_MARGIN, top), _NOTE, _PALE, ImageFont.load_default(_FONT_SIZE))
    return np.asarray(sheet)


def _block(shown: PreviewMix) -> Image.Image:
    height, width = shown.mix.image.shape[:2]
    scale = CELL_SIDE / max(height, width)
    line = round(height * scale) + _CAPTION + _MARGIN
    block = Image.new("RGB", (_WIDTH, 2 * line + 2 * _CAPTION + 2 * _MARGIN), _PAPER)
    draw, font = ImageDraw.Draw(block), ImageFont.load_default(_FONT_SIZE)
    inside = shown.box.region(height, width)
    for row, (letter, color, visible) in enumerate((("A", _COLOR_A, ~inside), ("B", _COLOR_B, inside))):
        recipe, source, change = shown.recipes[row], shown.sources[row], shown.mix.maps[row]
        y = _MARGIN + row * line
        pictures = (
            ("reference", source.reference, _INK),
            (f"{letter}: {_name(recipe)}", source.image, color),
            (_map_caption(change), _faded(_heat(change), visible), _INK),
        )
        for column, (caption, picture, ink) in enumerate(pictures):
            x = _MARGIN + column * (CELL_SIDE + _MARGIN)
            draw.text((x, y), caption, ink, font)
            block.paste(_scaled(picture, scale), (x, y + _CAPTION))
    draw.text((_LEFT_OF_MIX, _MARGIN), f"{shown.sample_id}  =  {_sources(shown)}", _INK, font)
    large = min(_MIX_WIDTH / width, (2 * line - _CAPTION - _MARGIN) / height)
    block.paste(_outlined(_scaled(shown.mix.image, large), shown.box, large), (_LEFT_OF_MIX, _MARGIN + _CAPTION))
    _draw_confidences(draw, font, shown, (_LEFT_OF_MIX, 2 * line + _MARGIN))
    return block


def _draw_confidences(
    draw: ImageDraw.ImageDraw,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
    shown: PreviewMix,
    at: tuple[int, int],
) -> None:
    shares, raw = shown.mix.raw.normalized(), shown.mix.raw
    inside = shown.box.region(*shown.mix.image.shape[:2]).mean()
    lines = ((_COLOR_A, shares.a, raw.a, 1.0 - inside), (_COLOR_B, shares.b, raw.b, inside))
    for number, (color, share, mass, area) in enumerate(lines):
        x, y = at[0], at[1] + number * _CAPTION
        draw.rectangle((x, y + 2, x + _BAR_WIDTH, y + 2 + _BAR_HEIGHT), fill=_TRACK)
        draw.rectangle((x, y + 2, x + round(_BAR_WIDTH * share), y + 2 + _BAR_HEIGHT), fill=color)
        text = f"{share:.2f}  {_name(shown.recipes[number])}  (raw {mass:.2f}, area {area:.2f})"
        draw.text((x + _BAR_WIDTH + _MARGIN, y), text, _INK, font)


def _sources(shown: PreviewMix) -> str:
    text = " + ".join(recipe.sample_id for recipe in shown.recipes)
    return text if len(text) <= _ID_SHOWN else text[:_ID_SHOWN] + "..."


def _map_caption(change: SensitivityMap) -> str:
    if change.uniform:
        return "no visible change: uniform map"
    return f"map, mean color difference {change.mean_difference:.2g}"


def _name(recipe: Recipe) -> str:
    return f"{distortion_name(recipe.distortion_id)} {recipe.level}"


def _heat(change: SensitivityMap) -> Picture:
    codes = np.round(255 * change.values / change.values.max()).astype(np.uint8)
    return np.asarray(cv2.cvtColor(cv2.applyColorMap(codes, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB), np.uint8)


def _faded(picture: Picture, visible: NDArray[np.bool_]) -> Picture:
    pale = picture + _FADED * (255.0 - picture)
    return np.where(visible[..., np.newaxis], picture, pale.astype(np.uint8))


def _scaled(picture: Picture, scale: float) -> Image.Image:
    size = tuple(max(1, round(side * scale)) for side in picture.shape[1::-1])
    method = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST
    return Image.fromarray(np.ascontiguousarray(picture)).resize((size[0], size[1]), method)


def _outlined(picture: Image.Image, box: Box, scale: float) -> Image.Image:
    left, top, right, bottom = (round(scale * side) for side in box)
    corners = (left, top, max(left, right - 1), max(top, bottom - 1))
    ImageDraw.Draw(picture).rectangle(corners, outline=_COLOR_B, width=2)
    return picture
