"""Stage `mix`: pairs, soft labels, and rows that render again."""

import json
import os
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from PIL import Image
from syndr_curate import CurateError
from syndr_curate.curate.manifest.joining.rows import join
from syndr_curate.curate.manifest.manifest import read_manifest, write_manifest
from syndr_curate.curate.manifest.provenance import attach, read_provenance
from syndr_curate.curate.manifest.roots import Roots
from syndr_curate.curate.manifest.schema import MIX_FIELDS, SCHEMA, build_table
from syndr_curate.curate.mixing.dsmix import DistortedPair, mix_sources
from syndr_curate.curate.mixing.mix import mix
from syndr_curate.curate.mixing.mix_files import run_mix
from syndr_curate.curate.mixing.pairs import plan_mixes
from syndr_curate.curate.mixing.settings import MixSettings
from syndr_curate.curate.mixing.sources import load_sources
from syndr_curate.curate.rendering.mix_recipes import mix_rows_of
from syndr_curate.curate.rendering.pixel_loader import PixelLoader
from syndr_curate.curate.rendering.render import recipes_of
from syndr_curate.curate.storage.images import decode_image, encode_image
from syndr_curate.distortions import stretch_uint8

from ..making import recipe_table

TYPES, LEVELS = (10, 11, 16), (2, 4)


@pytest.fixture(scope="module")
def photos(tmp_path_factory, photograph):
    """Three photographs, the last one of another size."""
    folder = tmp_path_factory.mktemp("mix") / "photos"
    folder.mkdir()
    for number, (height, width) in enumerate([(64, 80), (64, 80), (72, 66)]):
        (folder / f"p{number}.png").write_bytes(encode_image(photograph(number, height, width)))
    return folder


def distorted(photos, names=("p0", "p1", "p2"), types=TYPES, levels=LEVELS, **columns):
    """Recipe rows of the photographs; columns replaces whole columns of them."""
    rows = recipe_table(names, types=types, levels=levels, references="references")
    for name, values in columns.items():
        field = SCHEMA.field(name)
        array = pa.array(values, pa.string()).dictionary_encode() if pa.types.is_dictionary(field.type) else values
        rows = rows.set_column(SCHEMA.get_field_index(name), field, pa.array(array, field.type))
    return attach(rows, {"roots": {"references": str(photos), "images": None}})


def stored(rows, photos, folder):
    """The same rows with their pixels as files, and no seed: as a dataset of somebody else's would be."""
    places = Roots({"references": photos, "images": folder})
    for recipe in recipes_of(rows):
        path = folder / recipe.image_path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_image(PixelLoader(places).make(recipe)))
    bare = rows.set_column(SCHEMA.get_field_index("seed"), SCHEMA.field("seed"), pa.nulls(len(rows), pa.int64()))
    return attach(bare, {"roots": {"references": str(photos), "images": str(folder)}})


def without_metadata(table):
    return table.replace_schema_metadata(None)


@pytest.fixture
def manifest(photos, tmp_path):
    write_manifest(distorted(photos), tmp_path / "distorted.parquet")
    return tmp_path / "distorted.parquet"


def test_a_mixed_row_has_no_type_level_or_label_and_two_soft_labels(photos):
    rows = mix(distorted(photos), count=20).to_pylist()
    assert len(rows) == 20
    for row in rows:
        assert row["status"] == "ok"
        assert [row[name] for name in ("distortion_id", "distortion", "level", "label", "reference_id")] == [None] * 5
        assert (row["split"], row["dataset"], row["image_root"]) == ("train", "ours", "mixes")
        classes = [(label["distortion_id"], label["level"]) for label in row["soft_labels"]]
        assert classes == [(row[s]["distortion_id"], row[s]["level"]) for s in ("source_a", "source_b")]
        assert row["source_a"]["distortion_id"] != row["source_b"]["distortion_id"]
        shares = [label["confidence"] for label in row["soft_labels"]]
        assert sum(shares) == pytest.approx(1, abs=1e-6)
        raw = row["raw_confidence_a"], row["raw_confidence_b"]
        assert shares == pytest.approx([part / sum(raw) for part in raw], abs=1e-6)


