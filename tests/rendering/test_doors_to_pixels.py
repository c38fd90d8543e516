"""Every part of the toolkit that shows, encodes, exports or checks a row sees the same pixels."""

import json
import subprocess

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from syndr_curate import CurateError, ManifestDataset, SoftLabelDataset, verify
from syndr_curate.curate.domains.target_images import open_target
from syndr_curate.curate.encoding.encode import encode
from syndr_curate.curate.export.export import export
from syndr_curate.curate.manifest.manifest import read_manifest, write_manifest
from syndr_curate.curate.manifest.provenance import attach, read_provenance
from syndr_curate.curate.manifest.roots import Roots
from syndr_curate.curate.mixing.mix_files import run_mix
from syndr_curate.curate.mixing.pairs import MixSettings
from syndr_curate.curate.mixing.sources import load_sources
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.rendering.mix_recipes import MixRow, pixel_rows
from syndr_curate.curate.rendering.pixel_loader import PixelLoader
from syndr_curate.curate.report.request import ReportRequest, read_inputs
from syndr_curate.curate.storage.images import DecodeOptions, encode_image

from ..conftest import SCRIPT

KINDS = ("files", "webdataset", "parquet", "recipes", "mixes-stored", "mixes")
MIXES = 6


@pytest.fixture(scope="module")
def sets(tmp_path_factory, photograph):
    """Manifests of the same 12 rows stored in each way and as recipes, and of mixes of them with and without pixels."""
    folder = tmp_path_factory.mktemp("doors")
    (folder / "photos").mkdir()
    for number in range(2):
        (folder / "photos" / f"p{number}.png").write_bytes(encode_image(photograph(number, 64, 80)))
    settings = {"types": (1, 11, 16), "levels": (2, 4)}
    for layout in ("files", "webdataset", "parquet"):
        run_distort(folder / "photos", folder / layout, layout=layout, **settings)
    run_distort(folder / "photos", folder / "recipes", recipe_only=True, **settings)
    recipes = folder / "recipes" / "manifest.parquet"
    run_mix(recipes, folder / "mixes-stored", MixSettings(MIXES))
    run_mix(recipes, folder / "mixes", MixSettings(MIXES), recipe_only=True)
    return folder


@pytest.fixture
def manifest(sets, request):
    return sets / request.param / "manifest.parquet"


class Recorder:
    """An encoder that keeps what it is shown, in order."""

    name, dimensions, weights_digest = "recorder", 1, None

    def __init__(self):
        self.shown = []

    def prepare(self, image):
        self.shown.append(image)
        return np.zeros(1, np.float32)

    def encode(self, prepared):
        return np.stack(prepared)


def exported(manifest, out):
    export(manifest, "hf", out, render=True)
    names = pq.read_table(out / "train" / "metadata.parquet")["file_name"].to_pylist()
    return [np.asarray(Image.open(out / "train" / name)) for name in names]


def encoded(manifest):
    recorder = Recorder()
    table = encode(manifest, recorder, workers=1)
    assert set(table["status"].to_pylist()) == {"ok"}
    return recorder.shown


def reported(manifest):
    inputs = read_inputs(ReportRequest((manifest,), manifest.with_name("report.html")))
    return [inputs.before.pixels.load(row) for row in pixel_rows(inputs.before.table)]


@pytest.mark.parametrize("manifest", KINDS, indirect=True)
def test_every_door_gives_the_same_pixels(manifest, tmp_path):
    table = read_manifest(manifest)
    loader = PixelLoader(Roots.of_manifest(table, manifest))
    expected = [loader.load(row) for row in pixel_rows(table)]
    dataset, soft = ManifestDataset(manifest), SoftLabelDataset(manifest)
    doors = {
        "encode": encoded(manifest),
        "ManifestDataset": [dataset.pixels(k) for k in range(len(dataset))],
        "SoftLabelDataset": [soft.pixels(k) for k in range(len(soft))],
        "export": exported(manifest, tmp_path / "out"),
        "domains select": [image.load() for image in open_target(manifest, DecodeOptions()).images],
        "report": reported(manifest),
    }
    for name, found in doors.items():
        assert len(found) == len(expected), name
        assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True)), name


@pytest.mark.parametrize("manifest", KINDS, indirect=True)
def test_verify_makes_every_row_again_as_it_is_stored(manifest):
    rows = len(read_manifest(manifest))
    verdict = verify(manifest)
    stored = 0 if manifest.parent.name in ("recipes", "mixes") else rows
    assert (verdict.problems, verdict.warnings) == ([], [])
    assert (verdict.files_decoded, verdict.recipe_rows, verdict.rendered_again) == (stored, rows - stored, rows)


