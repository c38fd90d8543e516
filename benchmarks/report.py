"""Make the inputs of a large report: recipes of painted references, features, and an epoch that `downsample` thinned.

Examples:
    python benchmarks/report.py FOLDER --references 400
    python benchmarks/compare.py main -- syndr-curate report FOLDER/all.parquet FOLDER/epoch.parquet --features FOLDER/all.npy --out {out}/report.html

400 references of 25 types and 5 levels are 50,000 rows. The second command is what is timed.
"""  # noqa: E501 a command to copy

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
from cosine_measures import contents, write_features
from syndr_curate.curate.demo.scenes import SCENE_KINDS, paint_scene
from syndr_curate.curate.downsampling.downsample_files import run_downsample
from syndr_curate.curate.manifest.manifest import write_manifest
from syndr_curate.curate.manifest.provenance import attach, make_provenance
from syndr_curate.curate.manifest.recipes import RecipeGrid, Reference, recipe_rows
from syndr_curate.curate.storage.images import encode_image

WIDTH = 2048
SIDE = 384
LEVELS = (1, 2, 3, 4, 5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--references", type=int, default=400, help="each gives 125 rows; default: 400")
    arguments = parser.parse_args()
    pictures = arguments.folder / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    names = [f"scene{number:04d}" for number in range(arguments.references)]
    for number, name in enumerate(names):
        scene = paint_scene(SCENE_KINDS[number % len(SCENE_KINDS)], number, side=SIDE)
        (pictures / f"{name}.png").write_bytes(encode_image(scene, "png"))
    grid = RecipeGrid(
        types=tuple(range(1, 26)),
        levels=LEVELS,
        seed=123,
        reference_root="pictures",
        image_root="images",
        suffix=".png",
        dataset="scenes",
    )
    table = recipe_rows([Reference(name, f"{name}.png") for name in names], grid)
    labels = pa.array(np.random.default_rng(0).uniform(0, 10, len(table)), pa.float32())
    for column, values in {
        "label": labels,
        "label_source": pa.array(["mos"] * len(table)).dictionary_encode(),
    }.items():
        table = table.set_column(table.schema.get_field_index(column), table.schema.field(column), values)
    provenance = make_provenance("distort", {}, {}, roots={"pictures": str(pictures.resolve())})
    write_manifest(attach(table, provenance), arguments.folder / "all.parquet")
    write_features(arguments.folder / "all.npy", contents(len(table), WIDTH), len(table), WIDTH)
    summary = run_downsample(
        arguments.folder / "all.npy", arguments.folder / "all.parquet", out=arguments.folder / "epoch.parquet"
    )
    print(f"{len(table):,} rows of {len(names)} references in {arguments.folder}: {summary}")


if __name__ == "__main__":
    main()
