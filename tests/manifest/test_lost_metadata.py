"""What other tools drop from a manifest is recognized, and said wherever it matters."""

import warnings
from types import SimpleNamespace

import datasets
import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image
from syndr_curate import CurateError, CurateWarning, ManifestDataset, downsample, encode, inspect, mix, verify
from syndr_curate.curate.checks.inspect import as_text
from syndr_curate.curate.domains.target_images import open_target
from syndr_curate.curate.export.rows import check_supply, read_rows
from syndr_curate.curate.labeling.label import label_table
from syndr_curate.curate.labeling.settings import LabelSettings
from syndr_curate.curate.manifest.joining.rows import join
from syndr_curate.curate.manifest.lost_metadata import has_lost_metadata
from syndr_curate.curate.manifest.manifest import ManifestFile, read_manifest, write_manifest
from syndr_curate.curate.manifest.provenance import attach
from syndr_curate.curate.manifest.relocate import relocate_manifest
from syndr_curate.curate.manifest.roots import Roots
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.rendering.pixel_loader import PixelLoader
from syndr_curate.curate.rendering.render import recipes_of
from syndr_curate.curate.report.request import ReportRequest, read_inputs
from syndr_curate.curate.runs.progress import SILENT
from syndr_curate.curate.storage.images import DecodeOptions

from ..making import recipe_table, training_rows

CURE = r"has lost its metadata, .* --provenance-from OLD.parquet"
TURNED = 6  # EXIF: to be shown turned by 90 degrees


@pytest.fixture
def old(tmp_path, photograph):
    """Labeled recipe rows of two photographs that lie on their side."""
    (tmp_path / "photos").mkdir()
    exif = Image.Exif()
    exif[0x0112] = TURNED
    for name, seed in (("p0", 1), ("p1", 2)):
        Image.fromarray(photograph(seed, 40, 56)).save(tmp_path / "photos" / f"{name}.png", exif=exif)
    rows = recipe_table(["p0", "p1"], types=[10, 16], levels=[2])
    rows = rows.drop_columns(["label", "label_source"])
    labels = training_rows(rows["sample_id"].to_pylist(), [1, 2, 3, 4]).select(["label", "label_source"])
    for name in labels.column_names:
        rows = rows.append_column(labels.schema.field(name), labels[name])
    facts = {"stage": "distort", "exif_orient": True, "pixels": "recipe", "roots": {"photos": "photos", "images": None}}
    write_manifest(attach(rows, facts), tmp_path / "old.parquet")
    return tmp_path / "old.parquet"


@pytest.fixture
def lost(old, tmp_path):
    pq.write_table(pq.read_table(old).replace_schema_metadata({"pandas": "{}"}), tmp_path / "lost.parquet")
    return tmp_path / "lost.parquet"


@pytest.fixture
def photos(tmp_path):
    return {"photos": tmp_path / "photos"}


def with_pandas(source, target):
    pd.read_parquet(source).query("level == 2").to_parquet(target)


def with_polars(source, target):
    polars = pytest.importorskip("polars", reason="polars is not installed")
    polars.read_parquet(source).write_parquet(target)


def with_duckdb(source, target):
    with duckdb.connect() as connection:
        connection.execute(f"copy (select * from '{source}') to '{target}' (format parquet)")


def with_hugging_face(source, target):
    cache = str(target.parent / "cache")
    datasets.load_dataset("parquet", data_files=str(source), cache_dir=cache)["train"].to_parquet(target)


@pytest.mark.parametrize("rewrite", [with_pandas, with_polars, with_duckdb, with_hugging_face])
def test_every_tool_drops_the_metadata_and_the_old_manifest_gives_it_back(rewrite, old, tmp_path):
    new = tmp_path / "new.parquet"
    rewrite(old, new)
    with pytest.warns(CurateWarning, match=f"(?s)new.parquet: the manifest {CURE}"):
        table = read_manifest(new)
    assert table["sample_id"].to_pylist() == read_manifest(old)["sample_id"].to_pylist()
    relocate_manifest(new, {}, provenance_from=old)
    before, after = ManifestDataset(old), ManifestDataset(new)
    for index in range(len(before)):
        assert before.pixels(index).shape == (56, 40, 3)
        assert np.array_equal(before.pixels(index), after.pixels(index))
    assert verify(new).problems == []


def test_a_manifest_with_its_metadata_is_read_without_a_word(old):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not has_lost_metadata(read_manifest(old))
        ManifestFile(old)


def test_a_manifest_read_in_pieces_says_so_too(lost):
    with pytest.warns(CurateWarning, match=CURE):
        ManifestFile(lost)


@pytest.mark.parametrize("give_roots", [False, True])
def test_verify_names_it_as_a_problem_and_says_it_once(lost, photos, give_roots):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        verdict = verify(lost, roots=photos if give_roots else None)
    assert len(verdict.problems) == 1
    assert verdict.problems[0].startswith("the manifest has lost its metadata")
    assert verdict.rendered_again == 0
    assert verdict.not_checked == {"photos": 4}


