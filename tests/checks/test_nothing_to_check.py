"""A command that is given nothing to look at says so, and never that all is well."""

import json
import subprocess

import pyarrow as pa
import pytest
from PIL import Image
from syndr_curate import CurateError, encode, inspect, verify
from syndr_curate.curate.checks.inspect import as_text
from syndr_curate.curate.checks.run_status import status_of
from syndr_curate.curate.encoding.encode import run_encode
from syndr_curate.curate.export.export import export
from syndr_curate.curate.export.settings import TARGETS
from syndr_curate.curate.manifest.manifest import write_manifest
from syndr_curate.curate.manifest.provenance import attach

from ..conftest import SCRIPT
from ..making import recipe_table, training_rows


@pytest.fixture
def pictures(tmp_path):
    """Write two rows, one picture of which is there, as `m.parquet`."""
    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (16, 12), "red").save(tmp_path / "pictures" / "a.png")

    def make(ids=("a",), folder="pictures", **columns):
        table = training_rows(ids, range(1, 1 + len(ids)), **columns)
        write_manifest(attach(table, {"roots": {"images": folder}}), tmp_path / "m.parquet")
        return tmp_path / "m.parquet"

    return make


def run_verify(*arguments):
    return subprocess.run([SCRIPT, "verify", *arguments], capture_output=True, text=True, check=False)


def test_a_manifest_without_rows_is_not_verified(pictures):
    assert verify(pictures(ids=())).problems == ["nothing was checked: the manifest has no rows"]


def test_a_manifest_of_failed_rows_alone_is_not_verified(pictures):
    verdict = verify(pictures(("a", "b"), status=["failed", "unreadable"]))
    assert verdict.problems == ["nothing was checked: none of the 2 rows has status ok"]


def test_a_manifest_without_a_known_folder_is_not_verified_until_it_is_given(pictures, tmp_path):
    manifest = pictures(folder=None)
    verdict = verify(manifest)
    assert verdict.problems == ["nothing was checked: the folder of the files is not known; give --root images=DIR"]
    assert verdict.not_checked == {"images": 1}
    again = verify(manifest, roots={"images": tmp_path / "pictures"})
    assert (again.problems, again.files_decoded) == ([], 1)


def test_the_command_exits_with_1_when_it_checked_nothing(pictures):
    done = run_verify(pictures(ids=()))
    assert done.returncode == 1
    assert done.stdout.splitlines()[-2:] == [
        "problem: nothing was checked: the manifest has no rows",
        "something is wrong",
    ]
    done = run_verify(pictures(ids=()), "--json")
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (1, False)


def test_a_verdict_on_some_of_the_rows_says_that_it_is_on_some(pictures):
    assert verify(pictures()).as_text().splitlines()[-1] == "nothing is wrong"
    verdict = verify(pictures(("a", "b"), image_root=["images", "elsewhere"]))
    assert (verdict.problems, verdict.files_decoded, verdict.not_checked) == ([], 1, {"elsewhere": 1})
    assert verdict.as_text().splitlines()[-2:] == [
        "not checked: 1 rows that need root 'elsewhere', whose folder is not known (--root elsewhere=DIR)",
        "nothing is wrong with what was checked",
    ]


def test_rows_that_name_no_root_are_a_problem_and_not_files_of_an_unknown_one(pictures):
    verdict = verify(pictures(("a", "b"), image_root=pa.array(["images", None])))
    assert (verdict.problems, verdict.not_checked) == (["b: b.png: the row names no image_root"], {})


@pytest.fixture
def recipes(tmp_path):
    """Two recipe rows of `a.png`, with roots and columns as a test wants them."""
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (64, 48), "red").save(tmp_path / "photos" / "a.png")

    def make(roots, **columns):
        table = recipe_table(["a"], types=(1, 11), levels=(3,))
        for name, values in columns.items():
            field = table.schema.field(name)
            plain = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
            encoded = pa.array(values, plain)
            encoded = encoded.dictionary_encode() if plain != field.type else encoded
            table = table.set_column(table.schema.get_field_index(name), field, encoded)
        write_manifest(attach(table, {"roots": roots, "pixels": "recipe"}), tmp_path / "m.parquet")
        return tmp_path / "m.parquet"

    return make


def test_recipes_without_a_known_folder_of_references_are_not_counted_as_checked(recipes):
    verdict = verify(recipes({"images": "images", "photos": None}))
    assert (verdict.recipe_rows, verdict.not_checked) == (0, {"photos": 2})
    assert verdict.problems == ["nothing was checked: the folder of the files is not known; give --root photos=DIR"]


def test_recipes_need_no_folder_of_the_pixels_that_they_do_not_have(recipes):
    verdict = verify(recipes({"images": None, "photos": "photos"}))
    assert (verdict.problems, verdict.not_checked) == ([], {})
    assert (verdict.recipe_rows, verdict.rendered_again) == (2, 2)


@pytest.mark.parametrize("column", ["reference_path", "reference_root", "distortion_id", "level"])
def test_a_recipe_that_lacks_what_it_is_made_from_is_a_problem(recipes, column):
    values = {"reference_path": ["a.png", None], "reference_root": ["photos", None], "distortion_id": [1, None]}
    verdict = verify(recipes({"images": None, "photos": "photos"}, **{column: values.get(column, [3, None])}), sample=0)
    assert len(verdict.problems) == 1
    assert "a_11_03: no stored pixels, and no reference, distortion and level" in verdict.problems[0]
    assert verdict.recipe_rows == 1


def test_inspect_and_status_count_no_rows(pictures):
    manifest = pictures(ids=())
    facts = inspect(manifest)
    assert (facts["rows"], facts["references"], facts["labels"]) == (0, 0, {"labelled": 0})
    assert as_text(facts).splitlines()[0] == "0 rows of 0 references, 19 columns"
    assert (status_of(manifest)["rows"], status_of(manifest)["statuses"]) == (0, {})


@pytest.mark.parametrize("columns", [{"ids": ()}, {"status": "unreadable"}], ids=["no rows", "no ok row"])
@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_exported_of_nothing(pictures, tmp_path, columns, target):
    with pytest.raises(CurateError, match="has no row with status ok"):
        export(pictures(**columns), target, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("columns", [{"ids": ()}, {"status": "unreadable"}], ids=["no rows", "no ok row"])
def test_nothing_is_encoded_of_nothing(pictures, tmp_path, columns):
    manifest = pictures(**columns)
    with pytest.raises(CurateError, match=r"m\.parquet: no images to encode"):
        encode(manifest, "gist")
    with pytest.raises(CurateError, match=r"m\.parquet: no images to encode"):
        run_encode(manifest, tmp_path / "f.parquet", encoder="gist")
    assert not (tmp_path / "f.parquet").exists()
