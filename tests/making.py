"""Small tables and pictures that several tests make."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from syndr_curate.curate.demo.scenes import paint_scene
from syndr_curate.curate.manifest.recipes import RecipeGrid, Reference, recipe_rows
from syndr_curate.curate.manifest.schema import build_table
from syndr_curate.curate.runs.progress import Silent
from syndr_curate.curate.storage import images
from syndr_curate.curate.storage.images import decode_image, encode_image


class Notes(Silent):
    """A reporter that shows nothing and keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, message: str) -> None:
        """Keep a message."""
        self.told.append(message)


def recipe_table(
    names: Sequence[str] | Mapping[str, str],
    *,
    types: Sequence[int],
    levels: Sequence[int],
    references: str = "photos",
    suffix: str = ".png",
    dataset: str = "ours",
) -> pa.Table:
    """Recipe rows of references below the root `references`, whose pixels are below `images`.

    A reference lies in `<name>.png`, or where a mapping says.
    """
    paths = names if isinstance(names, Mapping) else {name: f"{name}.png" for name in names}
    grid = RecipeGrid(
        types=tuple(types),
        levels=tuple(levels),
        seed=123,
        reference_root=references,
        image_root="images",
        suffix=suffix,
        dataset=dataset,
    )
    return recipe_rows([Reference(name, path) for name, path in paths.items()], grid)


def training_rows(ids: Sequence[str], labels: Sequence[float] | NDArray[np.floating], **columns: object) -> pa.Table:
    """A training manifest without files: ids and labels, and any further columns."""
    defaults: dict[str, object] = {
        "sample_id": list(ids),
        "image_path": [f"{i}.png" for i in ids],
        "image_root": "images",
        "label": pa.array(np.asarray(labels, np.float32)),
        "label_source": "mos",
        "split": "train",
        "status": "ok",
    }
    return build_table({**defaults, **columns}, len(ids))


def paint_cities(folder: Path, names: Sequence[str] | int, *, side: int) -> Path:
    """Paint a city per name into a new folder; a number of them are called `p0`, `p1`, ..."""
    folder.mkdir()
    if isinstance(names, int):
        names = [f"p{number:0{len(str(names - 1))}d}" for number in range(names)]
    for number, name in enumerate(names):
        (folder / f"{name}.png").write_bytes(encode_image(paint_scene("city", number, side=side)))
    return folder


def decoded_names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """From now on, note the name of every image file that is decoded."""
    names: list[str] = []

    def noting(source: Path, **options: Any) -> NDArray[np.uint8]:
        names.append(source.name)
        return decode_image(source, **options)

    monkeypatch.setattr(images, "decode_image", noting)
    return names
