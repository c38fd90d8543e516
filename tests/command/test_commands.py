"""The installed console script, as a user and as a script would call it."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from syndr_curate.curate.datasets.feature_files import load_features, save_features

PUBLISHED = ("--labels", "--reference-features", "--candidate-features")


@pytest.fixture(scope="module")
def photos(image_folder):
    folder = image_folder("photo", 3)
    (folder / "notes.txt").write_text("not an image, and not taken for one")
    return folder


def answer(done):
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return value


@pytest.fixture(scope="module")
def published(syndr_curate, reference_data, tmp_path_factory):
    """The published selection and labels, from one command."""
    out = tmp_path_factory.mktemp("published") / "out" / "train.parquet"
    files = (
        reference_data / "kadid10k" / "dmos.csv",
        reference_data / "refset" / "train_ref.npz",
        reference_data / "refset" / "additional_ref.npz",
    )
    flags = [part for pair in zip(PUBLISHED, files, strict=True) for part in pair]
    done = syndr_curate("upsample", *flags, "--types", "bid", "--recipe-only", "--out", out, "--json")
    return answer(done), out, flags


def test_upsample_gives_the_published_labels_bit_for_bit(published, reference_data):
    summary, out, _ = published
    assert (summary["references_selected"], summary["rows_original"], summary["rows_new"]) == (24, 2430, 432)
    assert summary["rows_total"] == 2862
    frame = pd.read_parquet(out)
    new = frame[frame.label_source == "pseudo"]
    expected = pd.read_csv(reference_data / "refset" / "expected_upsample_bid.csv")
    assert (new.sample_id + ".bmp").tolist() == expected.dist_img.tolist()
    assert np.array_equal(new.label.to_numpy(), expected.label.to_numpy(np.float32))


@pytest.mark.parametrize(
    ("types", "count"),
    [
        ("livec", 6),
        ("koniq", 6),
        ("pipal-1", 7),
        ("pipal-2", 6),
        ("pipal-3", 7),
        ("pipal-4", 9),
        ("pipal-5", 5),
        ("pipal-6", 14),
        ("livec-greedy", 6),
        ("koniq-greedy", 6),
        ("all", 25),
    ],
)
def test_every_preset_works_the_same_way(syndr_curate, published, tmp_path, types, count):
    _, _, flags = published
    done = syndr_curate(
        "upsample", *flags, "--types", types, "--recipe-only", "--out", tmp_path / "t.parquet", "--json"
    )
    summary = answer(done)
    assert (summary["rows_original"], summary["rows_new"]) == (81 * 5 * count, 24 * 3 * count)
    assert len(pd.read_parquet(tmp_path / "t.parquet").distortion_id.unique()) == count


def test_downsample_by_default_writes_beside_the_manifest(syndr_curate, published, tmp_path):
    _, out, _ = published
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "train.parquet").write_bytes(out.read_bytes())
    rng = np.random.Generator(np.random.PCG64(0))
    np.save(tmp_path / "epoch3.npy", (np.eye(8)[rng.integers(0, 8, 2862)] + 0.01).astype(np.float32))
    done = syndr_curate("downsample", "--features", "epoch3.npy", "--json", cwd=tmp_path)
    summary = answer(done)
    assert summary["out"] == "manifests/epoch3.parquet"
    assert summary["epoch"] == 3
    expected = {"rows_in", "rows_kept", "clusters", "largest_cluster", "clusters_reduced", "effective_clusters"}
    assert expected | {"heterogeneity", "seconds", "out"} <= set(summary)
    frame = pd.read_parquet(tmp_path / "manifests" / "epoch3.parquet")
    assert len(frame) == summary["rows_kept"] < 2862
    assert str(frame.cluster_id.dtype) == "int32"


def test_faulty_features_end_with_one_line_status_2_and_no_file(syndr_curate, published, tmp_path):
    _, out, _ = published
    np.save(tmp_path / "epoch3.npy", np.ones((2861, 4), np.float32))
    done = syndr_curate("downsample", "--features", tmp_path / "epoch3.npy", "--manifest", out, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert "2861 rows" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (out.parent / "epoch3.parquet").exists()


def test_select_and_label_as_two_steps_give_what_upsample_gives(syndr_curate, published, tmp_path):
    _, out, flags = published
    selection, pseudo = tmp_path / "selection.parquet", tmp_path / "pseudo.parquet"
    chosen = answer(syndr_curate("select", *flags[2:], "--out", selection, "--json"))
    assert chosen["statuses"] == {"kept": 24, "too_close": 48, "too_far": 4, "thinned": 5}
    syndr_curate("label", "--selection", selection, *flags, "--types", "bid", "--out", pseudo, "--json")
    together, stepwise = pd.read_parquet(out), pd.read_parquet(pseudo)
    new = together[together.label_source == "pseudo"].reset_index(drop=True)
    assert new.sample_id.equals(stepwise.sample_id)
    assert new.label.equals(stepwise.label)


def test_distort_then_verify_then_inspect(syndr_curate, photos, tmp_path):
    done = syndr_curate(
        "distort", photos, "--types", "1,jpeg,color_block", "--levels", "1,5", "--out", tmp_path, "--json"
    )
    summary = answer(done)
    assert (summary["references"], summary["rows"], summary["rows_not_ok"]) == (3, 18, 0)
    assert len(list((tmp_path / "images").rglob("*.png"))) == 18
    verdict = answer(syndr_curate("verify", tmp_path / "manifest.parquet", "--json"))
    assert verdict["ok"]
    assert (verdict["files_decoded"], verdict["rendered_again"]) == (18, 18)
    facts = answer(syndr_curate("inspect", tmp_path / "manifest.parquet", "--json"))
    assert facts["by"]["distortion"] == {"color_block": 6, "gaussian_blur": 6, "jpeg": 6}
    assert "18 rows of 3 references" in syndr_curate("inspect", tmp_path / "manifest.parquet").stdout


def test_verify_finds_a_missing_file_a_changed_pixel_and_exits_with_1(syndr_curate, photos, tmp_path):
    syndr_curate("distort", photos, "--types", "1,21", "--levels", "5", "--out", tmp_path)
    first, second = sorted((tmp_path / "images").rglob("*.png"))[:2]
    first.unlink()
    second.write_bytes(sorted((tmp_path / "images").rglob("*.png"))[-1].read_bytes())
    done = syndr_curate("verify", tmp_path / "manifest.parquet", "--json", check=False)
    assert done.returncode == 1
    problems = answer(done)["problems"]
    assert len(problems) == 2
    assert first.stem in problems[0]
    assert "No such file" in problems[0]
    assert "differ from a fresh rendering" in problems[1]


def test_one_photo_and_all_types(syndr_curate, image_folder, tmp_path):
    photo = image_folder("single", 1, height=96, width=120) / "single0.png"
    types = "1,2,3,4,5,6,7,8,9,10,11,12,13,14,16,17,18,19,20,21,22,23,24,25"
    done = syndr_curate("distort", photo, "--types", types, "--levels", "3", "--out", tmp_path, "--json")
    assert answer(done) | {"megabytes_estimated": 0} == {
        "references": 1,
        "rows": 24,
        "rows_not_ok": 0,
        "megabytes_estimated": 0,
        "out": str(tmp_path / "manifest.parquet"),
    }


def test_a_recipe_manifest_can_be_rendered_later(syndr_curate, photos, tmp_path):
    syndr_curate("distort", photos, "--types", "bid", "--levels", "3", "--recipe-only", "--out", tmp_path / "recipes")
    assert not (tmp_path / "recipes" / "images").exists()
    syndr_curate("distort", photos, "--types", "bid", "--levels", "3", "--out", tmp_path / "direct")
    syndr_curate("distort", tmp_path / "recipes" / "manifest.parquet", "--out", tmp_path / "later")
    for file in (tmp_path / "direct" / "images").rglob("*.png"):
        later = tmp_path / "later" / "images" / file.relative_to(tmp_path / "direct" / "images")
        assert later.read_bytes() == file.read_bytes()


def test_rows_of_an_unreadable_image_stay_and_strict_exits_with_3(syndr_curate, image_folder, tmp_path):
    folder = image_folder("mixed", 2)
    (folder / "torn.png").write_bytes((folder / "mixed0.png").read_bytes()[:500])
    command = ("distort", folder, "--types", "1", "--levels", "3", "--out", tmp_path, "--json")
    done = syndr_curate(*command)
    assert answer(done)["rows_not_ok"] == 1
    frame = pd.read_parquet(tmp_path / "manifest.parquet").set_index("sample_id")
    assert frame.status["torn_01_03"] == "unreadable"
    assert frame.status["mixed1_01_03"] == "ok"
    strict = syndr_curate(
        "distort", folder, "--types", "1", "--levels", "3", "--out", tmp_path, "--strict", check=False
    )
    assert strict.returncode == 3


def test_a_type_too_large_for_the_image_fails_its_row_alone(syndr_curate, image_folder, tmp_path):
    folder = image_folder("tiny", 1, height=40, width=40)
    done = syndr_curate("distort", folder, "--types", "20,21", "--levels", "3", "--out", tmp_path, "--json")
    assert answer(done)["rows_not_ok"] == 1
    frame = pd.read_parquet(tmp_path / "manifest.parquet").set_index("sample_id")
    assert frame.status["tiny0_20_03"] == "failed"
    assert "48" in frame.error["tiny0_20_03"]


def test_encode_keeps_the_row_of_a_bad_image_and_features_load_without_it(syndr_curate, image_folder, tmp_path):
    folder = image_folder("enc", 3)
    (folder / "enc1.png").write_bytes(b"no picture")
    out = tmp_path / "f.parquet"
    done = syndr_curate("encode", folder, "--encoder", "gist", "--out", out, "--json")
    assert answer(done) == {"images": 3, "encoded": 2, "failed": 1, "dimensions": 480, "out": str(out)}
    table = pd.read_parquet(out)
    assert table.status.tolist() == ["ok", "unreadable", "ok"]
    assert load_features(out).ids == ("enc0", "enc2")


def test_encode_of_a_manifest_covers_its_ok_rows_by_sample_id(syndr_curate, photos, tmp_path):
    syndr_curate("distort", photos, "--types", "1", "--levels", "1,5", "--recipe-only", "--out", tmp_path)
    syndr_curate("encode", tmp_path / "manifest.parquet", "--encoder", "gist", "--out", tmp_path / "f.parquet")
    expected = pd.read_parquet(tmp_path / "manifest.parquet").sample_id.tolist()
    assert list(load_features(tmp_path / "f.parquet").ids) == expected


def test_relocate_points_a_manifest_at_moved_files(syndr_curate, image_folder, tmp_path):
    folder = image_folder("moving", 2)
    syndr_curate("distort", folder, "--types", "1", "--levels", "5", "--recipe-only", "--out", tmp_path)
    moved = tmp_path / "elsewhere"
    folder.rename(moved)
    manifest = tmp_path / "manifest.parquet"
    assert syndr_curate("verify", manifest, check=False).returncode == 1
    syndr_curate("relocate", manifest, "--root", f"references={moved}")
    assert syndr_curate("verify", manifest).returncode == 0


def test_a_manifest_without_metadata_is_named_refused_and_mended(syndr_curate, photos, tmp_path):
    syndr_curate("distort", photos, "--types", "1", "--levels", "5", "--recipe-only", "--out", tmp_path)
    old, new = tmp_path / "manifest.parquet", tmp_path / "new.parquet"
    pd.read_parquet(old).to_parquet(new)
    root = ("--root", f"references={photos}")
    checked = syndr_curate("verify", new, *root, "--json", check=False)
    assert checked.returncode == 1
    assert checked.stderr == ""
    assert "has lost its metadata" in answer(checked)["problems"][0]
    refused = syndr_curate("distort", new, *root, "--out", tmp_path / "out", check=False)
    assert refused.returncode == 2
    assert [line.partition(": ")[0] for line in refused.stderr.splitlines()] == ["warning", "error"]
    assert "relocate MANIFEST --provenance-from OLD.parquet" in refused.stderr
    syndr_curate("relocate", new, "--provenance-from", old)
    assert pq.read_metadata(new).metadata[b"syndr_curate"] == pq.read_metadata(old).metadata[b"syndr_curate"]
    pd.read_parquet(old).to_parquet(new)
    told = answer(syndr_curate("relocate", new, *root, "--json"))
    assert "exif_orient" in told["still_missing"]
    assert syndr_curate("verify", new).returncode == 0


def test_files_under_an_unknown_root_are_reported_as_not_checked(syndr_curate, published):
    _, out, _ = published
    done = syndr_curate("verify", out, "--json", check=False)
    verdict = answer(done)
    assert verdict["not_checked"] == {"kadid10k": 2430, "candidates": 432}
    assert (done.returncode, verdict["ok"]) == (1, False)
    assert verdict["problems"] == [
        "nothing was checked: the folder of the files is not known; give --root kadid10k=DIR --root candidates=DIR"
    ]


def test_the_settings_file_ranks_between_flag_and_default(syndr_curate, photos, tmp_path):
    (tmp_path / "syndr-curate.toml").write_text('[distort]\ntypes = [1, 21]\nlevels = "2"\n')
    assert answer(syndr_curate("distort", photos, "--out", "a", "--json", cwd=tmp_path))["rows"] == 6
    assert (
        answer(syndr_curate("distort", photos, "--out", "b", "--levels", "2,3", "--json", cwd=tmp_path))["rows"] == 12
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[distort]\ntpyes = 'bid'\n", "no setting 'tpyes'"),
        ("[distrot]\n", "[distrot] is not a command"),
        ("[distort\n", "cannot be read"),
        ('[distort]\nout = "a\\u0000"\n', "[distort] out holds a NUL character"),
    ],
)
def test_a_faulty_settings_file_is_said(syndr_curate, tmp_path, content, message):
    (tmp_path / "syndr-curate.toml").write_text(content)
    done = syndr_curate("distortions", cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["distort", "nowhere", "--types", "bid", "--out", "o"], "no folder nowhere"),
        (["distort", ".", "--types", "gausian_blur", "--out", "o"], "gaussian_blur"),
        (["distort", ".", "--types", "1", "--levels", "6", "--out", "o"], "'6' is not a level"),
        (["distort", ".", "--types", "1", "--out", "o"], "no images in"),
        (["downsample", "--features", "none.npy"], "no manifest at manifests/train.parquet"),
        (["inspect", "none.parquet"], "no manifest at none.parquet"),
        (["select", "--candidate-features", "x.npz"], "--reference-features FILE is needed"),
        (["upsample", "--candidates", "few"], "expected a number of at least 1, or all"),
        (["relocate", "m.parquet", "--root", "a"], "expected name=DIR"),
    ],
)
def test_a_mistake_is_one_clear_line_and_status_2(syndr_curate, tmp_path, arguments, message):
    done = syndr_curate(*arguments, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_progress_and_notes_go_to_stderr_and_quiet_silences_them(syndr_curate, photos, tmp_path):
    base = ("upsample", "--references", photos, "--proxy-labels", "--candidates-root", photos, "--encoder", "gist")
    loud = syndr_curate(*base, "--types", "1", "--out", tmp_path / "t.parquet", "--json", check=False)
    quiet = syndr_curate(*base, "--types", "1", "--out", tmp_path / "t.parquet", "--json", "--quiet", check=False)
    assert "features are in" in loud.stderr
    assert loud.returncode == quiet.returncode == 2  # every candidate is one of the references
    assert quiet.stderr.splitlines() == [line for line in loud.stderr.splitlines() if line.startswith("error: ")]


def test_the_catalog_lists_25_types_and_the_camera_family(syndr_curate):
    assert [e["id"] for e in answer(syndr_curate("distortions", "--json"))["distortions"]] == [
        *range(1, 26),
        *range(101, 111),
    ]
    assert len(syndr_curate("distortions").stdout.splitlines()) == 37


def test_ids_with_features_may_come_in_any_order(syndr_curate, published, tmp_path):
    _, out, _ = published
    ids = pd.read_parquet(out).sample_id.tolist()
    rng = np.random.Generator(np.random.PCG64(0))
    matrix = (np.eye(8)[rng.integers(0, 8, len(ids))] + 0.01).astype(np.float32)
    order = rng.permutation(len(ids))
    save_features(tmp_path / "a" / "epoch1.parquet", ids, matrix)
    save_features(tmp_path / "b" / "epoch1.parquet", [ids[i] for i in order], matrix[order])
    for name in ("a", "b"):
        features = tmp_path / name / "epoch1.parquet"
        syndr_curate("downsample", "--features", features, "--manifest", out, "--out", tmp_path / f"{name}.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_a_root_may_stand_in_the_settings_file(syndr_curate, photos, tmp_path):
    syndr_curate("distort", photos, "--types", "1", "--levels", "5", "--recipe-only", "--out", tmp_path)
    (tmp_path / "syndr-curate.toml").write_text(f'[verify]\nroot = ["references={photos}"]\n')
    assert syndr_curate("verify", "manifest.parquet", cwd=tmp_path).returncode == 0
    (tmp_path / "syndr-curate.toml").write_text(f'[verify]\nroot = "refs={photos}"\n')
    done = syndr_curate("verify", "manifest.parquet", cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert "no root 'refs'" in done.stderr


def test_recipe_rows_say_when_their_reference_is_missing_or_no_image(syndr_curate, image_folder, tmp_path):
    folder = image_folder("recipe", 2)
    (folder / "text.png").write_text("no image")
    command = ("distort", folder, "--types", "1", "--levels", "5", "--recipe-only", "--out", tmp_path, "--json")
    assert answer(syndr_curate(*command))["rows_not_ok"] == 1
    (folder / "recipe0.png").unlink()
    verdict = answer(syndr_curate("verify", tmp_path / "manifest.parquet", "--sample", "0", "--json", check=False))
    assert verdict["problems"] == ["recipe0_01_05: reference recipe0.png: No such file or directory"]


def test_cross_validation_says_how_far_off_the_published_labels_are(syndr_curate, published):
    _, _, flags = published
    scores = answer(syndr_curate("label", "--cross-validate", *flags[:4], "--json"))
    assert scores["mae"] == pytest.approx(0.717, abs=0.001)
    assert scores["srcc"] == pytest.approx(0.9335, abs=0.001)
    assert len(scores["by"]["type"]) == 25
    assert len(scores["by"]["level"]) == 5


def test_gp_labels_can_be_bounded_by_their_uncertainty(syndr_curate, published, tmp_path):
    _, _, flags = published
    command = ("upsample", *flags, "--types", "bid", "--recipe-only", "--labeler", "gp", "--json")
    summary = answer(syndr_curate(*command, "--max-label-std", "1.0", "--out", tmp_path / "t.parquet"))
    assert summary["rows_new"] + summary["rows_too_uncertain"] == 432
    assert summary["rows_too_uncertain"] > 0
    frame = pd.read_parquet(tmp_path / "t.parquet")
    assert frame[frame.label_source == "pseudo"].label_std.max() <= 1.0
