"""Draw the strip in the README: what `syndr-curate demo` makes, step by step.

`python scripts/draw_pipeline_strip.py manifests/demo docs/images/pipeline.png`, after `syndr-curate demo`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image, ImageDraw, ImageFont
from syndr_curate.curate.similarity import threshold_components

THUMB, GAP, PANEL_GAP, TITLE = 56, 4, 44, 48
COLUMNS, ROWS = 5, 5
BACKGROUND, TEXT, KEPT = (255, 255, 255), (40, 40, 40), (20, 130, 60)
DETAIL = 96  # side of the middle part that shows a distortion
FADED = 0.82  # how far a picture that was left out is faded to white
SIDE = COLUMNS * (THUMB + GAP) - GAP

Thumb = tuple[Path, bool]  # an image file, and whether it was kept


def main() -> None:
    """Read the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("demo", type=Path, help="folder that `syndr-curate demo` has filled")
    parser.add_argument("out", type=Path, help="PNG file to write")
    arguments = parser.parse_args()
    draw_strip(demo=arguments.demo).save(arguments.out, optimize=True)


def draw_strip(demo: Path) -> Image.Image:
    """Draw the four panels side by side.

    Args:
        demo: Folder that `syndr-curate demo` has filled.

    Returns:
        The strip, with a palette of 256 colors so that the file stays small.
    """
    rows = pq.read_table(demo / "train.parquet").to_pylist()
    panels = [references(demo), distorted(demo, rows=rows), selected(demo, rows=rows), thinned(demo, rows=rows)]
    width = len(panels) * SIDE + (len(panels) - 1) * PANEL_GAP
    strip = Image.new("RGB", (width, TITLE + SIDE), BACKGROUND)
    for number, (title, note, thumbs) in enumerate(panels):
        left = number * (SIDE + PANEL_GAP)
        strip.paste(draw_panel(title=title, note=note, thumbs=thumbs), (left, 0))
        if number:
            draw_arrow(strip, right=left - 8, middle=TITLE + SIDE // 2)
    return strip.quantize(colors=256, dither=Image.Dither.NONE)


def references(demo: Path) -> tuple[str, str, list[Thumb]]:
    """Give the title, a note and the pictures of the first panel."""
    files = sorted((demo / "references").iterdir())
    return "References", f"{len(files)} pristine pictures", [(file, True) for file in files]


def distorted(demo: Path, *, rows: Sequence[dict]) -> tuple[str, str, list[Thumb]]:
    """Give the second panel: one reference under five types (rows) at five levels (columns)."""
    labeled = [row for row in rows if row["label_source"] == "proxy"]
    shown = [row for row in labeled if row["reference_id"] == "city-1"][: COLUMNS * ROWS]
    return "Distorted", f"{len(labeled)} rows, each with a label", [(image_of(demo, row), True) for row in shown]


def selected(demo: Path, *, rows: Sequence[dict]) -> tuple[str, str, list[Thumb]]:
    """Give the third panel: the candidates, the selected ones marked."""
    kept = {row["reference_id"] for row in rows if row["label_source"] == "pseudo"}
    files = sorted((demo / "candidates").iterdir())
    note = f"{len(kept)} of {len(files)} candidates bring new content"
    return "Selected", note, [(file, file.stem in kept) for file in files]


def thinned(demo: Path, *, rows: Sequence[dict]) -> tuple[str, str, list[Thumb]]:
    """Give the fourth panel: the largest cluster of epoch 0, the kept rows marked."""
    kept = set(pq.read_table(demo / "epoch0.parquet")["sample_id"].to_pylist())
    labels = np.array([row["label"] for row in rows])
    clusters = threshold_components(np.load(demo / "epoch0.npy"), labels, similarity=0.9, label_gap=1.0)
    largest = np.bincount(clusters).argmax()
    members = [row for row, cluster in zip(rows, clusters, strict=True) if cluster == largest]
    note = f"{len(kept)} of {len(rows)} rows kept; a cluster of {len(members)}"
    return "Thinned for one epoch", note, [(image_of(demo, row), row["sample_id"] in kept) for row in members]


def image_of(demo: Path, row: dict) -> Path:
    """Find the stored pixels of a row."""
    return demo / "images" / row["image_path"]


def draw_panel(*, title: str, note: str, thumbs: Sequence[Thumb]) -> Image.Image:
    """Draw a title and up to 25 pictures, evenly drawn from `thumbs`; what was left out is faded."""
    panel = Image.new("RGB", (SIDE, TITLE + SIDE), BACKGROUND)
    draw = ImageDraw.Draw(panel)
    draw.text((0, 0), title, fill=TEXT, font=ImageFont.load_default(size=19))
    draw.text((0, 25), note, fill=TEXT, font=ImageFont.load_default(size=13))
    some_left_out = not all(kept for _, kept in thumbs)
    chosen = np.linspace(0, len(thumbs) - 1, num=min(len(thumbs), COLUMNS * ROWS)).round().astype(int)
    for place, index in enumerate(chosen):
        file, kept = thumbs[index]
        left, top = (place % COLUMNS) * (THUMB + GAP), TITLE + (place // COLUMNS) * (THUMB + GAP)
        picture = Image.open(file).convert("RGB")
        if "images" in file.parts:
            left_in, top_in = (picture.width - DETAIL) // 2, (picture.height - DETAIL) // 2
            picture = picture.crop((left_in, top_in, left_in + DETAIL, top_in + DETAIL))
        picture = picture.resize((THUMB, THUMB), Image.Resampling.LANCZOS)
        if not kept:
            picture = Image.blend(picture, Image.new("RGB", picture.size, BACKGROUND), FADED)
        panel.paste(picture, (left, top))
        if kept and some_left_out:
            draw.rectangle((left - 1, top - 1, left + THUMB, top + THUMB), outline=KEPT, width=2)
    return panel


def draw_arrow(strip: Image.Image, *, right: int, middle: int) -> None:
    """Draw an arrow in the gap between two panels."""
    draw = ImageDraw.Draw(strip)
    draw.line((right - 26, middle, right - 8, middle), fill=TEXT, width=3)
    draw.polygon(((right, middle), (right - 10, middle - 7), (right - 10, middle + 7)), fill=TEXT)


if __name__ == "__main__":
    main()