def test_confidences_are_those_of_the_pixels(photos, tmp_path):
    table = mix(distorted(photos, names=("p0", "p1")), count=6, sigma=3, images_out=tmp_path)
    for row in table.to_pylist():
        sources = []
        for name in ("source_a", "source_b"):
            source = row[name]
            columns = {key: [source[key]] for key in ("sample_id", "image_path", "image_root", "level", "seed")}
            columns |= {key: [source[key]] for key in ("reference_path", "reference_root", "distortion_id")}
            (recipe,) = recipes_of(build_table(columns, 1))
            image = PixelLoader(Roots({"references": photos})).load(recipe)
            sources.append(DistortedPair(image, stretch_uint8(decode_image(photos / source["reference_path"]))))
        region = np.zeros((64, 80), bool)
        box = row["box"]
        region[box["top"] : box["bottom"], box["left"] : box["right"]] = True
        expected = mix_sources(*sources, region, sigma=3)
        assert (row["raw_confidence_a"], row["raw_confidence_b"]) == pytest.approx(expected.raw, rel=1e-6)
        image = decode_image(tmp_path / row["image_path"])
        assert np.array_equal(image[region], sources[1].image[region])
        assert np.array_equal(image[~region], sources[0].image[~region])


def test_the_same_command_writes_the_same_bytes_whatever_the_workers(manifest, tmp_path):
    for workers, name in ((1, "one"), (3, "three")):
        out = tmp_path / name / "mix.parquet"
        run_mix(manifest, out, MixSettings(count=12), workers=workers)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("[!.]*.*"))
    assert len(files) == 13
    for path in files:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "three" / path).read_bytes()


def test_rows_do_not_depend_on_the_manifest_s_order(photos):
    table = distorted(photos)
    backwards = table.take(pa.array(range(len(table) - 1, -1, -1)))
    assert without_metadata(mix(backwards, count=8)).equals(without_metadata(mix(table, count=8)))


def test_a_larger_count_begins_with_the_same_mixes(photos):
    few, many = mix(distorted(photos), count=5), mix(distorted(photos), count=9)
    assert without_metadata(many.slice(0, 5)).equals(without_metadata(few))


def test_another_seed_makes_other_mixes_and_a_pair_drawn_again_another_box(photos):
    table = distorted(photos, names=("p0",), types=(10, 16), levels=(3,))
    first, second = mix(table, count=8), mix(table, count=8, seed=7)
    assert not set(first["sample_id"].to_pylist()) & set(second["sample_id"].to_pylist())
    assert len(pc.unique(first["sample_id"])) == 8
    assert len({tuple(box.values()) for box in first["box"].to_pylist()}) == 8


def test_classes_are_drawn_evenly_however_many_images_they_have(photos):
    table = distorted(photos)
    ids = table["distortion_id"].to_numpy()
    keep = np.flatnonzero((ids != 10) | (np.arange(len(ids)) == np.flatnonzero(ids == 10)[0]))
    plan = plan_mixes(table.take(pa.array(keep)), MixSettings(count=3000))
    kinds = [row[s]["distortion_id"] for row in plan.rows.to_pylist() for s in ("source_a", "source_b")]
    for kind in TYPES:
        assert kinds.count(kind) == pytest.approx(2000, abs=150)


def test_classes_by_type_and_level_mix_levels_of_one_type(photos):
    table = distorted(photos, types=(10,))
    for row in mix(table, count=6, classes="type-level").to_pylist():
        assert row["source_a"]["level"] != row["source_b"]["level"]
    with pytest.raises(CurateError, match="at least two distortion types"):
        mix(table, count=6)


