"""`--cross-validate`, `--compare` and `--plot` of `label` and `upsample`."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from syndr_curate.curate.datasets.feature_files import save_features
from syndr_curate.curate.storage.images import decode_image


@pytest.fixture(scope="module")
def labeled_set(tmp_path_factory):
    """Five references, two types, two levels: labels that fall with the level, and the content's share in them."""
    folder = tmp_path_factory.mktemp("labelled")
    rng = np.random.Generator(np.random.PCG64(0))
    ids = [f"ref{number}" for number in range(5)]
    content = rng.normal(size=(5, 4)).astype(np.float32)
    rows = [
        (f"{i}_{kind:02d}_{level:02d}.png", f"{i}.png", 9 - level - 0.3 * kind + 0.5 * float(content[row, 0]))
        for row, i in enumerate(ids)
        for kind in (1, 10)
        for level in (1, 5)
    ]
    pd.DataFrame(rows, columns=["dist_img", "ref_img", "dmos"]).to_csv(folder / "labels.csv", index=False)
    save_features(folder / "features.npz", ids, content)
    return folder


def asked(folder):
    return ("--labels", folder / "labels.csv", "--reference-features", folder / "features.npz")


def test_upsample_gives_the_scores_that_label_gives_and_needs_no_candidates(syndr_curate, labeled_set):
    command = (*asked(labeled_set), "--labeler", "gp", "--json")
    by_label = syndr_curate("label", "--cross-validate", *command).stdout
    by_upsample = syndr_curate("upsample", "--cross-validate", *command).stdout
    assert by_upsample == by_label
    scores = json.loads(by_upsample)
    assert (scores["references"], scores["labels"]) == (5, 20)
    assert list(scores["by"]["type"]) == ["1", "10"]
    assert [each["claimed"] for each in scores["intervals"]] == [0.5, 0.68, 0.8, 0.9, 0.95]
    covered = [each["covered"] for each in scores["intervals"]]
    assert covered == sorted(covered)


def test_plot_draws_the_comparison_and_writes_nothing_else(syndr_curate, labeled_set, tmp_path):
    command = ("upsample", "--compare", "--labeler", "gp", "--plot", "cv.png", "--json", *asked(labeled_set))
    scores = json.loads(syndr_curate(*command, cwd=tmp_path).stdout)
    names = [each["labeler"] for each in scores["compare"]]
    assert names == [
        "knn, published rule",
        "nearest only",
        "condition",
        "knn, k = 20, no margin",
        "gp",
    ]
    assert scores["mae"] == scores["compare"][-1]["mae"]
    assert [path.name for path in tmp_path.iterdir()] == ["cv.png"]
    assert decode_image(tmp_path / "cv.png").shape == (1010, 1180, 3)


def test_proxy_labels_are_cross_validated_without_leaving_files(syndr_curate, image_folder, tmp_path):
    photos = image_folder("photo", 5)
    command = ("upsample", "--cross-validate", "--references", photos, "--proxy-labels", "--encoder", "gist")
    scores = json.loads(syndr_curate(*command, "--types", "1,10", "--json", cwd=tmp_path).stdout)
    assert (scores["references"], scores["labels"]) == (5, 5 * 2 * 5)
    assert 0 < scores["mae"] < 10
    assert list(tmp_path.iterdir()) == []


def test_labels_of_references_that_cannot_be_read_are_left_out(syndr_curate, image_folder, tmp_path):
    photos = image_folder("shot", 4)
    rows = [(f"shot{n}_01_0{level}.png", f"shot{n}.png", 8.0 - level + n / 4) for n in range(5) for level in (1, 3)]
    pd.DataFrame(rows, columns=["dist_img", "ref_img", "dmos"]).to_csv(tmp_path / "labels.csv", index=False)
    command = ("upsample", "--cross-validate", "--references", photos, "--encoder", "gist", "--json")
    done = syndr_curate(*command, "--labels", tmp_path / "labels.csv")
    assert json.loads(done.stdout)["references"] == 4
    assert "shot4" in done.stderr


@pytest.mark.parametrize(
    ("plot", "reason"), [("cv.jpg", "ends in .png"), ("labels.csv", "ends in .png"), (".", "ends in .png")]
)
def test_a_picture_that_is_no_png_is_refused_before_anything_is_computed(syndr_curate, labeled_set, plot, reason):
    done = syndr_curate("label", *asked(labeled_set), "--plot", plot, cwd=labeled_set, check=False)
    assert done.returncode == 2
    assert reason in done.stderr
    assert (labeled_set / "labels.csv").read_text().startswith("dist_img")


@pytest.mark.parametrize("command", ["label", "upsample"])
def test_without_matplotlib_one_line_names_the_extra_before_anything_is_computed(labeled_set, tmp_path, command):
    # The features are of other references: an error, were they looked at.
    save_features(tmp_path / "other.npz", ["x", "y"], np.ones((2, 4), np.float32))
    flags = (
        "--labels",
        labeled_set / "labels.csv",
        "--reference-features",
        tmp_path / "other.npz",
        "--plot",
        "cv.png",
    )
    code = f"""
import sys
sys.modules["matplotlib"] = None
sys.argv = {["syndr-curate", command, *map(str, flags)]!r}
from syndr_curate.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: --plot cv.png: drawing needs matplotlib, which cannot be imported")
    assert line.endswith("pip install 'syndr-curate[plot]'")


def test_too_few_references_are_an_error_in_one_line(syndr_curate, labeled_set, tmp_path):
    frame = pd.read_csv(labeled_set / "labels.csv")
    frame[frame.ref_img == "ref0.png"].to_csv(tmp_path / "one.csv", index=False)
    save_features(tmp_path / "one.npz", ["ref0"], np.ones((1, 4), np.float32))
    command = ("upsample", "--cross-validate", "--labels", tmp_path / "one.csv")
    done = syndr_curate(*command, "--reference-features", tmp_path / "one.npz", check=False)
    assert done.returncode == 2
    assert "at least 2 labeled references" in done.stderr
