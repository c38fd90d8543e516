"""Features on a plane: the same every time, and near where they are alike."""

import importlib.util
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.report.maps import coordinates
from syndr_curate.curate.report.maps import projection as report_projection
from syndr_curate.curate.report.maps.coordinates import save_layouts
from syndr_curate.curate.report.maps.layout import lay_out, quantised
from syndr_curate.curate.report.maps.projection import choose_method, principal_components, project
from syndr_curate.curate.report.settings import ReportSettings
from syndr_curate.curate.runs.progress import SILENT


def test_principal_components_of_four_directions_are_worked_out():
    # Unit rows (1,0), (-1,0), (0,1), (0,-1) stretched in length: length must not count. Mean 0, both variances equal;
    # two more rows along x make it the first component.
    rows = np.array([[5, 0], [-1, 0], [0, 3], [0, -0.5], [2, 0], [-2, 0]], np.float32)
    components = principal_components(rows, 2)
    assert np.allclose(components, [[1, 0], [-1, 0], [0, 1], [0, -1], [1, 0], [-1, 0]], atol=1e-6)


def test_one_feature_and_one_row_still_give_points():
    assert project(np.ones((3, 1)), "pca", 1).shape == (3, 2)
    assert project(np.ones((1, 4)), "pca", 1).shape == (1, 2)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_points_do_not_depend_on_the_lengths_of_rows(rows, width, seed):
    rng = np.random.Generator(np.random.PCG64(seed))
    matrix = rng.normal(size=(rows, width))
    longer = matrix * rng.uniform(0.5, 2.0, (rows, 1))
    ones = principal_components(matrix, 2)
    assert np.allclose(ones.T @ ones, (twos := principal_components(longer, 2)).T @ twos, atol=1e-4)


def test_a_block_at_a_time_gives_the_same(monkeypatch):
    matrix = np.random.Generator(np.random.PCG64(1)).normal(size=(50, 8))
    whole = principal_components(matrix, 3)
    monkeypatch.setattr(report_projection, "_BLOCK_ROWS", 7)
    assert np.allclose(principal_components(matrix, 3), whole, atol=1e-5)


def test_umap_is_taken_where_it_is_asked_for_and_there_are_enough_rows(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    assert choose_method("pca", 50_000) == "pca"
    assert choose_method("umap", 90) == "umap"
    assert choose_method("umap", 89) == "pca"


def test_nobody_waits_for_umap_unasked():
    assert ReportSettings().projection == "pca"


def test_directions_are_learned_from_as_many_rows_as_are_said(monkeypatch):
    # Of five directions that differ alike, two rows have one between them: the others' spread along it is equal.
    rows = np.eye(5, dtype=np.float32)
    monkeypatch.setattr(report_projection, "LEARNING_ROWS", 2)
    points = principal_components(rows, 1)[:, 0]
    assert np.allclose(np.sort(points), [-np.sqrt(0.5), 0, 0, 0, np.sqrt(0.5)], atol=1e-6)


def test_rows_learned_from_are_not_of_one_level_alone(monkeypatch):
    # 200 pictures at 5 levels in turn, as `distort` writes them: level 1 varies along y a little, and the level is x.
    rng = np.random.Generator(np.random.PCG64(5))
    level = np.tile(np.arange(5), 200)
    rows = np.column_stack([level / 4, 0.1 * rng.normal(size=1000), np.ones(1000)]).astype(np.float32)
    monkeypatch.setattr(report_projection, "LEARNING_ROWS", 200)
    points = principal_components(rows, 1)[:, 0]
    assert abs(np.corrcoef(points, level)[0, 1]) > 0.9


def test_points_learned_from_other_rows_are_not_taken_again(monkeypatch, tmp_path):
    matrix, ids = np.random.Generator(np.random.PCG64(1)).normal(size=(8, 3)), list("abcdefgh")
    notes = []
    reporter = SimpleNamespace(task=SILENT.task, note=notes.append)

    def report():
        made = lay_out("samples", ids, matrix, method="pca", seed=1, saved=tmp_path / "c.parquet", reporter=reporter)
        save_layouts([made], tmp_path / "c.parquet")

    report()
    report()
    assert len(notes) == 1
    monkeypatch.setattr(coordinates, "LEARNED_FROM", "every k-th row")
    report()
    assert len(notes) == 2


def test_a_map_too_small_for_umap_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    notes = []
    reporter = SimpleNamespace(task=SILENT.task, note=notes.append)
    matrix = np.random.Generator(np.random.PCG64(1)).normal(size=(3, 3))
    lay_out("samples", list("abc"), matrix, method="umap", seed=1, saved=tmp_path / "none.parquet", reporter=reporter)
    assert notes == ["map of samples: 3 points by PCA: UMAP needs 90 points or more"]


def test_umap_is_a_step_that_progress_shows(monkeypatch):
    steps = []

    class Watcher:
        @contextmanager
        def task(self, name, total):
            done = []
            steps.append((name, total, done))
            yield SimpleNamespace(advance=done.append)

        def note(self, _message):
            raise AssertionError("nothing to note")

    monkeypatch.setattr(report_projection, "_umap", lambda components, _seed: components[:, :2].astype(np.float32))
    matrix = np.random.Generator(np.random.PCG64(1)).normal(size=(3000, 8))
    project(matrix, "umap", 7, Watcher())
    assert [(name, total, sum(done)) for name, total, done in steps] == [
        ("principal components", 3000, 3000),
        (report_projection.UMAP_STEP, 3000, 3000),
    ]
    assert len(steps[0][2]) == 9  # three readings of three blocks
    steps.clear()
    project(matrix, "pca", 7, Watcher())
    assert [name for name, _, _ in steps] == ["principal components"]


def test_umap_that_is_not_installed_is_an_error_that_names_the_extra(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert choose_method("pca", 5000) == "pca"
    with pytest.raises(CurateError, match=r"syndr-curate\[report\]"):
        choose_method("umap", 1000)


def test_sixteen_bits_fill_the_longer_side_and_keep_the_shape():
    points = np.array([[0, 0], [4, 2], [2, 1]], np.float32)
    assert quantised(points).tolist() == [[0, 0], [65535, 32768], [32768, 16384]]


@pytest.mark.slow
def test_umap_gives_the_same_points_again_and_keeps_two_groups_apart():
    pytest.importorskip("umap")
    rng = np.random.Generator(np.random.PCG64(3))
    matrix = rng.normal(size=(200, 16)) * 0.1
    matrix[:100, 0] += 1
    matrix[100:, 1] += 1
    points = project(matrix, "umap", 7)
    assert np.array_equal(points, project(matrix, "umap", 7))
    between = np.linalg.norm(points[:100].mean(axis=0) - points[100:].mean(axis=0))
    within = max(points[:100].std(axis=0).max(), points[100:].std(axis=0).max())
    assert between > 2 * within
