import math
import subprocess
import sys
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syndr_curate.distortions import CAMERA, CATALOG, FAMILIES, LEVELS, get
from syndr_curate.distortions.errors import DistortionError

ALL_TYPES = (*CATALOG, *CAMERA)


def test_there_are_25_types_in_order():
    assert [entry.id for entry in CATALOG] == list(range(1, 26))
    assert len({entry.name for entry in CATALOG}) == 25


def test_the_camera_family_has_ids_from_101_on_and_its_own_names():
    assert [entry.id for entry in CAMERA] == list(range(101, 101 + len(CAMERA)))
    assert len({entry.name for entry in ALL_TYPES}) == len(ALL_TYPES)


def test_a_subfamily_is_a_part_of_the_way_through_a_camera_or_else_the_family():
    assert all(entry.subfamily == entry.family for entry in CATALOG)
    ordered = ["optics", "sensor", "white_balance", "tone", "resize", "compression"]
    assert list(dict.fromkeys(entry.subfamily for entry in CAMERA)) == ordered


def test_families_follow_each_other():
    families = [entry.family for entry in ALL_TYPES]
    assert [family for family, _ in groupby(families)] == list(FAMILIES)


@pytest.mark.parametrize("entry", ALL_TYPES, ids=lambda entry: entry.name)
def test_an_entry_is_complete(entry):
    assert len(entry.parameters) == len(LEVELS)
    assert entry.parameter
    assert ("KADID-10k" in entry.source) == (entry in CATALOG)
    assert entry.source
    assert callable(entry.function)
    assert entry.function.__doc__
    assert "Source:" in entry.function.__doc__ or entry in CATALOG


def test_the_random_types_are_3_5_11_to_15_19_20_and_23():
    assert [entry.id for entry in CATALOG if entry.random] == [3, 5, 11, 12, 13, 14, 15, 19, 20, 23]


def test_only_five_types_need_a_certain_size():
    least = {entry.id: entry.minimum_size for entry in ALL_TYPES if entry.minimum_size > 1}
    assert least == {15: 8, 20: 48, 23: 33, 103: 2, 106: 2}


def test_of_the_camera_family_chroma_subsampling_and_the_video_frame_draw_nothing():
    assert [entry.id for entry in CAMERA if not entry.random] == [109, 110]


def test_camera_levels_go_one_way():
    for entry in CAMERA:
        assert list(entry.parameters) in (sorted(entry.parameters), sorted(entry.parameters, reverse=True))
        assert len(set(entry.parameters)) == len(LEVELS)
        assert min(entry.parameters) > 0


@pytest.mark.parametrize("kind", [3, "3", "03", "motion_blur", "Motion-Blur", " motion blur "])
def test_a_type_is_found_by_id_digits_or_name(kind):
    assert get(kind).id == 3


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("gausian_blur", "gaussian_blur"),
        (26, "1 to 25, those of the camera family from 101 to 110"),
        (111, "101 to 110"),
        ("resising", "resizing"),
        ("0", "pristine"),
        (True, "1 to 25"),
        ("zzz", "jpeg2000"),
    ],
)
def test_an_unknown_type_is_refused_with_a_hint(kind, hint):
    with pytest.raises(DistortionError, match=hint):
        get(kind)


@pytest.mark.parametrize("level", [0, 6, -1, True, 0.99, 5.01, float("nan"), float("inf"), "3", None, 2j])
def test_a_level_is_a_number_from_1_to_5(level):
    with pytest.raises(DistortionError, match=r"level .* of gaussian_blur does not exist: give a number from 1 to 5"):
        get(1).parameter_at(level)


@pytest.mark.parametrize("entry", ALL_TYPES, ids=lambda entry: entry.name)
def test_a_level_that_is_whole_has_the_parameter_of_the_catalog_whatever_its_type(entry):
    for kind in (int, float, np.int16, np.float32):
        assert [entry.parameter_at(kind(level)) for level in LEVELS] == list(entry.parameters)


@pytest.mark.parametrize("entry", ALL_TYPES, ids=lambda entry: entry.name)
@given(level=st.floats(1, 5))
def test_between_two_levels_the_parameter_is_between_theirs(entry, level):
    lower, upper = entry.parameters[int(level) - 1], entry.parameters[min(int(level), 4)]
    assert min(lower, upper) <= entry.parameter_at(level) <= max(lower, upper)


def test_a_parameter_is_interpolated_geometrically_where_the_levels_are():
    assert get("gaussian_blur").parameter_at(2.5) == pytest.approx(math.sqrt(0.5 * 1))
    assert get("jpeg2000").parameter_at(4.25) == pytest.approx(120 * (400 / 120) ** 0.25)
    assert get("low_light").parameter_at(1.5) == 3.75
    assert get("mean_shift").parameter_at(3.5) == pytest.approx(-0.04)  # no factor leads from 0 to -0.08
    linear = {entry.id for entry in ALL_TYPES if not entry.is_geometric}
    assert linear == {4, 5, 7, 12, 13, 18, 20, 23, 25, 106}


def test_counts_stay_whole():
    assert {entry.id for entry in ALL_TYPES if entry.whole} == {2, 3, 6, 10, 20, 22, 23, 109, 110}
    assert get("color_block").parameter_at(1.3) == 3  # 2.6
    assert get("jpeg").parameter_at(1.5) == 39  # the root of 43 x 36
    found = [entry.parameter_at(1.37) for entry in ALL_TYPES if entry.whole]
    assert all(isinstance(parameter, int) for parameter in found)


def test_a_type_that_is_not_random_has_no_draws():
    with pytest.raises(DistortionError, match="not random"):
        _ = get("jpeg").draw_function


def test_reading_the_catalog_loads_no_numeric_library():
    program = (
        "import sys, syndr_curate.distortions.catalog\n"
        "heavy = {'numpy', 'cv2', 'numba', 'scipy', 'torch', 'pandas', 'PIL'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
