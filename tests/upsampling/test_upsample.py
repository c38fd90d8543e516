from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pytest
from syndr_curate.curate.checks.verify import verify
from syndr_curate.curate.datasets.feature_files import save_features
from syndr_curate.curate.datasets.label_columns import LabelColumns
from syndr_curate.curate.datasets.labels import LabelFile
from syndr_curate.curate.errors import CurateError, CurateWarning
from syndr_curate.curate.labeling.settings import LabelSettings
from syndr_curate.curate.manifest.manifest import read_manifest
from syndr_curate.curate.manifest.provenance import read_provenance
from syndr_curate.curate.manifest.selection import read_selection
from syndr_curate.curate.storage.images import DecodeOptions, decode_image
from syndr_curate.curate.upsampling.labeled_set import read_labeled_set
from syndr_curate.curate.upsampling.request import EncoderChoice, UpsampleRequest
from syndr_curate.curate.upsampling.run import run_upsample
from syndr_curate.curate.upsampling.select import run_select
from syndr_curate.curate.upsampling.settings import UpsampleSettings
from syndr_curate.curate.upsampling.upsample import upsample
from syndr_curate.distortions.numerics.denoising.weights import shipped_digests

REFERENCES = {"r1": (1.0, 0.0, 0.0, 0.0), "r2": (0.8, 0.6, 0.0, 0.0), "r3": (-1.0, 0.0, 0.0, 0.0)}
CANDIDATES = {"near": (1.0, 0.01, 0.0, 0.0), "new": (0.1, 0.1, 1.0, 0.0), "far": (-1.0, 0.001, 0.0, 0.0)}


