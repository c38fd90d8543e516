"""Whole numbers at the doors: numpy's are taken, and what would seed other draws than an int is refused by name."""

from functools import partial

import numpy as np
import pytest
import torch
from syndr_curate import DRCDownSampler, Features, ManifestDataset, collect_features, make_executor, select, verify
from syndr_curate.curate.datasets.label_columns import LabelColumns
from syndr_curate.curate.domains.fitting.fit import LightSettings
from syndr_curate.curate.domains.fitting.fit_resnet import ResNetSettings
from syndr_curate.curate.domains.mlp_ensemble import TrainingSettings
from syndr_curate.curate.downsampling.settings import DownsampleSettings
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.labeling.settings import NeighborSettings
from syndr_curate.curate.mixing.settings import MixSettings
from syndr_curate.curate.runs.threads import ordered_map
from syndr_curate.curate.upsampling.settings import SelectSettings, UpsampleSettings
from syndr_curate.curate.whole_numbers import whole_number, whole_numbers

from .making import training_rows

ROWS = training_rows(["a"], [5.0])


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3)])
def test_an_integer_of_any_kind_becomes_an_int(value):
    number = whole_number("epoch", value, least=0)
    assert (number, type(number)) == (3, int)


@pytest.mark.parametrize("value", [1.0, np.float32(1), True, np.True_, "1", None, [1]])
def test_anything_else_is_refused_by_its_name(value):
    with pytest.raises(CurateError, match=r"epoch is .*; expected a whole number, 0 or more, as an int, not a float"):
        whole_number("epoch", value, least=0)


def test_a_number_below_the_least_is_refused():
    with pytest.raises(CurateError, match="keep_min is 0; expected a whole number, 1 or more"):
        whole_number("keep_min", np.int32(0), least=1)


def test_every_number_of_a_list_is_looked_at():
    assert whole_numbers("level", np.arange(3)) == (0, 1, 2)
    with pytest.raises(CurateError, match=r"level is 2.0; expected a whole number"):
        whole_numbers("level", [1, 2.0])


DOORS = [
    (DownsampleSettings, {"keep_min": 3, "seed": 1}),
    (partial(MixSettings, count=1), {"count": 3, "seed": 1}),
    (SelectSettings, {"candidates": 3, "max_selected": 3, "seed": 1}),
    (partial(UpsampleSettings, types=(1,)), {"candidates": 3, "max_selected": 3, "seed": 1}),
    (NeighborSettings, {"count": 3}),
    (LightSettings, {"levels": 3, "pristine_variants": 3, "folds": 3, "seed": 1}),
    (ResNetSettings, {"pristine_variants": 3, "epochs": 3, "batch": 3, "seed": 1}),
    (TrainingSettings, {"epochs": 3, "batch": 3}),
    (LabelColumns, {"raters": 3}),
]
FIELDS = [(make, name, value) for make, fields in DOORS for name, value in fields.items()]


@pytest.mark.parametrize(("make", "field", "value"), FIELDS)
def test_settings_hold_ints_and_refuse_what_is_none(make, field, value):
    plain, numpys = make(**{field: value}), make(**{field: np.int64(value)})
    assert numpys == plain
    assert type(getattr(numpys, field)) is int
    for bad in (float(value), True, str(value)):
        with pytest.raises(CurateError, match="expected a whole number"):
            make(**{field: bad})


@pytest.mark.parametrize("make", [partial(MixSettings, count=1), UpsampleSettings])
def test_types_and_levels_are_whole_numbers_too(make):
    settings = make(types=tuple(np.array([1, 3])), levels=tuple(np.array([2])))
    assert [type(number) for number in settings.types + settings.levels] == [int] * 3
    with pytest.raises(CurateError, match=r"level is 2.0; expected a whole number"):
        make(types=(1,), levels=(2.0,))


def features(count):
    ids = tuple(f"s{number}" for number in range(count))
    return Features(np.eye(count, 4, dtype=np.float32) + 1, ids, ids, "ours", {})


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda bad: select(features(3), features(2), seed=bad), "seed"),
        (lambda bad: select(features(3), features(2), count=bad), "candidates"),
        (lambda bad: verify("none.parquet", sample=bad), "sample"),
        (lambda bad: verify("none.parquet", seed=bad), "seed"),
        (lambda bad: make_executor("local", workers=bad), "workers"),
        (lambda bad: list(ordered_map(abs, [1], workers=bad)), "workers"),
        (lambda bad: DRCDownSampler(ROWS, sample_ids=["a"], num_replicas=bad, rank=0), "num_replicas"),
        (lambda bad: DRCDownSampler(ROWS, sample_ids=["a"], num_replicas=2, rank=bad), "rank"),
        (lambda bad: DRCDownSampler(ROWS, sample_ids=["a"]).set_epoch(bad), "epoch"),
        (lambda bad: collect_features(torch.nn.Linear(1, 1), ManifestDataset(ROWS), batch_size=bad), "batch_size"),
        (lambda bad: collect_features(torch.nn.Linear(1, 1), ManifestDataset(ROWS), num_workers=bad), "num_workers"),
    ],
)
@pytest.mark.parametrize("bad", [True, 1.0, "1"], ids=repr)
def test_functions_name_the_argument_that_is_no_whole_number(call, name, bad):
    with pytest.raises(CurateError, match=f"{name} is {bad!r}; expected a whole number"):
        call(bad)
