"""`distort` of a manifest: what the manifest says of its rows and references stays true of the rows that come out."""

import os

import pyarrow as pa
import pytest
from PIL import Image
from syndr_curate import CurateError, read_manifest, verify, write_manifest
from syndr_curate.curate.checks.run_status import run_merge
from syndr_curate.curate.domains.fitting.fit_files import run_domains_fit
from syndr_curate.curate.domains.target_images import open_target
from syndr_curate.curate.encoding.encode import encode
from syndr_curate.curate.manifest.joining.rows import join
from syndr_curate.curate.manifest.provenance import attach, read_provenance
from syndr_curate.curate.manifest.schema import build_table
from syndr_curate.curate.mixing.mix import mix
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.runs.options import LongRun
from syndr_curate.curate.runs.shards import Mode, Share
from syndr_curate.curate.storage.images import DecodeOptions, decode_image

from ..making import paint_cities, recipe_table

ORIENTATION = 0x0112


@pytest.fixture
def photos(tmp_path):
    return paint_cities(tmp_path / "photos", 3, side=48)


@pytest.fixture
def recipes(photos, tmp_path):
    """Recipe rows: p0, p1 and p2 under types 1 and 11 at level 3."""
    run_distort(photos, tmp_path / "recipes", types=(1, 11), levels=(3,), recipe_only=True)
    return tmp_path / "recipes" / "manifest.parquet"


def with_columns(path, **columns):
    """Write a manifest again, with other values in some columns."""
    table = read_manifest(path)
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values, pa.string()))
    write_manifest(table, path)
    return path


HELD_OUT = ["train"] * 2 + ["val"] * 2 + ["test"] * 2


def splits_of(path):
    table = read_manifest(path)
    return {(row["reference_id"], row["split"]) for row in table.select(["reference_id", "split"]).to_pylist()}


def test_new_rows_of_a_manifests_references_have_the_split_of_their_reference(recipes, tmp_path):
    with_columns(recipes, split=HELD_OUT)
    run_distort(recipes, tmp_path / "new", types=(9, 16), levels=(1, 2), recipe_only=True)
    assert splits_of(tmp_path / "new" / "manifest.parquet") == {("p0", "train"), ("p1", "val"), ("p2", "test")}


def test_rows_that_are_rendered_as_they_stand_keep_their_split(recipes, tmp_path):
    with_columns(recipes, split=HELD_OUT)
    run_distort(recipes, tmp_path / "new", types=None)
    assert splits_of(tmp_path / "new" / "manifest.parquet") == {("p0", "train"), ("p1", "val"), ("p2", "test")}


def test_a_reference_that_is_held_out_since_makes_another_run(recipes, tmp_path):
    settings = {"types": (9,), "levels": (1,), "recipe_only": True}
    run_distort(recipes, tmp_path / "new", **settings)
    with_columns(recipes, split=HELD_OUT)
    with pytest.raises(CurateError, match=r"differs: inputs\.splits has changed; --overwrite replaces it"):
        run_distort(recipes, tmp_path / "new", **settings)


def test_images_of_a_folder_are_for_training_and_say_nothing_of_splits(recipes):
    assert set(read_manifest(recipes)["split"].to_pylist()) == {"train"}
    assert list(read_provenance(read_manifest(recipes))["inputs"]) == ["photos"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"split": ["train", "test", *["train"] * 4]},
            "'p0' is of split test in one row and of train in another; its new rows need one: give all its rows the",
        ),
        ({"reference_id": [None, "p0", "p1", "p1", "p2", "p2"]}, "the reference 'p0.png' has no reference_id"),
        ({"reference_id": ["p0"] * 6}, "'p0' is 'p0.png' in one row and 'p1.png' in another; give each file an id"),
    ],
)
def test_a_reference_of_two_splits_or_files_or_of_no_id_is_refused(recipes, tmp_path, columns, message):
    with_columns(recipes, **columns)
    with pytest.raises(CurateError, match=message):
        run_distort(recipes, tmp_path / "new", types=(9,), levels=(1,))
    assert not (tmp_path / "new").exists()


@pytest.fixture
def turned(tmp_path, photograph):
    """Recipe rows of a photograph of 96 x 72 pixels that its EXIF orientation turns to 72 x 96."""
    tag = Image.Exif()
    tag[ORIENTATION] = 6
    (tmp_path / "tagged").mkdir()
    Image.fromarray(photograph(1, 72, 96)).save(tmp_path / "tagged" / "a.png", exif=tag)

    def make(exif_orient):
        decoding = DecodeOptions(exif_orient=exif_orient)
        out = tmp_path / f"recipes-{exif_orient}"
        run_distort(tmp_path / "tagged", out, types=(1,), levels=(3,), recipe_only=True, decoding=decoding)
        return out / "manifest.parquet"

    return make