@pytest.mark.parametrize("kind", ["recipe", "stored"])
def test_a_row_renders_again_bit_for_bit(photos, tmp_path, kind):
    table = distorted(photos)
    if kind == "stored":
        table = stored(table, photos, tmp_path / "theirs")
    made = mix(table, count=10, images_out=tmp_path / "mixes")
    folders = {name: None if f is None else (tmp_path / f) for name, f in read_provenance(made)["roots"].items()}
    places = Roots({**folders, "references": photos, "images": tmp_path / "theirs"})
    for row in mix_rows_of(made):
        assert np.array_equal(PixelLoader(places).make(row), decode_image(tmp_path / "mixes" / row.image_path))


def test_stored_sources_and_recipe_sources_give_the_same_mixes(photos, tmp_path):
    recipe = mix(distorted(photos), count=10)
    theirs = mix(stored(distorted(photos), photos, tmp_path / "theirs"), count=10)
    names = [field.name for field in MIX_FIELDS if not field.name.startswith("source_")]
    assert recipe.select(["sample_id", *names]).equals(theirs.select(["sample_id", *names]))


def test_images_of_two_sizes_are_mixed_where_both_have_pixels(photos):
    table = mix(distorted(photos), count=30)
    pixels = PixelLoader(Roots({"references": photos}))
    seen = set()
    for row in mix_rows_of(table):
        sizes = {tuple(decode_image(photos / source.reference_path).shape[:2]) for source in (row.a, row.b)}
        image = pixels.make(row)
        assert image.shape[:2] == (min(h for h, _ in sizes), min(w for _, w in sizes))
        seen.add(image.shape[:2])
        a, b = load_sources(row, pixels)
        assert a.image.shape == b.image.shape == a.reference.shape == image.shape
    assert seen == {(64, 80), (64, 66), (72, 66)}


def test_an_unreadable_reference_keeps_its_rows_and_says_why(photos, tmp_path):
    folder = tmp_path / "damaged"
    shutil.copytree(photos, folder)
    (folder / "p1.png").write_bytes(b"no image")
    table = mix(distorted(folder), count=20)
    rows = table.to_pylist()
    bad = [row for row in rows if "p1" in {row[source]["reference_id"] for source in ("source_a", "source_b")}]
    assert 0 < len(bad) < 20
    for row in bad:
        assert (row["status"], row["soft_labels"], row["box"]) == ("unreadable", None, None)
        assert "_" in row["error"].split()[1]
        assert "reference p1.png: not an image" in row["error"]
    assert sum(row["status"] == "ok" for row in rows) == 20 - len(bad)


def test_an_image_that_is_not_its_reference_s_size_keeps_its_rows_and_says_why(photos, tmp_path):
    table = stored(distorted(photos, names=("p0",)), photos, tmp_path / "theirs")
    path = tmp_path / "theirs" / "p0" / "p0_10_02.png"
    Image.fromarray(decode_image(path)[:, :50]).save(path)
    rows = mix(table, count=30).to_pylist()
    bad = [row for row in rows if row["status"] != "ok"]
    assert 0 < len(bad) < 30
    for row in bad:
        assert "p0_10_02" in (row["source_a"]["sample_id"], row["source_b"]["sample_id"])
        assert row["status"] == "failed"
        assert "source p0_10_02 has 50 x 64 and its reference 80 x 64 pixels" in row["error"]


def test_rows_that_cannot_be_mixed_are_left_out_and_counted(photos):
    rows = distorted(photos, names=("p0", "p1"), types=(0, 10, 11, 16), levels=(2,)).to_pylist()
    # Of p0: pristine, then one bad row each; of p1, types 10, 11 and 16 are good and the last is not wanted.
    for row, change in zip(
        rows,
        (
            {},
            {"status": "failed"},
            {"split": "test", "reference_id": "held out"},
            {"reference_path": None},
            {"distortion_id": None},
        ),
        strict=False,
    ):
        row.update(change)
    chain = [{"distortion_id": 11, "level": 2.0, "seed": 5}]
    rows.append({**rows[-1], "sample_id": "chained", "distortion_id": 11, "chain": chain})
    rows.append({**rows[-1], "sample_id": "as distort writes it", "distortion_id": None, "level": None})
    table = attach(pa.Table.from_pylist(rows, schema=SCHEMA), {"roots": {"references": str(photos), "images": None}})
    plan = plan_mixes(table, MixSettings(count=4, types=(10, 11)))
    assert plan.sources["sample_id"].to_pylist() == ["p1_10_02", "p1_11_02"]
    assert plan.left_out == {
        "not ok": 1,
        "held out": 1,
        "without reference": 1,
        "of several distortions": 2,
        "without distortion": 2,
        "of other types or levels": 1,
    }


