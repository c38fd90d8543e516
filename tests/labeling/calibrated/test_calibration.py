"""Calibrated labels: learned from labeled single distortions, given to chains and to anything with a reference."""

import json
import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from syndr_curate.curate.demo.scenes import SCENE_KINDS, paint_scene
from syndr_curate.curate.errors import CurateError, CurateWarning
from syndr_curate.curate.labeling.calibrated import measured_rows
from syndr_curate.curate.labeling.label import label
from syndr_curate.curate.manifest.chains.recipes import chain_rows
from syndr_curate.curate.manifest.chains.settings import ChainSettings
from syndr_curate.curate.manifest.manifest import read_manifest, write_manifest
from syndr_curate.curate.manifest.provenance import attach, make_provenance, read_provenance
from syndr_curate.curate.manifest.recipes import RecipeGrid, Reference
from syndr_curate.curate.rendering.mdsi import mdsi, proxy_quality
from syndr_curate.curate.storage.images import encode_image
from syndr_curate.distortions import distort, stretch_uint8
from syndr_curate.distortions.catalog import get

from ...making import Notes, recipe_table

NAMES = ("a", "b", "c", "d")
TYPES, LEVELS = (1, 5, 10, 11, 25), (1, 3, 5)
FACTS = {"exif_orient": False, "icc": "ignore", "pixels": "recipe"}


def provenance(**facts):
    return make_provenance("distort", {}, {}, roots={"photos": "photos", "images": None}, **FACTS, **facts)


