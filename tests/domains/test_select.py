"""Selecting types for a target set, with a classifier whose answers are known."""

import dataclasses
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.datasets.type_lists import parse_types
from syndr_curate.curate.domains import select as domains_select
from syndr_curate.curate.domains.pristine_scores import PristineScores
from syndr_curate.curate.domains.select import run_domains_select, select_domains
from syndr_curate.curate.domains.selection_rule import CLASSES
from syndr_curate.curate.domains.selection_text import describe_selection
from syndr_curate.curate.domains.settings import DomainsSelectSettings
from syndr_curate.curate.errors import RowError
from syndr_curate.curate.mixing.mix_files import run_mix
from syndr_curate.curate.mixing.settings import MixSettings
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.storage.images import DecodeOptions, encode_image

PUBLISHED = DomainsSelectSettings(rule="published")


class ByColor:
    """Ranks classes by the picture's color: red means 1, 2, 3, 4 in this order, green 9, 0, 21, 23, blue pristine.

    Pristine photographs have no score but that of class 0, and rarely one above 0.25.
    """

    kind = "light"
    pristine = PristineScores(np.eye(CLASSES, dtype=np.float32)[0], np.full(CLASSES, 0.25, np.float32))
    rankings = ((1, 2, 3, 4), (9, 0, 21, 23), (0, 1, 2, 3))

    def prepare(self, image):
        if min(image.shape[:2]) < 16:
            raise RowError("smaller than 16")
        return image.reshape(-1, 3).mean(axis=0).astype(np.float32)

    def scores(self, prepared):
        table = np.zeros((len(prepared), CLASSES))
        for row, color in zip(table, prepared, strict=True):
            row[list(self.rankings[int(np.argmax(color))])] = 0.4, 0.3, 0.2, 0.1
        return table

    def arrays(self):
        return {}


@pytest.fixture
def by_color(monkeypatch):
    facts = {"kind": "light", "weights_digest": "0"}
    monkeypatch.setattr(domains_select, "load_classifier", lambda *_, **__: (ByColor(), facts))


@pytest.fixture
def folder(tmp_path):
    """2 red pictures, 1 green, 1 blue, one torn and one tiny."""
    folder = tmp_path / "target"
    folder.mkdir()
    for name, channel in (("a", 0), ("b", 0), ("c", 1), ("d", 2)):
        picture = np.zeros((20, 20, 3), np.uint8)
        picture[..., channel] = 200
        (folder / f"{name}.png").write_bytes(encode_image(picture))
    (folder / "e.png").write_bytes(b"torn")
    (folder / "f.png").write_bytes(encode_image(np.zeros((8, 8, 3), np.uint8)))
    return folder


@pytest.mark.usefixtures("by_color")
def test_shares_are_over_the_images_that_can_be_used_and_the_others_are_named(folder, tmp_path):
    summary = run_domains_select(
        folder, tmp_path / "c.safetensors", tmp_path / "mine.json", scores=tmp_path / "s.parquet"
    )
    # Above 0.25: 1 in 3 images (red, red, blue), 2 in 2 (red), 9 in 1 (green). Of 4 images chance explains 2.
    assert summary["rule"] == "excess"
    assert summary["types"] == [1]
    assert summary["images"] == 4
    assert {kind: share for kind, share in summary["shares"].items() if share} == {"1": 0.75, "2": 0.5, "9": 0.25}
    assert summary["excess"]["1"] == pytest.approx((0.4 + 0.4 + 0.3) / 4)
    assert list(summary["shares"]) == list(summary["certainty"]) == [str(kind) for kind in range(1, 26)]
    assert summary["certainty"]["9"] < summary["certainty"]["1"] <= 1
    assert summary["certainty"]["25"] == 0
    # Counts of 4 images: 1 and 2: 3 (red, red, blue), 3: 3, 4: 2, 9, 21, 23: 1 each; 1 / 12 = 0.083 is above 0.04.
    assert summary["published"]["types"] == [1, 2, 3, 4, 9, 21, 23]
    assert summary["published"]["shares"]["1"] == pytest.approx(3 / 12)
    assert summary["published"]["shares"]["4"] == pytest.approx(2 / 12)
    assert summary["published"]["shares"]["25"] == 0
    assert summary["top1_shares"]["1"] == 0.5
    assert summary["top1_shares"]["0"] == summary["top1_shares"]["9"] == 0.25
    assert [row["image_path"] for row in summary["unusable"]] == ["e.png", "f.png"]
    assert summary["unusable"][1]["error"] == "smaller than 16"
    assert not summary["mostly_pristine"]
    rows = pq.read_table(tmp_path / "s.parquet").to_pylist()
    assert [row["status"] for row in rows] == ["ok"] * 4 + ["unreadable", "failed"]
    assert rows[2]["scores"][9] == 0.4
    assert rows[4]["scores"] is None


