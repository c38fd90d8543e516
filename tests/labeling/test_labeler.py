"""What is cross-validated is what labels: the same numbers, to the last bit that a manifest holds."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from syndr_curate.curate.datasets.feature_files import load_features, save_features
from syndr_curate.curate.datasets.features import Features
from syndr_curate.curate.datasets.labels import LabelFile
from syndr_curate.curate.labeling.cross_validation import CrossValidation, cross_validate
from syndr_curate.curate.labeling.label_files import run_label
from syndr_curate.curate.labeling.make_labeler import labelers_to_compare, make_labeler
from syndr_curate.curate.labeling.settings import LabelSettings, NeighborSettings
from syndr_curate.curate.manifest.manifest import read_manifest, write_manifest
from syndr_curate.curate.manifest.provenance import attach

from ..making import recipe_table

SETTINGS = {
    "published": LabelSettings(),
    "similarity": LabelSettings(neighbors=NeighborSettings(weighting="similarity")),
    "many": LabelSettings(neighbors=NeighborSettings(count=20, margin=9.0)),
    "gp": LabelSettings(labeler="gp"),
    "condition": LabelSettings(labeler="condition"),
}
ANGLES = {"a": 0, "b": 5, "c": 11, "d": 20, "e": 33, "f": 48, "g": 80}


def cross_validated(file: LabelFile, references: Features, settings: LabelSettings) -> CrossValidation:
    wanted = file.read().of_references(references.require_ids())
    return cross_validate(wanted, references, make_labeler(settings.labeler, settings.neighbors))


def labeled_as_candidate(
    folder: Path, file: LabelFile, references: Features, left_out: str, settings: LabelSettings
) -> pa.Table:
    """Return the rows that `label` writes for a reference, in the company of another, from the labels of the others."""
    ids = references.require_ids()
    others = [identifier for identifier in ids if identifier != left_out]
    header, *lines = file.path.read_text().splitlines()
    kept = [line for line in lines if line.split("_")[0] in others]
    (folder / "others.csv").write_text("\n".join([header, *kept]))
    rest = np.array([identifier != left_out for identifier in ids])
    save_features(folder / "others.npz", others, references.matrix[rest])
    company = np.stack([references.matrix[rest][-1], references.matrix[~rest][0]])
    save_features(folder / "new.npz", ("company", left_out), company)
    labels = file.read()
    types, levels = (tuple(sorted(set(column.tolist()))) for column in (labels.distortion_ids, labels.levels))
    rows = recipe_table(["company", left_out], types=types, levels=levels, references="candidates", dataset="new")
    write_manifest(attach(rows, {"stage": "distort"}), folder / "rows.parquet")
    run_label(
        LabelFile(folder / "others.csv", label_range=(labels.scale.minimum, labels.scale.maximum)),
        folder / "others.npz",
        folder / "new.npz",
        folder / "labeled.parquet",
        manifest=folder / "rows.parquet",
        types=types,
        levels=levels,
        settings=settings,
    )
    table = read_manifest(folder / "labeled.parquet")
    return table.filter(pa.array([identifier == left_out for identifier in table["reference_id"].to_pylist()]))


def assert_same(result: CrossValidation, left_out: str, written: pa.Table) -> None:
    assert list(zip(written["distortion_id"].to_pylist(), written["level"].to_pylist(), strict=True)) == list(
        result.conditions
    )
    row = result.reference_ids.index(left_out)
    for predicted, column in ((result.predicted[row], "label"), (result.spread[row], "label_std")):
        stored = written[column].to_numpy()
        assert stored.dtype == np.float32
        np.testing.assert_array_equal(predicted.astype(np.float32), stored)


@pytest.fixture
def label_file(tmp_path):
    """Seven references, two types, two levels; labels fall along the arc."""
    lines = ["dist_img,ref_img,dmos,var"]
    for number, identifier in enumerate(ANGLES):
        for kind in (1, 21):
            for level in (1, 3):
                score = 9.1 - 0.7 * number - 0.37 * kind / 3 - 0.9 * level / 7
                lines.append(f"{identifier}_{kind:02d}_{level:02d}.png,{identifier}.png,{score!r},0.8")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    return LabelFile(tmp_path / "labels.csv", label_range=(0.0, 10.0))


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("left_out", ["a", "d", "g"])
def test_the_prediction_of_a_left_out_reference_is_the_label_it_gets_as_a_candidate(
    tmp_path, at_angles, label_file, settings, left_out
):
    references = at_angles(**ANGLES)
    result = cross_validated(label_file, references, settings)
    written = labeled_as_candidate(tmp_path, label_file, references, left_out, settings)
    assert len(written) == 4
    assert_same(result, left_out, written)


# gp fits once per reference: every fourth is enough to see whether the numbers are the same.
@pytest.mark.parametrize(("name", "every"), [("published", 1), ("similarity", 1), ("gp", 4)])
def test_so_it_is_on_kadid(tmp_path, reference_data, name, every):
    file = LabelFile(reference_data / "kadid10k" / "dmos.csv")
    features = load_features(reference_data / "refset" / "train_ref.npz")
    ids = features.require_ids()[::every]
    references = Features(features.matrix[::every], ids, None, features.source, {})
    result = cross_validated(file, references, SETTINGS[name])
    for left_out in (ids[0], ids[len(ids) // 2], ids[-1]):
        written = labeled_as_candidate(tmp_path, file, references, left_out, SETTINGS[name])
        assert len(written) == 125
        assert_same(result, left_out, written)


def test_labelers_of_equal_settings_are_equal_whatever_their_names_in_tables():
    compared = labelers_to_compare()
    assert compared.index(make_labeler("knn")) == 0
    assert compared.index(make_labeler("gp")) == len(compared) - 1
    assert make_labeler("knn", NeighborSettings(count=4)) not in compared