def chains_of(names):
    grid = RecipeGrid(
        types=(1,),
        levels=(1,),
        seed=1,
        reference_root="photos",
        image_root="images",
        suffix=".png",
        dataset="ours",
    )
    wanted = ChainSettings(drawn=2)
    return attach(chain_rows([Reference(name, f"{name}.png") for name in names], grid, wanted), provenance())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four scenes; `fit.parquet`, condition labels of five types; `chains.parquet`; `camera.parquet`."""
    folder = tmp_path_factory.mktemp("calibrated")
    (folder / "photos").mkdir()
    for name, kind in zip(NAMES, SCENE_KINDS, strict=False):
        (folder / "photos" / f"{name}.png").write_bytes(encode_image(paint_scene(kind, 0, side=96)))
    rows = attach(recipe_table(NAMES, types=TYPES, levels=LEVELS), provenance())
    write_manifest(rows, folder / "rows.parquet")
    write_manifest(label(conditions="kadid10k", manifest=folder / "rows.parquet"), folder / "fit.parquet")
    write_manifest(chains_of(("a", "b")), folder / "chains.parquet")
    camera = attach(recipe_table(("a",), types=(101, 105), levels=(2,)), provenance())
    write_manifest(camera, folder / "camera.parquet")
    return folder


@pytest.fixture(scope="module")
def labeled_chains(folder):
    return label(labeler="calibrated", fit_on=folder / "fit.parquet", manifest=folder / "chains.parquet")


def test_chains_get_a_label_that_says_how_sure_it_is(folder, labeled_chains):
    assert labeled_chains["sample_id"].equals(read_manifest(folder / "chains.parquet")["sample_id"])
    assert set(labeled_chains["label_source"].to_pylist()) == {"calibrated"}
    assert all(0 <= value <= 10 for value in labeled_chains["label"].to_pylist())
    widths = read_provenance(labeled_chains)["config"]["calibration"]["label_std"]["widths"]
    assert {round(v, 5) for v in labeled_chains["label_std"].to_pylist()} <= {round(v, 5) for v in widths}


def test_a_chain_is_not_learned_from_though_it_names_a_type(folder, labeled_chains):
    rows = read_manifest(folder / "fit.parquet")
    (step,) = read_manifest(folder / "chains.parquet")["chain"].slice(0, 1).to_pylist()
    chained = {**rows.slice(0, 1).to_pylist()[0], "sample_id": "chained", "image_path": "chained.png", "chain": step}
    more = pa.concat_tables([rows, pa.Table.from_pylist([{**chained, "label": 0.5}], schema=rows.schema)])
    facts = {**provenance(), "label_scale": read_provenance(rows)["label_scale"]}
    write_manifest(attach(more.unify_dictionaries(), facts), folder / "with-a-chain.parquet")
    found = label(labeler="calibrated", fit_on=folder / "with-a-chain.parquet", manifest=folder / "chains.parquet")
    assert found["label"].equals(labeled_chains["label"])


def test_rows_of_the_camera_family_get_one_too(folder):
    found = label(labeler="calibrated", fit_on=folder / "fit.parquet", manifest=folder / "camera.parquet")
    assert found["label"].null_count == 0


def test_what_was_learned_from_and_how_far_it_misses_is_on_record(folder, labeled_chains):
    facts = read_provenance(labeled_chains)
    found = facts["config"]["calibration"]
    assert found["version"] == "calibrated-1"
    assert found["fit_rows"] == len(NAMES) * len(TYPES) * len(LEVELS)
    families = {"blur", "compression", "noise", "brightness", "sharpness", "color", "spatial"}
    assert set(found["mae_unseen_types_by_family"]) == {get(kind).family for kind in TYPES} < families
    assert set(facts["inputs"]) == {"rows", "fit_on"}
    assert facts["label_scale"] == read_provenance(read_manifest(folder / "fit.parquet"))["label_scale"]


def test_the_error_of_mdsi_is_beside_it(folder, labeled_chains):
    fit = read_manifest(folder / "fit.parquet")
    errors = []
    for row in fit.to_pylist():
        reference = paint_scene(SCENE_KINDS[NAMES.index(row["reference_id"])], 0, side=96)
        image = distort(reference, row["distortion_id"], row["level"], seed=row["seed"])
        errors.append(abs(proxy_quality(mdsi(stretch_uint8(reference), image)) - row["label"]))
    found = read_provenance(labeled_chains)["config"]["calibration"]
    assert found["mae_mdsi"] == pytest.approx(np.mean(errors))


def test_the_same_request_gives_the_same_labels_and_company_changes_none(folder, labeled_chains):
    chains = read_manifest(folder / "chains.parquet")
    again = label(labeler="calibrated", fit_on=folder / "fit.parquet", manifest=chains.slice(1, 2))
    assert again["label"].to_pylist() == labeled_chains["label"].to_pylist()[1:3]


def test_held_out_references_teach_nothing_unless_asked(folder):
    given = {"labeler": "calibrated", "fit_on": folder / "fit.parquet", "manifest": folder / "chains.parquet"}
    fewer = {"splits": {"d": "test"}}
    with pytest.raises(CurateError, match="at least 60 labeled rows of single distortions; there are 45"):
        label(**given, **fewer)
    everyone = label(**given, **fewer, neighbors_from="all")
    assert read_provenance(everyone)["config"]["calibration"]["fit_rows"] == 60


def test_references_that_the_rows_to_label_hold_out_teach_nothing_either(folder):
    chains = read_manifest(folder / "chains.parquet")
    place = chains.schema.get_field_index("split")
    held_out = pc.if_else(pc.equal(chains["reference_id"], "b"), "test", "train").dictionary_encode()
    chains = chains.set_column(place, chains.schema.field(place), held_out)
    with pytest.raises(CurateError, match="at least 60 labeled rows of single distortions; there are 45"):
        label(labeler="calibrated", fit_on=folder / "fit.parquet", manifest=chains)


@pytest.mark.parametrize("absent_from", ["manifest", "fit_on"])
def test_rows_of_an_absent_plugin_are_refused_by_its_name_before_anything_is_measured(folder, absent_from, monkeypatch):
    monkeypatch.setattr(measured_rows, "ordered_map", None)
    before = {"200": {"name": "mine", "version": "7", "source_sha256": "0", "plugin": "my_types:register"}}
    given = {"manifest": read_manifest(folder / "rows.parquet"), "fit_on": read_manifest(folder / "fit.parquet")}
    table = given[absent_from]
    place = table.schema.get_field_index("distortion_id")
    table = table.set_column(place, table.schema.field(place), pa.array([200] * len(table), pa.int16()))
    given[absent_from] = attach(table, {**read_provenance(table), "user_types": before})
    with pytest.raises(CurateError, match=r"type 200 \(mine, version 7\).*give --plugin my_types:register"):
        label(labeler="calibrated", **given)


def test_pixels_that_would_be_rendered_differently_warn(folder):
    rows = attach(recipe_table(("a",), types=(15,), levels=(1,)), provenance(denoiser="0" * 64))
    with pytest.warns(CurateWarning, match="denoiser"), pytest.raises(CurateError, match="no single distortion"):
        label(labeler="calibrated", fit_on=with_scale(read_manifest(folder / "rows.parquet")), manifest=rows)


def test_that_there_is_nothing_to_label_is_said_before_the_fit(folder, monkeypatch):
    monkeypatch.setattr(measured_rows, "ordered_map", None)
    chains = read_manifest(folder / "chains.parquet")
    with pytest.raises(CurateError, match="the manifest has no row to label"):
        label(labeler="calibrated", fit_on=folder / "fit.parquet", manifest=chains.slice(0, 0))


def test_the_errors_are_noted(folder):
    notes = Notes()
    given = {"labeler": "calibrated", "fit_on": folder / "fit.parquet", "manifest": folder / "chains.parquet"}
    label(**given, reporter=notes)
    assert any(line.startswith("  unseen references: ") for line in notes.told)
    assert any(line.startswith("    of noise: ") for line in notes.told)


def test_a_row_without_pixels_says_so_and_loses_its_old_label(folder):
    chains = read_manifest(folder / "chains.parquet")
    lost = pc.if_else(pc.equal(chains["reference_id"], "b"), "gone.png", chains["reference_path"])
    chains = chains.set_column(chains.schema.get_field_index("reference_path"), "reference_path", lost)
    found = label(labeler="calibrated", fit_on=folder / "fit.parquet", manifest=chains)
    assert found["status"].to_pylist() == ["ok", "ok", "unreadable", "unreadable"]
    assert found["label"].is_null().to_pylist() == [False, False, True, True]
    assert "gone.png" in found["error"].to_pylist()[2]


def test_a_row_of_the_fit_without_pixels_ends_the_request(folder):
    fit = read_manifest(folder / "fit.parquet")
    lost = pc.if_else(pc.equal(fit["reference_id"], "b"), "gone.png", fit["reference_path"])
    fit = fit.set_column(fit.schema.get_field_index("reference_path"), "reference_path", lost)
    with pytest.raises(CurateError, match=r"15 rows of fit_on cannot be measured.*'b_01_01'.*gone\.png"):
        label(labeler="calibrated", fit_on=fit, manifest=folder / "chains.parquet")


def test_labels_that_no_person_gave_are_nothing_to_learn_from(folder):
    with pytest.raises(CurateError, match="no single distortion to fit a calibrated label to"):
        label(
            labeler="calibrated",
            fit_on=with_scale(read_manifest(folder / "rows.parquet")),
            manifest=folder / "chains.parquet",
        )


def with_scale(rows):
    facts = read_provenance(rows)
    return attach(rows, {**facts, "label_scale": {"min": 0.0, "max": 10.0, "higher_is_better": True}})


def test_labels_of_an_unknown_scale_are_refused(folder):
    with pytest.raises(CurateError, match="does not say on which scale its labels are"):
        label(labeler="calibrated", fit_on=folder / "rows.parquet", manifest=folder / "chains.parquet")


def test_a_fit_that_lost_its_metadata_says_how_to_get_it_back(folder):
    lost = read_manifest(folder / "fit.parquet").replace_schema_metadata(None)
    with pytest.raises(CurateError, match=r"lost its metadata.*relocate MANIFEST --provenance-from"):
        label(labeler="calibrated", fit_on=lost, manifest=folder / "chains.parquet")


def test_rows_without_a_reference_are_named(folder):
    chains = read_manifest(folder / "chains.parquet")
    bare = pa.nulls(len(chains), pa.string())
    chains = chains.set_column(chains.schema.get_field_index("reference_path"), "reference_path", bare)
    with pytest.raises(CurateError, match=r"4 rows of the manifest name no reference.*'a_chain"):
        label(labeler="calibrated", fit_on=folder / "fit.parquet", manifest=chains)


def test_without_scikit_learn_nothing_is_measured(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(CurateError, match=r"calibrated needs scikit-learn.*pip install 'syndr-curate\[calibrated\]'"):
        label(labeler="calibrated", fit_on=folder / "fit.parquet", manifest=folder / "chains.parquet")


def test_what_does_not_go_together_is_refused_in_python(folder):
    rows = {"manifest": folder / "chains.parquet"}
    with pytest.raises(CurateError, match="labeler is 'calibrated': fit_on goes with calibrated, which needs it"):
        label(labeler="calibrated", **rows)
    with pytest.raises(CurateError, match="labeler is 'gp': fit_on goes with calibrated"):
        label(labeler="gp", fit_on=folder / "fit.parquet", **rows)
    with pytest.raises(CurateError, match="give manifest and fit_on, no labels and no features"):
        label("labels.csv", labeler="calibrated", fit_on=folder / "fit.parquet", **rows)
    with pytest.raises(CurateError, match="labeler is 'calibrated' with conditions"):
        label(labeler="calibrated", conditions="kadid10k", fit_on=folder / "fit.parquet", **rows)


def test_the_command_labels_as_python_does(syndr_curate, folder, tmp_path, labeled_chains):
    command = ("label", "--manifest", "chains.parquet", "--labeler", "calibrated", "--fit-on", "fit.parquet")
    done = syndr_curate(*command, "--out", tmp_path / "out.parquet", "--json", cwd=folder)
    summary = json.loads(done.stdout)
    assert (summary["rows"], summary["fit_rows"]) == (4, 60)
    assert {"mae_unseen_references", "mae_unseen_types", "mae_unseen_families", "mae_mdsi", "coverage"} <= set(summary)
    written = read_manifest(tmp_path / "out.parquet", training=True)
    for column in ("sample_id", "label", "label_std", "label_source"):
        assert written[column].equals(labeled_chains[column]), column


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("label --manifest chains.parquet --labeler calibrated", "the labeler is calibrated: --fit-on MANIFEST goes"),
        (
            "label --manifest chains.parquet --conditions kadid10k --fit-on fit.parquet",
            "the labeler is condition: --fit-on MANIFEST goes",
        ),
        (
            "label --selection s.parquet --labeler calibrated --fit-on fit.parquet",
            "--labeler calibrated compares pixels, and a selection has none",
        ),
        (
            "label --manifest chains.parquet --labeler calibrated --fit-on fit.parquet --labels l.csv",
            "--labels has no effect with --labeler calibrated",
        ),
        (
            "label --manifest chains.parquet --labeler calibrated --fit-on fit.parquet --neighbors 3",
            "--neighbors has no effect with --labeler calibrated",
        ),
        ("label --labels l.csv --labeler calibrated --cross-validate", "--cross-validate compares labelers of a label"),
        (
            "upsample --labels l.csv --labeler calibrated --candidates-root photos --out u.parquet",
            "upsample does not label by calibrated",
        ),
    ],
)
def test_what_does_not_go_together_is_refused_by_the_command(syndr_curate, folder, command, message):
    done = syndr_curate(*command.split(), cwd=folder, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {message}"), done.stderr