def test_a_reference_that_is_held_out_once_is_in_no_mix(photos):
    rows = distorted(photos, names=("p0", "p1"), types=(10, 11), levels=(2,)).to_pylist()
    rows[0]["split"] = "val"
    table = attach(pa.Table.from_pylist(rows, schema=SCHEMA), {"roots": {"references": str(photos), "images": None}})
    plan = plan_mixes(table, MixSettings(count=4, types=(10, 11)))
    assert set(plan.sources["reference_id"].to_pylist()) == {"p1"}
    assert plan.left_out["held out"] == 2


def test_identity_cells_are_flagged_and_earn_their_area(photos):
    table = distorted(photos, names=("p0", "p1"), types=(1, 10), levels=(1,))
    for row in mix(table, count=10).to_pylist():
        box = row["box"]
        inside = (box["right"] - box["left"]) * (box["bottom"] - box["top"]) / (64 * 80)
        identity = "a" if row["source_a"]["distortion_id"] == 1 else "b"
        assert row[f"uniform_map_{identity}"]
        assert not row[f"uniform_map_{'ba'[identity == 'b']}"]
        assert row[f"raw_confidence_{identity}"] == pytest.approx(inside if identity == "b" else 1 - inside, abs=1e-6)
        assert row[f"color_difference_{identity}"] == 0


def test_the_summary_counts_mixes_with_an_invisible_distortion(photos, tmp_path):
    write_manifest(distorted(photos, types=(1, 3, 10), levels=(1,)), tmp_path / "distorted.parquet")
    summary = run_mix(tmp_path / "distorted.parquet", tmp_path / "m", MixSettings(count=20), recipe_only=True)
    # Cells (1, 1) and (3, 1) are the identity: every pair of the three types has at least one of them.
    assert summary["rows_with_uniform_map"] == 20


def test_recipe_rows_rendered_later_are_the_stored_pixels(manifest, tmp_path):
    settings = MixSettings(count=6, image_format="webp")
    run_mix(manifest, tmp_path / "stored", settings)
    run_mix(manifest, tmp_path / "recipe.parquet", settings, recipe_only=True)
    assert not (tmp_path / "mixes").exists()
    summary = run_mix(tmp_path / "recipe.parquet", tmp_path / "again", None)
    assert summary["rows_not_ok"] == 0
    again, first = (read_manifest(tmp_path / name / "manifest.parquet") for name in ("again", "stored"))
    assert again.equals(first)
    for path in first["image_path"].to_pylist():
        assert (tmp_path / "again/mixes" / path).read_bytes() == (tmp_path / "stored/mixes" / path).read_bytes()
    assert read_provenance(again)["pixels"] == "stored"


def test_mixes_join_the_manifest_they_were_made_from(photos):
    roots = {"references": os.path.relpath(photos), "images": None}
    table = attach(distorted(photos), {"roots": roots, "pixels": "recipe"})
    joined = join([table, mix(table, count=3)])
    assert len(joined) == len(table) + 3
    assert joined["soft_labels"].null_count == len(table)


def test_a_manifest_without_mixes_is_not_rendered_again(manifest, tmp_path):
    with pytest.raises(CurateError, match=r"--count says how many .* the columns box, source_a, source_b are missing"):
        run_mix(manifest, tmp_path / "out", None)