@pytest.fixture
def files(tmp_path):
    """Three labeled references, three candidates of which only `new` lies between the bounds."""
    for name, rows in (("references", REFERENCES), ("candidates", CANDIDATES)):
        save_features(tmp_path / f"{name}.npz", list(rows), np.array(list(rows.values()), np.float32))
    lines = ["dist_img,ref_img,dmos,var"]
    for number, reference in enumerate(REFERENCES):
        for kind in (1, 21):
            lines += [
                f"{reference}_{kind:02d}_{lv:02d}.png,{reference}.png,{5 - lv * 0.8 + number * 0.1:.2f},0.5"
                for lv in range(1, 6)
            ]
    (tmp_path / "dmos.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def request(files, **changes):
    settings = changes.pop("settings", UpsampleSettings(types=(1, 21)))
    given = {
        "settings": settings,
        "out": files / "out" / "train.parquet",
        "labels": LabelFile(files / "dmos.csv"),
        "reference_features": files / "references.npz",
        "candidate_features": files / "candidates.npz",
        "recipe_only": True,
    }
    return UpsampleRequest(**{**given, **changes})


def test_new_rows_name_the_denoiser_weights_that_the_request_names(files):
    first = shipped_digests()[-1]
    run_upsample(request(files, decoding=DecodeOptions(denoiser=first)))
    assert read_provenance(read_manifest(files / "out" / "train.parquet"))["denoiser"] == first


def test_originals_of_the_types_at_all_levels_join_the_new_rows(files):
    summary = run_upsample(request(files))
    assert summary["candidates"] == {"kept": 1, "too_close": 2}
    # 3 references x 2 types x 5 levels, and 1 x 2 types x levels 1 3 5
    assert (summary["rows_original"], summary["rows_new"], summary["rows_total"]) == (30, 6, 36)
    table = read_manifest(summary["out"], training=True)
    assert table["sample_id"].to_pylist()[-6:] == [f"new_{t:02d}_{lv:02d}" for t in (1, 21) for lv in (1, 3, 5)]
    assert set(table["dataset"].to_pylist()) == {"kadid10k", "candidates"}


def test_new_rows_labeled_by_the_condition_means_of_a_label_file_are_counted_as_new(files):
    settings = UpsampleSettings(types=(1, 21), labeling=LabelSettings(labeler="condition"))
    summary = run_upsample(request(files, settings=settings))
    assert (summary["rows_original"], summary["rows_new"], summary["rows_too_uncertain"]) == (30, 6, 0)
    frame = pd.read_parquet(files / "out" / "train.parquet")
    humans = frame[frame.label_source == "mos"].groupby(["distortion_id", "level"]).label.mean()
    new = frame[frame.label_source == "condition"].set_index(["distortion_id", "level"])
    assert new.label.to_dict() == pytest.approx(humans[new.index].to_dict(), abs=1e-5)


def test_the_selection_is_written_on_request_as_select_writes_it(files):
    summary = run_upsample(request(files, selection=files / "out" / "selection.parquet"))
    assert summary["selection"] == str(files / "out" / "selection.parquet")
    run_select(files / "references.npz", files / "candidates.npz", files / "alone.parquet")
    assert (files / "out" / "selection.parquet").read_bytes() == (files / "alone.parquet").read_bytes()
    assert read_selection(files / "alone.parquet")["status"].to_pylist() == ["too_close", "kept", "too_close"]
    with pytest.raises(CurateError, match="would overwrite"):
        run_upsample(request(files, selection=files / "candidates.npz"))


def test_one_label_scale_over_the_whole_file(files):
    # Only type 1 is used, yet the ends of the scale are those of all rows (1.0 and 4.4).
    run_upsample(request(files, settings=UpsampleSettings(types=(1,))))
    provenance = read_provenance(read_manifest(files / "out" / "train.parquet"))
    assert provenance["label_scale"] == {"min": 1.0, "max": 4.4, "higher_is_better": True}


def test_the_same_inputs_give_the_same_bytes(files):
    run_upsample(request(files))
    first = (files / "out" / "train.parquet").read_bytes()
    run_upsample(request(files))
    assert (files / "out" / "train.parquet").read_bytes() == first
    text = first.decode("latin-1")
    assert str(files) not in text


def test_somebody_elses_label_file_goes_through(files):
    own = pd.read_csv(files / "dmos.csv")
    shuffled = pd.DataFrame({"picture": own.dist_img, "badness": 100 - 20 * own.dmos}).sample(frac=1, random_state=0)
    shuffled.to_csv(files / "scores.csv", index=False)
    columns = LabelColumns.chosen(id="picture", label="badness", reference="ref_img")
    labels = LabelFile(files / "scores.csv", columns, lower_is_better=True, label_range=(0.0, 100.0))
    run_upsample(request(files, labels=labels))
    frame = pd.read_parquet(files / "out" / "train.parquet").set_index("sample_id")
    # badness 100 - 20 dmos on [0, 100], flipped: 2 dmos
    assert frame.label["r1_01_01"] == pytest.approx(2 * 4.2, abs=1e-5)
    assert frame.label["r3_21_05"] == pytest.approx(2 * 1.2, abs=1e-5)
    assert frame.label_std.isna().sum() >= 30
    assert set(frame.dataset) == {"scores", "candidates"}


def test_pristine_rows_come_only_when_asked_for(files):
    run_upsample(request(files, settings=UpsampleSettings(types=(1, 21), with_pristine=True)))
    frame = pd.read_parquet(files / "out" / "train.parquet")
    pristine = frame[frame.distortion_id == 0].set_index("sample_id")
    assert set(pristine.index) == {"r1_00_00", "r2_00_00", "r3_00_00", "new_00_00"}
    identity = frame[(frame.distortion_id == 1) & (frame.level == 1)].set_index("reference_id").label
    assert pristine.label["r1_00_00"] == identity["r1"]
    assert pristine.label["new_00_00"] == pytest.approx(identity["new"], abs=1e-6)
    assert set(pristine.distortion) == {"pristine"}


def test_only_new_leaves_the_originals_out(files):
    summary = run_upsample(request(files, settings=UpsampleSettings(types=(1,), only_new=True)))
    assert (summary["rows_original"], summary["rows_total"]) == (0, 3)


def test_a_dry_run_counts_and_writes_nothing(files):
    summary = run_upsample(request(files, dry_run=True))
    assert summary["rows_new"] == 6
    assert not (files / "out").exists()


def test_a_candidate_with_the_id_of_a_reference_is_refused(files):
    renamed = {"r1" if name == "new" else name: row for name, row in CANDIDATES.items()}
    save_features(files / "candidates.npz", list(renamed), np.array(list(renamed.values()), np.float32))
    with pytest.raises(CurateError, match="id of a labeled reference: 'r1'"):
        run_upsample(request(files))
    assert not (files / "out" / "train.parquet").exists()


def test_a_candidate_with_nearly_the_id_of_a_reference_is_said(files):
    renamed = {"R1" if name == "new" else name: row for name, row in CANDIDATES.items()}
    save_features(files / "candidates.npz", list(renamed), np.array(list(renamed.values()), np.float32))
    with pytest.warns(CurateWarning, match="1 candidates have the id of a labeled reference but for upper and lower"):
        run_upsample(request(files))


def test_why_references_do_not_match_the_labels_is_said(files):
    matrix = np.array(list(REFERENCES.values()), np.float32)
    save_features(files / "references.npz", [f"ref/{name}" for name in REFERENCES], matrix)
    with pytest.raises(CurateError, match=r"3 would match but for a folder in front.*'r1' in the labels and 'ref/r1'"):
        run_upsample(request(files))


def test_why_splits_name_strangers_is_said(files):
    with pytest.raises(CurateError, match=r"'R1'; 1 would match but for upper and lower case.*'R1' in the splits"):
        upsample(files / "dmos.csv", files / "references.npz", files / "candidates.npz", splits={"R1": "test"})


@pytest.mark.parametrize(("folder", "names"), [("candidates_root", CANDIDATES), ("references", REFERENCES)])
def test_why_files_of_a_folder_are_not_found_is_said(files, folder, names, save_image, picture):
    for name in names:
        save_image(f"{folder}/{name.upper()}.png", picture)
    with pytest.raises(CurateError, match=r"folder(: 'new')?; 1 would match but for upper and lower case"):
        run_upsample(request(files, **{folder: files / folder}))


@pytest.mark.parametrize("taken", ["dmos.csv", "references.npz", "candidates.npz"])
def test_the_manifest_may_not_overwrite_an_input(files, taken):
    before = (files / taken).read_bytes()
    with pytest.raises(CurateError, match=f"{taken} would overwrite"):
        run_upsample(request(files, out=files / taken))
    assert (files / taken).read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": None}, "give labels in one way"),
        ({"proxy_labels": True}, "give labels in one way"),
        ({"labels": None, "proxy_labels": True}, "--references DIR"),
        ({"candidate_features": None}, "give the candidates"),
        ({"reference_features": None}, "give the references"),
        ({"recipe_only": False}, "--candidates-root DIR, or --recipe-only"),
    ],
)
def test_what_is_missing_is_said(files, changes, message):
    with pytest.raises(CurateError, match=message):
        run_upsample(request(files, **changes))


