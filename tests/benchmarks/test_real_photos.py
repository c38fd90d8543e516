"""The benchmark on real photographs: arms are fixed before a score is read, it goes on, and it adds up."""

import dataclasses
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import syndr_curate
import torch
from syndr_curate import CurateError, LabelColumns, read_manifest, write_manifest
from syndr_curate.curate.storage.images import decode_image, encode_image

import benchmarks.real_photos.__main__ as real_photos
import benchmarks.real_photos.finetuning.tasks as finetuning
from benchmarks.real_photos.__main__ import main
from benchmarks.real_photos.arms import ALL, BID, KEPT, SELECTED, read_arms, read_random_sets, type_sets, write_arms
from benchmarks.real_photos.evidence import BEGIN, END
from benchmarks.real_photos.finetuning.comparison import compare_finetuned
from benchmarks.real_photos.finetuning.networks import Rater
from benchmarks.real_photos.finetuning.tasks import trials_of
from benchmarks.real_photos.finetuning.training import Training
from benchmarks.real_photos.labels import make_labels, read_labels_of
from benchmarks.real_photos.pictures import CANDIDATES, LABELED, find_photographs, roles_of
from benchmarks.real_photos.report import as_markdown
from benchmarks.real_photos.scores import read_target_scores
from benchmarks.real_photos.settings import SIZES, TYPES, Inputs, NeighborLabels, Run
from benchmarks.real_photos.stages import Clock, carry_on, finetune, fix_arms
from benchmarks.real_photos.target import digest_of_pictures, pictures_of
from benchmarks.real_photos.thinning_report import finetuned_table
from benchmarks.real_photos.training_rows import read_kept, read_pools, read_rows

TARGET_PICTURES = 12


@pytest.fixture(scope="module")
def folders(image_folder):
    return {
        "pristine": image_folder("pristine", 5),
        "candidates": (image_folder("new", 3, first_seed=5), image_folder("more", 2, first_seed=8)),
        "target": image_folder("real", TARGET_PICTURES, first_seed=10),
    }


def make_inputs(folders, scores, folder):
    lines = ["name,score", *(f"real{k}.png,{score}" for k, score in enumerate(scores))]
    (folder / "scores.csv").write_text("\n".join(lines))
    columns = LabelColumns(id="name", label="score", std=None)
    table = syndr_curate.testset(
        "csv", images=folders["target"], labels=folder / "scores.csv", columns=columns, dataset="real"
    )
    write_manifest(table, folder / "target.parquet")
    return Inputs(folders["pristine"], folders["candidates"], folder / "target.parquet", folder / "target.parquet")


@pytest.fixture(scope="module")
def finished(folders, tmp_path_factory):
    inputs = make_inputs(folders, range(TARGET_PICTURES), tmp_path_factory.mktemp("scores"))
    run = Run(tmp_path_factory.mktemp("run"), SIZES["tiny"], inputs)
    return run, carry_on(run, Clock(1))


def files_of(run, *folders):
    paths = [path for name in folders for path in run.folder.glob(name) if path.is_file()]
    return {path.relative_to(run.folder).as_posix(): path.read_bytes() for path in paths}


def copy_files(run, other, *folders):
    for name in folders:
        shutil.copytree(run.folder / name, other.folder / name)


FIXED = ("arms.json", "second/*", "arms/*", "domains/*", "content/*", "labels/*", "target/*", "references/*/*")


def test_scores_of_noise_leave_types_rows_labels_and_weights_as_they_are(folders, finished, tmp_path_factory):
    run, _ = finished
    noise = np.random.default_rng(3).normal(50, 20, TARGET_PICTURES).round(3)
    inputs = make_inputs(folders, noise.tolist(), tmp_path_factory.mktemp("noise"))
    other = Run(tmp_path_factory.mktemp("other"), SIZES["tiny"], inputs)
    copy_files(run, other, "references", "manifests", "parts", "features", "measures")  # of pristine pictures alone
    assert fix_arms(other, Clock(1))
    before, after = files_of(run, *FIXED), files_of(other, *FIXED)
    assert before.keys() == after.keys()
    assert len(before) > 40
    assert [name for name in before if before[name] != after[name]] == []


