import subprocess
import sys

import pytest
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.labeling.settings import LabelSettings, NeighborSettings

INFINITE, NONE = float("inf"), float("nan")


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 0},
        *({"margin": margin} for margin in (0.0, INFINITE, NONE)),
        *({"temperature": temperature} for temperature in (-1.0, INFINITE, NONE)),
        {"weighting": "loud"},
    ],
    ids=str,
)
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(CurateError, match="expected"):
        NeighborSettings(**wrong)


@pytest.mark.parametrize("bound", [0.0, -1.0, INFINITE, NONE])
def test_a_bound_on_uncertainty_is_a_finite_number_above_0(bound):
    with pytest.raises(CurateError, match=r"max_label_std is .*; expected a finite number above 0; leave it out"):
        LabelSettings(max_label_std=bound)


def test_labels_are_taken_from_train_or_all_and_nowhere_else():
    with pytest.raises(CurateError, match="neighbors_from is 'val'; expected train or all"):
        LabelSettings(neighbors_from="val")


def test_the_settings_stand_in_the_provenance_by_name():
    assert LabelSettings(labeler="gp", max_label_std=1.5).as_json() == {
        "labeler": "gp",
        "neighbors": {"count": 5, "margin": 0.05, "weighting": "published", "temperature": 0.05},
        "max_label_std": 1.5,
        "neighbors_from": "train",
    }


def test_the_command_line_reads_its_defaults_from_the_settings_without_a_numeric_library():
    code = """
import inspect, sys
from syndr_curate.curate.command.label import label
from syndr_curate.curate.command.upsample import upsample
from syndr_curate.curate.labeling.settings import LabelSettings
settings = LabelSettings()
for command in (label, upsample):
    given = {name: flag.default for name, flag in inspect.signature(command).parameters.items()}
    assert (given["labeler"], given["max_label_std"]) == (settings.labeler, settings.max_label_std)
    assert given["neighbors_from"] == settings.neighbors_from
    neighbors = {"count": given["neighbors"], **{key: given[key] for key in ("margin", "weighting", "temperature")}}
    assert neighbors == vars(settings.neighbors)
assert not {"numpy", "pyarrow"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
