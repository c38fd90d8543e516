"""Manifests of schema version 1, written by the release before version 2: read bit for bit, or refused by name.

`version1/rows.parquet` holds rows of people and recipes, `version1/mixes.parquet` mixes of those recipes. The
references are `paint_scene("city", number, side=48)`; `pixels.json` holds the SHA-256 of what that release made of
each row.
"""

import hashlib
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.demo.scenes import paint_scene
from syndr_curate.curate.manifest.joining.rows import join
from syndr_curate.curate.manifest.manifest import ManifestFile, read_manifest, write_manifest
from syndr_curate.curate.manifest.provenance import attach, read_provenance
from syndr_curate.curate.manifest.roots import Roots
from syndr_curate.curate.manifest.schema import MIX_FIELDS, SCHEMA
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.rendering.mix_recipes import pixel_rows
from syndr_curate.curate.rendering.pixel_loader import PixelLoader
from syndr_curate.curate.runs.options import LongRun
from syndr_curate.curate.storage.images import encode_image

FOLDER = Path(__file__).with_name("version1")
FILES = ["rows.parquet", "mixes.parquet"]


@pytest.fixture
def places(tmp_path) -> Roots:
    for number in range(2):
        (tmp_path / f"s{number}.png").write_bytes(encode_image(paint_scene("city", number, side=48)))
    return Roots({"references": tmp_path, "images": None, "mixes": None, "human": None})


@pytest.mark.parametrize("name", FILES)
def test_every_value_is_read_as_it_was_written(name):
    written, table = pq.read_table(FOLDER / name), read_manifest(FOLDER / name)
    assert read_provenance(written)["schema_version"] == 1
    assert "chain" not in written.column_names
    for column in written.column_names:
        assert table[column].to_pylist() == written[column].to_pylist()
    assert table["chain"].null_count == len(table)


def test_the_rows_hold_what_only_63_bits_hold():
    seeds = [seed for seed in pq.read_table(FOLDER / "rows.parquet")["seed"].to_pylist() if seed is not None]
    assert len(seeds) == 10
    assert all(int(float(seed)) != seed for seed in seeds)


@pytest.mark.parametrize("name", FILES)
def test_what_is_read_has_the_types_and_the_name_of_this_version(name):
    table = read_manifest(FOLDER / name)
    assert table.schema.field("distortion_id").type == pa.int16()
    assert list(table.schema)[: len(SCHEMA)] == list(SCHEMA)
    if name == "mixes.parquet":
        assert [table.schema.field(field.name).type for field in MIX_FIELDS] == [field.type for field in MIX_FIELDS]
    assert read_provenance(table)["schema_version"] == 2
    file = ManifestFile(FOLDER / name)
    assert file.provenance["schema_version"] == 2
    assert file.columns(["chain", "seed"]).schema.types == [SCHEMA.field("chain").type, pa.int64()]
    assert pa.concat_tables(file.tables()).equals(table.replace_schema_metadata(None))


@pytest.mark.parametrize("name", FILES)
def test_every_recipe_still_gives_the_pixels_it_gave(name, places):
    pixels, loader = json.loads((FOLDER / "pixels.json").read_text()), PixelLoader(places)
    rows = [row for row in pixel_rows(read_manifest(FOLDER / name)) if row.seed is not None]
    assert len(rows) == {"rows.parquet": 10, "mixes.parquet": 3}[name]
    for row in rows:
        assert hashlib.sha256(loader.make(row).tobytes()).hexdigest() == pixels[row.sample_id]


def test_a_written_copy_is_of_version_2_with_the_same_seeds(tmp_path):
    table = read_manifest(FOLDER / "rows.parquet")
    write_manifest(table, tmp_path / "m.parquet")
    assert read_provenance(pq.read_schema(tmp_path / "m.parquet"))["schema_version"] == 2
    assert read_manifest(tmp_path / "m.parquet").equals(table, check_metadata=True)


def test_rows_and_mixes_of_version_1_join_those_of_version_2():
    old = read_manifest(FOLDER / "mixes.parquet")
    fresh = [{**row, "sample_id": f"new_{row['sample_id']}"} for row in old.to_pylist()]
    new = attach(pa.Table.from_pylist(fresh, schema=old.schema), read_provenance(old))
    written = pq.read_table(FOLDER / "mixes.parquet")
    joined = join([written, new])
    assert joined["source_a"].to_pylist() == [*written["source_a"].to_pylist()] * 2
    assert read_provenance(joined)["schema_version"] == 2


def test_recipes_of_version_1_are_rendered_to_the_same_pixels(places, tmp_path):
    shutil.copy(FOLDER / "rows.parquet", tmp_path / "old.parquet")
    run_distort(tmp_path / "old.parquet", tmp_path / "out", types=None, roots={"references": tmp_path}, run=LongRun())
    made = read_manifest(tmp_path / "out" / "manifest.parquet")
    assert read_provenance(made)["schema_version"] == 2
    pixels, loader = (
        json.loads((FOLDER / "pixels.json").read_text()),
        PixelLoader(Roots({**places.folders, "images": tmp_path / "out" / "images"})),
    )
    stored = {row.sample_id: loader.load_stored(row) for row in pixel_rows(made) if row.seed is not None}
    assert len(stored) == 10
    assert all(hashlib.sha256(image.tobytes()).hexdigest() == pixels[name] for name, image in stored.items())


def test_seeds_that_pandas_has_rounded_are_refused_with_their_rows(tmp_path):
    pandas = pytest.importorskip("pandas")
    pandas.read_parquet(FOLDER / "rows.parquet").to_parquet(tmp_path / "m.parquet")
    said = r"column 'seed' is double, expected int64: .* below 2\*\*53; .*pyarrow'\); in 10 rows: 's0_00_00', "
    with pytest.raises(CurateError, match=said):
        read_manifest(tmp_path / "m.parquet")
    with pytest.raises(CurateError, match=said):
        list(ManifestFile(tmp_path / "m.parquet").tables())
    with pytest.raises(CurateError, match=said):
        ManifestFile(tmp_path / "m.parquet").columns(["seed"])


def test_a_file_of_version_2_without_chains_lacks_a_column(make_manifest):
    table = make_manifest().drop_columns(["chain"])
    with pytest.raises(CurateError, match="columns missing from the manifest: chain"):
        join([table])
    assert join([table.replace_schema_metadata(None)])["chain"].null_count == 3  # of which version nobody knows