def test_what_trains_and_predicts_does_not_even_import_what_reads_scores():
    root = Path(__file__).resolve().parents[2]
    code = (
        "import sys, benchmarks.real_photos.heads, benchmarks.real_photos.predictions, benchmarks.real_photos.stages\n"
        "assert not [name for name in sys.modules if name.endswith(('real_photos.scores', 'real_photos.supervised'))]"
    )
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)


def test_every_photograph_has_one_role_and_small_folders_are_used_up(finished):
    run, _ = finished
    roles = roles_of(run, find_photographs(run.inputs.pristine, run.inputs.candidates))
    assert len(roles.labeled) == 3
    assert not roles.labeled.keys() & roles.candidates.keys()
    kinds = [identifier.rstrip("0123456789") for identifier in roles.candidates]
    # Two pristine photographs are left; of three more, the folder of two gives one, that of three the rest.
    assert {kind: kinds.count(kind) for kind in kinds} == {"pristine": 2, "more": 1, "new": 2}


def test_photographs_of_one_name_are_refused(folders):
    with pytest.raises(CurateError, match="several folders have one name: 'pristine0'"):
        find_photographs(folders["pristine"], [folders["pristine"]])


def test_an_arm_holds_the_rows_and_labels_that_it_names(finished):
    run, _ = finished
    pools, arms = read_pools(run), {arm.key: arm for arm in read_arms(run)}
    bid = read_rows(run, arms[BID])
    assert len(bid.labels) == 3 * 6 * 3  # references, types, levels
    everything = read_rows(run, arms["bid-everything"])
    kept = len(read_kept(run))
    assert {pool: int((everything.pools == pool).sum()) for pool in np.unique(everything.pools)} == {
        **({KEPT: kept * 6 * 2} if kept else {}),
        LABELED: 54,
        "chains": 3 * 2,
        "camera": 3 * 10 * 2,
    }
    assert (everything.weights[:, 0] == 1).all()
    plain = read_rows(run, arms[ALL])
    cells = [(i[-5:], y) for i, y in zip(plain.sample_ids.tolist(), plain.labels.tolist(), strict=True)]
    assert len(set(cells)) == 24 * 3  # one mean per type and level
    assert pools[LABELED].labels.keys() == {"condition", "mdsi", "calibrated"}
    assert pools["chains"].labels.keys() == {"mdsi", "calibrated"}


def test_resamples_weigh_all_rows_of_a_reference_alike_and_draw_as_many_references(finished):
    run, _ = finished
    rows = read_rows(run, next(arm for arm in read_arms(run) if arm.key == ALL))
    by_reference = {}
    for identifier, weights in zip(rows.sample_ids.tolist(), rows.weights.tolist(), strict=True):
        by_reference.setdefault(identifier[:-6], set()).add(tuple(weights))
    assert all(len(weights) == 1 for weights in by_reference.values())
    assert np.sum([next(iter(weights)) for weights in by_reference.values()], axis=0).tolist() == [3] * 4


def test_a_constant_label_is_the_mean_of_the_labeled_rows_and_shuffling_stays_within_a_condition(finished):
    run, _ = finished
    arms = {arm.key: arm for arm in read_arms(run)}
    constant = read_rows(run, arms["bid-constant"])
    added = constant.pools == CANDIDATES
    assert constant.labels[added] == pytest.approx(constant.labels[~added].mean())
    plain, shuffled = (read_rows(run, arms[key]) for key in ("all-mdsi", "all-mdsi-shuffled"))
    condition = np.array([identifier[-5:] for identifier in plain.sample_ids])
    assert (plain.labels != shuffled.labels).mean() > 0.3
    for cell in np.unique(condition):
        places = condition == cell
        assert sorted(plain.labels[places]) == sorted(shuffled.labels[places])


def test_random_sets_are_as_large_as_the_selection(finished):
    run, _ = finished
    size = len(type_sets(run).get(SELECTED, type_sets(run)[BID]))
    sets = read_random_sets(run)
    assert len(sets) == 12
    assert all(len(set(types)) == size and set(types) <= set(TYPES) for types in sets)


