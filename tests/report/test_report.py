"""The command `report`: what it writes, and what it refuses."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from syndr_curate import load_features, read_manifest, report, save_features
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.report.contents import make_contents
from syndr_curate.curate.report.maps import layout as report_layout
from syndr_curate.curate.report.maps.models import UNNAMED
from syndr_curate.curate.report.report import run_report
from syndr_curate.curate.report.request import ReportRequest, read_inputs
from syndr_curate.curate.report.settings import ReportSettings


def asked_for(report_files, out, **changes):
    folder = report_files.folder
    request = ReportRequest(
        manifests=(folder / "train.parquet", folder / "epoch3.parquet"),
        out=out,
        features={UNNAMED: (folder / "epoch3.npz",)},
        selection=folder / "selection.parquet",
        reference_features=folder / "references.npz",
        candidate_features=folder / "candidates.npz",
        settings=ReportSettings(projection="pca"),
        workers=1,
    )
    return replace(request, **changes)


@pytest.fixture(scope="module")
def full(report_files):
    """Ask for everything, and work it out once."""
    request = asked_for(report_files, report_files.folder / "full.html")
    return make_contents(read_inputs(request), request).payload


def test_the_command_writes_one_file_that_holds_everything(syndr_curate, report_files, tmp_path):
    done = syndr_curate("report", *report_files.flags(), "--out", tmp_path / "r.html", "--json", "--quiet")
    summary = json.loads(done.stdout)
    assert (summary["rows_before"], summary["rows_after"], summary["rows_left"], summary["rows_came"]) == (
        20,
        10,
        10,
        0,
    )
    assert summary["points"] == {"samples": 20, "references": 6}
    assert summary["missing"] == []
    page = (tmp_path / "r.html").read_text()
    assert len(page.encode()) == summary["bytes"] < 6_000_000
    assert str(report_files.folder) not in page


def test_the_same_inputs_give_the_same_bytes_whatever_the_workers_and_folder(report_files, tmp_path):
    first, second = tmp_path / "1" / "r.html", tmp_path / "2" / "r.html"
    run_report(asked_for(report_files, first))
    run_report(asked_for(report_files, second, workers=3))
    assert first.read_bytes() == second.read_bytes()
    coordinates = [path.with_name("r.coordinates.parquet").read_bytes() for path in (first, second)]
    assert coordinates[0] == coordinates[1]


def test_coordinates_are_saved_with_their_seed_and_used_again(report_files, tmp_path, monkeypatch):
    request = asked_for(report_files, tmp_path / "r.html", settings=ReportSettings(projection="pca", seed=7))
    run_report(request)
    page = request.out.read_bytes()
    table = pq.read_table(tmp_path / "r.coordinates.parquet")
    config = json.loads(table.schema.metadata[b"syndr_curate"])["config"]
    assert table.column_names == ["map", "id", "x", "y"]
    assert len(table) == 26
    assert (config["samples"]["seed"], config["samples"]["method"]) == (7, "pca")

    def never(*_):
        raise AssertionError("worked out again")

    monkeypatch.setattr(report_layout, "project", never)
    run_report(request)
    assert request.out.read_bytes() == page
    with pytest.raises(AssertionError, match="worked out again"):
        run_report(replace(request, settings=replace(request.settings, seed=8)))


def test_clusters_of_rows_left_out_are_found_from_the_features(full, report_files):
    assert full["clusters"]["note"] is None
    # 4 + 1 references x 2 levels: each cluster is types 1 and 9 of one reference at one level, and keeps one of them.
    assert [cluster["size"] for cluster in full["gallery"]] == [2] * 10
    for cluster in full["gallery"]:
        kept, left = cluster["members"]
        assert (kept["reference"], kept["level"]) == (left["reference"], left["level"])
        assert (kept["state"], left["state"]) == (0, 1)
    dropped = pq.read_table(report_files.folder / "dropped.parquet")
    said = dict(zip(dropped["sample_id"].to_pylist(), dropped["cluster_id"].to_pylist(), strict=True))
    found = {m["id"]: c["cluster"] for c in full["gallery"] for m in c["members"] if m["state"] == 1}
    assert found == said


def test_all_pictures_of_a_small_set_are_in_the_file(full):
    keys = set(full["pictures"]["data"])
    assert {key for key in keys if key.startswith("row:")} == {
        f"row:{m['id']}" for c in full["gallery"] for m in c["members"]
    }
    assert {"reference:a", "reference:new", "reference:near"} <= keys
    assert full["pictures"]["missing"] == {}


def test_without_the_optional_files_the_page_says_what_would_bring_them(report_files, tmp_path):
    request = ReportRequest(manifests=(report_files.folder / "train.parquet",), out=tmp_path / "r.html", workers=1)
    contents = make_contents(read_inputs(request), request)
    payload = contents.payload
    assert contents.maps.layouts == []
    assert set(payload["missing"]) == {"after", "samples", "references", "selection", "clusters"}
    assert "--features" in payload["missing"]["samples"]
    assert "--selection" in payload["missing"]["selection"]


def test_features_of_another_set_are_refused_by_name(syndr_curate, report_files, tmp_path):
    flags = ["--features", report_files.folder / "references.npz", "--out", tmp_path / "r.html"]
    done = syndr_curate("report", report_files.folder / "train.parquet", *flags, check=False)
    assert done.returncode == 2
    assert "the features are of none of the manifest's rows" in done.stderr
    assert not (tmp_path / "r.html").exists()


def test_a_report_never_overwrites_what_it_reads(report_files):
    manifest = report_files.folder / "train.parquet"
    with pytest.raises(CurateError, match="would overwrite"):
        run_report(ReportRequest(manifests=(manifest,), out=manifest))


def test_without_plotly_one_line_names_the_extra(report_files, tmp_path):
    arguments = [
        "syndr-curate",
        "report",
        str(report_files.folder / "train.parquet"),
        "--out",
        str(tmp_path / "r.html"),
    ]
    code = f"""
