"""Dense soft targets, and a dataset that a DataLoader takes."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.manifest.joining.rows import join
from syndr_curate.curate.manifest.manifest import read_manifest, write_manifest
from syndr_curate.curate.manifest.provenance import attach
from syndr_curate.curate.manifest.recipes import RecipeGrid, Reference, recipe_rows
from syndr_curate.curate.manifest.schema import SOFT_LABELS_TYPE, build_table
from syndr_curate.curate.mixing.mix import mix
from syndr_curate.curate.storage.images import decode_image, encode_image
from syndr_curate.curate.training.soft_labels import SoftLabelDataset, soft_targets, target_names


def rows(*cells):
    """A manifest of (id, type, level, soft labels)."""
    ids, kinds, levels, soft = zip(*cells, strict=True)
    columns = {"distortion_id": pa.array(kinds, pa.int16()), "level": pa.array(levels, pa.int8())}
    table = build_table({"sample_id": ids, "image_path": ids, "split": "train", "status": "ok", **columns}, len(ids))
    named = [
        None if labels is None else [{"distortion_id": k, "level": v, "confidence": c} for k, v, c in labels]
        for labels in soft
    ]
    return table.append_column("soft_labels", pa.array(named, SOFT_LABELS_TYPE))


MIXED = rows(("m", None, None, [(10, 4, 0.75), (23, 5, 0.25)]), ("one", 25, 2, None), ("n", None, None, [(1, 1, 1.0)]))


def filled(layout):
    """Positions and values of the entries above 0, row by row."""
    return [{int(i): float(row[i]) for i in np.flatnonzero(row)} for row in soft_targets(MIXED, layout=layout)]


def test_type_t_is_at_t_minus_1():
    assert filled("type") == [{9: 0.75, 22: 0.25}, {24: 1.0}, {0: 1.0}]
    assert soft_targets(MIXED).shape == (3, 25)


def test_with_a_pristine_class_type_t_is_at_t():
    assert filled("type-pristine") == [{10: 0.75, 23: 0.25}, {25: 1.0}, {1: 1.0}]
    assert soft_targets(MIXED, layout="type-pristine").shape == (3, 26)


def test_type_and_level_stand_level_after_level():
    assert filled("type-level") == [{9 * 5 + 3: 0.75, 22 * 5 + 4: 0.25}, {24 * 5 + 1: 1.0}, {0: 1.0}]
    assert soft_targets(MIXED, layout="type-level").shape == (3, 125)


def test_the_names_are_in_the_order_of_the_targets():
    assert (target_names()[9], target_names()[22], len(target_names())) == ("jpeg", "color_block", 25)
    assert target_names("type-pristine")[:2] == ("pristine", "gaussian_blur")
    assert target_names("type-level")[9 * 5 + 3] == "jpeg 4"
    with pytest.raises(CurateError, match="no layout"):
        target_names("levels")


@pytest.mark.parametrize("layout", ["type", "type-pristine", "type-level"])
def test_a_type_of_the_camera_family_is_no_class(layout):
    table = rows(("blurred", 1, 2, None), ("shaken", 102, 2, None))
    with pytest.raises(CurateError, match=r"1 rows have no class in the layout .*shaken"):
        soft_targets(table, layout=layout)


def test_a_chain_is_of_no_class_though_it_names_a_type():
    table = rows(("single", 1, 2, None), ("chained", 1, 2, None))
    steps = [{"distortion_id": kind, "level": 2.0, "seed": 1} for kind in (1, 11)]
    place = table.schema.get_field_index("chain")
    table = table.set_column(place, "chain", pa.array([None, steps], table.schema.field("chain").type))
    with pytest.raises(CurateError, match=r"1 rows have no class in the layout .*chained"):
        soft_targets(table)


def test_confidences_of_one_class_add_up():
    table = rows(("m", None, None, [(10, 4, 0.75), (10, 2, 0.25)]))
    assert soft_targets(table)[0, 9] == 1
    assert soft_targets(table, layout="type-level")[0, [48, 46]].tolist() == [0.75, 0.25]


def test_part_of_a_table_has_the_targets_of_its_own_rows():
    assert np.array_equal(soft_targets(MIXED.slice(1, 2)), soft_targets(MIXED)[1:])
    twice = pa.concat_tables([MIXED, MIXED.slice(1)])
    assert np.array_equal(soft_targets(twice), soft_targets(MIXED)[[0, 1, 2, 1, 2]])


def test_a_pristine_row_needs_the_layout_that_has_its_class():
    table = rows(("p", 0, 0, None), ("m", None, None, [(10, 4, 1.0)]))
    assert soft_targets(table, layout="type-pristine")[0].tolist() == [1.0] + [0.0] * 25
    for layout in ("type", "type-level"):
        with pytest.raises(CurateError, match=r"1 rows have no class .*'p'.*type-pristine"):
            soft_targets(table, layout=layout)


def test_a_row_of_no_class_is_named():
    with pytest.raises(CurateError, match=r"1 rows .*'who'"):
        soft_targets(rows(("who", None, None, None), ("m", None, None, [(10, 4, 1.0)])))


def test_a_manifest_without_soft_labels_has_targets_of_one_1():
    table = MIXED.slice(1, 1).drop_columns(["soft_labels"])
    assert soft_targets(table)[0].tolist() == [0.0] * 24 + [1.0]


@pytest.fixture
def joined(tmp_path, photograph):
    """Distorted images and stored mixes of them in one manifest."""
    for number in range(2):
        (tmp_path / "photos").mkdir(exist_ok=True)
        (tmp_path / "photos" / f"p{number}.png").write_bytes(encode_image(photograph(number, 48, 56)))
    grid = RecipeGrid(
        types=(10, 16),
        levels=(3,),
        seed=123,
        reference_root="references",
        image_root="images",
        suffix=".png",
        dataset="ours",
    )
    table = recipe_rows([Reference("p0", "p0.png"), Reference("p1", "p1.png", "test")], grid)
    table = attach(table, {"roots": {"references": "photos", "images": None}})
    write_manifest(table, tmp_path / "distorted.parquet")
    mixes = mix(tmp_path / "distorted.parquet", count=3, images_out=tmp_path / "mixes")
    write_manifest(join([table, mixes]), tmp_path / "joined.parquet")
    return tmp_path / "joined.parquet"


def test_a_loader_yields_images_and_dense_soft_targets(joined):
    torch = pytest.importorskip("torch")
    dataset = SoftLabelDataset(joined, split="train")
    # Two training rows of p0 and three mixes; p1 is held out.
    assert len(dataset) == 5
    images, targets = next(iter(torch.utils.data.DataLoader(dataset, batch_size=5)))
    assert (tuple(images.shape), images.dtype) == ((5, 3, 48, 56), torch.uint8)
    assert (tuple(targets.shape), targets.dtype) == ((5, 25), torch.float32)
    assert targets.sum(1).tolist() == pytest.approx([1.0] * 5, abs=1e-6)
    shares = [row["soft_labels"] for row in read_manifest(joined).to_pylist() if row["soft_labels"]]
    for target, labels in zip(targets[2:], shares, strict=True):
        assert {int(i) + 1 for i in target.nonzero()} == {label["distortion_id"] for label in labels}
    assert len(SoftLabelDataset(joined)) == 7


def test_pixels_are_the_stored_ones_and_without_them_the_same_rendered(joined):
    dataset = SoftLabelDataset(joined)
    before = [dataset.pixels(i) for i in range(7)]
    stored = sorted((joined.parent / "mixes").rglob("*.png"))
    assert sum(any(np.array_equal(decode_image(path), image) for image in before) for path in stored) == 3
    for path in stored:
        path.unlink()
    for image, again in zip(before, [dataset.pixels(i) for i in range(7)], strict=True):
        assert np.array_equal(image, again)


def test_a_transform_gets_a_picture(joined):
    torch = pytest.importorskip("torch")
    small = SoftLabelDataset(
        joined, layout="type-level", transform=lambda picture: torch.from_numpy(np.array(picture.resize((9, 7))) / 255)
    )
    image, target = small[0]
    assert (tuple(image.shape), image.dtype, tuple(target.shape)) == ((7, 9, 3), torch.float64, (125,))
    assert len(list(small)) == 7


def test_torch_is_imported_only_for_an_image():
    code = "import sys, syndr_curate.curate.training.soft_labels; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
