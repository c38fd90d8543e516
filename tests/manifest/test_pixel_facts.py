import pytest
from syndr_curate import CurateError, append_manifest, read_manifest, write_manifest
from syndr_curate.curate.manifest.joining.rows import join
from syndr_curate.curate.manifest.pixel_facts import (
    DENOISER,
    PIXEL_FACTS,
    USER_TYPES,
    decoding_of,
    facts_of_decoding,
    recorded_pixel_facts,
    require_same_pixel_facts,
)
from syndr_curate.curate.manifest.provenance import read_provenance
from syndr_curate.curate.storage.images import DecodeOptions
from syndr_curate.distortions.numerics.denoising.weights import first_digest, newest_digest

NEWEST = {"denoiser": newest_digest()}
OTHER = {"pixels": "recipe", "exif_orient": True, "icc": "convert"}


def test_another_value_of_every_entry_is_tried_here():
    assert set(OTHER) == set(PIXEL_FACTS)


@pytest.mark.parametrize("name", PIXEL_FACTS)
@pytest.mark.parametrize("other_first", [True, False])
def test_manifests_whose_pixels_come_about_differently_are_not_joined(make_manifest, name, other_first):
    one, other = make_manifest(("a_01_01",)), make_manifest(("b_01_01",), {name: OTHER[name]})
    values = f"{PIXEL_FACTS[name]!r} in one manifest and {OTHER[name]!r} in another"
    if other_first:
        values = f"{OTHER[name]!r} in one manifest and {PIXEL_FACTS[name]!r} in another"
    with pytest.raises(CurateError, match=f"'{name}' is {values}: .* keep them apart, or "):
        join([other, one] if other_first else [one, other])


@pytest.mark.parametrize("name", PIXEL_FACTS)
def test_nothing_is_appended_to_a_manifest_whose_pixels_come_about_differently(make_manifest, tmp_path, name):
    path = tmp_path / "m.parquet"
    write_manifest(make_manifest(("a_01_01",)), path)
    before = path.read_bytes()
    with pytest.raises(CurateError, match=f"'{name}' is "):
        append_manifest(path, make_manifest(("b_01_01",), {name: OTHER[name]}))
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", PIXEL_FACTS)
def test_the_third_manifest_counts_as_the_second_does(make_manifest, name):
    tables = [make_manifest((f"{k}_01_01",), {name: PIXEL_FACTS[name]}) for k in "ab"]
    with pytest.raises(CurateError, match=f"'{name}' is "):
        join([*tables, make_manifest(("c_01_01",), {name: OTHER[name]})])


@pytest.mark.parametrize("name", PIXEL_FACTS)
def test_what_all_manifests_say_of_their_pixels_is_kept(make_manifest, tmp_path, name):
    path = tmp_path / "m.parquet"
    write_manifest(make_manifest(("a_01_01",), {name: OTHER[name]}), path)
    append_manifest(path, make_manifest(("b_01_01",), {name: OTHER[name]}))
    assert read_provenance(read_manifest(path))[name] == OTHER[name]


def test_an_entry_that_is_absent_stands_for_its_default():
    require_same_pixel_facts([{}, {"pixels": "stored"}, {"exif_orient": False}, {"pixels": None}])
    assert recorded_pixel_facts({"exif_orient": True}) == dict.fromkeys([*PIXEL_FACTS, DENOISER, USER_TYPES]) | {
        "exif_orient": True
    }


@pytest.mark.parametrize("recorded", [True, False])
def test_references_are_read_as_the_manifest_says_and_limited_as_the_request_says(recorded):
    asked = DecodeOptions(max_pixels=100)
    assert decoding_of({"exif_orient": recorded, **NEWEST}, asked, "m") == DecodeOptions(recorded, max_pixels=100)
    assert decoding_of(NEWEST, asked, "m") == asked


def test_a_manifest_that_names_no_weights_was_made_with_the_first():
    assert decoding_of({"stage": "distort"}, DecodeOptions(), "m").denoiser == first_digest()
    assert decoding_of({"denoiser": first_digest()}, DecodeOptions(), "m").denoiser == first_digest()


def test_what_is_asked_for_and_recorded_alike_is_no_contradiction():
    asked = DecodeOptions(exif_orient=True)
    assert decoding_of({"exif_orient": True, **NEWEST}, asked, "m") == asked
    with pytest.raises(CurateError, match="m says exif_orient False of its pixels, the request True: leave --exif-or"):
        decoding_of({}, asked, "m")


def test_a_manifest_records_what_is_not_the_default():
    assert facts_of_decoding(DecodeOptions()) == {}
    assert facts_of_decoding(DecodeOptions(exif_orient=True)) == {"exif_orient": True}
