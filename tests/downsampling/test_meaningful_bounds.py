"""A bound on cosines that means nothing for some features is said to, with the bounds that would thin."""

import json
import math
import re
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syndr_curate import downsample, make_executor
from syndr_curate.curate.datasets.feature_files import save_features
from syndr_curate.curate.datasets.features import Features
from syndr_curate.curate.downsampling import meaningful_bounds
from syndr_curate.curate.downsampling.downsample import downsample_epoch
from syndr_curate.curate.downsampling.downsample_files import run_downsample
from syndr_curate.curate.downsampling.meaningful_bounds import HALF, TENTH, Shares, find_bound
from syndr_curate.curate.downsampling.settings import DownsampleSettings
from syndr_curate.curate.errors import CurateWarning
from syndr_curate.curate.manifest.manifest import write_manifest
from syndr_curate.curate.manifest.provenance import attach

from ..making import Notes, training_rows


def names(count: int) -> list[str]:
    return [f"s{i:05d}" for i in range(count)]


def fans(*fans_: tuple[int, float, float]) -> np.ndarray:
    """Unit vectors on one axis: per fan so many rows, that many degrees apart, from an angle on."""
    angles = np.concatenate([start + step * np.arange(count) for count, step, start in fans_])
    return np.stack([np.cos(np.radians(angles)), np.sin(np.radians(angles))], axis=1)


def note_of(matrix: np.ndarray, labels=None, **chosen) -> str | None:
    table = training_rows(names(len(matrix)), [5.0] * len(matrix) if labels is None else labels)
    return downsample_epoch(matrix, table, epoch=0, settings=DownsampleSettings(**chosen)).summary.get("note")


# Neighbors are 0.1 degrees apart (cosine 0.9999985) in the first fan of 5 rows, 1 (0.99985) in the second of 20 and
# 4 (0.99756) in the third of 25; the fans are 10 degrees apart (0.98481), so that 0.9 links all.
LINKED = fans((5, 0.1, 0.0), (20, 1.0, 10.4), (25, 4.0, 39.4))


def test_where_everything_is_linked_bounds_are_named_that_thin_a_tenth_and_a_half():
    # Above 4 rows: 5 of 50 between the cosines of 0.1 and of 1 degree, 25 of 50 between those of 1 and 4 degrees.
    assert note_of(LINKED, keep_min=4) == (
        "similarity 0.9 means nothing for these features: the largest cluster holds 50 of 50 rows; "
        "similarity 0.9999 would thin clusters with 10 % of the rows, 0.9987 with 50 %"
    )
    for similarity, rows_thinned in ((0.9999, 5), (0.9987, 25)):
        table = training_rows(names(50), [5.0] * 50)
        chosen = DownsampleSettings(similarity=similarity, keep_min=4, keep_fraction=0.0)
        clusters = downsample_epoch(LINKED, table, epoch=0, settings=chosen)
        thinned = clusters.dropped["cluster_size"].to_pylist()
        assert sum(set(thinned)) == rows_thinned
        assert "note" not in clusters.summary


def test_where_nothing_is_linked_looser_bounds_are_named():
    # 0.9999999 is above every cosine between two rows.
    assert note_of(LINKED, keep_min=4, similarity=0.9999999) == (
        "similarity 0.9999999 means nothing for these features: the largest cluster holds 1 of 50 rows, and none up to "
        "keep_min 4 is thinned; similarity 0.9999 would thin clusters with 10 % of the rows, 0.9987 with 50 %"
    )


def test_identical_rows_have_no_bound():
    assert note_of(np.ones((50, 3))) == (
        "similarity 0.9 means nothing for these features: the largest cluster holds 50 of 50 rows; no similarity would "
        "thin only a part: even 0.999999 thins clusters with 100 % of the rows, as they are all but identical"
    )


def test_labels_that_are_too_far_apart_have_no_bound():
    assert note_of(np.ones((10, 3)), labels=range(10), keep_min=2) == (
        "similarity 0.9 means nothing for these features: the largest cluster holds 1 of 10 rows, and none up to "
        "keep_min 2 is thinned; no similarity would thin a tenth of the rows: labels are too far apart, too few differ "
        "by less than label_gap 1.0"
    )


