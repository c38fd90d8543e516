"""The report in a headless Chromium: as a reader meets it."""

import json

import numpy as np
import pyarrow as pa
import pytest
from syndr_curate import load_features, read_manifest, report, save_features
from syndr_curate.curate.manifest.manifest import write_manifest
from syndr_curate.curate.manifest.schema import build_table
from syndr_curate.curate.report.maps.models import UNNAMED
from syndr_curate.curate.report.report import run_report
from syndr_curate.curate.report.request import ReportRequest
from syndr_curate.curate.report.settings import ReportSettings

POINTS = "document.querySelector('#{map} .plot').data.slice(0, -1).reduce((sum, trace) => sum + trace.x.length, 0)"
SAMPLES, REFERENCES = POINTS.format(map="sample-map"), POINTS.format(map="reference-map")
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def page(browser, report_files):
    folder = report_files.folder
    request = ReportRequest(
        manifests=(folder / "train.parquet", folder / "epoch3.parquet"),
        out=folder / "browser.html",
        features={UNNAMED: (folder / "epoch3.npz",)},
        selection=folder / "selection.parquet",
        reference_features=folder / "references.npz",
        candidate_features=folder / "candidates.npz",
        settings=ReportSettings(projection="pca"),
    )
    run_report(request)
    browser.open(request.out)
    return browser


def inspector(page, which="sample-map"):
    return page.ask(f"document.querySelector('#{which} .inspector').innerText")


def test_nothing_is_complained_of_and_no_request_leaves_the_file(page, report_files):
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith("data:")] == [
        (report_files.folder / "browser.html").as_uri()
    ]


def test_even_if_a_tag_got_in_the_policy_would_run_and_fetch_nothing(page):
    assert page.ask("fetch('https://example.org/').then(() => 'reached', () => 'refused')") == "refused"
    assert page.ask("(() => { try { return eval('1'); } catch { return 'refused'; } })()") == "refused"
    page.ask("document.body.insertAdjacentHTML('beforeend', '<img id=evil src=data:x onerror=\"window.ran=1\">')")
    page.wait_for("document.getElementById('evil').complete")
    assert page.ask("window.ran === undefined")
    assert sum("Content Security Policy" in complaint for complaint in page.complaints) >= 3
    page.ask("document.getElementById('evil').remove()")
    page.complaints.clear()


def test_points_are_there_and_the_views_part_them(page):
    assert (page.ask(SAMPLES), page.ask(REFERENCES)) == (20, 6)
    for view, count in (("after", 10), ("left", 10), ("before", 20)):
        page.ask(f"document.querySelector('[data-view={view}]').click()")
        assert page.ask(SAMPLES) == count


def test_a_filter_changes_what_is_shown_everywhere(page):
    shown = "document.querySelectorAll('#gallery figure').length"
    bars = "document.getElementById('flow-type').data[0].y.length"
    assert (page.ask(shown), page.ask(bars)) == (20, 2)
    page.ask("document.querySelector('#filter-type input[value=\"9\"]').click()")
    assert page.ask("document.getElementById('filter-count').textContent") == "10 of 20 rows shown"
    assert (page.ask(SAMPLES), page.ask(shown), page.ask(bars)) == (10, 10, 1)
    page.ask("document.querySelector('#filter-level input[value=\"5\"]').click()")
    assert page.ask(SAMPLES) == 5
    page.ask("document.getElementById('reset').click()")
    assert page.ask(SAMPLES) == 20


def test_a_file_named_like_an_attack_is_shown_as_text(page):
    found = f"document.getElementById('gallery').innerText.includes({HOSTILE!r} + '_01_01')"
    assert page.ask(found)
    assert page.ask("document.querySelectorAll('img[src=x]').length") == 0
    page.ask("document.querySelector('#sample-map input').value = 'onerror'")
    page.ask("document.querySelector('#sample-map input').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'}))")
    assert HOSTILE in inspector(page)
    assert page.complaints == []


def test_pointing_at_a_mark_shows_its_picture_and_facts(page):
    page.ask("document.getElementById('reference-map').scrollIntoView({block: 'center', behavior: 'instant'})")
    place = page.ask(
        """(() => {
        const mark = document.querySelector('#reference-map .point').getBoundingClientRect();
        return [mark.x + mark.width / 2, mark.y + mark.height / 2];
    })()"""
    )
    page.move_to(place[0] - 40, place[1] - 30)
    page.move_to(*place)
    page.wait_for("Boolean(document.querySelector('#reference-map .inspector img'))")
    assert page.ask("document.querySelector('#reference-map .inspector img').src").startswith("data:image/webp")
    assert "originals (labeled)" in inspector(page, "reference-map")


def test_the_keyboard_steps_through_the_marks(page):
    page.ask("document.querySelector('#sample-map .plot').focus()")
    seen = set()
    for _ in range(20):
        page.press("ArrowRight")
        seen.add(page.ask("document.querySelector('#sample-map .inspector .name').textContent"))
    assert len(seen) == 20
    assert "Cluster" in inspector(page)


def test_neighbors_stand_beside_their_reference_with_distance_and_weight(page):
    text = page.ask("document.querySelector('#cards .card').innerText")
    for part in ("new", "b", "distance 0.060", "weight 60.0 %", "weight 40.0 %"):
        assert part in text


def test_on_a_phone_nothing_sticks_out_and_dark_is_dark(page, report_files):
    page.open(report_files.folder / "browser.html", width=390, height=800, dark=True)
    assert page.ask("document.documentElement.scrollWidth") == 390
    assert page.ask("getComputedStyle(document.body).backgroundColor") == "rgb(21, 24, 28)"
    assert page.ask(SAMPLES) == 20
    page.ask("document.getElementById('theme').click()")
    assert page.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.complaints == []