@pytest.mark.usefixtures("by_color")
def test_the_preset_is_one_for_every_command(folder, tmp_path):
    out = tmp_path / "mine.json"
    summary = run_domains_select(folder, tmp_path / "c.safetensors", out)
    assert parse_types(str(out)) == tuple(summary["types"])
    preset = json.loads(out.read_text())
    assert preset["name"] == "mine"
    assert preset["provenance"]["inputs"]["classifier"] == "0"
    settings = {"rule": "excess", "max_types": 6, "exclude": []}
    assert settings.items() <= preset["provenance"]["config"].items()
    before = out.read_bytes()
    run_domains_select(folder, tmp_path / "c.safetensors", out, workers=1)
    assert out.read_bytes() == before


@pytest.fixture
def pristine_folder(folder):
    """The blue picture, twice."""
    for name in "abcef":
        (folder / f"{name}.png").unlink()
    (folder / "g.png").write_bytes((folder / "d.png").read_bytes())
    return folder


@pytest.mark.usefixtures("by_color")
def test_a_set_that_shows_no_type_selects_none_and_says_so(pristine_folder, tmp_path, monkeypatch):
    # Pristine photographs are taken for the classes 1 to 3 as often as these are.
    monkeypatch.setattr(ByColor, "pristine", dataclasses.replace(ByColor.pristine, limits=np.full(CLASSES, 0.5)))
    summary = run_domains_select(pristine_folder, tmp_path / "c.safetensors", tmp_path / "mine.json")
    assert summary["mostly_pristine"]
    assert summary["types"] == []
    assert summary["note"] == ("the images show no type more often than pristine photographs do: none is selected")
    shown = describe_selection(summary)
    assert f"note: {summary['note']}" in shown
    assert "selected (*): no type, from 2 images" in shown
    assert "the published rule (--rule published) selects: 1,2,3" in shown
    assert "use it" not in shown
    denoise = DomainsSelectSettings(exclude="denoise")  # which the set does not show either
    again = run_domains_select(pristine_folder, tmp_path / "c.safetensors", tmp_path / "mine.json", denoise)
    assert again["note"] == summary["note"]
    with pytest.raises(CurateError, match=r"the preset .*mine\.json selects no type"):
        parse_types(str(tmp_path / "mine.json"))


@pytest.mark.usefixtures("by_color")
def test_the_published_rule_always_selects_and_warns_of_a_pristine_set(pristine_folder, tmp_path):
    summary = run_domains_select(pristine_folder, tmp_path / "c.safetensors", tmp_path / "mine.json", PUBLISHED)
    assert summary["mostly_pristine"]
    assert summary["note"].startswith("100 % of the images look undistorted;")
    assert "note: 100 % of the images look undistorted" in describe_selection(summary)
    assert summary["types"] == [1, 2, 3]  # the rule selects what comes next


@pytest.mark.usefixtures("by_color")
def test_half_of_the_images_pristine_is_not_yet_most(folder, tmp_path):
    for name in "acef":
        (folder / f"{name}.png").unlink()
    summary = run_domains_select(folder, tmp_path / "c.safetensors", tmp_path / "mine.json", PUBLISHED)
    assert summary["top1_shares"]["0"] == 0.5
    assert not summary["mostly_pristine"]
    assert "note" not in summary


