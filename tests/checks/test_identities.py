"""Rows whose columns slipped against each other are found by what their ids spell."""

import pyarrow as pa
import pytest
from syndr_curate import read_manifest, verify, write_manifest
from syndr_curate.curate.checks.identities import identity_problems, seed_warnings, split_warnings
from syndr_curate.curate.manifest.chains.recipes import chain_rows
from syndr_curate.curate.manifest.chains.settings import ChainSettings
from syndr_curate.curate.manifest.provenance import attach
from syndr_curate.curate.manifest.recipes import RecipeGrid, Reference
from syndr_curate.curate.manifest.seeds import stream_seed
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.distortions.chains import parse_chain

from ..making import paint_cities, recipe_table, training_rows

NAMES = ("a", "b", "c")
GRID = RecipeGrid(
    types=(), levels=(), seed=7, reference_root="photos", image_root="images", suffix=".png", dataset="ours"
)
CHAINS = ChainSettings(named=(parse_chain("1:2+11:2.3"), parse_chain("stretch+hand_shake:3+jpeg:1")))


@pytest.fixture
def rows():
    return recipe_table(NAMES, types=(1, 11), levels=(1, 3))


@pytest.fixture
def chains():
    """Six rows: two chains of each reference, `1-2_11-2.3` and `s_102-3_10-1`, as a run with seed 7 gives them."""
    rows = chain_rows([Reference(name, f"{name}.png") for name in NAMES], GRID, CHAINS)
    return attach(rows, {"stage": "distort", "config": {"seed": 7}})


def with_column(table, name, values):
    field = table.schema.field(name)
    column = pa.array(values, pa.string()).dictionary_encode() if pa.types.is_dictionary(field.type) else values
    return table.set_column(table.schema.get_field_index(name), field, pa.array(column, field.type))


def slipped(table, name):
    return with_column(table, name, table[name].to_pylist()[::-1])


def with_step(table, **changes):
    """Change the second step of the first row's chain."""
    chains = table["chain"].to_pylist()
    chains[0][1].update(changes)
    return with_column(table, "chain", chains)


def test_rows_as_they_are_made_agree(rows):
    assert identity_problems(rows) == []
    assert split_warnings(rows) == []


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("sample_id", "12 rows have an id that spells another reference, type or level than their columns: 'c_11_03'"),
        ("reference_id", "8 rows have an id that spells another"),
        ("level", "12 rows have an id that spells another"),
        ("distortion_id", "12 rows have an id that spells another"),
        ("reference_path", "8 rows name the reference's file of another reference: 'a_01_01'"),
    ],
)
def test_a_column_that_slipped_is_a_problem(rows, column, said):
    assert identity_problems(slipped(rows, column))[0].startswith(said)


def test_chains_as_they_are_made_agree(chains):
    assert identity_problems(chains) == []
    assert seed_warnings(chains) == []


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (
            "sample_id",
            "6 rows have an id that spells another reference, type or level than their columns: 'c_chain_s_1",
        ),
        ("reference_id", "4 rows have an id that spells another"),
        ("chain", "6 rows have an id that spells another"),
        ("reference_path", "4 rows name the reference's file of another reference: 'a_chain_1-2_11-2.3'"),
    ],
)
def test_a_column_that_slipped_among_chains_is_a_problem(chains, column, said):
    assert identity_problems(slipped(chains, column))[0].startswith(said)


@pytest.mark.parametrize("changes", [{"distortion_id": 12}, {"distortion_id": None}, {"level": 2.0}, {"level": None}])
def test_a_step_that_the_id_does_not_spell_is_a_problem(chains, changes):
    (said,) = identity_problems(with_step(chains, **changes))
    assert said.startswith(
        "1 rows have an id that spells another reference, type or level than their columns: 'a_chain"
    )


