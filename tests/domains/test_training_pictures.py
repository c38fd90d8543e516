"""Training pictures: who gets which type, what is drawn, and that nothing depends on order."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syndr_curate.curate.domains.fitting.training_pictures import (
    PRISTINE_LOOKING_CELLS,
    fold_of_references,
    save_as_jpeg,
    training_cells,
    training_pictures,
    types_of_references,
)

IDS = [f"r{number}" for number in range(60)]


def cells_of(types, variants, *, levels=5, identifier="r"):
    return training_cells(identifier, types, levels=levels, pristine_variants=variants, seed=7)


def test_one_type_each_deals_every_type_to_as_many_references():
    dealt = types_of_references(IDS, "one", 1)
    assert sorted(dealt) == sorted(IDS)
    counts = [sum(types == (kind,) for types in dealt.values()) for kind in range(1, 26)]
    assert sum(counts) == 60
    assert set(counts) == {2, 3}  # 60 references, 25 types
    assert dealt == types_of_references(IDS[::-1], "one", 1)
    assert dealt != types_of_references(IDS, "one", 2)


def test_all_types_each():
    assert types_of_references(["a"], "all", 1) == {"a": tuple(range(1, 26))}


@given(st.integers(2, 40), st.integers(2, 7))
def test_folds_are_of_equal_size_and_none_is_empty(references, folds):
    fold = fold_of_references(IDS[:references], folds, 5)
    sizes = np.bincount(list(fold.values()))
    assert len(sizes) == min(folds, references)
    assert sizes.max() - sizes.min() <= 1
    assert sizes.min() >= 1


def test_the_cells_are_all_but_those_that_look_pristine():
    cells = cells_of(range(1, 26), 3)
    assert cells[:3] == ((0, 0), (0, 1), (0, 2))
    assert len(cells) == 3 + 125 - 4
    assert not set(cells) & PRISTINE_LOOKING_CELLS
    assert cells_of((18,), 0) == ((18, 1), (18, 2), (18, 4), (18, 5))


def test_fewer_levels_are_drawn_for_each_reference_and_type_apart():
    drawn = {name: cells_of((2, 11), 0, levels=3, identifier=name) for name in IDS}
    for cells in drawn.values():
        assert [kind for kind, _ in cells] == [2] * 3 + [11] * 3
        assert len(set(cells)) == 6
    for kind in (2, 11):  # over 60 references every level is drawn about 36 times
        counts = [sum((kind, level) in cells for cells in drawn.values()) for level in range(1, 6)]
        assert min(counts) > 20


def test_a_sample_depends_on_its_cell_alone(photograph):
    reference = photograph(3, 96, 128)
    cells = cells_of((11, 20), 2)
    made = dict(zip(cells, training_pictures(reference, "r", cells, 7), strict=True))
    again = dict(zip(cells[::-1], training_pictures(reference, "r", cells[::-1], 7), strict=True))
    for cell in cells:
        assert np.array_equal(made[cell].picture, again[cell].picture)
        assert made[cell].rng.random() == again[cell].rng.random()
        assert made[cell].kind == cell[0]
    assert not np.array_equal(made[0, 0].picture, made[0, 1].picture)  # another size, or another quality
    assert {sample.recompressed for sample in made.values()} == {False, True}


def test_of_a_large_reference_only_what_a_picture_shows_is_computed():
    reference = np.random.Generator(np.random.PCG64(3)).integers(0, 256, (2400, 3200, 3), np.uint8)
    tracemalloc.start()
    shapes = [sample.picture.shape for sample in training_pictures(reference, "r", cells_of((), 12), 7)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # What is made smaller afterward is first cut larger, by a whole number of pixels.
    assert {side for shape in shapes for side in shape[:2]} <= {288, 289}
    assert len(shapes) == 12
    # One copy of the reference as float32 would take 92 MB. The largest part looked at is 960 pixels a side: 11 MB.
    assert peak < 46e6


def test_a_narrow_reference_is_not_made_smaller_and_stays_upright(photograph):
    shapes = {sample.picture.shape for sample in training_pictures(photograph(3, 700, 200), "r", cells_of((), 6), 7)}
    assert shapes == {(288, 200, 3)}


def test_a_type_that_needs_more_pixels_is_left_out(photograph):
    # 20 needs 48 pixels a side; 40 is too small at any factor.
    assert [s.kind for s in training_pictures(photograph(1, 40, 90), "r", ((20, 1), (11, 1)), 7)] == [11]


def test_saving_as_jpeg_keeps_the_channel_order():
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 200
    assert np.abs(save_as_jpeg(red, 90).astype(int) - red).max() <= 3


@pytest.mark.parametrize("full_chroma", [False, True])
def test_halved_chroma_loses_fine_color(full_chroma):
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2] = (200, 60, 60)
    stripes[:, 1::2] = (60, 134, 60)  # of about the same luma
    kept = save_as_jpeg(stripes, 98, full_chroma=full_chroma).astype(int)
    contrast = np.abs(kept[:, ::2, 0].mean() - kept[:, 1::2, 0].mean())
    assert contrast > 100 if full_chroma else contrast < 40