def test_inspect_names_it_as_a_problem(lost):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        facts = inspect(lost)
    assert facts["rows"] == 4
    assert facts["provenance"] == {}
    assert "problem: the manifest has lost its metadata" in as_text(facts)


def test_verify_warns_of_a_manifest_with_nothing_but_its_roots(lost, photos, tmp_path):
    relocate_manifest(lost, {**photos, "images": tmp_path})
    verdict = verify(lost)
    assert verdict.problems == []
    assert "references are read as without --exif-orient" in verdict.warnings[0]
    assert (verdict.recipe_rows, verdict.rendered_again) == (4, 4)


def test_making_pixels_of_a_manifest_with_only_its_roots_warns(lost, photos, tmp_path):
    relocate_manifest(lost, {**photos, "images": tmp_path})
    for use in (ManifestDataset, lambda m: mix(m, count=1, types=[10, 16], levels=[2])):
        with pytest.warns(CurateWarning, match="has lost its metadata, and only its roots were given back"):
            use(lost)


def test_a_loader_refuses_to_render_and_still_reads_what_is_stored(lost, old, photos, tmp_path):
    with pytest.raises(CurateError, match=CURE):
        ManifestDataset(lost, roots=photos).pixels(0)
    first = next(iter(recipes_of(read_manifest(old))))
    stored = tmp_path / "images" / first.image_path
    stored.parent.mkdir(parents=True)
    Image.fromarray(np.full((5, 4, 3), 7, np.uint8)).save(stored)
    roots = {**photos, "images": tmp_path / "images"}
    assert ManifestDataset(lost, roots=roots).pixels(0).shape == (5, 4, 3)


USES = {
    "distort again": lambda lost, roots, out: run_distort(lost, out, types=None, roots=roots),
    "distort references": lambda lost, roots, out: run_distort(lost, out, types=(1,), roots=roots),
    "mix": lambda lost, roots, _: mix(lost, count=1, types=[10, 16], levels=[2], roots=roots),
    "encode": lambda lost, roots, _: encode(lost, "gist", roots=roots),
    "export": lambda lost, roots, _: check_supply(read_rows(lost, roots=roots), render=True),
    "domains select": lambda lost, roots, _: open_target(lost, DecodeOptions(), roots=roots),
    "downsample": lambda lost, *_: downsample(np.ones((4, 3), np.float32), lost, epoch=0),
    "label": lambda lost, *_: label_table(
        read_manifest(lost), "m", SimpleNamespace(scale=None), None, None, LabelSettings(), splits={}, reporter=SILENT
    ),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.filterwarnings("ignore::syndr_curate.CurateWarning")
def test_no_stage_makes_anything_of_recipes_without_metadata(use, lost, photos, tmp_path):
    with pytest.raises(CurateError, match=CURE):
        USES[use](lost, photos, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore::syndr_curate.CurateWarning")
def test_mixes_without_metadata_are_not_rendered(old, tmp_path):
    mixed = mix(old, count=1, types=[10, 16], levels=[2])
    roots = Roots.of_manifest(mixed.replace_schema_metadata(None), tmp_path / "m.parquet", {"photos": tmp_path})
    assert roots.metadata_lost
    with pytest.raises(CurateError, match=CURE):
        PixelLoader(roots).require_roots(recipes_of(read_manifest(old)))


def test_an_unknown_root_says_that_the_metadata_is_lost(make_manifest, tmp_path):
    roots = Roots.of_manifest(make_manifest().replace_schema_metadata(None), tmp_path / "m.parquet")
    with pytest.raises(CurateError, match=f"give --root pictures=DIR; the manifest {CURE}"):
        roots.resolve("pictures", "a.png")


@pytest.mark.filterwarnings("ignore::syndr_curate.CurateWarning")
def test_a_report_takes_the_roots_of_rows_without_metadata(lost, photos, tmp_path):
    inputs = read_inputs(ReportRequest((lost,), tmp_path / "r.html", roots=photos))
    assert inputs.before.pixels.roots.folder("photos") == tmp_path / "photos"
    with pytest.raises(CurateError, match="no manifest has a root 'x'; they have images, photos"):
        read_inputs(ReportRequest((lost,), tmp_path / "r.html", roots={"x": tmp_path}))


def test_manifests_with_and_without_metadata_are_not_joined(make_manifest):
    with_it, without = make_manifest(["a_1_1"]), make_manifest(["b_1_1"]).replace_schema_metadata(None)
    with pytest.raises(CurateError, match=f"of 2 manifests to join, number 2 cannot be: the manifest {CURE}"):
        join([with_it, without])
    with pytest.raises(CurateError, match="number 1 cannot be"):
        join([without, with_it])


def test_manifests_without_metadata_are_joined_to_one_without(make_manifest):
    both = [make_manifest([i]).replace_schema_metadata(None) for i in ("a_1_1", "b_1_1")]
    assert has_lost_metadata(join(both))


def test_images_of_somebody_else_need_no_metadata_to_be_thinned(make_manifest):
    table = make_manifest().replace_schema_metadata(None)
    assert len(downsample(np.ones((3, 3), np.float32), table, epoch=0)) == 3
