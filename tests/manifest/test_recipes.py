"""Rows that say how to make an image."""

import pytest
from syndr_curate.curate.manifest.ids import parse_sample_id
from syndr_curate.curate.manifest.manifest import validate
from syndr_curate.curate.manifest.recipes import RecipeGrid, Reference, distortion_name, recipe_rows
from syndr_curate.curate.manifest.seeds import row_seed, stream_seed
from syndr_curate.distortions.errors import DistortionError


def grid(types=(1, 25), levels=(1, 3, 5), **changes):
    known = {"seed": 123, "reference_root": "photos", "image_root": "images", "suffix": ".png", "dataset": "ours"}
    return RecipeGrid(types=types, levels=levels, **{**known, **changes})


def test_rows_are_references_by_types_by_levels_references_outermost():
    rows = recipe_rows([Reference("b", "b.jpg"), Reference("a", "sub/a.jpg", "val")], grid())
    assert rows["sample_id"].to_pylist() == [
        f"{r}_{kind}_{level}" for r in "ba" for kind in ("01", "25") for level in ("01", "03", "05")
    ]
    assert rows["reference_path"].to_pylist() == ["b.jpg"] * 6 + ["sub/a.jpg"] * 6
    assert rows["split"].to_pylist() == ["train"] * 6 + ["val"] * 6
    assert rows["distortion"].to_pylist()[:4] == ["gaussian_blur"] * 3 + ["contrast_change"]
    assert set(rows["status"].to_pylist()) == {"ok"}
    assert rows["label"].null_count == 12
    validate(rows)


def test_each_row_has_the_seed_of_its_own_condition():
    rows = recipe_rows([Reference("b", "b.jpg")], grid()).to_pylist()
    for row in rows:
        reference, kind, level = parse_sample_id(row["sample_id"])
        assert row["seed"] == row_seed(stream_seed(123, reference, kind, level))
        assert (row["reference_id"], row["distortion_id"], row["level"]) == (reference, kind, level)


def test_a_rows_seed_does_not_depend_on_the_other_rows():
    one = recipe_rows([Reference("b", "b.jpg")], grid(types=(25,), levels=(5,)))
    many = recipe_rows([Reference("a", "a.jpg"), Reference("b", "b.jpg")], grid(types=tuple(range(1, 26))))
    seeds = dict(zip(many["sample_id"].to_pylist(), many["seed"].to_pylist(), strict=True))
    assert one["seed"].to_pylist() == [seeds["b_25_05"]]


def test_type_0_is_one_pristine_row_a_reference():
    rows = recipe_rows([Reference("a", "a.jpg")], grid(types=(0, 3)))
    assert rows["sample_id"].to_pylist() == ["a_00_00", "a_03_01", "a_03_03", "a_03_05"]
    assert rows["distortion"].to_pylist()[0] == "pristine"
    assert rows["level"].to_pylist()[0] == 0
    assert grid(types=(0, 3)).conditions() == ((0, 0), (3, 1), (3, 3), (3, 5))


def test_images_are_in_a_folder_per_reference():
    rows = recipe_rows([Reference("a", "a.jpg"), Reference("x/a", "x/a.jpg")], grid())
    assert len(set(rows["image_path"].to_pylist())) == len(rows)


def test_no_references_make_no_rows():
    validate(recipe_rows([], grid()))


def test_names_come_from_the_catalog():
    assert distortion_name(0) == "pristine"
    assert distortion_name(1) == "gaussian_blur"
    with pytest.raises(DistortionError, match="there is no distortion 26"):
        distortion_name(26)
