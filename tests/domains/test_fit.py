"""Fitting on a handful of small pictures: what is written, and that it is the same again."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from syndr_curate import CurateError
from syndr_curate.curate.datasets.image_folders import open_source
from syndr_curate.curate.domains.classifier_files import load_classifier
from syndr_curate.curate.domains.fitting.fit import LightSettings, fit_domains
from syndr_curate.curate.domains.fitting.fit_files import describe_fit, run_domains_fit, write_fitted
from syndr_curate.curate.domains.mlp_ensemble import TrainingSettings
from syndr_curate.curate.domains.select import run_domains_select
from syndr_curate.curate.domains.settings import DomainsFitSettings
from syndr_curate.curate.runs.progress import Silent
from syndr_curate.curate.storage.images import encode_image

SMALL = LightSettings(
    per_reference="one",
    pristine_variants=2,
    folds=2,
    training=TrainingSettings(hidden=(16,), epochs=3, batch=32),
    seed=5,
)


@pytest.fixture(scope="module")
def photos(image_folder):
    folder = image_folder("p", 5, height=96, width=128)
    (folder / "torn.png").write_bytes(b"torn")
    (folder / "tiny.png").write_bytes(encode_image(np.zeros((20, 20, 3), np.uint8)))
    return folder


@pytest.fixture(scope="module")
def fitted(photos):
    return fit_domains(open_source(photos), SMALL, workers=2)


def test_every_patch_is_scored_once_by_who_has_not_seen_its_reference(fitted):
    # 7 references share 25 types, so each of the 5 usable ones has one; a type gives 4 or 5 pictures, pristine 2.
    patches = fitted.together.samples
    assert 5 * (2 + 4) <= patches <= 5 * (2 + 5)
    assert fitted.together.confusion.sum(axis=1)[0] == 10
    assert fitted.clean.samples + fitted.recompressed.samples == patches
    assert fitted.clean.samples > 0
    assert fitted.recompressed.samples > 0


def test_what_cannot_be_used_is_named_in_the_facts(fitted):
    assert set(fitted.facts["references_unusable"]) == {"torn.png", "tiny.png"}
    assert "smaller than 64x64" in fitted.facts["references_unusable"]["tiny.png"]
    assert fitted.facts["references"] == 5
    assert fitted.facts["classes"][:2] == ["pristine", "gaussian_blur"]


def test_the_files_are_the_same_again_whatever_the_threads(photos, fitted, tmp_path):
    again = fit_domains(open_source(photos), SMALL, workers=1)
    for name, one in (("a", fitted), ("b", again)):
        write_fitted(one, tmp_path / f"{name}.safetensors")
    for suffix in (".safetensors", ".json", ".png"):
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_what_was_written_selects_types(photos, fitted, tmp_path):
    summary = write_fitted(fitted, tmp_path / "c.safetensors")
    assert summary["references_unusable"] == 2
    assert 0 <= summary["held_out_top1"] <= summary["held_out_top4"] <= 1
    _, facts = load_classifier(tmp_path / "c.safetensors")
    assert facts == json.loads((tmp_path / "c.json").read_text())
    assert facts["held_out"]["clean"]["samples"] == fitted.clean.samples
    assert facts["config"]["training"]["epochs"] == 3
    with Image.open(summary["confusion_matrix"]) as picture:
        assert picture.size[0] > 1000
    text = describe_fit(summary)
    assert "light classifier of 26 classes from 5 references" in text
    assert summary["confusion"] == fitted.together.confusion.tolist()
    assert "left out: 2 references that could not be used" in text
    selected = run_domains_select(photos, tmp_path / "c.safetensors", tmp_path / "mine.json")
    assert selected["rule"] == "excess"
    assert selected["published"]["types"]
    assert selected["images"] == 5
    assert len(selected["unusable"]) == 2


def test_what_is_said_of_pristine_pictures_is_held_out_and_kept_in_the_file(photos, fitted, tmp_path):
    known = fitted.classifier.pristine
    # Ten pictures: the limit is the largest score of each class, and no class has a mean score above it.
    assert (known.means <= known.limits).all()
    assert known.means.sum() == pytest.approx(1, abs=1e-5)
    write_fitted(fitted, tmp_path / "c.safetensors")
    loaded, _ = load_classifier(tmp_path / "c.safetensors")
    assert np.array_equal(loaded.pristine.limits, known.limits)
    without = fit_domains(open_source(photos), replace(SMALL, pristine_variants=0))
    assert without.classifier.pristine is None


def test_the_printed_confusion_matrix_has_the_largest_mistakes_of_each_class_first(fitted, tmp_path):
    summary = write_fitted(fitted, tmp_path / "c.safetensors")
    row = [0] * 26
    row[3], row[9], row[0], row[25], row[1] = 150, 20, 28, 1, 1  # of 200 patches; half a percent rounds to none
    summary["confusion"][3], summary["recall"]["motion_blur"] = row, 0.75
    line = next(line for line in describe_fit(summary).splitlines() if "motion_blur" in line)
    assert line == "   3  motion_blur               75.0 %  0: 14, 9: 10"


def test_without_matplotlib_a_fit_says_so_first_and_writes_all_but_the_figure(photos, fitted, tmp_path, monkeypatch):
    notes = []

    class Noting(Silent):
        def note(self, message):
            notes.append(message)

    out = tmp_path / "c.safetensors"
    write_fitted(fitted, out)
    assert (tmp_path / "c.png").is_file()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    run_domains_fit(photos, out, dry_run=True, reporter=Noting())
    assert len(notes) == 1
    assert notes[0].startswith(f"{tmp_path / 'c.png'} is left out: drawing needs matplotlib")
    assert notes[0].endswith("pip install 'syndr-curate[plot]'")
    summary = write_fitted(fitted, out)
    assert summary["confusion_matrix"] is None
    assert "confusion matrix: not drawn, as there is no matplotlib" in describe_fit(summary).splitlines()
    # Nor does the figure of the older classifier stay beside the new one.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.json", "c.safetensors"]


def test_a_class_without_pictures_is_named_and_never_scored(photos, fitted, tmp_path):
    unseen = fitted.facts["classes_unseen"]
    assert len(unseen) == 20  # 5 references of one type each, and pristine
    kinds = [fitted.facts["classes"].index(name) for name in unseen]
    assert not fitted.together.confusion[:, kinds].any()
    with Image.open(photos / "p0.png") as image:
        scores = fitted.classifier.scores([fitted.classifier.prepare(np.asarray(image.convert("RGB")))])
    assert scores[0, kinds].max() < 1e-15
    text = describe_fit(write_fitted(fitted, tmp_path / "c.safetensors"))
    assert f"not known, as no picture was made of them: {', '.join(unseen)}" in text


def test_a_fit_notes_while_it_runs_which_classes_it_cannot_learn(photos):
    notes = []

    class Noting(Silent):
        def note(self, message):
            notes.append(message)

    fit_domains(open_source(photos), SMALL, reporter=Noting())
    assert notes[-1].startswith("no picture of 20 classes, which the classifier will not know: ")
    assert notes[-1].endswith("; give more references, or each of them all types (--per-reference all)")


def test_a_dry_run_counts_and_writes_nothing(photos, tmp_path):
    summary = run_domains_fit(photos, tmp_path / "c.safetensors", dry_run=True)
    assert summary["references"] == 7
    assert summary["pictures"] == 7 * (12 + 25 * 2)
    assert not list(tmp_path.iterdir())


def test_one_usable_reference_is_too_few(tmp_path, photograph):
    (tmp_path / "one.png").write_bytes(encode_image(photograph(1)))
    with pytest.raises(CurateError, match="1 of 1 references can be used; two are needed"):
        fit_domains(open_source(tmp_path), SMALL)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"out": "c.pkl"}, r"a classifier is a \.safetensors file"),
        ({"weights": "w.pth"}, "starts from no weights"),
        ({"settings": DomainsFitSettings(batch_size=8)}, "--batch-size is of resnet50"),
        ({"settings": DomainsFitSettings(device="cuda")}, "needs no GPU"),
    ],
)
def test_settings_that_do_not_fit_are_refused(photos, tmp_path, arguments, message):
    given = {"out": "c.safetensors", **arguments}
    given |= {name: tmp_path / given[name] for name in ("out", "weights") if name in given}
    with pytest.raises(CurateError, match=message):
        run_domains_fit(photos, given.pop("out"), **given)


def test_outputs_keep_away_from_the_references_and_the_weights(photos, tmp_path):
    before = (photos / "p0.png").read_bytes()
    with pytest.raises(CurateError, match=r"is in the folder of references: its \.png would be read as a reference"):
        run_domains_fit(photos, photos / "p0.safetensors")
    assert (photos / "p0.png").read_bytes() == before
    with pytest.raises(CurateError, match="would overwrite"):
        run_domains_fit(
            photos, tmp_path / "r.safetensors", DomainsFitSettings(kind="resnet50"), weights=tmp_path / "r.json"
        )


def test_one_fold_is_refused():
    with pytest.raises(CurateError, match="folds 1: a network needs references to learn from and others to test on"):
        LightSettings(folds=1)