def test_rows_that_join_all_at_once_have_no_bound():
    # All neighbors of a single fan are equally far apart: no row is in a large cluster, or every row.
    note = note_of(fans((30, 5.0, 0.0)), keep_min=5)
    assert note.endswith(
        "; no similarity would thin clusters with about a tenth or a half of the rows, since they join all at once"
    )


def test_one_bound_may_be_all_there_is():
    # 5 rows 0.1 degrees apart; the other 45 join all at once.
    note = note_of(fans((5, 0.1, 0.0), (45, 4.0, 10.4)), keep_min=4)
    assert note.endswith("; similarity 0.9987 would thin clusters with 10 % of the rows, none with about a half")


def test_a_bound_that_means_something_is_not_talked_about():
    # Two clusters of 25 of 50 rows: neither holds more than half.
    assert note_of(np.repeat(np.eye(2), 25, axis=0), keep_min=20) is None
    # 40 rows that are not linked are no more than twice keep_min, 41 are more.
    assert note_of(np.eye(40), keep_min=20) is None
    assert note_of(np.eye(41), keep_min=20) is not None
    # A cluster of more than half that is left alone.
    assert note_of(np.ones((20, 3)), keep_min=20) is None


def test_without_a_row_in_the_scope_nothing_is_said():
    table = training_rows(names(50), [5.0] * 50, label_source="pseudo")
    result = downsample_epoch(np.ones((50, 3)), table, epoch=0, settings=DownsampleSettings(scope="mos"))
    assert "note" not in result.summary


def test_of_many_rows_some_are_searched_by_id_and_keep_min_shrinks_with_them(monkeypatch):
    # A quarter of 200 rows, drawn by id, is searched; all are too many to check.
    monkeypatch.setattr(meaningful_bounds, "SEARCHED_ROWS", 50)
    monkeypatch.setattr(meaningful_bounds, "CHECKED_ROWS", 199)
    searched = []
    find = meaningful_bounds.threshold_components

    def watched(features, labels, *bounds, **choice):
        searched.append((features.total, sorted(labels.tolist())))
        return find(features, labels, *bounds, **choice)

    monkeypatch.setattr(meaningful_bounds, "threshold_components", watched)
    rng = np.random.Generator(np.random.PCG64(0))
    matrix = 1 + 0.1 * rng.normal(size=(200, 4))
    ids, labels = names(200), np.linspace(5, 5.5, 200)
    notes = []
    for order in (np.arange(200), rng.permutation(200)):
        table = training_rows([ids[row] for row in order], labels[order])
        features = Features(matrix, tuple(ids), None, "ours", {})
        chosen = DownsampleSettings(similarity=0.9, keep_min=8)
        notes.append(downsample_epoch(features, table, epoch=0, settings=chosen).summary["note"])
    assert notes[0] == notes[1]
    assert notes[0].endswith(" (from 50 of 200 rows)")
    assert {total for total, _ in searched} == {50}
    assert len({tuple(labels) for _, labels in searched}) == 1
    assert "holds 200 of 200 rows" in notes[0]


def named_bounds(note: str) -> list[tuple[float, str]]:
    return [
        (float(bound), percent)
        for bound, percent in re.findall(r"(-?[\d.]+) (?:would thin clusters )?with (\d+) %", note)
    ]


def shares_of(matrix: np.ndarray, similarity: float, keep_min: int) -> Shares:
    unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    return shares_by_definition(unit @ unit.T, keep_min)(similarity)