@pytest.mark.usefixtures("by_color")
def test_the_published_rule_is_the_same_whichever_is_asked_for(folder, tmp_path):
    weights = tmp_path / "c.safetensors"
    summary = run_domains_select(folder, weights, tmp_path / "mine.json")
    assert "the published rule (--rule published) selects: 1,2,3,4,9,21,23" in describe_selection(summary)
    bare = run_domains_select(folder, weights, tmp_path / "bare.json", PUBLISHED)
    assert {key: bare[key] for key in ("types", "shares")} == bare["published"] == summary["published"]
    assert not {"excess", "certainty"} & set(bare)
    shown = describe_selection(bare)
    assert "--rule published" not in shown
    assert shown.splitlines()[0].split() == ["id", "type", "share", "top-1"]
    assert shown.splitlines()[2].split() == ["*", "1", "gaussian_blur", "25.0", "%", "50.0", "%"]


@pytest.mark.usefixtures("by_color")
def test_what_is_printed_marks_the_selected_types_largest_excess_first(folder, tmp_path):
    summary = run_domains_select(folder, tmp_path / "c.safetensors", tmp_path / "mine.json")
    lines = describe_selection(summary).splitlines()
    assert lines[0].split() == ["id", "type", "excess", "shown", "by", "certain", "top-1", "published"]
    assert lines[1].split() == ["0", "pristine", "25.0", "%"]
    certain = f"{100 * summary['certainty']['1']:.0f}"
    assert lines[2].split() == [
        *("*", "1", "gaussian_blur", "+27.5", "%", "75.0", "%", certain, "%", "50.0", "%", "25.0", "%")
    ]
    assert [line[2:5].strip() for line in lines[3:6]] == ["2", "3", "9"]  # 22.5, 15 and 10 %
    assert "selected (*): 1, from 4 images" in lines
    assert "not counted: 2 images that could not be used, named in the preset" in lines
    assert lines[-1] == f"use it: --types {tmp_path / 'mine.json'}"


@pytest.mark.usefixtures("by_color")
def test_what_is_excluded_is_not_selected_and_the_preset_says_so(folder, tmp_path):
    out = tmp_path / "mine.json"
    summary = run_domains_select(
        folder, tmp_path / "c.safetensors", out, DomainsSelectSettings(exclude="gaussian_blur")
    )
    assert summary["types"] == []
    assert json.loads(out.read_text())["provenance"]["config"]["exclude"] == [1]
    assert summary["note"].startswith("the images show no type but those excluded (1) more often than pristine")


@pytest.mark.usefixtures("by_color")
def test_one_image_is_said_to_be_too_few_and_not_to_be_pristine(folder, tmp_path):
    summary = run_domains_select(folder / "a.png", tmp_path / "c.safetensors", tmp_path / "mine.json")
    assert summary["types"] == []
    assert summary["note"].startswith("one image shows no type for certain: none is selected; give more images")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_types": 0}, "--max-types is 0; expected a whole number, 1 or more"),
        ({"exclude": "camera"}, "--exclude 101,102,.*: no classifier selects these; expected ids from 1 to 25"),
        ({"exclude": "all"}, "--exclude leaves no type to select"),
        ({"exclude": "1", "rule": "published"}, "--exclude is of the rule excess"),
        ({"exclude": "blurr"}, "blurr"),
    ],
)
@pytest.mark.usefixtures("by_color")
def test_settings_that_do_not_fit_are_refused(folder, tmp_path, settings, message):
    with pytest.raises(CurateError, match=message):
        run_domains_select(
            folder, tmp_path / "c.safetensors", tmp_path / "mine.json", DomainsSelectSettings(**settings)
        )
    assert not (tmp_path / "mine.json").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"exclude": "denoise"}, "--exclude is 'd'; expected a whole number"),
        ({"exclude": ("3",)}, "--exclude is '3'; expected a whole number"),
        ({"exclude": (0, 99)}, "--exclude 0,99: no classifier selects these"),
        ({"rule": "most"}, "there is no rule 'most': expected excess or published"),
        ({"max_types": 1.5}, "--max-types is 1.5; expected a whole number, 1 or more"),
    ],
)
def test_arguments_that_would_be_passed_over_are_refused(folder, given, message):
    with pytest.raises(CurateError, match=message):
        select_domains(folder, ByColor(), **given)


