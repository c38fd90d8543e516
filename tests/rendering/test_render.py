"""From recipe rows to pixels."""

import numpy as np
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.demo.scenes import paint_scene
from syndr_curate.curate.rendering import render as module
from syndr_curate.curate.rendering.render import (
    Recipe,
    recipes_of,
    render,
)
from syndr_curate.distortions import stretch_uint8

from ..making import recipe_table


def rows(names=("a", "b"), types=(1, 23), levels=(1, 5), suffix=".png"):
    return recipe_table(names, types=types, levels=levels, suffix=suffix)


def test_type_0_is_the_stretched_reference():
    reference = paint_scene("sky", 0, side=32)
    assert np.array_equal(render(reference, 0, 0, None), stretch_uint8(reference))


def test_rows_that_are_no_recipes_are_counted():
    table = rows()
    bare = table.set_column(table.column_names.index("level"), "level", [[None, 1, 1, 1, 1, 1, None, 1]])
    with pytest.raises(CurateError, match=r"2 rows name no reference, distortion or level, e\.g\. 'a_01_01'"):
        recipes_of(bare)


def test_a_recipe_is_made_of_the_manifests_columns():
    assert list(Recipe.__dataclass_fields__) == list(module.RECIPE_COLUMNS)