def test_in_python_the_same_verb_gives_the_same_rows(files):
    run_upsample(request(files))
    written = read_manifest(files / "out" / "train.parquet")
    table = upsample(files / "dmos.csv", files / "references.npz", files / "candidates.npz", types=[1, "pixelate"])
    for column in ("sample_id", "label", "label_std", "neighbors", "seed", "split", "level"):
        assert table[column].equals(written[column]), column


@pytest.fixture(scope="module")
def photographed(tmp_path_factory, image_folder):
    """A run on photographs with proxy labels: real files, a broken candidate and a broken reference among them."""
    references = image_folder("ref", 5)
    candidates = image_folder("cand", 12, first_seed=100)
    (references / "broken.png").write_text("not a picture")
    (candidates / "empty.jpg").write_bytes(b"")
    out = tmp_path_factory.mktemp("run") / "train.parquet"
    given = UpsampleRequest(
        settings=UpsampleSettings(types=(1, 21, 23)),
        out=out,
        references=references,
        proxy_labels=True,
        candidates_root=candidates,
        encoder=EncoderChoice("gist"),
    )
    return out, run_upsample(given), given


def test_proxy_labels_come_with_pixels_and_pass_verify(photographed):
    out, summary, _ = photographed
    assert summary["rows_original"] == 6 * 3 * 5
    verdict = verify(out)
    assert verdict.problems == []
    assert verdict.files_decoded == 5 * 15 + summary["rows_new"]
    assert verdict.rendered_again > 0


