"""What a manifest says of users' types, and what is done where it says something else than is registered here."""

import pyarrow as pa
import pytest
from syndr_curate.curate.errors import CurateError, CurateWarning
from syndr_curate.curate.manifest.joining.rows import join
from syndr_curate.curate.manifest.pixel_facts import USER_TYPES, recorded_pixel_facts
from syndr_curate.curate.manifest.provenance import attach, make_provenance, read_provenance
from syndr_curate.curate.manifest.renderers.check import check_renderers, renderer_problems, renderer_warnings
from syndr_curate.curate.manifest.renderers.user_types import record_user_types, user_type_ids
from syndr_curate.curate.manifest.schema import CHAIN, MIX_FIELDS, SOURCE_TYPE
from syndr_curate.distortions.registry import user_types as registry
from syndr_curate.distortions.registry.user_types import loading_plugin, register_distortion

from ..making import recipe_table


@pytest.fixture(autouse=True)
def _one_type(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTERED", {})
    register()


def same(image, _amount):
    return image


def register(version="1", number=200, name="same"):
    with loading_plugin("mine:register"):
        register_distortion(number, name, same, (1, 2, 3, 4, 5), version=version)


def rows(name="a", *, types=(1, 200), pixels="recipe", **facts):
    table = recipe_table([name], types=types, levels=[2])
    recorded = record_user_types(types)
    roots = {"photos": None, "images": None}
    return attach(table, make_provenance("distort", {}, {}, roots=roots, pixels=pixels, user_types=recorded, **facts))


def forget():
    registry._REGISTERED.clear()


def test_only_types_of_users_are_recorded():
    assert record_user_types([0, 1, 101]) is None
    assert list(record_user_types([1, 200])) == ["200"]


def test_types_are_found_in_rows_chains_and_mixes():
    table = recipe_table(["a", "b", "c", "d"], types=[200], levels=[2])
    chain = [{"distortion_id": kind, "level": 2.0, "seed": 1} for kind in (1, 203)]
    columns = {
        "distortion_id": pa.array([201, None, None, 204], pa.int16()),
        "chain": pa.array([None, chain, None, None], CHAIN),
        "seed": pa.array([1, 2, 3, None], pa.int64()),  # the last row is somebody else's picture
    }
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, values)
    source = {field.name: None for field in SOURCE_TYPE} | {"distortion_id": 202}
    field = next(field for field in MIX_FIELDS if field.name == "source_b")
    table = table.append_column(field, pa.array([None, None, source, None], field.type))
    assert user_type_ids(table) == (201, 202, 203)


def test_recipes_of_a_type_that_is_not_registered_are_refused_by_name():
    table = rows()
    check_renderers(table)
    forget()
    named = r"type 200 \(same, version 1\) of the plug-in mine:register\. .*, give --plugin mine:register"
    with pytest.raises(CurateError, match=named):
        check_renderers(table)
    assert len(renderer_problems(table)) == 1


def test_stored_pixels_of_it_are_used_and_a_warning_says_that_they_cannot_be_rendered_again():
    table = rows(pixels="stored")
    forget()
    check_renderers(table)
    assert renderer_problems(table) == []
    assert renderer_warnings(table)[0].startswith("not rendered again: rows are rendered with types of a user's own")


def test_another_version_is_warned_of():
    table = rows()
    register(version="2")
    with pytest.warns(CurateWarning, match=r"type 200 \(same\): version 1 then, 2 now"):
        check_renderers(table)


def test_joined_rows_have_the_types_of_all():
    first = rows("a")
    register(number=201, name="other")
    joined = join([first, rows("b", types=(201,)), rows("c", types=(1,))])
    assert {number: entry["name"] for number, entry in read_provenance(joined)[USER_TYPES].items()} == {
        "200": "same",
        "201": "other",
    }
    assert recorded_pixel_facts(read_provenance(joined))[USER_TYPES] == read_provenance(joined)[USER_TYPES]


def test_two_meanings_of_one_id_are_not_joined():
    first = rows("a")
    register(version="2")
    with pytest.raises(CurateError, match=r"type 200 is same \(version 1, .*\) in one manifest and same \(version"):
        join([first, rows("b")])


def test_what_is_no_record_of_types_is_refused():
    table = attach(recipe_table(["a"], types=[1], levels=[1]), {"user_types": {"200": "same"}})
    with pytest.raises(CurateError, match="'user_types' under 'syndr_curate' is"):
        read_provenance(table)
