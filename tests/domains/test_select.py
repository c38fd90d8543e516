"""Selecting types for a target set, with a classifier whose answers are known."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.datasets.type_lists import parse_types
from syndr_curate.curate.domains import select as domains_select
from syndr_curate.curate.domains.select import describe_selection, run_domains_select, select_domains
from syndr_curate.curate.domains.selection_rule import CLASSES
from syndr_curate.curate.domains.settings import DomainsSelectSettings
from syndr_curate.curate.errors import RowError
from syndr_curate.curate.mixing.mix_files import run_mix
from syndr_curate.curate.mixing.settings import MixSettings
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.storage.images import DecodeOptions, encode_image


class ByColour:
    """Ranks classes by the picture's colour: red means 1, 2, 3, 4 in this order, green 9, 0, 21, 23, blue pristine."""

    kind = "light"
    rankings = ((1, 2, 3, 4), (9, 0, 21, 23), (0, 1, 2, 3))

    def prepare(self, image):
        if min(image.shape[:2]) < 16:
            raise RowError("smaller than 16")
        return image.reshape(-1, 3).mean(axis=0).astype(np.float32)

    def scores(self, prepared):
        table = np.zeros((len(prepared), CLASSES))
        for row, colour in zip(table, prepared, strict=True):
            row[list(self.rankings[int(np.argmax(colour))])] = 0.4, 0.3, 0.2, 0.1
        return table

    def arrays(self):
        return {}


@pytest.fixture
def by_colour(monkeypatch):
    facts = {"kind": "light", "weights_digest": "0"}
    monkeypatch.setattr(domains_select, "load_classifier", lambda *_, **__: (ByColour(), facts))


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


@pytest.mark.usefixtures("by_colour")
def test_shares_are_over_the_images_that_can_be_used_and_the_others_are_named(folder, tmp_path):
    summary = run_domains_select(
        folder, tmp_path / "c.safetensors", tmp_path / "mine.json", scores=tmp_path / "s.parquet"
    )
    # Counts of 4 images: 1 and 2: 3 (red, red, blue), 3: 3, 4: 2, 9, 21, 23: 1 each; 1 / 12 = 0.083 is above 0.04.
    assert summary["types"] == [1, 2, 3, 4, 9, 21, 23]
    assert summary["images"] == 4
    assert summary["shares"]["1"] == pytest.approx(3 / 12)
    assert summary["shares"]["4"] == pytest.approx(2 / 12)
    assert summary["shares"]["25"] == 0
    assert list(summary["shares"]) == [str(kind) for kind in range(1, 26)]
    assert summary["top1_shares"]["1"] == 0.5
    assert summary["top1_shares"]["0"] == summary["top1_shares"]["9"] == 0.25
    assert [row["image_path"] for row in summary["unusable"]] == ["e.png", "f.png"]
    assert summary["unusable"][1]["error"] == "smaller than 16"
    assert not summary["mostly_pristine"]
    rows = pq.read_table(tmp_path / "s.parquet").to_pylist()
    assert [row["status"] for row in rows] == ["ok"] * 4 + ["unreadable", "failed"]
    assert rows[2]["scores"][9] == 0.4
    assert rows[4]["scores"] is None


@pytest.mark.usefixtures("by_colour")
def test_the_preset_is_one_for_every_command(folder, tmp_path):
    out = tmp_path / "mine.json"
    summary = run_domains_select(folder, tmp_path / "c.safetensors", out)
    assert parse_types(str(out)) == tuple(summary["types"])
    preset = json.loads(out.read_text())
    assert preset["name"] == "mine"
    assert preset["provenance"]["inputs"]["classifier"] == "0"
    before = out.read_bytes()
    run_domains_select(folder, tmp_path / "c.safetensors", out, workers=1)
    assert out.read_bytes() == before


@pytest.mark.usefixtures("by_colour")
def test_a_pristine_set_is_said_to_be_so_in_plain_words(folder, tmp_path):
    for name in "abcef":
        (folder / f"{name}.png").unlink()
    summary = run_domains_select(folder, tmp_path / "c.safetensors", tmp_path / "mine.json")
    assert summary["mostly_pristine"]
    assert summary["note"].startswith("100 % of the images look undistorted;")
    assert "note: 100 % of the images look undistorted" in describe_selection(summary)
    assert summary["types"] == [1, 2, 3]  # the rule selects what comes next