@pytest.mark.parametrize("similarity", [-0.9, 0.9999999])
def test_what_drawn_rows_propose_is_checked_and_mended_on_all_rows(monkeypatch, similarity):
    # 600 directions at random in 8 dimensions: the more rows, the nearer the neighbors, so that the bound at which half
    # of 60 drawn rows are in large clusters joins nearly all 600.
    monkeypatch.setattr(meaningful_bounds, "SEARCHED_ROWS", 60)
    matrix = np.random.Generator(np.random.PCG64(5)).normal(size=(600, 8))
    note = note_of(matrix, similarity=similarity, keep_min=5)
    named = named_bounds(note)
    assert len(named) == 2
    assert "of 600 rows)" not in note
    for (bound, percent), target in zip(named, (TENTH, HALF), strict=True):
        shares = shares_of(matrix, bound, 5)
        assert percent == f"{100 * shares.thinned:.0f}"
        assert target.low <= shares.thinned <= target.high
        assert shares.largest <= 0.5
        assert note_of(matrix, similarity=bound, keep_min=5) is None


def test_a_bound_of_drawn_rows_that_all_rows_rule_out_is_not_named(monkeypatch):
    # Too many rows to check: what half of 60 drawn rows suggests joins all 600, so the line cannot name it again.
    monkeypatch.setattr(meaningful_bounds, "SEARCHED_ROWS", 60)
    monkeypatch.setattr(meaningful_bounds, "CHECKED_ROWS", 599)
    matrix = np.random.Generator(np.random.PCG64(5)).normal(size=(600, 8))
    first = note_of(matrix, similarity=-0.9, keep_min=5)
    assert first.endswith(" (from 60 of 600 rows)")
    strictest = max(bound for bound, _ in named_bounds(first))
    assert shares_of(matrix, strictest, 5).largest > 0.5
    second = note_of(matrix, similarity=strictest, keep_min=5)
    assert second.endswith(
        "; try a similarity a little above it, since drawn rows have fewer links than all rows (from 60 of 600 rows)"
    )


def test_the_search_takes_22_steps_at_most_and_few_decimals_first():
    asked = []

    def shares_at(similarity: float) -> Shares:
        asked.append(similarity)
        return Shares(thinned=0.6 if similarity < 0.1234565 else 0.4, largest=0.1)

    assert find_bound(shares_at, HALF) in (0.123456, 0.123457)
    assert len(set(asked)) <= 22
    assert find_bound(lambda similarity: Shares(1 - similarity, 0.1), TENTH) == pytest.approx(0.9, abs=0.02)


def test_a_bound_at_which_one_cluster_holds_more_than_half_is_never_named():
    assert find_bound(lambda similarity: Shares(0.55, 0.55) if similarity < 0.9 else Shares(0, 0), HALF) is None
    assert find_bound(lambda similarity: Shares(0.55, 0.3) if similarity < 0.9 else Shares(0, 0), HALF) == 0.899999


def shares_by_definition(cosines: np.ndarray, keep_min: int):
    """What a similarity makes of the rows, by spreading from row to row over the matrix of all cosines."""

    @cache
    def shares_at(similarity: float) -> Shares:
        linked, sizes, left = cosines > similarity, [], set(range(len(cosines)))
        while left:
            cluster = frontier = {min(left)}
            while frontier:
                frontier = set(np.flatnonzero(linked[sorted(frontier)].any(axis=0)).tolist()) - cluster
                cluster = cluster | frontier
            left -= cluster
            sizes.append(len(cluster))
        thinned = sum(size for size in sizes if size > keep_min)
        return Shares(thinned / len(cosines), max(sizes) / len(cosines))

    return shares_at


