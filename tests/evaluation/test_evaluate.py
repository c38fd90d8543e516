"""`evaluate`: grouped, paired and bootstrapped scores equal a plain computation over lists."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats
from syndr_curate import CurateError, evaluate, split
from syndr_curate.curate.evaluation.agreement import agreement_of
from syndr_curate.curate.evaluation.settings import METRICS
from syndr_curate.curate.manifest.manifest import write_manifest
from syndr_curate.curate.manifest.provenance import attach
from syndr_curate.curate.manifest.seeds import context_seed

from ..making import Notes, training_rows

REFERENCES, IMAGES = 8, 10


@pytest.fixture
def truth():
    """Eight references with ten images each; types 1 and 10, levels 1 to 5."""
    ids = [f"r{r}_{1 if i < 5 else 10:02d}_{i % 5 + 1:02d}" for r in range(REFERENCES) for i in range(IMAGES)]
    rng = np.random.default_rng(1)
    kinds = [int(name.split("_")[1]) for name in ids]
    return attach(
        training_rows(
            ids,
            rng.uniform(0, 10, len(ids)),
            reference_id=[name.split("_")[0] for name in ids],
            distortion_id=kinds,
            distortion=["gaussian_blur" if kind == 1 else "jpeg" for kind in kinds],
            level=[int(name[-1]) for name in ids],
            dataset=["ours" if n % 3 else None for n in range(len(ids))],
            split="test",
        ),
        {"stage": "test"},
    )


def guesses(table, noise, seed=0):
    """Predictions of a model that errs by so much, in an order of their own."""
    rng = np.random.default_rng(seed)
    scores = table["label"].to_numpy() + noise * rng.normal(size=len(table))
    order = rng.permutation(len(table))
    return pa.table({"id": table["sample_id"].take(order), "score": scores[order]})


def plain(table, predictions, keep=None):
    """Labels and scores of the rows kept, matched by id, one by one."""
    score_of = dict(zip(predictions["id"].to_pylist(), predictions["score"].to_pylist(), strict=True))
    rows = [row for row in table.to_pylist() if keep is None or keep(row)]
    return np.array([row["label"] for row in rows]), np.array([score_of[row["sample_id"]] for row in rows])


def test_a_chain_that_names_a_type_is_not_scored_with_it(truth):
    steps = [{"distortion_id": kind, "level": 1.0, "seed": 1} for kind in (1, 11)]
    is_chain = [row["distortion_id"] == 1 and row["level"] > 3 for row in truth.to_pylist()]
    chains = pa.array([steps if chained else None for chained in is_chain], truth.schema.field("chain").type)
    table = truth.set_column(truth.schema.get_field_index("chain"), "chain", chains)
    model = guesses(truth, 2.0)
    kept = {each.group: each.runs["predictions"] for each in evaluate(model, table, by=["type"]).groups}
    assert list(kept) == ["1 gaussian_blur", "10 jpeg", "(none)"]
    assert kept["1 gaussian_blur"] == agreement_of(
        *plain(table, model, lambda row: row["distortion_id"] == 1 and row["chain"] is None)
    )
    assert kept["(none)"] == agreement_of(*plain(table, model, lambda row: row["chain"] is not None))


def test_groups_are_scored_like_tables_of_their_own(truth):
    model = guesses(truth, 2.0)
    found = evaluate(model, truth, by=["type", "level", "reference_id", "dataset"])
    assert found.overall.runs["predictions"] == agreement_of(*plain(truth, model))
    kept = {(each.by, each.group): each.runs["predictions"] for each in found.groups}
    assert list(kept)[:7] == [
        *(("type", "1 gaussian_blur"), ("type", "10 jpeg")),
        *(("level", str(level)) for level in range(1, 6)),
    ]
    assert list(kept)[-2:] == [("dataset", "ours"), ("dataset", "(none)")]
    assert kept["type", "10 jpeg"] == agreement_of(*plain(truth, model, lambda row: row["distortion_id"] == 10))
    assert kept["level", "3"] == agreement_of(*plain(truth, model, lambda row: row["level"] == 3))
    assert kept["reference_id", "r5"] == agreement_of(*plain(truth, model, lambda row: row["reference_id"] == "r5"))
    labels, scores = plain(truth, model, lambda row: row["dataset"] is None)
    assert kept["dataset", "(none)"].srcc == pytest.approx(stats.spearmanr(labels, scores).statistic)


def test_runs_are_summed_up_by_mean_median_and_sample_deviation(truth):
    runs = {f"run{n}": guesses(truth, 1.0 + n, n) for n in range(4)}
    found = evaluate(runs, truth).overall
    values = [stats.spearmanr(*plain(truth, run)).statistic for run in runs.values()]
    statistics = found.statistics("srcc")
    assert (statistics.runs, statistics.mean) == (4, pytest.approx(np.mean(values)))
    assert statistics.median == pytest.approx((sorted(values)[1] + sorted(values)[2]) / 2)
    assert statistics.sd == pytest.approx(np.sqrt(sum((v - np.mean(values)) ** 2 for v in values) / 3))
    assert evaluate(runs["run0"], truth).overall.statistics("srcc").sd is None


def test_one_baseline_is_paired_with_every_run_and_several_each_with_its_own(truth):
    runs = {"a": guesses(truth, 1.0, 1), "b": guesses(truth, 2.0, 2), "c": guesses(truth, 1.5, 3)}
    bases = {"c": guesses(truth, 3.0, 6), "a": guesses(truth, 3.0, 4), "b": guesses(truth, 4.0, 5)}
    score = {name: stats.pearsonr(*plain(truth, run)).statistic for name, run in runs.items()}
    base = {name: stats.pearsonr(*plain(truth, run)).statistic for name, run in bases.items()}
    differences = [score[name] - base[name] for name in "abc"]
    found = evaluate(runs, truth, baseline=bases, bootstrap=0).overall.difference("plcc")
    assert (found.mean, found.median) == (pytest.approx(np.mean(differences)), pytest.approx(np.median(differences)))
    assert (found.low, found.high) == (None, None)
    found = evaluate(runs, truth, baseline=bases["a"], bootstrap=0).overall.difference("plcc")
    assert found.mean == pytest.approx(np.mean([score[name] - base["a"] for name in "abc"]))


@pytest.mark.parametrize("by", ["overall", "type"])
def test_the_interval_is_that_of_a_plain_bootstrap_over_references_and_runs(truth, by):
    runs = {"a": guesses(truth, 1.0, 1), "b": guesses(truth, 2.0, 2)}
    base, draws = guesses(truth, 3.0, 4), 40
    found = evaluate(runs, truth, by=["type"], baseline=base, bootstrap=draws, seed=7)
    group = found.overall if by == "overall" else found.groups[1]
    rows = [row for row in truth.to_pylist() if by == "overall" or row["distortion_id"] == 10]
    score_of = {
        name: dict(zip(run["id"].to_pylist(), run["score"].to_pylist(), strict=True))
        for name, run in {**runs, "base": base}.items()
    }
    rng = np.random.Generator(np.random.PCG64(context_seed("evaluate", 7, group.by, group.group)))
    values = {metric: [] for metric in METRICS}
    for _ in range(draws):
        references = [f"r{int(u * REFERENCES)}" for u in rng.random(REFERENCES)]
        names = ["ab"[int(u * 2)] for u in rng.random(2)]
        drawn = [row for reference in references for row in rows if row["reference_id"] == reference]
        labels = np.array([row["label"] for row in drawn])
        scored = {
            name: agreement_of(labels, np.array([scores[row["sample_id"]] for row in drawn]))
            for name, scores in score_of.items()
        }
        for metric in METRICS:
            values[metric].append(np.mean([scored[name].of(metric) - scored["base"].of(metric) for name in names]))
    for metric in METRICS:
        interval = group.difference(metric)
        expected = np.percentile(values[metric], [2.5, 97.5])
        # The logistic starts elsewhere there, and may end a little beside.
        close = 1e-2 if "logistic" in metric else 1e-9
        assert [interval.low, interval.high] == pytest.approx(expected, abs=close)
        assert interval.low < interval.mean < interval.high


def test_the_interval_covers_the_true_difference_about_as_often_as_it_says():
    """Two models of equal error: the difference is 0, and at most a few of 40 intervals miss it."""
    missed = 0
    for trial in range(40):
        rng = np.random.default_rng(trial)
        table = training_rows([f"p{n}" for n in range(100)], rng.uniform(0, 10, 100), split="test")
        first, second = guesses(table, 3.0, 100 + trial), guesses(table, 3.0, 200 + trial)
        found = evaluate(first, table, baseline=second, bootstrap=100).overall.intervals["srcc"]
        missed += not found[0] <= 0 <= found[1]
    assert missed <= 6  # 2 are expected; more than 6 have a chance below 0.4 %


def test_neither_the_order_of_rows_nor_of_runs_changes_an_interval(truth):
    runs = {"a": guesses(truth, 1.0, 1), "b": guesses(truth, 2.0, 2)}
    base = guesses(truth, 3.0, 4)
    first = evaluate(runs, truth, baseline=base, bootstrap=20).overall.intervals
    turned = truth.take(list(range(len(truth)))[::-1])
    second = evaluate(dict(reversed(runs.items())), turned, baseline=base, bootstrap=20).overall.intervals
    for metric in ("srcc", "krcc", "plcc"):
        assert second[metric] == pytest.approx(first[metric], abs=1e-12)


def test_one_reference_has_no_interval(truth):
    one = truth.slice(0, IMAGES)
    found = evaluate(guesses(one, 1.0), one, baseline=guesses(one, 2.0), bootstrap=20).overall
    assert found.intervals == {}
    assert found.difference("srcc").low is None


def test_rows_whose_value_is_nan_are_in_one_group(truth):
    value = pa.array([float("nan"), 0.5, None, 2.0] * 20)
    found = evaluate(guesses(truth, 1.0), truth.append_column("sharpness", value), by=["sharpness"])
    assert [(each.group, each.rows()) for each in found.groups] == [
        ("0.5", (20, 20)),
        ("2.0", (20, 20)),
        ("(none)", (40, 40)),
    ]


def test_scores_of_sixteen_bits_are_read(truth):
    model = guesses(truth, 1.0)
    half = pa.table({"id": model["id"], "score": model["score"].to_numpy().astype(np.float16)})
    assert evaluate(half, truth).overall.statistics("srcc").median > 0.8


def test_a_group_that_some_runs_lack_is_scored_on_the_others(truth):
    """Run a is tested on r0 to r3, run b on the rest; no run has both groups."""
    parts = {
        name: {f"r{n}": "test" if (n < 4) == (name == "a") else "train" for n in range(REFERENCES)} for name in "ab"
    }
    half = pa.array(["low" if n < 40 else "high" for n in range(len(truth))])
    runs = {"a": guesses(truth, 1.0, 1), "b": guesses(truth, 1.0, 2)}
    found = evaluate(
        runs, truth.append_column("half", half), by=["half"], splits=parts, baseline=guesses(truth, 3.0), bootstrap=20
    )
    high, low = found.groups
    assert [run.rows for run in low.runs.values()] == [40, 0]
    assert low.statistics("srcc").runs == 1
    assert low.difference("srcc").mean == low.runs["a"].srcc - low.baseline["a"].srcc
    assert low.difference("srcc").low < low.difference("srcc").high
    assert high.runs["a"].srcc is None


def test_each_run_is_tested_on_its_own_split(truth):
    drawn = split(truth, fractions=(0.5, 0.5), seeds=3)
    runs = {name: guesses(truth, 2.0, n) for n, name in enumerate(drawn)}
    found = evaluate(runs, truth, splits=drawn, by=["type"])
    for name, parts in drawn.items():
        expected = agreement_of(*plain(truth, runs[name], lambda row, of=parts: of[row["reference_id"]] == "test"))
        assert found.overall.runs[name] == expected
        assert expected.rows == REFERENCES // 2 * IMAGES
    assert found.unused == 3 * REFERENCES // 2 * IMAGES
    one = next(iter(drawn))
    kept = found.scored[one]
    assert {name.split("_")[0] for name in kept["sample_id"].to_pylist()} == {
        name for name, part in drawn[one].items() if part == "test"
    }


def test_rows_of_one_split_are_scored_alone(truth):
    parts = pa.array(["train" if n < 40 else "val" for n in range(len(truth))]).dictionary_encode()
    table = truth.set_column(truth.column_names.index("split"), truth.schema.field("split"), parts)
    model = guesses(truth, 1.0)
    assert evaluate(model, table, split="val").overall.runs["predictions"].rows == 40
    with pytest.raises(CurateError, match="no labeled row of the test manifest is of split 'test'; expected some"):
        evaluate(model, table, split="test")


def test_rows_without_a_label_and_predictions_without_a_row_are_counted_and_noted(truth):
    status = pa.array(["unreadable"] + ["ok"] * (len(truth) - 1)).dictionary_encode()
    table = truth.set_column(truth.column_names.index("status"), truth.schema.field("status"), status)
    notes = Notes()
    found = evaluate(guesses(truth, 1.0), table, reporter=notes)
    assert (found.rows_left_out, found.unused) == (1, 1)
    assert notes.told == [
        "1 rows of the test manifest have no label or a status other than ok: left out",
        "1 predictions are for images that are not scored: not used",
    ]


def constant(table):
    """Predictions of a network that collapsed to one value."""
    return pa.table({"id": table["sample_id"], "score": pa.array([5.0] * len(table))})


def test_a_run_that_is_left_out_of_a_mean_is_named(truth):
    notes = Notes()
    runs = {"good": guesses(truth, 1.0), "collapsed": constant(truth)}
    found = evaluate(runs, truth, by=["type"], reporter=notes).overall
    assert found.statistics("srcc").runs == 1
    reason = (
        "constant scores or labels, or fewer than five rows: left out of the scores that they or their baselines lack"
    )
    assert notes.told == [
        f"warning: 1 of 2 runs have {reason}: 'collapsed'",
        f"warning: in 2 groups some runs have {reason}: 'type 1 gaussian_blur', 'type 10 jpeg'",
    ]


def test_a_run_whose_baseline_collapsed_is_named(truth):
    notes = Notes()
    runs = {"a": guesses(truth, 1.0), "b": guesses(truth, 2.0)}
    found = evaluate(runs, truth, baseline={"a": constant(truth), "b": runs["a"]}, bootstrap=0, reporter=notes).overall
    assert (
        found.difference("srcc").mean == found.difference("srcc").median == found.runs["b"].srcc - found.runs["a"].srcc
    )
    assert [note.rpartition(": ")[2] for note in notes.told] == ["'a'"]


def test_rows_without_a_value_are_not_those_whose_value_says_none(truth):
    words = pa.array(["(none)"] * 30 + [None] * (len(truth) - 30))
    found = evaluate(guesses(truth, 1.0), truth.append_column("words", words), by=["words"])
    assert [(each.group, each.rows()[0]) for each in found.groups] == [("(none)", 30), ("((none))", 50)]


def test_references_that_split_takes_for_one_are_drawn_together(truth):
    """Every second image of a reference has its name in capitals: the interval stays."""
    names = truth["reference_id"].to_pylist()
    turned = [name.upper() if n % 2 else name for n, name in enumerate(names)]
    mixed = truth.set_column(
        truth.column_names.index("reference_id"), truth.schema.field("reference_id"), pa.array(turned)
    )
    model, base = guesses(truth, 1.0), guesses(truth, 3.0, 4)
    first, second = (evaluate(model, table, baseline=base, bootstrap=20).overall.intervals for table in (truth, mixed))
    assert first == second


def test_scores_of_degradation_are_negated(truth):
    model = guesses(truth, 1.0)
    turned = pa.table({"sample_id": model["id"], "badness": -model["score"].to_numpy()})
    found = evaluate(turned, truth, score_column="badness", lower_is_better=True)
    assert found.overall.runs == evaluate(model, truth).overall.runs


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_files_and_tables_are_scored_alike(truth, tmp_path, suffix):
    write_manifest(truth, tmp_path / "test.parquet")
    model, path = guesses(truth, 1.0), tmp_path / f"run.{suffix}"
    save(model, path)
    found = evaluate(str(path), tmp_path / "test.parquet")
    assert found.overall.runs == {"run": evaluate(model, truth).overall.runs["predictions"]}


def save(table, path):
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(table, path)
        return
    mark = "\t" if path.suffix == ".tsv" else ","
    rows = zip(*(table[name].to_pylist() for name in table.column_names), strict=True)
    path.write_text("\n".join(mark.join(map(str, row)) for row in [table.column_names, *rows]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.slice(1), "the predictions has no score for 1 of 80 labeled rows of the test manifest: 'r"),
        (lambda t: pa.table({"id": [f"{i}.png" for i in t["id"].to_pylist()], "score": t["score"]}), "image suffix"),
        (lambda t: t.rename_columns(["id", "prediction"]), "has the columns id, prediction; expected one 'id'"),
        (lambda t: t.append_column("sample_id", t["id"]), "has the columns id, score, sample_id; expected one"),
        (lambda t: pa.concat_tables([t, t.slice(0, 1)]), "1 ids occur more than once"),
        (lambda t: t.slice(0, 0), "has no predictions; expected a row per image"),
        (
            lambda t: pa.table({"id": t["id"], "score": [np.nan, *[1.0] * 79]}),
            "1 scores are not finite numbers below .*: 'r",
        ),
        (lambda t: pa.table({"id": t["id"], "score": ["x", *["1"] * 79]}), "the first is 'x'"),
        (lambda t: t.append_column("score", t["score"]), "has the columns id, score, score; expected one 'id'"),
        (lambda t: pa.table({"id": t["id"], "score": [1e200, *[1.0] * 79]}), r"not finite numbers below 1e.100: 'r"),
        (lambda t: pa.table({"id": t["id"], "score": [True] * 80}), "80 scores are not finite numbers"),
        (lambda t: pa.table({"id": list(range(80)), "score": t["score"]}), "column 'id': the id 0 is no text"),
        (lambda t: pa.table({"id": t["id"], "score": [None, *[1.0] * 79]}), "the first is None"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(truth, change, said):
    with pytest.raises(CurateError, match=said):
        evaluate(change(guesses(truth, 1.0)), truth)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"by": ["kind"]}, "has no column 'kind' to group by; expected type or one of sample_id"),
        ({"by": ["neighbors"]}, "column 'neighbors' of the test manifest holds lists"),
        ({"by": "type"}, "'type' is one text; expected a list"),
        ({"split": "dev"}, "split is 'dev'; expected train, val, test"),
        ({"splits": {"other": {"r1": "test"}}}, "there is no split for the runs 'predictions'; expected one named"),
        ({"splits": {"predictions": {"R1": "test"}}}, "the splits name 1 ids .*: 'R1'; 1 would match but for upper"),
        ({"baseline": {"other": pa.table({})}}, "there is no baseline for the runs 'predictions'"),
        ({"bootstrap": 1.5}, "bootstrap is 1.5; expected a whole number"),
        ({"bootstrap": -1}, "bootstrap is -1; expected a whole number, 0 or more"),
    ],
)
def test_requests_that_mean_nothing_are_refused(truth, asked, said):
    with pytest.raises(CurateError, match=said):
        evaluate(guesses(truth, 1.0), truth, **asked)


def test_a_test_set_without_labels_is_refused(truth):
    bare = truth.set_column(truth.column_names.index("label"), "label", pa.nulls(len(truth), pa.float32()))
    with pytest.raises(CurateError, match="the test manifest has no row with status ok and a label"):
        evaluate(guesses(truth, 1.0), bare)


def test_files_of_one_name_are_known_by_their_folders(truth, tmp_path):
    paths = [tmp_path / run / "test.csv" for run in ("seed0", "seed1")]
    for path in paths:
        save(guesses(truth, 1.0), path)
    assert list(evaluate(paths, truth).overall.runs) == ["seed0", "seed1"]


def test_files_with_names_alike_are_refused(truth, tmp_path):
    with pytest.raises(CurateError, match="several would be called 'run': give each file once"):
        evaluate([tmp_path / "a" / "run" / "1.csv", tmp_path / "b" / "run" / "1.csv"], truth)
    with pytest.raises(CurateError, match="no predictions are given; expected at least one file"):
        evaluate([], truth)


@pytest.fixture
def experiment(truth, tmp_path):
    """Two runs and their baselines in folders, a split file for each, and the test manifest."""
    write_manifest(truth, tmp_path / "test.parquet")
    for n, (name, parts) in enumerate(split(truth, fractions=(0.5, 0.5), seeds=2).items()):
        save(guesses(truth, 1.0, n), tmp_path / "runs" / f"{name}.csv")
        save(guesses(truth, 3.0, n + 5), tmp_path / "base" / f"{name}.csv")
        lines = ["reference_id,split", *(f"{reference},{part}" for reference, part in parts.items())]
        (tmp_path / "splits").mkdir(exist_ok=True)
        (tmp_path / "splits" / f"{name}.csv").write_text("\n".join(lines))
    return tmp_path


def test_the_command_takes_what_a_shell_makes_of_a_star(syndr_curate, experiment):
    runs = ["runs/seed_123.csv", "runs/seed_124.csv"]
    flags = ["--test", "test.parquet", "--splits", "splits", "--baseline", "base", "--bootstrap", 20, "--by", "type"]
    done = json.loads(syndr_curate("evaluate", "--predictions", *runs, *flags, "--json", cwd=experiment).stdout)
    found = evaluate(
        [experiment / run for run in runs],
        experiment / "test.parquet",
        splits=experiment / "splits",
        baseline=experiment / "base",
        bootstrap=20,
        by=["type"],
    )
    assert done == json.loads(json.dumps(found.as_json()))
    assert done["rows"] == 40
    assert done["srcc"] == found.overall.statistics("srcc").median
    assert done["difference"]["srcc"]["low"] < done["difference"]["srcc"]["mean"]
    assert list(done["by"]["type"]) == ["1 gaussian_blur", "10 jpeg"]


def test_files_may_be_separated_by_commas(syndr_curate, experiment):
    flags = ["--test", "test.parquet", "--json"]
    done = syndr_curate("evaluate", "--predictions", "runs/seed_123.csv,runs/seed_124.csv", *flags, cwd=experiment)
    assert list(json.loads(done.stdout)["runs"]) == ["seed_123", "seed_124"]


def test_the_command_prints_a_table_markdown_or_csv(syndr_curate, experiment):
    flags = ["--predictions", "runs/seed_123.csv", "--test", "test.parquet", "--by", "level"]
    shown = {
        layout: syndr_curate("evaluate", *flags, "--format", layout, cwd=experiment).stdout.splitlines()
        for layout in ("table", "markdown", "csv")
    }
    assert shown["csv"][0] == "by,group,rows,statistic,srcc,krcc,plcc,plcc_logistic,rmse_logistic"
    exact = evaluate(experiment / "runs" / "seed_123.csv", experiment / "test.parquet").overall.statistics("srcc")
    assert shown["csv"][1].split(",")[:5] == ["overall", "overall", "80", "score", repr(exact.median)]
    assert shown["markdown"][1] == "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    assert shown["markdown"][2].startswith(f"| overall | overall | 80 | score | {exact.median:.4f} |")
    assert shown["table"][2].split()[:5] == ["overall", "overall", "80", "score", f"{exact.median:.4f}"]
    assert [len(lines) for lines in shown.values()] == [8, 8, 7]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "--predictions FILE is needed"),
        (["runs/seed_123.csv"], "--test FILE is needed"),
        (["runs/seed_123.csv", "--test", "test.parquet", "--bootstrap", 9], "--bootstrap has no effect without --base"),
        (["runs/seed_123.csv", "--test", "test.parquet", "--plot", "a.jpg"], "--plot a.jpg: the picture is a PNG"),
        (
            ["runs/seed_123.csv", "--test", "test.parquet", "--json", "--format", "csv"],
            "--format has no effect with --json, which prints no table",
        ),
        (["runs/x.csv", "--test", "test.parquet"], "no predictions at runs/x.csv"),
        (["runs/seed_123.csv", "--test", "test.parquet", "--splits", "no"], "no folder no; expected a folder of split"),
        (["runs/seed_123.csv", "--test", "test.parquet", "--baseline", "splits/.."], "has no baseline for 'seed_123'"),
    ],
)
def test_the_command_says_what_is_wrong(syndr_curate, experiment, flags, said):
    done = syndr_curate("evaluate", *flags, cwd=experiment, check=False)
    assert done.returncode == 2
    assert said in done.stderr


def test_100_000_predictions_are_scored_in_seconds(tmp_path):
    import time

    rng = np.random.default_rng(0)
    table = training_rows([f"p{n}" for n in range(100_000)], rng.uniform(0, 10, 100_000), split="test")
    save(guesses(table, 3.0), tmp_path / "run.csv")
    started = time.process_time()
    assert evaluate(tmp_path / "run.csv", table).overall.runs["run"].srcc > 0.6
    assert time.process_time() - started < 5