def test_the_same_rows_have_the_same_pixels_however_they_are_kept(sets):
    shown = [encoded(sets / kind / "manifest.parquet") for kind in KINDS]
    for same in (shown[:4], shown[4:]):
        assert all(np.array_equal(np.stack(same[0]), np.stack(other)) for other in same[1:])


def test_mixing_takes_its_sources_as_every_other_door_gives_them(sets):
    mixed, rows = read_manifest(sets / "mixes" / "manifest.parquet"), sets / "files" / "manifest.parquet"
    expected = dict(zip(read_manifest(rows)["sample_id"].to_pylist(), encoded(rows), strict=True))
    loader = PixelLoader(Roots.of_manifest(mixed, sets / "mixes" / "manifest.parquet"))
    for row in pixel_rows(mixed):
        assert isinstance(row, MixRow)
        for source, pair in zip((row.a, row.b), load_sources(row, loader), strict=True):
            assert np.array_equal(pair.image, expected[source.sample_id])


def test_a_mix_whose_reference_is_gone_is_a_bad_row_for_each_door(sets, tmp_path):
    manifest = moved(sets / "mixes", tmp_path, references=tmp_path)
    table = encode(manifest, Recorder())
    assert set(table["status"].to_pylist()) == {"unreadable"}
    assert all("reference p" in error for error in table["error"].to_pylist())
    problems = verify(manifest).problems
    assert len(problems) == MIXES
    assert all(": source p" in problem and "No such file" in problem for problem in problems)
    for load in (ManifestDataset(manifest).pixels, SoftLabelDataset(manifest).pixels):
        with pytest.raises(CurateError, match=r"'mix_[0-9a-f]+' .*: source p.*: reference p.*: No such file"):
            load(0)
    with pytest.raises(CurateError, match=r"'mix_[0-9a-f]+' .*: source p"):
        exported(manifest, tmp_path / "out")


def moved(folder, target, **roots):
    """Write a copy of a manifest with other folders of its roots; None stands for a folder that nobody knows."""
    table = read_manifest(folder / "manifest.parquet")
    known = Roots.of_manifest(table, folder / "manifest.parquet").folders
    recorded = {name: None if place is None else str(place) for name, place in {**known, **roots}.items()}
    out = target / "moved.parquet"
    write_manifest(attach(table, {**read_provenance(table), "roots": recorded}), out)
    return out


@pytest.mark.parametrize("roots", [{"references": None}, {"references": None, "mixes": None}])
@pytest.mark.parametrize("kind", ["recipes", "mixes"])
def test_an_unknown_root_ends_encode_before_anything_is_written(sets, tmp_path, kind, roots):
    manifest = moved(sets / kind, tmp_path, **roots)
    done = command("encode", manifest, "--encoder", "gist", "--out", tmp_path / "f.parquet")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == ("error: the folder of root 'references' is not known: give --root references=DIR\n")
    assert [path.name for path in tmp_path.iterdir()] == ["moved.parquet"]


def test_a_root_that_the_metadata_does_not_know_ends_encode_too(sets, tmp_path):
    table = read_manifest(sets / "files" / "manifest.parquet")
    seedless = table.set_column(table.column_names.index("seed"), "seed", pa.nulls(len(table), pa.int64()))
    write_manifest(attach(seedless, {**read_provenance(table), "roots": {}}), tmp_path / "m.parquet")
    done = command("encode", tmp_path / "m.parquet", "--encoder", "gist", "--out", tmp_path / "f.parquet")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: the folder of root 'images' is not known: give --root images=DIR\n"
    assert [path.name for path in tmp_path.iterdir()] == ["m.parquet"]


def test_an_unknown_root_ends_mix_and_export_and_domains_select(sets, tmp_path):
    manifest = moved(sets / "recipes", tmp_path, references=None)
    with pytest.raises(CurateError, match="give --root references=DIR"):
        open_target(manifest, DecodeOptions())
    with pytest.raises(CurateError, match="give --root references=DIR"):
        run_mix(manifest, tmp_path / "mixed", MixSettings(2))
    with pytest.raises(CurateError, match="12 rows have neither stored pixels nor a recipe"):
        export(manifest, "hf", tmp_path / "out", render=True)
    assert [path.name for path in tmp_path.iterdir()] == ["moved.parquet"]