def test_a_broken_reference_keeps_its_rows_and_says_why(photographed):
    out, summary, _ = photographed
    frame = pd.read_parquet(out)
    broken = frame[frame.reference_id == "broken"]
    assert len(broken) == 15
    assert set(broken.status) == {"unreadable"}
    assert broken.error.str.contains("not an image").all()
    assert broken.label.isna().all()
    assert summary["rows_not_ok"] == 15
    assert "empty" not in set(frame.reference_id)


def test_rows_of_held_out_references_keep_their_split_where_they_could_not_be_measured(photographed, tmp_path):
    _, _, given = photographed
    splits = tmp_path / "split.csv"
    splits.write_text("reference_id,split\nbroken,test\nref1,val\n")
    run_upsample(replace(given, out=tmp_path / "train.parquet", recipe_only=True, split_file=splits))
    frame = pd.read_parquet(tmp_path / "train.parquet")
    assert set(frame[frame.reference_id == "broken"].split) == {"test"}
    assert set(frame[frame.reference_id == "ref1"].split) == {"val"}
    assert set(frame[~frame.reference_id.isin(["broken", "ref1"])].split) == {"train"}


def test_a_manifest_is_no_folder_of_candidates_so_its_held_out_rows_are_none_either(photographed, tmp_path):
    out, _, given = photographed
    with pytest.raises(CurateError, match="expected a folder of images"):
        run_upsample(replace(given, out=tmp_path / "new.parquet", candidates_root=out))


def test_proxy_labels_fall_with_blur_and_are_ten_for_identity_cells(photographed):
    out, _, _ = photographed
    frame = pd.read_parquet(out)
    proxies = frame[(frame.label_source == "proxy") & (frame.distortion == "gaussian_blur") & (frame.status == "ok")]
    by_level = proxies.groupby("level").label.mean()
    assert by_level[1] == 10.0
    assert by_level.is_monotonic_decreasing


def test_worker_count_changes_no_byte(photographed, tmp_path):
    out, _, given = photographed
    again = replace(given, out=tmp_path / "train.parquet", workers=1)
    run_upsample(again)
    first, second = read_manifest(out), read_manifest(tmp_path / "train.parquet")
    assert first.replace_schema_metadata(None).equals(second.replace_schema_metadata(None))
    usable = first.filter(pc.equal(first["status"], "ok"))
    for path in usable["image_path"].to_pylist():
        stored, fresh = (folder / "images" / path for folder in (out.parent, tmp_path))
        assert stored.read_bytes() == fresh.read_bytes()


def test_recipe_only_stores_no_pixels_and_verify_renders_them(photographed, tmp_path):
    out, _, given = photographed
    run_upsample(replace(given, out=tmp_path / "train.parquet", recipe_only=True))
    assert not (tmp_path / "images").exists()
    first, second = read_manifest(out), read_manifest(tmp_path / "train.parquet")
    assert first["label"].equals(second["label"])
    verdict = verify(tmp_path / "train.parquet")
    assert verdict.problems == []
    assert verdict.recipe_rows == 75 + second["label_source"].to_pylist().count("pseudo")


def test_images_may_not_be_rendered_among_the_references(photographed):
    _, _, given = photographed
    with pytest.raises(CurateError, match="would read its images as references"):
        run_upsample(replace(given, images_out=given.references / "distorted"))


def test_rendered_pixels_are_the_distortion_of_the_candidate(photographed):
    from syndr_curate.distortions import distort

    out, _, given = photographed
    row = (
        pd.read_parquet(out, dtype_backend="pyarrow")
        .query("label_source == 'pseudo' and distortion == 'color_block'")
        .iloc[0]
    )
    reference = decode_image(given.candidates_root / row.reference_path)
    stored = decode_image(out.parent / "images" / row.image_path)
    assert np.array_equal(stored, distort(reference, "color_block", row.level, seed=int(row.seed)))


def test_a_dataset_may_not_take_the_name_of_a_root(files):
    with pytest.raises(CurateError, match="--dataset images: this name is taken"):
        run_upsample(request(files, dataset="images"))
    (files / "dmos.csv").rename(files / "references.csv")
    other = pd.read_csv(files / "references.csv").rename(columns={"dmos": "mos"})
    other.to_csv(files / "references.csv", index=False)
    labels = LabelFile(files / "references.csv", LabelColumns(label="mos", std=None, raters=1))
    run_upsample(request(files, labels=labels))
    assert "references-labelled" in read_provenance(read_manifest(files / "out" / "train.parquet"))["roots"]