@pytest.mark.usefixtures("by_colour")
def test_the_published_rule_stands_beside_what_belief_leaves(folder, tmp_path):
    weights = tmp_path / "c.safetensors"
    summary = run_domains_select(folder, weights, tmp_path / "mine.json", DomainsSelectSettings(least_belief=0.15))
    # Fourth places (0.1) stay empty: 4 of the red ones, 23 of the green one, 3 of the blue one.
    assert summary["types"] == [1, 2, 3, 9, 21]
    assert summary["shares"]["3"] == pytest.approx(2 / 12)
    assert summary["published"]["types"] == [1, 2, 3, 4, 9, 21, 23]
    assert summary["published"]["shares"]["3"] == pytest.approx(3 / 12)
    shown = describe_selection(summary)
    assert "the published rule (--least-belief 0) selects: 1,2,3,4,9,21,23" in shown
    bare = run_domains_select(folder, weights, tmp_path / "bare.json", DomainsSelectSettings(least_belief=0))
    assert {key: bare[key] for key in ("types", "shares")} == bare["published"] == summary["published"]
    assert "the published rule" not in describe_selection(bare)


@pytest.mark.usefixtures("by_colour")
def test_a_set_in_which_no_type_is_believed_gives_none_and_says_how_to_get_some(folder, tmp_path):
    summary = run_domains_select(
        folder, tmp_path / "c.safetensors", tmp_path / "mine.json", DomainsSelectSettings(least_belief=0.5)
    )
    assert summary["types"] == []
    assert summary["note"] == "no type is believed in often enough; --least-belief 0 selects by rank alone"
    shown = describe_selection(summary)
    assert "selected (*): no type, from 4 images" in shown
    assert "use it" not in shown
    with pytest.raises(CurateError, match=r"the preset .*mine\.json selects no type"):
        parse_types(str(tmp_path / "mine.json"))


@pytest.mark.usefixtures("by_colour")
def test_a_pristine_set_in_which_no_type_is_believed_is_not_advised_to_go_by_rank(folder, tmp_path):
    for name in "abcef":
        (folder / f"{name}.png").unlink()
    summary = run_domains_select(
        folder, tmp_path / "c.safetensors", tmp_path / "mine.json", DomainsSelectSettings(least_belief=0.35)
    )
    assert summary["types"] == []
    assert summary["note"] == (
        "100 % of the images look undistorted, and no type is believed in: there is nothing to choose by"
    )


@pytest.mark.usefixtures("by_colour")
def test_what_is_printed_marks_the_selected_types_largest_share_first(folder, tmp_path):
    summary = run_domains_select(folder, tmp_path / "c.safetensors", tmp_path / "mine.json")
    lines = describe_selection(summary).splitlines()
    assert lines[1].split() == ["0", "pristine", "25.0", "%"]
    assert lines[2].split() == ["*", "1", "gaussian_blur", "25.0", "%", "50.0", "%", "25.0", "%"]
    assert lines[0].split() == ["id", "type", "share", "top-1", "published"]
    assert lines[-3].startswith("selected (*): 1,2,3,4,9,21,23, from 4 images")
    assert lines[-2].startswith("not counted: 2 images")


def test_a_manifest_is_a_target_too_rendered_where_it_has_no_pixels(image_folder, tmp_path):
    photos = image_folder("p", 2)
    (photos / "torn.png").write_bytes(b"torn")
    run_distort(photos, tmp_path, types=(11,), levels=(3,), recipe_only=True)
    found = select_domains(tmp_path / "manifest.parquet", ByColour())
    assert found.images["id"].to_pylist() == ["p0_11_03", "p1_11_03", "torn_11_03"]
    assert found.images["status"].to_pylist() == ["ok", "ok", "unreadable"]
    assert found.selection.images == 2


@pytest.mark.usefixtures("by_colour")
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
    rows = select_domains(tmp_path / "manifest.parquet", ByColour()).images.to_pylist()
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
        select_domains(tmp_path / name / "manifest.parquet", ByColour()).images for name in ("stored", "recipes")
    )
    assert stored["status"].to_pylist() == ["ok"] * 3
    assert recipes["scores"].to_pylist() == stored["scores"].to_pylist()
    # One picture lost: it is made again.
    next((tmp_path / "stored").rglob("*.png")).unlink()
    assert select_domains(tmp_path / "stored" / "manifest.parquet", ByColour()).images.equals(stored)


@pytest.mark.usefixtures("by_colour")
def test_a_set_without_a_usable_image_is_an_error_with_the_reason(folder, tmp_path):
    for name in "abcdf":
        (folder / f"{name}.png").unlink()
    with pytest.raises(CurateError, match=r"none of 1 target images can be used: e\.png: not an image"):
        run_domains_select(folder, tmp_path / "c.safetensors", tmp_path / "mine.json")


def test_a_belief_that_is_no_probability_is_refused(folder, tmp_path):
    with pytest.raises(CurateError, match=r"--least-belief 1\.5: expected a probability"):
        run_domains_select(
            folder, tmp_path / "c.safetensors", tmp_path / "mine.json", DomainsSelectSettings(least_belief=1.5)
        )
    with pytest.raises(CurateError, match="--least-belief nan: expected a probability"):
        select_domains(folder, ByColour(), least_belief=float("nan"))


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
