"""Tables of the papers on miniature data sets: what is trained, what is done only once, what stands beside what."""

import csv
import importlib
import json
import sys
from pathlib import Path

import pytest
import torch
from syndr_curate import CurateError, read_manifest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FOLDERS = (EXAMPLES / "reproduce", EXAMPLES / "train_baseline")
OWN_MODULES = tuple(file.stem for folder in FOLDERS for file in folder.glob("*.py"))


@pytest.fixture(scope="module")
def example():
    """Import the example's modules as its own script would, and forget them afterwards."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    sys.path[:0] = [str(folder) for folder in FOLDERS]
    try:
        importlib.import_module("reproduce")
        importlib.import_module("miniature")
        yield {name: sys.modules[name] for name in OWN_MODULES if name in sys.modules}
    finally:
        torch.set_num_threads(threads)
        for folder in FOLDERS:
            sys.path.remove(str(folder))
        for name in OWN_MODULES:
            sys.modules.pop(name, None)


@pytest.fixture(scope="module", autouse=True)
def in_this_process(example):
    """Run the toolkit's commands here: a new process for each of them takes most of the time."""
    from syndr_curate.cli import app

    def command(*arguments):
        app(list(map(str, arguments)), standalone_mode=False)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("stages", "figures"):
            patch.setattr(example[name], "syndr_curate", command)
        yield


@pytest.fixture(scope="module")
def sets(example, tmp_path_factory):
    """Every data set in miniature; the file that says where they are."""
    return example["miniature"].make_sets(tmp_path_factory.mktemp("sets"))


@pytest.fixture(scope="module")
def table1(example, sets, tmp_path_factory):
    """Table 1 carried out; the flags of the command."""
    out = tmp_path_factory.mktemp("reproduction")
    flags = ["table1", "--paths", str(sets), "--out", str(out)]
    example["reproduce"].main(flags)
    return flags


def records(file):
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def assert_every_cell_is_filled(rows, table):
    names = {(row["row"], row["column"], row["metric"]) for row in rows}
    expected = {(m.name, t.name, metric) for m in table.methods for t in table.targets for metric in ("srcc", "plcc")}
    assert names == expected
    assert len(rows) == len(expected)
    for row in rows:
        assert -1 <= float(row["ours"]) <= 1


def test_table_1_runs_end_to_end_and_fills_every_cell(example, table1):
    results = Path(table1[-1]) / "results"
    rows = records(results / "table1.csv")
    assert_every_cell_is_filled(rows, example["paper"].TABLES["table1"])
    paper = {(row["row"], row["column"]): row["paper"] for row in rows if row["metric"] == "srcc"}
    assert paper["DGQA", "LIVE Challenge"] == "0.696"
    assert paper["SynDR-IQA", "BID"] == "0.788"
    assert (results / "table1.png").read_bytes().startswith(b"\x89PNG")
    assert (results / "table1.md").read_text().startswith("# Table 1: From KADID-10k to photographs\n")


def test_a_table_that_is_done_trains_nothing_and_says_the_same(example, table1, monkeypatch):
    results = Path(table1[-1]) / "results"
    before = (results / "table1.csv").read_bytes()

    def refused(*arguments):
        raise AssertionError(f"{arguments} is carried out a second time")

    monkeypatch.setattr(example["experiments"].Experiments, "_train", refused)
    monkeypatch.setattr(example["stages"], "syndr_curate", refused)
    example["reproduce"].main(table1)
    assert (results / "table1.csv").read_bytes() == before


def test_a_run_that_was_stopped_is_resumed_and_the_others_are_left_alone(example, table1, monkeypatch):
    runs = Path(table1[-1]) / "runs"
    stopped = next(runs.glob("livec-baseline-*"))
    (stopped / "done.json").rename(stopped / "kept.json")
    (stopped / "checkpoint.safetensors").write_bytes(b"")
    trained = []

    def train(_, arguments, name):
        trained.append((name, "--resume" in arguments))

    monkeypatch.setattr(example["experiments"].Experiments, "_train", train)
    example["reproduce"].main(table1)
    assert trained == [(stopped.name, True)]


def test_what_is_trained_for_dgqa_and_for_the_method_differs_in_the_variant_alone(table1):
    runs = sorted((Path(table1[-1]) / "runs").glob("bid-*"))
    flags = [json.loads((run / "done.json").read_text())["asked"]["flags"] for run in runs]
    pairs = [dict(zip(each[::2], each[1::2], strict=True)) for each in flags]
    assert [pair.pop("--variant") for pair in pairs] == ["baseline", "downsampling"]
    assert pairs[0] == pairs[1]
    assert pairs[0]["--test-short-side"] == "512"
    table = read_manifest(pairs[0]["--train"], training=True)
    assert set(table["distortion_id"].to_pylist()) == {1, 3, 9, 21, 23, 25}
    assert set(table["label_source"].to_pylist()) == {"mos", "pseudo"}