import sys
sys.modules["plotly"] = None
sys.argv = {arguments!r}
from syndr_curate.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["error: report needs plotly: pip install 'syndr-curate[report]'"]


def test_pictures_that_cannot_be_made_say_why(report_files, tmp_path):
    folder = report_files.folder
    manifest = tmp_path / "moved.parquet"  # its roots are beside it no longer
    manifest.write_bytes((folder / "train.parquet").read_bytes())
    request = ReportRequest(manifests=(manifest,), out=tmp_path / "r.html", workers=1)
    payload = make_contents(read_inputs(request), request).payload
    assert payload["pictures"]["data"] == {}
    assert payload["pictures"]["missing"]["reference:a"] == "the file cannot be read: No such file or directory"
    roots = {name: folder / name for name in ("references", "candidates")}
    found = ReportRequest(manifests=(manifest,), out=tmp_path / "r.html", roots=roots, workers=1)
    assert make_contents(read_inputs(found), found).payload["pictures"]["missing"] == {}


@pytest.fixture(scope="module")
def steep_file(report_files):
    """Write the features of another model, without the first row."""
    features = load_features(report_files.folder / "epoch3.npz")
    path = report_files.folder / "steep.npz"
    save_features(path, features.ids[1:], features.matrix[1:] * np.array([1.0, 3.0, 1.0], np.float32))
    return path


@pytest.fixture(scope="module")
def two_models(report_files, steep_file):
    files = {"flat": (report_files.folder / "epoch3.npz",), "steep": (steep_file,)}
    request = asked_for(report_files, report_files.folder / "two.html", features=files)
    return make_contents(read_inputs(request), request)


def test_maps_side_by_side_show_the_same_rows_each_where_its_model_puts_them(two_models, report_files, steep_file):
    flat, steep = two_models.maps.samples.values()
    assert flat.ids == steep.ids == two_models.maps.rows["sample_id"].tolist()
    assert (flat.method, flat.seed) == (steep.method, steep.seed)
    assert not np.allclose(flat.points, steep.points)
    alone = asked_for(report_files, report_files.folder / "alone.html", features={"steep": (steep_file,)})
    assert np.array_equal(make_contents(read_inputs(alone), alone).maps.samples["steep"].points, steep.points)
    assert [model["name"] for model in two_models.payload["samples"]["models"]] == ["flat", "steep"]


