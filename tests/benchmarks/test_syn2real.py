"""The benchmark of models: it draws nothing twice, goes on where it stopped, and adds up what it says."""

import dataclasses
import json
import time

import numpy as np
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.rendering.render import render
from syndr_curate.curate.storage.images import decode_image

from benchmarks.shared.paired import compare_pairs, sign_flip_p
from benchmarks.syn2real.__main__ import carry_on
from benchmarks.syn2real.network import seen
from benchmarks.syn2real.pictures import CONDITIONS, load_pictures, roles_of, target_ids
from benchmarks.syn2real.report import Report
from benchmarks.syn2real.settings import ARMS, Run, Size
from benchmarks.syn2real.training_sets import training_manifest, true_quality

SIZE = Size(
    frame=48,
    crop=40,
    widths=(4, 8),
    labelled=5,
    candidates=8,
    held_out=1,
    target_photographs=2,
    target_versions=3,
    epochs=1,
    seeds=2,
)


@pytest.fixture(scope="module")
def photographs(image_folder):
    return image_folder("photo", 18)


@pytest.fixture(scope="module")
def finished(photographs, tmp_path_factory):
    run = Run(tmp_path_factory.mktemp("run"), SIZE)
    assert carry_on(run, photographs, workers=1)
    return run


@pytest.fixture
def ids(photographs):
    return sorted(path.stem for path in photographs.iterdir())


def without_time(results):
    return [{key: value for key, value in result.items() if "seconds" not in key} for result in results]


def test_no_photograph_has_two_roles_and_seeds_deal_again(ids, tmp_path):
    run = Run(tmp_path, SIZE)
    deals = [roles_of(ids, run, seed) for seed in range(2)]
    for deal in deals:
        dealt = [*deal.labelled, *deal.candidates, *deal.held_out, *target_ids(ids, run)]
        assert len(dealt) == len(set(dealt)) == 5 + 8 + 1 + 2
    assert deals[0] != deals[1]
    assert deals[0] == roles_of(list(reversed(ids)), run, 0)