def test_work_asked_for_in_another_way_is_done_again(example, tmp_path):
    done_once, folder = example["commands"].done_once, tmp_path / "work"

    def work():
        (folder / f"{len(list(folder.iterdir()))}.txt").write_text("")
        return [1]

    assert done_once(folder, {"a": (1, 2)}, work) == [1]
    assert done_once(folder, {"a": [1, 2]}, lambda: 1 / 0) == [1]
    done_once(folder, {"a": 3}, work)
    assert sorted(file.name for file in folder.iterdir()) == ["1.txt", "asked.json", "done.json"]


def test_a_command_that_fails_ends_ours_with_one_line(example, sets, tmp_path, capfd):
    with pytest.raises(SystemExit, match="2"):
        example["reproduce"].main(["table2", "--out", str(tmp_path)])
    assert capfd.readouterr().err == (
        "error: where is pipal? Give --data pipal=FOLDER, or pipal under [data] of --paths FILE\n"
    )
    with pytest.raises(CurateError, match="syndr-curate testset ended with status 2; its own message is above"):
        example["commands"].syndr_curate("testset", "bid", "--root", tmp_path / "nowhere")
    assert "no folder" in capfd.readouterr().err
    assert sets.is_file()


def test_a_launcher_starts_the_trainer_as_a_program_of_its_own(example, monkeypatch, tmp_path):
    started = []
    monkeypatch.setattr(example["experiments"], "run", lambda command, name: started.append((command, name)))
    places = example["places"].Places({}, launcher="accelerate launch --num_processes 4")
    example["experiments"].Experiments(places, tmp_path)._train(["--seed", "1"], "a")
    script = str(EXAMPLES / "train_baseline" / "train.py")
    assert started == [(["accelerate", "launch", "--num_processes", "4", script, "--seed", "1"], "train.py")]


@pytest.mark.parametrize("suffix", ["toml", "json"])
def test_places_are_read_from_a_file_and_flags_come_before_it(example, tmp_path, suffix):
    texts = {
        "toml": 'candidates = 7\n[data]\nbid = "a"\nlive = "b"\n[train]\nepochs = 3\n',
        "json": '{"candidates": 7, "data": {"bid": "a", "live": "b"}, "train": {"epochs": 3}}',
    }
    file = tmp_path / f"paths.{suffix}"
    file.write_text(texts[suffix])
    found = example["places"].read_places(file, ["live=c"], ["crop=32"])
    assert found.data == {"bid": Path("a"), "live": Path("c")}
    assert found.train == {"epochs": 3, "crop": "32"}
    assert found.candidates == 7
    assert found.held_out == ("I06", "I07", "I18", "I19", "I53", "I58", "I70")
    assert found.backbone_of("swin_t") == ("swin_t", "cached")


def test_places_that_were_not_asked_for_are_refused_by_name(example, tmp_path):
    read = example["places"].read_places
    file = tmp_path / "paths.toml"
    file.write_text("seed = 1\n")
    with pytest.raises(CurateError, match="nothing is called 'seed' there; expected data, images"):
        read(file)
    file.write_text("seed = \n")
    with pytest.raises(CurateError, match="cannot be read as TOML or JSON"):
        read(file)
    with pytest.raises(CurateError, match="no data set is called 'spaq'; expected kadid10k"):
        read(None, ["spaq=x"])
    with pytest.raises(CurateError, match="--train epochs: expected NAME=VALUE"):
        read(None, [], ["epochs"])
    with pytest.raises(CurateError, match="no folder nowhere; expected that of bid"):
        read(None, ["bid=nowhere"]).folder_of("bid")


def test_ours_are_beside_the_papers_with_their_spread(example):
    paper, results = example["paper"], example["results"]
    methods = (paper.Method("DGQA", "baseline"), paper.Method("ours"))
    table = paper.Table("A title", methods, (paper.BID,), {("DGQA", "BID"): 0.77})
    cells = {
        ("DGQA", "BID"): results.Cell((0.1, 0.2, 0.6), (0.5, 0.5, 0.5)),
        ("ours", "BID"): results.Cell((0.25,), (0.75,)),
    }
    # Mean of 0.1, 0.2, 0.6: 0.3; deviations -0.2, -0.1, 0.3: sqrt(0.14 / 2) = 0.2646
    assert results.markdown("table1", table, cells).splitlines()[:6] == [
        "# Table 1: A title",
        "",
        "| | BID: paper SRCC | BID: SRCC | BID: PLCC |",
        "| --- | ---: | ---: | ---: |",
        "| DGQA | 0.770 | 0.300 ± 0.265 | 0.500 ± 0.000 |",
        "| ours |  | 0.250 | 0.750 |",
    ]
    assert results.csv_rows("table1", table, cells)[:3] == [
        ("table1", "DGQA", "BID", "srcc", "0.3000", "0.2646", 3, "0.770"),
        ("table1", "DGQA", "BID", "plcc", "0.5000", "0.0000", 3, ""),
        ("table1", "ours", "BID", "srcc", "0.2500", "", 1, ""),
    ]
    assert results.middle_and_spread((0.1, 0.2, 0.6), median=True)[0] == 0.2