def all_that_six_decimals_tell_apart(cosines: np.ndarray) -> list[float]:
    """Similarities on both sides of every cosine at which clusters join: those of the largest spanning tree."""
    joining, nearest = [], cosines[0].copy()
    nearest[0] = -np.inf
    for _ in range(len(cosines) - 1):
        row = int(nearest.argmax())
        joining.append(float(nearest[row]))
        nearest = np.where(np.isneginf(nearest), nearest, np.maximum(nearest, cosines[row]))
        nearest[row] = -np.inf
    return [(math.floor(cosine * 1e6) + side) / 1e6 for cosine in joining for side in (0, 1)]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(25, 70),
    centers=st.integers(1, 8),
    spread=st.sampled_from([0.02, 0.1, 0.3]),
    keep_min=st.integers(1, 6),
    similarity=st.sampled_from([-0.9, 0.9999999]),
)
def test_a_bound_is_named_wherever_there_is_one_and_thins_what_it_says(
    seed, count, centers, spread, keep_min, similarity
):
    rng = np.random.Generator(np.random.PCG64(seed))
    matrix = rng.normal(size=(centers, 6))[rng.integers(0, centers, count)]
    matrix = matrix + spread * rng.random((count, 1)) * rng.normal(size=(count, 6))
    unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    cosines = unit @ unit.T
    shares_at = shares_by_definition(cosines, keep_min)
    note = note_of(matrix, keep_min=keep_min, similarity=similarity)
    if note is None:
        assert shares_at(similarity).largest <= 0.5
        assert shares_at(similarity).thinned > 0
        return
    named = re.findall(r"(-?[\d.]+) (?:would thin clusters )?with (\d+) %", note)
    assert [percent for _, percent in named] == [f"{100 * shares_at(float(bound)).thinned:.0f}" for bound, _ in named]
    for low, high in ((0.05, 0.20), (0.35, 0.65)):

        def will_do(similarity: float, low: float = low, high: float = high) -> bool:
            return low <= shares_at(similarity).thinned <= high and shares_at(similarity).largest <= 0.5

        exists = any(will_do(similarity) for similarity in all_that_six_decimals_tell_apart(cosines))
        assert [will_do(float(bound)) for bound, _ in named].count(True) == exists


def test_the_command_says_it_in_one_line_and_writes_the_same_bytes(tmp_path, monkeypatch):
    table = attach(training_rows(names(50), [5.0] * 50), {"stage": "upsample", "roots": {"images": "images"}})
    write_manifest(table, tmp_path / "train.parquet")
    save_features(tmp_path / "epoch2.npz", names(50), LINKED)
    reporter = Notes()
    chosen = DownsampleSettings(keep_min=4)
    summary = run_downsample(tmp_path / "epoch2.npz", tmp_path / "train.parquet", settings=chosen, reporter=reporter)
    (told,) = reporter.told
    assert summary["note"] == told
    assert told.startswith("similarity 0.9 means nothing for these features")
    assert "\n" not in told
    written = (tmp_path / "epoch2.parquet").read_bytes()

    monkeypatch.setattr("syndr_curate.curate.downsampling.downsample.note_meaningless_bound", lambda *_: None)
    silent = run_downsample(tmp_path / "epoch2.npz", tmp_path / "train.parquet", settings=chosen)
    assert (tmp_path / "epoch2.parquet").read_bytes() == written
    figures = set(summary) - {"note", "seconds"}
    assert {name: silent[name] for name in figures} == {name: summary[name] for name in figures}


def test_the_command_line_prints_it_on_stderr_and_in_the_json(tmp_path, syndr_curate):
    write_manifest(training_rows(names(50), [5.0] * 50), tmp_path / "train.parquet")
    save_features(tmp_path / "epoch2.npz", names(50), LINKED)
    flags = ("--features", tmp_path / "epoch2.npz", "--manifest", tmp_path / "train.parquet", "--keep-min", "4")
    done = syndr_curate("downsample", *flags, "--json")
    assert json.loads(done.stdout)["note"] == note_of(LINKED, keep_min=4)
    assert done.stderr.splitlines().count(note_of(LINKED, keep_min=4)) == 1


def test_it_is_the_same_for_every_executor():
    table, chosen = training_rows(names(50), [5.0] * 50), DownsampleSettings(keep_min=4)
    executor = make_executor("local", workers=2)
    shared = downsample_epoch(LINKED, table, epoch=0, settings=chosen, executor=executor)
    alone = downsample_epoch(LINKED, table, epoch=0, settings=chosen)
    assert shared.summary == alone.summary
    assert shared.kept.equals(alone.kept, check_metadata=True)


def test_from_python_it_is_a_warning():
    table = training_rows(names(50), [5.0] * 50)
    with pytest.warns(CurateWarning, match=r"similarity 0.9 means nothing .* 0.9987 with 50 %") as told:
        kept = downsample(LINKED, table, epoch=0, keep_min=4)
    assert len(told) == 1
    assert told[0].filename == __file__
    assert len(kept) == 25