def test_the_report_has_all_controls_and_says_how_many_comparisons(finished):
    run, results = finished
    text = as_markdown(results)
    for row in (
        "all types |",
        "preset bid, + selected candidates",
        "4 random sets",
        "5 folds",
        "other real set (12 pictures)",
    ):
        assert row in text
    trained = len(results["heads"]) + len(results["thinning"])
    assert results["comparisons"] == len(read_arms(run)) - 1 + trained
    assert f"{results['comparisons']} comparisons" in text
    assert decode_image(run.folder / "report.png").shape[1] == 1100
    assert (run.folder / "report.md").read_text() == f"{text}\n"


def test_a_second_start_computes_nothing_and_counts_no_second_look(finished):
    run, results = finished
    before = {path: path.stat().st_mtime_ns for path in run.folder.rglob("*.np[yz]")}
    assert carry_on(run, Clock(1)) == results
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert results["looks_at_half_b"] == 1


class MeanColor(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 3, 1)

    def forward(self, pictures):
        return self.layer(pictures).mean((2, 3))


def test_every_trial_is_fine_tuned_two_steps_with_its_controls(finished, monkeypatch):
    run, results = finished
    monkeypatch.setattr(finetuning, "make_network", lambda *_: Rater(MeanColor(), 3, (0.5,) * 3, (0.5,) * 3))
    training = Training(steps=2, batch=4, crop=32, feature_crop=32, answer_side=48, seeds=2)
    assert finetune(run, Clock(1), training)
    kept = {path: path.stat().st_mtime_ns for path in run.path("finetuned").rglob("*.npz")}
    assert finetune(run, Clock(1), training)  # nothing is left
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    target = read_target_scores(run.inputs.target, [f"real{k}" for k in range(TARGET_PICTURES)])
    lines = compare_finetuned(run, target, training)
    trials = [trial for trial, _ in trials_of(run)]
    assert [(line["arm"], line["way"], line["seeds"]) for line in lines] == [(t.arm, t.way, 2) for t in trials]
    assert {line["row"] for line in lines} >= set("abcdef")
    by_trial = {(line["arm"], line["way"]): line for line in lines}
    # As many rows at random: equal shares, epoch by epoch.
    for (arm, way), line in by_trial.items():
        if way == "half-random":
            assert line["kept"] == by_trial[arm, "half"]["kept"]
            assert "difference_to_random" in by_trial[arm, "half"]
    text = finetuned_table({**results, "finetuned": lines})
    assert text.count("\n") == 1 + len(trials)
    assert "as many at random" in text


def test_a_run_without_time_starts_nothing_and_another_plan_is_refused(finished, tmp_path):
    run, _ = finished
    assert carry_on(Run(tmp_path, run.size, run.inputs), Clock(1, time.monotonic() - 1)) is None
    assert not list(tmp_path.rglob("*.npy"))
    larger = dataclasses.replace(run.size, chains=3)
    with pytest.raises(CurateError, match="a run with another size"):
        carry_on(Run(run.folder, larger, run.inputs), Clock(1))


def test_an_unknown_arm_is_refused_by_name(finished):
    run, _ = finished
    with pytest.raises(CurateError, match="no arm 'bid-camera'; there are all, livec"):
        write_arms(dataclasses.replace(run, only=("bid-camera",)))


def test_the_neighbor_rule_labels_single_types_where_a_labeled_set_is_given(finished, tmp_path):
    run, _ = finished
    pool = read_pools(run)[LABELED]
    # A set that is labeled by the level alone: so are the neighbors' labels.
    names = zip(pool.sample_ids.tolist(), pool.references.tolist(), pool.levels.tolist(), strict=True)
    lines = ["dist_img,ref_img,dmos", *(f"{name}.png,{reference}.png,{6 - level}" for name, reference, level in names)]
    (tmp_path / "dmos.csv").write_text("\n".join(lines))
    lent = NeighborLabels(tmp_path / "dmos.csv", run.folder / "content" / "labeled.parquet", "gist")
    other = Run(tmp_path / "run", run.size, dataclasses.replace(run.inputs, neighbor_labels=lent))
    copy_files(run, other, "references", "manifests", "parts", "features", "measures")
    make_labels(other)
    found = {name: read_labels_of(other, name) for name in (LABELED, CANDIDATES, "chains")}
    assert "knn" not in found["chains"]
    by_level = {1: 10.0, 3: 5.0, 5: 0.0}
    assert found[LABELED]["knn"].tolist() == pytest.approx([by_level[level] for level in pool.levels.tolist()])
    assert set(np.round(found[CANDIDATES]["knn"], 6).tolist()) == {10.0, 0.0}  # levels 1 and 5