def test_without_matplotlib_a_table_has_no_picture_and_says_so(example, monkeypatch, tmp_path, capsys):
    paper, results = example["paper"], example["results"]
    table = paper.Table("A title", (paper.OURS,), (paper.BID,))
    monkeypatch.setattr(results, "find_spec", lambda _: None)
    results.write_results("table1", table, {("SynDR-IQA", "BID"): results.Cell((0.5,), (0.5,))}, tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["table1.csv", "table1.md"]
    assert capsys.readouterr().err == "no picture of table1: pip install 'syndr-curate[plot]'\n"


def test_every_number_of_the_paper_is_of_a_row_and_a_column(example):
    tables = example["paper"].TABLES
    assert list(tables) == [f"table{number}" for number in range(1, 11)]
    for table in tables.values():
        rows, columns = [m.name for m in table.methods], [t.name for t in table.targets]
        assert len(set(rows)) == len(rows)
        assert all(row in rows and column in columns for row, column in table.paper)
    counts = {name: len(table.paper) for name, table in tables.items()}
    assert counts == {**dict.fromkeys(tables, 0), "table1": 6, "table2": 6, "table3": 8, "table4": 6}


def test_settings_of_the_tables_are_the_papers(example):
    tables = example["paper"].TABLES
    assert [target.types for target in tables["table2"].targets] == [f"pipal-{number}" for number in range(1, 7)]
    assert [target.distortion_class for target in tables["table2"].targets] == ["01", "02", "03", "04", "05", "06"]
    assert tables["table3"].splits == 10
    assert [method.variant for method in tables["table4"].methods] == [
        *("baseline", "candidates", "thinning", "candidates-thinning", "selection", "downsampling")
    ]
    assert [tuple(method.data.values()) for method in tables["table5"].methods] == [
        *((), ("1", "3"), ("3", "0.05"), ("5", "0.1"), ("10", "0.1"), ("1000", "3"))
    ]
    assert [tuple(method.flags.values()) for method in tables["table6"].methods] == [
        *(("1", "0.9"), ("0.5", "0.9"), ("1.5", "0.9"), ("1", "0.95"), ("1", "0.85"), ("0.5", "0.95"), ("1.5", "0.85"))
    ]
    assert [method.flags["keep-min"] for method in tables["table7"].methods] == ["20", "10", "30"]


def test_figures_are_commands_of_report(example):
    figures = example["figures"]
    features = {"ResNet-50": Path("a.parquet"), "Swin-T": Path("b.parquet")}
    assert figures.maps_command(Path("livec.parquet"), features, Path("fig4.html")) == [
        *("report", "livec.parquet", "--features", "ResNet-50=a.parquet", "--features", "Swin-T=b.parquet"),
        *("--out", "fig4.html", "--quiet"),
    ]
    assert figures.gallery_command(Path("livec.parquet"), Path("p.csv"), Path("fig10.html")) == [
        *("report", "livec.parquet", "--predictions", "p.csv", "--out", "fig10.html", "--quiet")
    ]


def test_a_figure_takes_the_features_of_every_model(example, sets, monkeypatch, tmp_path):
    from syndr_curate import load_features

    drawn = []
    monkeypatch.setattr(example["figures"], "syndr_curate", lambda *command: drawn.append(command))
    figure = example["paper"].FIGURES["fig4"]
    models = tuple(example["paper"].Method(m.name, m.variant, m.backbone) for m in figure.models[:2])
    fewer = example["paper"].Figure(figure.title, figure.test, models, "livec")
    experiments = example["experiments"].Experiments(example["places"].read_places(sets), tmp_path)
    example["figures"].make_figure("fig4", fewer, experiments, seed=1, folder=tmp_path / "results")
    files = [text.partition("=")[2] for text in drawn[0] if "=" in text]
    found = [load_features(file) for file in files]
    assert [len(each.matrix) for each in found] == [6, 6]
    assert found[0].ids == tuple(read_manifest(drawn[0][1])["sample_id"].to_pylist())


@pytest.fixture
def planned(example, monkeypatch, tmp_path):
    """Make the manifests of a run by name alone and return what would be trained: nothing is carried out."""
    stages, experiments = example["stages"], example["experiments"]

    def made(command, *arguments):
        if command == "upsample":
            file = Path(arguments[arguments.index("--out") + 1])
            file.write_text(" ".join(map(str, arguments)))

    monkeypatch.setattr(stages, "syndr_curate", made)
    monkeypatch.setattr(experiments, "digest_file", lambda file: file.stem)

    def plan(method, target, *, out=tmp_path, **places):
        data = dict.fromkeys(example["places"].SETS, tmp_path / "data")
        (tmp_path / "data").mkdir(exist_ok=True)
        found = experiments.Experiments(example["places"].Places(data, **places), out)
        trained = []

        def train(_, arguments, name):
            trained.append((name, arguments))
            (out / "runs" / name / "checkpoint.safetensors").write_bytes(b"")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(experiments.Experiments, "_train", train)
            folder, _ = found._trained(method, (target,), 123, None, keep_model=False)
        return folder, trained

    return plan


def test_other_held_out_references_are_other_manifests_and_another_run(example, planned):
    paper = example["paper"]
    first, trained = planned(paper.OURS, paper.LIVEC, held_out=["I06"])
    second, again = planned(paper.OURS, paper.LIVEC, held_out=["I07"])
    assert first != second
    files = [Path(flags[flags.index("--train") + 1]) for ((_, flags),) in (trained, again)]
    splits = [Path(file.read_text().split("--split-file ")[1].split()[0]).read_text() for file in files]
    assert splits == ["reference_id,split\nI06,val\n", "reference_id,split\nI07,val\n"]


def test_another_number_of_processes_is_another_run_and_another_number_of_workers_is_not(example, planned):
    paper = example["paper"]
    alone, trained = planned(paper.OURS, paper.LIVEC, train={"workers": 4})
    assert len(trained) == 1
    assert planned(paper.OURS, paper.LIVEC, train={"workers": 8}) == (alone, [])
    assert planned(paper.OURS, paper.LIVEC, launcher="accelerate launch --num_processes 4")[0] != alone
    assert planned(paper.OURS, paper.LIVEC, train={"workers": 4, "epochs": 3})[0] != alone


def test_the_first_row_of_table_5_is_the_run_of_table_1(example, planned):
    tables, livec = example["paper"].TABLES, example["paper"].LIVEC
    method, first = tables["table1"].methods[1], tables["table5"].methods[0]
    folder, trained = planned(method, livec)
    assert len(trained) == 1
    assert planned(first, livec) == (folder, [])


def test_how_the_folder_is_spelled_makes_no_difference(example, monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(example["reproduce"], "cells_of", lambda *asked: seen.append(asked[1].out))
    monkeypatch.setattr(example["reproduce"], "write_results", lambda *_: "")
    monkeypatch.chdir(tmp_path)
    for spelled in ("out", "./out", str(tmp_path / "out")):
        example["reproduce"].main(["table1", "--out", spelled])
    assert set(seen) == {(tmp_path / "out").resolve()}


@pytest.mark.parametrize("flag", ["seed=1", "variant=baseline", "stop-after=1", "test-split=train"])
def test_flags_that_a_table_sets_itself_are_refused(example, flag):
    with pytest.raises(CurateError, match=f"train: {flag.partition('=')[0]} is not for you to set"):
        example["places"].read_places(None, [], [flag])


@pytest.mark.slow
def test_every_table_runs_end_to_end_and_fills_every_cell(example, table1):
    example["reproduce"].main([*example["paper"].TABLES, *table1[1:]])
    for name, table in example["paper"].TABLES.items():
        results = Path(table1[-1]) / "results"
        assert_every_cell_is_filled(records(results / f"{name}.csv"), table)
        assert (results / f"{name}.md").is_file()
    assert {row["runs"] for row in records(Path(table1[-1]) / "results" / "table3.csv")} == {"10"}


@pytest.mark.slow
def test_every_figure_is_drawn(example, table1, syndr_curate):
    if "--predictions" not in syndr_curate("report", "--help").stdout:
        pytest.skip("report has no maps side by side and no gallery yet")
    example["reproduce"].main([*example["paper"].FIGURES, *table1[1:]])
    for name in example["paper"].FIGURES:
        assert "<html" in (Path(table1[-1]) / "results" / f"{name}.html").read_text(encoding="utf-8")


def test_the_example_uses_the_public_names_alone():
    for file in FOLDERS[0].glob("*.py"):
        assert file.name == "miniature.py" or "syndr_curate.curate" not in file.read_text()