@pytest.fixture(scope="module")
def kadid_folder(tmp_path_factory, image_folder):
    """A folder laid out like KADID-10k: four references, one of them torn, and one picture that nobody labeled."""
    made = image_folder("I", 5, first_seed=300)
    root = tmp_path_factory.mktemp("kadid") / "KADID-10k"
    root.mkdir()
    made.rename(root / "images")
    (root / "images" / "I1.png").write_bytes(b"torn")
    lines = ["dist_img,ref_img,dmos,var"]
    for number in range(4):
        for level in range(1, 6):
            lines.append(f"I{number}_01_{level:02d}.png,I{number}.png,{5 - 0.7 * level - 0.05 * number:.2f},0.4")
            if (number, level) != (3, 5):  # one distorted image is missing
                (root / "images" / f"I{number}_01_{level:02d}.png").write_bytes(b"not looked into")
    (root / "dmos.csv").write_text("\n".join(lines) + "\n")
    return root


def test_a_torn_reference_of_a_dataset_is_no_neighbor_and_shifts_no_label(kadid_folder, image_folder, tmp_path):
    given = UpsampleRequest(
        settings=UpsampleSettings(types=(1,)),
        out=tmp_path / "train.parquet",
        dataset="kadid10k",
        root=kadid_folder,
        candidates_root=image_folder("pool", 15, first_seed=400),
        encoder=EncoderChoice("gist"),
        recipe_only=True,
    )
    summary = run_upsample(given)
    frame = pd.read_parquet(tmp_path / "train.parquet")
    assert summary["rows_original"] == 20
    originals = frame[frame.dataset == "kadid10k"].set_index("sample_id")
    # dmos 1.35 to 4.30: the label of I2, level 1, is (5 - 0.7 - 0.1 - 1.35) / 2.95 * 10
    assert originals.label["I2_01_01"] == pytest.approx((4.2 - 1.35) / 2.95 * 10, abs=1e-5)
    assert originals.image_path["I2_01_01"] == "images/I2_01_01.png"
    assert (originals.status["I2_01_01"], originals.status["I3_01_05"]) == ("ok", "unreadable")
    assert summary["rows_not_ok"] == 1
    voices = {v["reference_id"] for row in frame[frame.label_source == "pseudo"].neighbors for v in row}
    assert voices <= {"I0", "I2", "I3"}


def test_a_root_without_any_of_the_labeled_images_is_refused(files):
    with pytest.raises(CurateError, match="none of the 30 labeled images is below --root"):
        run_upsample(request(files, root=files))


def test_a_draw_of_candidates_is_made_before_any_is_encoded(photographed, tmp_path):
    _, _, given = photographed
    settings = replace(given.settings, candidates=6)
    summary = run_upsample(replace(given, out=tmp_path / "t.parquet", settings=settings, recipe_only=True))
    encoded = pd.read_parquet(tmp_path / "t.candidate-features.parquet")
    assert len(encoded) == 6
    assert sum(summary["candidates"].values()) + summary["candidates_unusable"] == 6


def test_unusable_candidates_are_counted(photographed):
    _, summary, _ = photographed
    assert summary["candidates_unusable"] == 1
    assert sum(summary["candidates"].values()) == 12


def test_references_measured_in_memory_have_the_labels_of_a_run(photographed, tmp_path):
    out, _, given = photographed
    alone = replace(given, candidates_root=None, candidate_features=None, out=tmp_path / "train.parquet")
    labels, references, splits = read_labeled_set(alone)
    assert splits == {}
    assert list(tmp_path.iterdir()) == []
    proxies = pd.read_parquet(out).query("label_source == 'proxy' and status == 'ok'").set_index("sample_id")
    assert set(labels.sample_ids) == set(proxies.index)
    measured = dict(zip(labels.sample_ids, labels.quality, strict=True))
    assert all(proxies.label[i] == np.float32(quality) for i, quality in measured.items())
    assert set(references.require_ids()) == set(labels.reference_ids) == {f"ref{number}" for number in range(5)}