@pytest.fixture(scope="module")
def two_models(browser, report_files):
    """Open a page of two models and of predictions."""
    folder = report_files.folder
    features = load_features(folder / "epoch3.npz")
    save_features(
        folder / "other.npz", features.ids[::-1], features.matrix[::-1] * np.array([1.0, 3.0, 1.0], np.float32)
    )
    table = read_manifest(folder / "train.parquet")
    scores = np.array(table["label"].to_pylist()) + np.linspace(0, 0.5, len(table))
    report(
        folder / "train.parquet",
        folder / "two-models.html",
        features={HOSTILE: folder / "epoch3.npz", "other": folder / "other.npz"},
        predictions=pa.table({"id": table["sample_id"], "score": scores}),
        gallery=3,
        projection="pca",
    )
    browser.open(folder / "two-models.html")
    return browser


def test_models_stand_side_by_side_with_their_names_and_one_legend(two_models):
    assert two_models.ask("document.querySelectorAll('#sample-map .plot .subplot').length") == 2
    titles = "[...document.querySelectorAll('#sample-map .annotation-text')].map((text) => text.textContent)"
    assert two_models.ask(titles) == [HOSTILE, "other"]
    assert two_models.ask("document.querySelectorAll('#sample-map .legend span').length") == 2  # types 1 and 9
    assert two_models.ask("document.querySelector('#sample-map .map-body .sub').textContent").startswith("20 images")
    assert two_models.complaints == []


def test_a_mark_chosen_in_one_map_is_marked_in_all(two_models):
    two_models.ask("document.querySelector('#sample-map .plot').focus()")
    for _ in range(3):
        two_models.press("ArrowRight")
        name = two_models.ask("document.querySelector('#sample-map .inspector .name').textContent")
        rings = two_models.ask(
            "document.querySelector('#sample-map .plot').data.slice(-2).map(({ x, y }) => [x[0], y[0]])"
        )
        row = f"Array.from({{ length: S.count }}, (_, at) => at).find((at) => S.id(at) === {json.dumps(name)})"
        assert rings == two_models.ask(
            f"(() => {{ const row = {row}; return S.panels.map((p) => [p.x[row], p.y[row]]); }})()"
        )
        assert rings[0] != rings[1]


def test_a_filter_acts_on_every_map(two_models):
    two_models.ask("document.querySelector('#filter-type input[value=\"9\"]').click()")
    assert two_models.ask(SAMPLES.replace("slice(0, -1)", "slice(0, -2)")) == 2 * 10
    two_models.ask("document.getElementById('reset').click()")
    assert two_models.ask(SAMPLES.replace("slice(0, -1)", "slice(0, -2)")) == 2 * 20


def test_predicted_pictures_stand_with_label_prediction_and_error(two_models):
    assert two_models.ask("document.querySelectorAll('#predictions figure img').length") == 6
    text = two_models.ask("document.querySelector('#predictions figure').innerText")
    for part in ("label", "prediction", "error", "score"):
        assert part in text


def test_on_a_phone_maps_stand_below_each_other(two_models, report_files):
    two_models.open(report_files.folder / "two-models.html", width=390, height=800)
    assert two_models.ask("document.documentElement.scrollWidth") == 390
    tops = two_models.ask(
        "[...document.querySelectorAll('#sample-map .annotation-text')].map((text) => text.getBoundingClientRect().top)"
    )
    assert tops[1] - tops[0] > 200
    assert two_models.complaints == []


@pytest.mark.slow
@pytest.mark.parametrize(("webgl", "kind", "drawn"), [(True, "scattergl", 6000), (False, "scatter", 3000)])
def test_many_marks_are_drawn_by_webgl_and_without_it_a_share_that_is_named(browser, tmp_path, webgl, kind, drawn):
    ids = [f"s{i:04d}" for i in range(6000)]
    columns = {"sample_id": ids, "image_path": ids, "label": pa.array([5.0] * 6000, pa.float32())}
    write_manifest(build_table({**columns, "split": "train", "status": "ok"}, 6000), tmp_path / "many.parquet")
    np.save(tmp_path / "many.npy", np.random.Generator(np.random.PCG64(0)).normal(size=(6000, 4)).astype(np.float32))
    out = tmp_path / "many.html"
    run_report(
        ReportRequest(
            (tmp_path / "many.parquet",),
            out,
            features={UNNAMED: (tmp_path / "many.npy",)},
            settings=ReportSettings(projection="pca"),
        )
    )
    arranged = None if webgl else browser.without_webgl()
    browser.open(out)
    if arranged is not None:
        browser.undo(arranged)
    elif not browser.ask("Boolean(document.createElement('canvas').getContext('webgl'))"):
        pytest.skip("this browser has no WebGL, not even in software")
    assert browser.ask("document.querySelector('#sample-map .plot').data[0].type") == kind
    # plotly shows this where it was promised WebGL and has none, and draws nothing.
    assert browser.ask("document.querySelector('.no-webgl')") is None
    assert browser.ask(SAMPLES) == drawn
    said = browser.ask("document.querySelector('#sample-map .map-body .sub').textContent")
    assert said.startswith("6,000 images shown")
    assert ("3,000 drawn: this browser has no WebGL" in said) is not webgl
    # Software drivers remark that they are slow.
    assert [complaint for complaint in browser.complaints if "GL Driver Message" not in complaint] == []