def test_where_no_mix_could_be_made_there_is_no_picture_but_a_manifest_that_says_why(manifest, tmp_path):
    summary = run_mix(manifest, tmp_path / "m", MixSettings(count=3), preview=tmp_path / "p.png", max_pixels=100)
    assert summary["rows_not_ok"] == 3
    assert "preview" not in summary
    assert not (tmp_path / "p.png").exists()
    errors = read_manifest(tmp_path / "m" / "manifest.parquet")["error"].to_pylist()
    assert all("more than 100 pixels" in error for error in errors)


def test_nothing_is_written_over_the_input_or_among_the_references(manifest, photos, tmp_path):
    with pytest.raises(CurateError, match="overwrite"):
        run_mix(manifest, manifest, MixSettings(count=2))
    with pytest.raises(CurateError, match="lies inside"):
        run_mix(manifest, tmp_path / "mix.parquet", MixSettings(count=2), images_out=photos / "mixes")
    assert not (tmp_path / "mix.parquet").exists()


def test_references_without_a_known_folder_are_an_error_before_anything_is_made(photos, tmp_path):
    table = attach(distorted(photos), {"roots": {"references": None, "images": None}})
    write_manifest(table, tmp_path / "distorted.parquet")
    with pytest.raises(CurateError, match="--root references=DIR"):
        run_mix(tmp_path / "distorted.parquet", tmp_path / "out", MixSettings(count=2))
    summary = run_mix(
        tmp_path / "distorted.parquet", tmp_path / "out", MixSettings(count=2), roots={"references": photos}
    )
    assert summary["rows_not_ok"] == 0


@pytest.mark.parametrize("setting", [{"count": 0}, {"sigma": -1.0}, {"sigma": float("nan")}, {"alpha": 0.0}])
def test_settings_that_mean_nothing_are_refused(setting):
    with pytest.raises(CurateError, match=f"{next(iter(setting))} is .*expected"):
        MixSettings(**{"count": 2, **setting})


def test_the_command_says_what_it_did_and_draws_a_picture(syndr_curate, manifest, tmp_path):
    flags = ("--count", 5, "--out", tmp_path / "m", "--preview", tmp_path / "p.png")
    done = syndr_curate("mix", "--manifest", manifest, *flags, "--json", "--quiet")
    summary = json.loads(done.stdout)
    assert (summary["sources"], summary["types"], summary["rows"], summary["rows_not_ok"]) == (18, [10, 11, 16], 5, 0)
    assert len(list((tmp_path / "m" / "mixes").rglob("*.png"))) == 5
    picture = decode_image(tmp_path / "p.png")
    assert min(picture.shape[:2]) > 500
    done = syndr_curate("mix", "--manifest", manifest, "--count", 2, "--types", "10", check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "at least two distortion types" in done.stderr


def test_a_dry_run_writes_nothing(manifest, tmp_path):
    summary = run_mix(manifest, tmp_path / "m", MixSettings(count=500), preview=tmp_path / "p.png", dry_run=True)
    assert summary["rows"] == 500
    assert summary["megabytes_estimated"] == round(500 * 1.47 * (64 * 80 * 2 + 72 * 66) / 3 / 1e6)
    assert {path.name for path in tmp_path.iterdir()} == {"distorted.parquet"}


def test_verify_renders_mixes_again_and_finds_one_that_was_changed(tmp_path, syndr_curate, image_folder):
    photos = image_folder("pic", 3)
    syndr_curate("distort", photos, "--types", "1,9", "--levels", "5", "--out", tmp_path / "d", "--quiet")
    manifest = tmp_path / "m.parquet"
    syndr_curate("mix", "--manifest", tmp_path / "d" / "manifest.parquet", "--count", "3", "--out", manifest, "--quiet")
    assert "3 rows rendered again" in syndr_curate("verify", manifest).stdout
    one, other = sorted((tmp_path / "mixes").rglob("mix_*.png"))[:2]
    one.write_bytes(other.read_bytes())
    found = syndr_curate("verify", manifest, check=False)
    assert found.returncode == 1
    assert f"{one.stem}: the stored pixels differ from a fresh rendering" in found.stdout