@pytest.mark.parametrize("exif_orient", [True, False])
@pytest.mark.parametrize("types", [None, (11,)], ids=["its rows", "its references"])
def test_references_are_read_as_the_manifest_says(turned, tmp_path, types, exif_orient):
    summary = run_distort(turned(exif_orient), tmp_path / "out", types=types, levels=(3,))
    manifest = tmp_path / "out" / "manifest.parquet"
    (file,) = (tmp_path / "out" / "images").rglob("*.png")
    assert summary["rows_not_ok"] == 0
    assert decode_image(file).shape == ((96, 72, 3) if exif_orient else (72, 96, 3))
    assert bool(read_provenance(read_manifest(manifest)).get("exif_orient")) == exif_orient
    verdict = verify(manifest)
    assert (verdict.problems, verdict.rendered_again) == ([], 1)


@pytest.mark.parametrize("types", [None, (11,)], ids=["its rows", "its references"])
def test_an_orientation_that_contradicts_the_manifest_is_refused_with_both_values(turned, tmp_path, types):
    message = r"manifest\.parquet says exif_orient False of its pixels, the request True: leave --exif-orient away"
    with pytest.raises(CurateError, match=message):
        run_distort(turned(False), tmp_path / "out", types=types, decoding=DecodeOptions(exif_orient=True))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("door", [open_target, lambda path, decoding: encode(path, "gist", decoding=decoding)])
def test_whoever_else_makes_a_manifests_pixels_refuses_another_orientation_too(turned, door):
    door(turned(True), DecodeOptions(exif_orient=True))
    with pytest.raises(CurateError, match="says exif_orient False of its pixels, the request True"):
        door(turned(False), DecodeOptions(exif_orient=True))


def test_an_orientation_that_the_manifest_says_too_is_taken(turned, tmp_path):
    summary = run_distort(turned(True), tmp_path / "out", types=None, decoding=DecodeOptions(exif_orient=True))
    assert summary["rows_not_ok"] == 0


@pytest.fixture
def labeled(recipes, tmp_path):
    """Six recipe rows between four labeled originals without a seed, one of them unreadable; and their files' root."""
    paint_cities(tmp_path / "originals", ["o0", "o1", "o2", "o3"], side=40)
    originals = build_table(
        {
            "sample_id": ["o0", "o1", "o2", "o3"],
            "image_path": ["o0.png", "o1.png", "o2.png", "o3.png"],
            "image_root": "ours",
            "label": pa.array([1.0, 2.0, 3.0, 4.0], pa.float32()),
            "label_source": "mos",
            "dataset": "ours",
            "split": ["train", "train", "val", "test"],
            "status": ["ok", "unreadable", "ok", "ok"],
            "error": [None, "was torn", None, None],
        },
        4,
    )
    folder = tmp_path / "labeled"
    folder.mkdir()
    table = read_manifest(recipes)
    roots = {"references": "../photos", "ours": "../originals", "images": None}
    parts = [part.replace_schema_metadata(None) for part in (originals.slice(0, 2), table, originals.slice(2))]
    joined = attach(join(parts), {**read_provenance(table), "roots": roots})
    write_manifest(joined, folder / "manifest.parquet")
    return folder / "manifest.parquet"


ORIGINALS = ["o0", "o1", "o2", "o3"]


def rows_of(path, ids=None):
    rows = read_manifest(path).to_pylist()
    return [row for row in rows if ids is None or row["sample_id"] in ids]


@pytest.mark.parametrize("layout", ["files", "webdataset", "parquet"])
def test_rows_without_a_seed_are_carried_along_as_they_are_and_counted(labeled, tmp_path, layout):
    run = LongRun(rows_per_shard=2)  # the first shard has originals alone, the last too
    summary = run_distort(labeled, tmp_path / "out", types=None, layout=layout, run=run)
    manifest = tmp_path / "out" / "manifest.parquet"
    assert (summary["rows"], summary["rows_carried"], summary["rows_not_ok"]) == (10, 4, 1)
    assert [row["sample_id"] for row in rows_of(manifest)] == [row["sample_id"] for row in rows_of(labeled)]
    assert rows_of(manifest, ORIGINALS) == rows_of(labeled, ORIGINALS)
    assert read_provenance(read_manifest(manifest))["roots"]["ours"] == "../originals"
    verdict = verify(manifest)
    assert (verdict.problems, verdict.files_decoded, verdict.rendered_again) == ([], 9, 6)
    archives = sorted(path.name for path in (tmp_path / "out" / "images").iterdir())
    suffix = {"webdataset": ".tar", "parquet": ".parquet"}.get(layout)
    assert archives == (["p0", "p1", "p2"] if suffix is None else [f"0000{k}{suffix}" for k in (1, 2, 3)])


def test_the_rendered_rows_are_those_of_a_manifest_without_originals(labeled, recipes, tmp_path):
    run_distort(labeled, tmp_path / "out", types=None)
    run_distort(recipes, tmp_path / "alone", types=None)
    ids = [row["sample_id"] for row in rows_of(recipes)]
    assert rows_of(tmp_path / "out" / "manifest.parquet", ids) == rows_of(tmp_path / "alone" / "manifest.parquet")
    files = sorted((tmp_path / "alone" / "images").rglob("*.png"))
    assert len(files) == 6
    for file in files:
        other = tmp_path / "out" / "images" / file.relative_to(tmp_path / "alone" / "images")
        assert other.read_bytes() == file.read_bytes()


