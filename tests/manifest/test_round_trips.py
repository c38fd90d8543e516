"""Every column of a manifest through every tool that people filter one with: it comes back equal, or is refused."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.manifest.manifest import ManifestFile, read_manifest, validate, write_manifest
from syndr_curate.curate.manifest.schema import CLUSTER_FIELDS, MIX_FIELDS, SCHEMA

LARGEST_SEED = 2**53 - 1
SOURCE = {
    **{"sample_id": "r_11_02", "image_root": "images", "image_path": "r/r_11_02.png", "reference_id": "r"},
    **{"reference_root": "refs", "reference_path": "r.png", "distortion_id": 101, "level": 2, "seed": LARGEST_SEED - 2},
}
# A person's row, a recipe, a chain and a mix: every column has values and nulls, as real ones have.
VALUES = {
    "sample_id": ["h_01_01", "r_101_02", "c", "mix_0a"],
    "image_path": ["h_01_01.png", "r/r_101_02.png", "c.png", "0a/mix_0a.png"],
    "image_root": ["human", "images", "images", "mixes"],
    "reference_id": ["h", "r", "r", None],
    "reference_path": [None, "r.png", "r.png", None],
    "reference_root": [None, "refs", "refs", None],
    "distortion_id": [1, 101, None, None],
    "distortion": ["gaussian_blur", "camera_blur", None, None],
    "level": [1, 2, None, None],
    "label": [8.1, 0.3, 5.0, None],
    "label_std": [0.7, None, None, None],
    "label_source": ["mos", "pseudo", "calibrated", None],
    "neighbors": [None, [{"reference_id": "n", "distance": 0.1, "weight": 0.9}], None, None],
    "dataset": ["ours", "ours", None, None],
    "split": ["test", "train", "train", "train"],
    "seed": [None, LARGEST_SEED, None, LARGEST_SEED - 1],
    "chain": [None, None, [{"distortion_id": 1, "level": 2.5, "seed": None},
                           {"distortion_id": 111, "level": 1.0, "seed": LARGEST_SEED}], None],
    "status": ["ok", "ok", "failed", "ok"],
    "error": [None, None, "too small", None],
    "cluster_id": [7, 40_000, None, None],
    "cluster_size": [2, 40_000, None, None],
    "soft_labels": [None, None, None, [{"distortion_id": 11, "level": 2, "confidence": 0.3},
                                       {"distortion_id": 201, "level": 4, "confidence": 0.7}]],
    "raw_confidence_a": [None, None, None, 0.1],
    "raw_confidence_b": [None, None, None, 0.2],
    "color_difference_a": [None, None, None, 3.3],
    "color_difference_b": [None, None, None, 4.4],
    "uniform_map_a": [None, None, None, True],
    "uniform_map_b": [None, None, None, False],
    "box": [None, None, None, {"left": 1, "top": 2, "right": 30_000, "bottom": 4}],
    "source_a": [None, None, None, SOURCE],
    "source_b": [None, None, None, {**SOURCE, "sample_id": "h_01_01", "seed": None}],
}  # fmt: skip
FIELDS = {field.name: field for field in (*SCHEMA, *CLUSTER_FIELDS, *MIX_FIELDS)}


def by_pandas(file: Path, out: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pandas.read_parquet(file).to_parquet(out)


def by_pandas_nullable(file: Path, out: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pandas.read_parquet(file, dtype_backend="numpy_nullable").to_parquet(out)


def by_pandas_arrow(file: Path, out: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pandas.read_parquet(file, dtype_backend="pyarrow").to_parquet(out)


def by_polars(file: Path, out: Path) -> None:
    polars = pytest.importorskip("polars")
    polars.read_parquet(file).write_parquet(out)


def by_polars_in_memory(file: Path, out: Path) -> None:
    polars = pytest.importorskip("polars")
    pq.write_table(polars.read_parquet(file).to_arrow(), out)


def by_duckdb(file: Path, out: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        connection.execute(f"copy (select * from '{file}') to '{out}' (format parquet)")


def by_duckdb_in_memory(file: Path, out: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        pq.write_table(connection.sql(f"select * from '{file}'").to_arrow_table(), out)


def by_datasets(file: Path, out: Path) -> None:
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset("parquet", data_files=str(file), cache_dir=str(out.parent / "cache"))["train"]
    loaded.to_parquet(str(out))


def by_csv(file: Path, out: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pandas.read_parquet(file).to_csv(out.with_suffix(".csv"), index=False)
    pandas.read_csv(out.with_suffix(".csv")).to_parquet(out)


TOOLS: dict[str, Callable[[Path, Path], None]] = {
    "pandas": by_pandas,
    "pandas-nullable": by_pandas_nullable,
    "pandas-arrow": by_pandas_arrow,
    "polars": by_polars,
    "polars-arrow": by_polars_in_memory,
    "duckdb": by_duckdb,
    "duckdb-arrow": by_duckdb_in_memory,
    "datasets": by_datasets,
    "csv": by_csv,
}
# A CSV turns lists and structs into text.
REFUSED = {"csv": {"neighbors", "chain", "soft_labels", "box", "source_a", "source_b"}}


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> tuple[pa.Table, Path]:
    table = pa.table({name: typed(VALUES[name], field.type) for name, field in FIELDS.items()})
    path = tmp_path_factory.mktemp("original") / "m.parquet"
    write_manifest(table, path)
    return read_manifest(path), path


def typed(values, kind):
    return pa.array(values, pa.string()).dictionary_encode() if pa.types.is_dictionary(kind) else pa.array(values, kind)


@pytest.fixture(scope="module")
def came_back(original, tmp_path_factory) -> Callable[[str], Path]:
    done: dict[str, Path] = {}

    def by(tool: str) -> Path:
        if tool not in done:
            out = tmp_path_factory.mktemp(tool) / "m.parquet"
            TOOLS[tool](original[1], out)
            done[tool] = out
        return done[tool]

    return by


def test_the_table_has_every_column(original):
    assert set(VALUES) == set(FIELDS)
    assert original[0].column_names == list(FIELDS)


@pytest.mark.parametrize("column", list(FIELDS))
@pytest.mark.parametrize("tool", list(TOOLS))
def test_a_column_comes_back_equal_or_is_refused_by_name(original, came_back, tool, column):
    table = original[0]
    returned = pq.read_table(came_back(tool))[column]
    mixed = table.set_column(table.column_names.index(column), column, returned)
    if column in REFUSED.get(tool, ()):
        with pytest.raises(CurateError, match=f"column '{column}' is .*string, expected (list|struct)"):
            validate(mixed)
    else:
        assert validate(mixed).equals(table)


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool not in REFUSED])
def test_a_file_comes_back_equal_also_when_it_is_read_in_pieces(original, came_back, tool):
    table, _ = original
    path = came_back(tool)
    bare = table.replace_schema_metadata(None)
    assert read_manifest(path).replace_schema_metadata(None).equals(bare)
    file = ManifestFile(path)
    (piece,) = file.tables()
    assert piece.replace_schema_metadata(None).equals(bare)
    assert file.columns(["seed", "chain"]).replace_schema_metadata(None).equals(bare.select(["seed", "chain"]))


def test_rows_of_people_filtered_by_pandas_keep_every_seed(original, tmp_path):
    pandas = pytest.importorskip("pandas")
    pandas.read_parquet(original[1]).query("label > 0").to_parquet(tmp_path / "m.parquet")
    assert pq.read_schema(tmp_path / "m.parquet").field("seed").type == pa.float64()  # what pandas makes of it
    kept = original[0].filter(pc.greater(original[0]["label"], 0))
    assert read_manifest(tmp_path / "m.parquet")["seed"].to_pylist() == kept["seed"].to_pylist()


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".CSV", ".jsonl"])
def test_a_text_file_is_no_manifest(tmp_path, suffix):
    path = tmp_path / f"m{suffix}"
    path.write_text("sample_id,image_path\na,a.png\n")
    for read in (read_manifest, ManifestFile):
        with pytest.raises(CurateError, match=r"is a text file, expected a manifest in Parquet: .*to_parquet"):
            read(path)


def test_ids_that_a_csv_has_made_numbers_of_are_refused(make_manifest, tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = make_manifest(ids=("007", "008"), reference_id=["1", "2"]).to_pandas()
    frame.to_csv(tmp_path / "m.csv", index=False)
    pandas.read_csv(tmp_path / "m.csv").to_parquet(tmp_path / "m.parquet")
    with pytest.raises(CurateError, match=r"column 'sample_id' is int64, expected string: .*an id 007 may have"):
        read_manifest(tmp_path / "m.parquet")