def test_a_target_with_the_same_names_and_other_pixels_is_another_run(folders, finished, tmp_path):
    run, _ = finished
    shutil.copytree(folders["target"], tmp_path / "real")
    for k in range(TARGET_PICTURES):
        path = tmp_path / "real" / f"real{k}.png"
        path.write_bytes(encode_image(decode_image(path) // 128 * 128))
    inputs = make_inputs({**folders, "target": tmp_path / "real"}, range(TARGET_PICTURES), tmp_path)
    with pytest.raises(CurateError, match="a run with another target"):
        fix_arms(dataclasses.replace(run, inputs=dataclasses.replace(inputs, second=run.inputs.second)), Clock(1))


def test_other_scores_of_the_same_pictures_are_no_other_run(folders, finished, tmp_path):
    run, _ = finished
    other = make_inputs(folders, range(TARGET_PICTURES, 0, -1), tmp_path)
    digests = [digest_of_pictures(pictures_of(run, inputs.target)) for inputs in (run.inputs, other)]
    assert digests[0] == digests[1]


def test_a_picture_without_a_score_is_refused_before_any_work(folders, finished, tmp_path):
    run, _ = finished
    inputs = make_inputs(folders, range(TARGET_PICTURES), tmp_path)
    table = read_manifest(inputs.target)
    scores = [None if row == 3 else score for row, score in enumerate(table["label"].to_pylist())]
    place = table.schema.get_field_index("label")
    field = table.schema.field(place)
    write_manifest(table.set_column(place, field, pa.array(scores, field.type)), inputs.target)
    identifier = table["sample_id"][3].as_py()
    with pytest.raises(CurateError, match=rf"no score for 1 pictures: '{identifier}'; give their scores, or leave"):
        fix_arms(Run(tmp_path / "run", run.size, inputs), Clock(1))
    assert not (tmp_path / "run").exists()


def test_a_pristine_photograph_that_cannot_be_read_is_named(folders, finished, tmp_path):
    run, _ = finished
    shutil.copytree(folders["pristine"], tmp_path / "pristine")
    for path in (tmp_path / "pristine").iterdir():
        path.write_bytes(b"torn")
    inputs = dataclasses.replace(run.inputs, pristine=tmp_path / "pristine")
    with pytest.raises(CurateError, match=r"pristine\d\.png: .*take the file out of the folder, or replace it"):
        fix_arms(Run(tmp_path / "run", run.size, inputs), Clock(1))


def test_the_report_says_that_no_type_was_selected(finished):
    _, results = finished
    assert "selects no type for this target" in as_markdown({**results, "selected": []})
    assert "selects no type for this target" not in as_markdown({**results, "selected": [1]})


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--device", "cuda"], "--device has no effect without --finetune"),
        (["--neighbor-encoder", "gist"], "--neighbor-encoder has no effect without --neighbor-labels"),
        (["--workers", "0"], "--workers 0: expected 1 or more"),
        (["--minutes", "nan"], "--minutes nan: expected more than 0"),
        (["--write-evidence", "nowhere.md"], "nowhere.md"),
    ],
)
def test_flags_that_would_do_nothing_are_refused_before_any_work(monkeypatch, capsys, tmp_path, flags, message):
    monkeypatch.setattr(sys, "argv", ["real_photos", "--size", "tiny", "--out", str(tmp_path / "run"), *flags])
    assert main() == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_run_that_time_cut_short_leaves_the_document_as_it_is(monkeypatch, capsys, finished, tmp_path):
    _, results = finished
    document = tmp_path / "evidence.md"
    document.write_text(f"{BEGIN}\n{END}\n")
    monkeypatch.setattr(real_photos, "carry_on", lambda *_: {**results, "complete": False})
    flags = ["--target", str(tmp_path / "t.parquet"), "--out", str(tmp_path / "run"), "--write-evidence", str(document)]
    monkeypatch.setattr(sys, "argv", ["real_photos", *flags])
    assert main() == 0
    assert document.read_text() == f"{BEGIN}\n{END}\n"
    assert "is left as it is" in capsys.readouterr().err