def test_rows_without_a_seed_stay_where_no_pixels_are_stored(labeled, tmp_path):
    summary = run_distort(labeled, tmp_path / "out", types=None, recipe_only=True)
    assert (summary["rows"], summary["rows_carried"]) == (10, 4)
    assert rows_of(tmp_path / "out" / "manifest.parquet", ORIGINALS) == rows_of(labeled, ORIGINALS)


def test_a_manifest_of_recipes_alone_carries_nothing_and_says_nothing_of_it(recipes, tmp_path):
    summary = run_distort(recipes, tmp_path / "out", types=None)
    assert "rows_carried" not in summary
    assert "rows_carried" not in read_provenance(read_manifest(tmp_path / "out" / "manifest.parquet"))["config"]


def test_rows_are_carried_along_by_shares_and_through_a_retry(labeled, photos, tmp_path):
    reference = (photos / "p1.png").read_bytes()
    (photos / "p1.png").write_bytes(b"torn")
    for number in (1, 2):
        mode = Mode(share=Share(number, 2))
        run_distort(labeled, tmp_path / "out", types=None, run=LongRun(mode, rows_per_shard=3))
    merged = run_merge(tmp_path / "out")
    assert (merged["rows"], merged["rows_not_ok"]) == (10, 3)
    (photos / "p1.png").write_bytes(reference)
    run_distort(labeled, tmp_path / "out", types=None, run=LongRun(Mode(retry_failed=True), rows_per_shard=3))
    assert rows_of(tmp_path / "out" / "manifest.parquet", ORIGINALS) == rows_of(labeled, ORIGINALS)
    assert [row["sample_id"] for row in rows_of(tmp_path / "out" / "manifest.parquet") if row["status"] != "ok"] == [
        "o1"
    ]


def test_a_run_that_starts_anew_removes_no_image_of_a_carried_row(labeled, tmp_path):
    run_distort(labeled, tmp_path / "out", types=None)
    mine = tmp_path / "out" / "images" / "o0.png"  # named as a carried row's, which lies elsewhere
    mine.write_bytes(b"mine")
    run_distort(labeled, tmp_path / "out", types=None, run=LongRun(Mode(overwrite=True)))
    assert mine.read_bytes() == b"mine"


def test_rows_without_a_seed_under_the_root_of_the_rendered_ones_are_refused(labeled, tmp_path):
    with_columns(labeled, image_root=["images"] * 10)
    message = "have their pixels under 'images', the image_root of rows that are rendered into"
    with pytest.raises(CurateError, match=message):
        run_distort(labeled, tmp_path / "out", types=None)
    assert not (tmp_path / "out").exists()


def test_rows_to_render_that_name_no_image_root_are_refused(recipes, tmp_path):
    with_columns(recipes, image_root=["images"] * 5 + [None])
    with pytest.raises(CurateError, match="1 rows with a seed name no image_root"):
        run_distort(recipes, tmp_path / "out", types=None)


def test_nothing_is_rendered_into_the_folder_of_carried_rows(labeled, tmp_path):
    (tmp_path / "out").mkdir()
    os.rename(tmp_path / "originals", tmp_path / "out" / "images")
    moved = {"ours": tmp_path / "out" / "images"}
    with pytest.raises(CurateError, match=r"holds the pixels of rows without a seed \(root 'ours'\).*another --out"):
        run_distort(labeled, tmp_path / "out", types=None, roots=moved)
    assert len(list((tmp_path / "out" / "images").iterdir())) == 4


def test_a_dry_run_counts_the_carried_rows_and_estimates_the_others(labeled, recipes, tmp_path):
    dry = run_distort(labeled, tmp_path / "out", types=None, dry_run=True)
    alone = run_distort(recipes, tmp_path / "out", types=None, dry_run=True)
    assert (dry["rows"], dry["rows_carried"]) == (10, 4)
    assert dry["megabytes_estimated"] == alone["megabytes_estimated"]


def test_a_domain_classifier_learns_from_a_folder_and_from_no_manifest(recipes, tmp_path):
    with pytest.raises(CurateError, match="expected a folder of images"):
        run_domains_fit(recipes, tmp_path / "domains.safetensors")


@pytest.mark.usefixtures("photos")
def test_the_references_of_a_test_set_stay_out_of_training(tmp_path):
    rows = recipe_table(["p0", "p1"], types=(1,), levels=(1,))
    field = rows.schema.get_field_index("split")
    rows = rows.set_column(field, rows.schema.field(field), pa.array(["test", "test"]).dictionary_encode())
    write_manifest(attach(rows, {"roots": {"photos": "photos", "images": None}}), tmp_path / "testset.parquet")
    run_distort(tmp_path / "testset.parquet", tmp_path / "new", types=(9,), levels=(1, 2), recipe_only=True)
    assert splits_of(tmp_path / "new" / "manifest.parquet") == {("p0", "test"), ("p1", "test")}
    with pytest.raises(CurateError, match="4 held out"):
        mix(tmp_path / "new" / "manifest.parquet", count=2)