def test_a_chain_under_the_id_of_a_single_type_is_a_problem(chains, rows):
    (said,) = identity_problems(with_column(chains, "sample_id", [f"b_{kind:02d}_01" for kind in range(1, 7)]))
    assert said.startswith("6 rows have an id that spells another")
    (said,) = identity_problems(with_column(rows, "sample_id", [f"b_chain_1-2_{kind}-3" for kind in range(2, 14)]))
    assert said.startswith("12 rows have an id that spells another")


@pytest.mark.parametrize(("column", "value"), [("distortion_id", 11), ("level", 2), ("distortion", "white_noise")])
def test_a_chain_that_is_of_a_single_type_too_is_a_problem(chains, column, value):
    values = [value, *chains[column].to_pylist()[1:]]
    expected = "1 rows of a chain have a type or a level of their own, or are not called 'chain': 'a_chain_1-2_11-2.3'"
    assert identity_problems(with_column(chains, column, values)) == [expected]


def test_a_steps_seed_that_the_runs_seed_does_not_give_is_said(chains):
    (said,) = seed_warnings(with_step(chains, seed=5))
    assert said.startswith(
        "1 rows have another seed than --seed 7, with which the manifest was made, gives them: 'a_ch"
    )
    whole = [row["seed"] + 1 for row in chains.to_pylist()]
    (said,) = seed_warnings(with_column(chains, "seed", whole))
    assert said.startswith("6 rows have another seed")


def test_one_reference_of_two_files_is_a_problem(rows):
    paths = rows["reference_path"].to_pylist()
    paths[0] = "elsewhere.png"
    assert identity_problems(with_column(rows, "reference_path", paths)) == ["1 references are of two files: 'a'"]


def test_ids_of_ones_own_spell_nothing():
    assert identity_problems(training_rows(["b_01_03"], [1.0], reference_id=["a"])) == []
    rows = recipe_table({"x": "a.png", "sub/y": "sub/y.png", "y": "y.png"}, types=(1,), levels=(1,))
    assert identity_problems(rows) == []
    assert identity_problems(with_column(rows, "sample_id", ["mine", "z_01_01", "pool_02_02"])) == []


def test_seeds_that_the_runs_seed_does_not_give_are_said(tmp_path):
    paint_cities(tmp_path / "photos", NAMES, side=64)
    out = tmp_path / "out"
    run_distort(tmp_path / "photos", out, types=(1, 11), levels=(2,), seed=7, recipe_only=True)
    path = out / "manifest.parquet"
    rows = read_manifest(path)
    assert seed_warnings(rows) == []
    seeds = rows["seed"].to_pylist()
    changed = with_column(rows, "seed", [seeds[0] + 1, *seeds[1:]])
    (said,) = seed_warnings(changed)
    assert said.startswith("1 rows have another seed than --seed 7, with which the manifest was made, gives them: ")
    write_manifest(changed, path)
    assert said in verify(path).warnings


def test_a_seed_of_version_1_is_the_runs_own(rows):
    facts = {"stage": "distort", "config": {"seed": 123}}
    streams = [stream_seed(123, r["reference_id"], r["distortion_id"], r["level"]) for r in rows.to_pylist()]
    assert seed_warnings(attach(with_column(rows, "seed", streams), facts)) == []


def test_a_reference_in_two_splits_is_said(rows):
    splits = ["train", "val"] + ["train"] * 10
    (said,) = split_warnings(with_column(rows, "split", splits))
    assert said == "1 references are in more than one split, which leaks their content: 'a'"


def test_verify_says_both(rows, tmp_path):
    paint_cities(tmp_path / "photos", NAMES, side=64)
    facts = {"stage": "distort", "pixels": "recipe", "roots": {"photos": "photos", "images": None}}
    write_manifest(attach(rows, facts), tmp_path / "m.parquet")
    assert verify(tmp_path / "m.parquet").problems == []
    torn = with_column(slipped(rows, "level"), "split", ["val", *["train"] * 11])
    write_manifest(attach(torn, facts), tmp_path / "m.parquet")
    verdict = verify(tmp_path / "m.parquet")
    assert [problem[:12] for problem in verdict.problems] == ["12 rows have"]
    assert any("more than one split" in warning for warning in verdict.warnings)