def test_verify_counts_what_an_unknown_root_keeps_it_from_checking(sets, tmp_path):
    verdict = verify(moved(sets / "files", tmp_path, images=None))
    assert verdict.problems == ["nothing was checked: the folder of the files is not known; give --root images=DIR"]
    assert verdict.not_checked == {"images": 12}
    verdict = verify(moved(sets / "mixes", tmp_path, references=None))
    assert verdict.problems == ["nothing was checked: the folder of the files is not known; give --root references=DIR"]
    assert (verdict.not_checked, verdict.recipe_rows) == ({"references": MIXES}, 0)
    verdict = verify(moved(sets / "files", tmp_path, references=None))
    assert (verdict.problems, verdict.files_decoded) == ([], 12)
    assert verdict.warnings == ["12 sampled rows were not rendered again: their references' root has no folder"]


def test_the_commands_take_mixes_without_stored_pixels(sets, tmp_path):
    manifest = sets / "mixes" / "manifest.parquet"
    assert command("encode", manifest, "--encoder", "gist", "--out", tmp_path / "f.parquet").returncode == 0
    assert set(pq.read_table(tmp_path / "f.parquet")["status"].to_pylist()) == {"ok"}
    refused = command("export", manifest, "--to", "hf", "--out", tmp_path / "hf")
    assert refused.returncode == 2
    assert "give --render to render them" in refused.stderr
    done = command("export", manifest, "--to", "webdataset", "--render", "--out", tmp_path / "tars", "--json")
    assert json.loads(done.stdout)["images"] == {"rendered": MIXES}
    assert command("verify", manifest).returncode == 0


def command(*arguments):
    words = [str(SCRIPT), *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)


def rewritten(manifest, out, *, roots=None, **columns):
    """A copy of a manifest beside it, with other columns and, if given, other recorded roots."""
    table = read_manifest(manifest)
    for name, values in columns.items():
        field = table.schema.field(name)
        column = pa.array(values, pa.string())
        column = column.dictionary_encode() if pa.types.is_dictionary(field.type) else column
        table = table.set_column(table.schema.get_field_index(name), field.name, column)
    facts = read_provenance(table)
    write_manifest(attach(table, facts if roots is None else {**facts, "roots": roots}), manifest.with_name(out))
    return manifest.with_name(out)


def test_a_row_without_a_root_is_a_problem_of_that_row(sets):
    rows = read_manifest(sets / "recipes" / "manifest.parquet")
    roots = [None, *rows["reference_root"].to_pylist()[1:]]
    manifest = rewritten(sets / "recipes" / "manifest.parquet", "no-root.parquet", reference_root=roots)
    table = encode(manifest, Recorder(), workers=1)
    assert table["status"].to_pylist() == ["failed"] + ["ok"] * (len(rows) - 1)
    assert table["error"][0].as_py() == "the row names no root for 'p0.png'"


def test_a_root_that_only_the_rows_know_can_be_given(sets, syndr_curate):
    manifest = rewritten(sets / "recipes" / "manifest.parquet", "lost.parquet", roots={})
    arguments = ["encode", manifest, "--encoder", "gist", "--out", sets / "lost-features.parquet", "--quiet"]
    refused = syndr_curate(*arguments, check=False)
    assert refused.returncode == 2
    assert refused.stderr.endswith("give --root references=DIR\n")
    assert not list(sets.glob("lost-features*"))
    done = syndr_curate(*arguments, "--root", f"references={sets / 'photos'}", "--json")
    assert json.loads(done.stdout)["failed"] == 0
    with pytest.raises(CurateError, match="the manifest has no root 'other'"):
        encode(manifest, Recorder(), roots={"other": sets})


def test_rows_that_are_lost_for_two_reasons_are_refused_together(sets):
    rows = read_manifest(sets / "files" / "manifest.parquet")
    table = rows.set_column(rows.schema.get_field_index("seed"), "seed", pa.nulls(len(rows), pa.int64()))
    write_manifest(table, sets / "files" / "seedless.parquet")
    image_roots = [None, "foo", *rows["image_root"].to_pylist()[2:]]
    manifest = rewritten(sets / "files" / "seedless.parquet", "two-reasons.parquet", image_root=image_roots)
    with pytest.raises(CurateError, match=r"2 rows have neither .* give --root foo=DIR"):
        export(manifest, "hf", sets / "never", render=True)