def test_a_classifier_that_does_not_know_pristine_photographs_serves_the_published_rule_alone(folder):
    class Older(ByColor):
        pristine = None

    with pytest.raises(CurateError, match="fit it again, or give --rule published"):
        select_domains(folder, Older())
    found = select_domains(folder, Older(), rule="published")
    assert found.selection.types == (1, 2, 3, 4, 9, 21, 23)


def test_a_manifest_is_a_target_too_rendered_where_it_has_no_pixels(image_folder, tmp_path):
    photos = image_folder("p", 2)
    (photos / "torn.png").write_bytes(b"torn")
    run_distort(photos, tmp_path, types=(11,), levels=(3,), recipe_only=True)
    found = select_domains(tmp_path / "manifest.parquet", ByColor())
    assert found.images["id"].to_pylist() == ["p0_11_03", "p1_11_03", "torn_11_03"]
    assert found.images["status"].to_pylist() == ["ok", "ok", "unreadable"]
    assert found.selection.images == 2


@pytest.mark.usefixtures("by_color")
def test_the_preset_says_how_the_pixels_of_a_manifest_were_read(image_folder, tmp_path):
    run_distort(
        image_folder("p", 2),
        tmp_path,
        types=(11,),
        levels=(3,),
        recipe_only=True,
        decoding=DecodeOptions(exif_orient=True),
    )
    out = tmp_path / "mine.json"
    run_domains_select(tmp_path / "manifest.parquet", tmp_path / "c.safetensors", out)
    assert json.loads(out.read_text())["provenance"]["config"]["exif_orient"] is True


def test_rows_that_failed_keep_their_status_and_reason(image_folder, tmp_path):
    photos = image_folder("p", 2)
    (photos / "small.png").write_bytes(encode_image(np.zeros((20, 20, 3), np.uint8)))
    run_distort(photos, tmp_path, types=(20,), levels=(3,))
    rows = select_domains(tmp_path / "manifest.parquet", ByColor()).images.to_pylist()
    assert [row["status"] for row in rows] == ["ok", "ok", "failed"]
    assert "at least" in rows[2]["error"] or "smaller" in rows[2]["error"]


def test_a_mix_is_looked_at_stored_or_not(image_folder, tmp_path):
    photos = image_folder("p", 2)
    run_distort(photos, tmp_path / "d", types=(10, 11), levels=(3,))
    settings = MixSettings(count=3, seed=5)
    for name in ("stored", "recipes"):
        run_mix(tmp_path / "d" / "manifest.parquet", tmp_path / name, settings, recipe_only=name == "recipes")
    assert not list((tmp_path / "recipes").rglob("*.png"))
    (stored, recipes) = (
        select_domains(tmp_path / name / "manifest.parquet", ByColor()).images for name in ("stored", "recipes")
    )
    assert stored["status"].to_pylist() == ["ok"] * 3
    assert recipes["scores"].to_pylist() == stored["scores"].to_pylist()
    # One picture lost: it is made again.
    next((tmp_path / "stored").rglob("*.png")).unlink()
    assert select_domains(tmp_path / "stored" / "manifest.parquet", ByColor()).images.equals(stored)


@pytest.mark.usefixtures("by_color")
def test_a_set_without_a_usable_image_is_an_error_with_the_reason(folder, tmp_path):
    for name in "abcdf":
        (folder / f"{name}.png").unlink()
    with pytest.raises(CurateError, match=r"none of 1 target images can be used: e\.png: not an image"):
        run_domains_select(folder, tmp_path / "c.safetensors", tmp_path / "mine.json")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"out": "mine.yaml"}, r"a preset is a \.json file"),
        ({"scores": "s.csv"}, "written as .parquet"),
        ({"out": "c.json"}, "would overwrite"),
    ],
)
def test_outputs_that_cannot_be_are_refused_before_any_work(folder, tmp_path, changed, message):
    arguments = {name: tmp_path / value for name, value in {"out": "mine.json", **changed}.items()}
    with pytest.raises(CurateError, match=message):
        run_domains_select(folder, tmp_path / "c.safetensors", **arguments)
