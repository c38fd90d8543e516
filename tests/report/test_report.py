"""The command `report`: what it writes, and what it refuses."""

import json
import subprocess
import sys
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.report import maps as report_maps
from syndr_curate.curate.report.report import make_payload, run_report
from syndr_curate.curate.report.request import ReportRequest, read_inputs
from syndr_curate.curate.report.settings import ReportSettings


def asked_for(report_files, out, **changes):
    folder = report_files.folder
    request = ReportRequest(
        manifests=(folder / "train.parquet", folder / "epoch3.parquet"),
        out=out,
        features=folder / "epoch3.npz",
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
    return make_payload(read_inputs(request), request)[0]


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

    monkeypatch.setattr(report_maps, "project", never)
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
    payload, layouts = make_payload(read_inputs(request), request)
    assert layouts == []
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
    payload, _ = make_payload(read_inputs(request), request)
    assert payload["pictures"]["data"] == {}
    assert payload["pictures"]["missing"]["reference:a"] == "the file cannot be read: No such file or directory"
    roots = {name: folder / name for name in ("references", "candidates")}
    found = ReportRequest(manifests=(manifest,), out=tmp_path / "r.html", roots=roots, workers=1)
    assert make_payload(read_inputs(found), found)[0]["pictures"]["missing"] == {}