def test_every_arm_is_trained_with_every_seed_for_as_many_steps(finished):
    results = finished.results()
    assert [(r["arm"], r["seed"]) for r in results] == [(arm.key, seed) for arm in ARMS for seed in range(2)]
    assert {r["steps"] for r in results} == {5 * 30 // 16}
    assert all(len(r["predicted"]) == 2 * 3 for r in results)
    assert all(bool(r["epochs_thinned"]) == r["arm"].startswith(("all", "downsampling", "halves")) for r in results)


def test_a_run_that_was_cut_short_goes_on_to_the_same_results(photographs, finished, tmp_path):
    run = Run(tmp_path, SIZE)
    assert not carry_on(run, photographs, workers=1, deadline=time.monotonic() - 1)
    assert run.results() == []
    assert carry_on(run, photographs, workers=1)
    assert without_time(run.results()) == without_time(finished.results())


def test_what_is_finished_is_not_done_again(photographs, finished, tmp_path):
    run = Run(tmp_path, SIZE)
    kept = {"pictures", "frames", "labels", "results"}
    for path in finished.folder.rglob("*"):
        if path.is_file() and path.relative_to(finished.folder).parts[0] in kept:
            copy = tmp_path / path.relative_to(finished.folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    lost = run.result_path(ARMS[5], 1)
    wanted = json.loads(lost.read_text())
    lost.unlink()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.[nj]*") if path.is_file()}
    assert carry_on(run, photographs, workers=1)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert without_time([json.loads(lost.read_text())]) == without_time([wanted])


def test_a_folder_with_another_plan_is_refused(photographs, finished):
    other = Run(finished.folder, dataclasses.replace(SIZE, epochs=2))
    with pytest.raises(CurateError, match="another size"):
        carry_on(other, photographs, workers=1)


def test_too_few_photographs_are_refused_before_anything_is_made(photographs, tmp_path):
    with pytest.raises(CurateError, match="holds 18 photographs; this size needs 20"):
        carry_on(Run(tmp_path, dataclasses.replace(SIZE, target_photographs=6)), photographs, workers=1)
    assert not list(tmp_path.iterdir())


def test_training_sets_hold_what_their_arm_says(finished, ids):
    roles = roles_of(ids, finished, 0)
    tables = {arm.key: training_manifest(finished, arm, roles, 0) for arm in ARMS}
    references = {key: set(table["reference_id"].to_pylist()) for key, table in tables.items()}
    assert len(tables["baseline"]) == 5 * len(CONDITIONS)
    assert references["baseline"] == references["downsampling"] == set(roles.labelled)
    assert references["candidates"] == set(roles.labelled) | set(roles.candidates)
    assert references["baseline"] < references["selection"] < references["candidates"]
    assert references["all"] == references["all-gp"] == references["selection"]
    assert not references["candidates"] & {*roles.held_out, *target_ids(ids, finished)}


def test_labels_of_the_labelled_set_are_the_metrics_and_those_of_candidates_are_not(finished, ids):
    table = training_manifest(finished, ARMS[5], roles_of(ids, finished, 0), 0)
    errors = np.abs(table["label"].to_numpy() - true_quality(finished, table))
    pseudo = np.array(table["label_source"].to_pylist()) == "pseudo"
    assert errors[~pseudo].max() < 1e-5
    assert errors[pseudo].mean() > 0.01


def test_a_stored_picture_is_what_its_row_renders(finished, ids):
    table = training_manifest(finished, ARMS[2], roles_of(ids, finished, 0), 0).to_pylist()
    noisy = [row for row in table if row["label_source"] == "pseudo" and row["distortion"] == "white_noise"]
    assert noisy
    for row in noisy[:3]:  # all depends on the seed
        cell = (row["distortion_id"], row["level"])
        frame = decode_image(finished.folder / "frames" / f"{row['reference_id']}.png")
        stored = load_pictures(finished, row["reference_id"]).images[CONDITIONS.index(cell)]
        assert np.array_equal(stored, render(frame, *cell, row["seed"]))


def test_the_report_adds_up(finished):
    report = Report(finished)
    values = [r["target"]["srcc"] for r in finished.results() if r["arm"] == "all"]
    assert report.as_json()["arms"]["all"]["target_srcc"]["mean"] == pytest.approx(np.mean(values))
    difference = report.difference("all", "baseline")
    assert difference.mean == pytest.approx(np.mean(values) - report.scores("baseline").mean())
    assert "all, gp labels - baseline" in report.as_text()
    assert decode_image(report.figure()).shape[1:] == (980, 3)
    assert (finished.folder / "report.png").is_file()


def test_the_network_sees_detail_about_128_and_gray():
    flat = np.full((1, 8, 8, 3), 90, np.uint8)
    assert np.unique(seen(flat)[..., :3]).tolist() == [128]
    assert np.unique(seen(flat)[..., 3]).tolist() == [90]
    flat[0, 4, 4, 0] = 115  # 25 above its neighbors, 24 above a mean of 25 pixels that holds it
    assert seen(flat)[0, 4, 4, 0] == 128 + 2 * 24


def test_five_wins_of_five_cannot_be_surer_than_one_in_sixteen():
    difference = compare_pairs(np.array([0.5, 0.6, 0.7, 0.8, 0.9]), np.array([0.4, 0.4, 0.4, 0.4, 0.4]))
    assert difference.values == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert (difference.better, difference.p_sign_flip, difference.p_wilcoxon) == (5, 2 / 32, 2 / 32)
    # mean 0.3, standard error sqrt(0.025 / 5) = 0.0707, t = 4.243 with 4 degrees of freedom: 2.776 * 0.0707 wide
    assert difference.half_width == pytest.approx(0.1963, abs=1e-4)
    assert difference.p_t == pytest.approx(0.0132, abs=1e-4)


def test_signs_are_flipped_in_every_way():
    # Sums of +-1 +-1 +-2: 4 2 2 0 0 -2 -2 -4; of the eight, six are at least 2 away from 0.
    assert sign_flip_p(np.array([1.0, -1.0, 2.0])) == 6 / 8


@pytest.mark.slow
def test_the_number_of_processes_changes_no_figure(photographs, finished, tmp_path):
    run = Run(tmp_path, SIZE)
    assert carry_on(run, photographs, workers=2)
    assert without_time(run.results()) == without_time(finished.results())
