import subprocess
import sys
from itertools import groupby

import pytest
from syndr_curate.distortions import CATALOG, FAMILIES, LEVELS, get
from syndr_curate.distortions.errors import DistortionError


def test_there_are_25_types_in_order():
    assert [entry.id for entry in CATALOG] == list(range(1, 26))
    assert len({entry.name for entry in CATALOG}) == 25


def test_families_follow_each_other():
    families = [entry.family for entry in CATALOG]
    assert [family for family, _ in groupby(families)] == list(FAMILIES)


@pytest.mark.parametrize("entry", CATALOG, ids=lambda entry: entry.name)
def test_an_entry_is_complete(entry):
    assert len(entry.parameters) == len(LEVELS)
    assert entry.parameter
    assert "KADID-10k" in entry.source
    assert callable(entry.function)
    assert entry.function.__doc__


def test_the_random_types_are_3_5_11_to_15_19_20_and_23():
    assert [entry.id for entry in CATALOG if entry.random] == [3, 5, 11, 12, 13, 14, 15, 19, 20, 23]


def test_only_three_types_need_a_certain_size():
    assert {entry.id: entry.minimum_size for entry in CATALOG if entry.minimum_size > 1} == {15: 8, 20: 48, 23: 33}


@pytest.mark.parametrize("kind", [3, "3", "03", "motion_blur", "Motion-Blur", " motion blur "])
def test_a_type_is_found_by_id_digits_or_name(kind):
    assert get(kind).id == 3


@pytest.mark.parametrize(
    ("kind", "hint"),
    [("gausian_blur", "gaussian_blur"), (26, "1 to 25"), ("0", "pristine"), (True, "1 to 25"), ("zzz", "jpeg2000")],
)
def test_an_unknown_type_is_refused_with_a_hint(kind, hint):
    with pytest.raises(DistortionError, match=hint):
        get(kind)


@pytest.mark.parametrize("level", [0, 6, -1, True, 2.5, 3.0, "3"])
def test_a_level_is_a_whole_number_from_1_to_5(level):
    with pytest.raises(DistortionError, match="1, 2, 3, 4 or 5"):
        get(1).parameter_at(level)


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