def test_rows_that_a_model_lacks_are_named_and_on_no_map(two_models, report_files):
    first = load_features(report_files.folder / "epoch3.npz").ids[0]
    assert two_models.payload["missing"]["features of steep"] == (
        f"steep has no features of 1 row that another model has some of: {first!r}. On the maps it is left out."
    )
    assert two_models.payload["samples"]["count"] == 19


def test_of_several_models_the_one_that_thinned_tells_the_clusters(report_files, full, steep_file):
    folder = report_files.folder
    files = {"steep": (steep_file,), "flat": (folder / "epoch3.npz",)}
    request = asked_for(report_files, folder / "two.html", features=files)
    assert make_contents(read_inputs(request), request).payload["clusters"] == full["clusters"]


def test_a_file_without_a_name_brings_what_it_always_did(full):
    assert {"x", "y"} <= set(full["samples"])
    assert "models" not in full["samples"]
    assert "predictions" not in full
    assert full["projection"] == {"samples": "pca", "references": "pca"}


def test_the_command_and_the_verb_draw_the_same_maps(syndr_curate, report_files, steep_file, tmp_path):
    folder = report_files.folder
    flags = [f"--features=flat={folder / 'epoch3.npz'}", f"--features=steep={steep_file}"]
    page, picture = tmp_path / "1" / "r.html", tmp_path / "1" / "maps.png"
    flags += ["--out", page, "--png", picture, "--color-by", "level", "--projection", "pca"]
    done = syndr_curate("report", folder / "train.parquet", *flags, "--json", "--quiet")
    summary = json.loads(done.stdout)
    assert summary["points"] == {"samples:flat": 19, "samples:steep": 19}
    assert summary["png"] == str(picture)
    again = report(
        folder / "train.parquet",
        tmp_path / "2" / "r.html",
        features={"flat": folder / "epoch3.npz", "steep": [steep_file]},
        png=tmp_path / "2" / "maps.png",
        color_by="level",
        projection="pca",
    )
    for name in ("r.html", "r.coordinates.parquet", "maps.png"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
    assert again["points"] == summary["points"]


def test_predictions_bring_the_best_and_the_worst_with_large_pictures(report_files, tmp_path):
    folder = report_files.folder
    table = read_manifest(folder / "train.parquet")
    scores = [label + 0.01 * row for row, label in enumerate(table["label"].to_pylist())]
    given = pa.table({"id": table["sample_id"], "q": [-score for score in scores]})
    settings = ReportSettings(gallery=2, score_column="q", lower_is_better=True)
    request = ReportRequest((folder / "train.parquet",), tmp_path / "r.html", predictions=given, settings=settings)
    payload = make_contents(read_inputs(request), request).payload
    shown = payload["predictions"]
    assert (shown["rows"], len(shown["best"]), len(shown["worst"])) == (20, 2, 2)
    for entry in shown["best"] + shown["worst"]:
        assert entry["error"] == pytest.approx(entry["prediction"] - entry["label"], abs=0.011)
        assert f"predicted:{entry['id']}" in payload["pictures"]["data"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"png": "maps.png"}, "png given without features"),
        ({"color_by": "type"}, "color_by given without png"),
        ({"max_rows": 5}, "max_rows given without features"),
        ({"gallery": 3, "lower_is_better": True}, "gallery, lower_is_better given without predictions"),
        ({"features": ["a.npz", "b.npz"]}, "a.npz without a name; expected NAME=FILE for each"),
        ({"features": {"swin": []}}, "model 'swin' has no feature file"),
        ({"gallery": 0}, "gallery is 0; expected a whole number, 1 or more"),
        ({"color_by": "shape"}, "color_by is 'shape'; expected dataset, type, level, label, source"),
        ({"predictions": "r.html"}, "would overwrite"),
        ({"features": {"swin": "maps.png"}, "png": "maps.png"}, "would overwrite"),
    ],
)
def test_what_has_no_effect_or_no_meaning_is_refused(asked, said, report_files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("r.html", "maps.png"):
        (tmp_path / name).touch()
    with pytest.raises(CurateError) as refused:
        report(report_files.folder / "train.parquet", "r.html", **asked)
    assert said in str(refused.value)
    assert (tmp_path / "r.html").read_bytes() == b""
