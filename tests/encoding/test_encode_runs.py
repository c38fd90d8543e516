"""Encoding as a long run: resumed, retried, and the same features whoever did the work."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from syndr_curate import CurateError, load_features, read_manifest
from syndr_curate.curate.checks.run_status import run_merge, status_of
from syndr_curate.curate.datasets.feature_files import as_features, write_feature_table
from syndr_curate.curate.datasets.image_folders import open_source
from syndr_curate.curate.encoding.encode import encode, run_encode
from syndr_curate.curate.encoding.encoders import make_encoder
from syndr_curate.curate.mixing.mix_files import run_mix
from syndr_curate.curate.mixing.pairs import MixSettings
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.runs.options import LongRun
from syndr_curate.curate.runs.shards import Mode, Share

from ..conftest import SCRIPT
from ..making import paint_cities

SETTINGS = {"encoder": "gist", "run": LongRun(rows_per_shard=4)}


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    return paint_cities(tmp_path_factory.mktemp("encode") / "photos", 18, side=48)


def go(arguments: list[str], **environment: str) -> "subprocess.CompletedProcess[str]":
    everything = {**os.environ, **environment}
    return subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=600, env=everything)


def test_a_killed_run_goes_on_to_the_same_bytes_and_leaves_nothing(photos, tmp_path):
    run_encode(photos, tmp_path / "whole.parquet", **SETTINGS)
    out = tmp_path / "out" / "f.parquet"
    arguments = [str(SCRIPT), "encode", str(photos), "--encoder", "gist", "--rows-per-shard", "4", "--out", str(out)]
    killed = go(arguments, SYNDR_CURATE_CRASH_AT="part:3")
    assert killed.returncode == -signal.SIGKILL
    assert status_of(out)["shards_done"] == 2
    done = go(arguments)
    assert done.returncode == 0
    assert "2 of 5 shards are done" in done.stderr
    assert out.read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert [path.name for path in out.parent.iterdir()] == ["f.parquet"]


def test_shares_and_the_call_from_python_give_the_same_features(photos, tmp_path):
    run_encode(photos, tmp_path / "whole.parquet", **SETTINGS)
    for number in (2, 1):
        run = LongRun(Mode(share=Share(number, 2)), rows_per_shard=4)
        run_encode(photos, tmp_path / "shares.parquet", encoder="gist", run=run)
    run_merge(tmp_path / "shares.parquet")
    assert (tmp_path / "shares.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    table = encode(photos, "gist")
    assert table.equals(pq.read_table(tmp_path / "whole.parquet"))


def test_a_folder_a_source_and_an_encoder_of_ones_own_are_encoded_alike(photos):
    table = encode(str(photos), "gist")
    assert encode(open_source(photos), make_encoder("gist")).equals(table)
    (one,) = encode(photos / "p03.png", "gist")["features"].to_pylist()
    assert one == table["features"][3].as_py()


def test_an_encoded_table_is_taken_as_the_features_that_its_file_holds(photos, tmp_path):
    table = encode(photos, "gist")
    write_feature_table(table, tmp_path / "f.parquet")
    found, loaded = as_features(table), load_features(tmp_path / "f.parquet")
    assert (found.ids, found.names) == (loaded.ids, loaded.names)
    assert np.array_equal(found.matrix, loaded.matrix)


def test_retrying_encodes_what_failed_and_nothing_else(photos, tmp_path):
    source = tmp_path / "photos"
    source.mkdir()
    for path in photos.iterdir():
        (source / path.name).write_bytes(path.read_bytes())
    (source / "p05.png").write_bytes(b"")
    out = tmp_path / "f.parquet"
    assert run_encode(source, out, **SETTINGS)["failed"] == 1
    (source / "p05.png").write_bytes((photos / "p05.png").read_bytes())
    with pytest.raises(CurateError, match=r"inputs\.photos has changed \(changed: p05\.png\)"):
        run_encode(source, out, **SETTINGS)
    parts = {path: path.stat().st_mtime_ns for path in (tmp_path / "f.parquet.run").glob("part-*")}
    assert len(parts) == 5
    retry = LongRun(Mode(retry_failed=True), rows_per_shard=4)
    assert run_encode(source, out, encoder="gist", run=retry)["failed"] == 0
    run_encode(photos, tmp_path / "whole.parquet", **SETTINGS)
    assert out.read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_other_weights_do_not_go_on_with_a_run(photos, tmp_path):
    first, second = (random_weights(tmp_path / f"w{seed}.pth", seed) for seed in (0, 1))
    run = LongRun(Mode(share=Share(1, 9)), rows_per_shard=2)
    settings = {"encoder": "resnet50", "device": "cpu", "batch_size": 2, "run": run}
    run_encode(photos, tmp_path / "f.parquet", weights=first, **settings)
    with pytest.raises(CurateError, match=r"cannot resume .*encoder\.weights was .* --overwrite starts over"):
        run_encode(photos, tmp_path / "f.parquet", weights=second, **settings)


@pytest.mark.slow
def test_324_photographs_on_resnet50_go_on_after_a_kill(reference_data, tmp_path):
    weights = random_weights(tmp_path / "resnet50.pth", 0)
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("kodak", "bsds"):
        for path in sorted((reference_data / "images" / name).iterdir()):
            (photos / path.name).symlink_to(path)
    out = tmp_path / "f.parquet"
    flags = ["--weights", str(weights), "--device", "cpu", "--rows-per-shard", "64", "--out", str(out)]
    arguments = [str(SCRIPT), "encode", str(photos), "--encoder", "resnet50", *flags]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and len(list(tmp_path.glob("f.parquet.run/part-*.parquet"))) < 2:
            time.sleep(0.1)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    done = go(arguments)
    assert done.returncode == 0, done.stderr
    assert "of 6 shards are done" in done.stderr
    features = load_features(out)
    assert features.matrix.shape == (324, 2048)
    again = tmp_path / "again.parquet"
    assert go([*arguments[:-1], str(again)]).returncode == 0
    assert again.read_bytes() == out.read_bytes()


def random_weights(path: Path, seed: int) -> Path:
    import torch
    from torchvision.models import resnet50

    torch.manual_seed(seed)
    torch.save(resnet50(weights=None).state_dict(), path)
    return path


def test_features_of_failed_rows_are_not_numbers(photos, tmp_path):
    source = tmp_path / "photos"
    source.mkdir()
    (source / "a.png").write_bytes((photos / "p00.png").read_bytes())
    (source / "b.png").write_bytes(b"torn")
    run_encode(source, tmp_path / "f.parquet", encoder="gist")
    rows = pq.read_table(tmp_path / "f.parquet").to_pylist()
    assert [(row["id"], row["status"]) for row in rows] == [("a", "ok"), ("b", "unreadable")]
    assert np.isnan(rows[1]["features"]).all()
    assert (tmp_path / "f.parquet.run").is_dir()  # kept for --retry-failed


class OverflowingAt:
    """An encoder whose values pass what float32 holds for one picture of each batch."""

    name, dimensions, weights_digest = "overflowing", 2, None

    def __init__(self, row, value):
        self.row, self.value = row, value

    def prepare(self, image):
        return np.array([image.mean(), 1], np.float32)

    def encode(self, prepared):
        features = np.stack(prepared)
        features[self.row, 1] = self.value
        return features


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_picture_whose_features_are_not_finite_has_failed(photos, value):
    rows = encode(photos, OverflowingAt(2, value)).to_pylist()
    assert [row["id"] for row in rows if row["status"] != "ok"] == ["p02"]
    assert (rows[2]["status"], rows[2]["error"]) == (
        "failed",
        "its features are not all finite numbers: look at the encoder's weights",
    )
    assert np.isnan(rows[2]["features"]).all()
    assert np.isfinite([row["features"] for row in rows if row["status"] == "ok"]).all()


def test_a_retry_mixes_again_what_was_made_from_a_mended_file(photos, tmp_path):
    shutil.copytree(photos, tmp_path / "photos")
    run_distort(tmp_path / "photos", tmp_path / "set", types=(1, 11), levels=(3,), recipe_only=True)
    run_mix(tmp_path / "set" / "manifest.parquet", tmp_path / "mixes", MixSettings(12), recipe_only=True)
    manifest, out = tmp_path / "mixes" / "manifest.parquet", tmp_path / "f.parquet"
    run_encode(manifest, tmp_path / "whole.parquet", **SETTINGS)
    used = read_manifest(manifest)["source_a"][0].as_py()["reference_path"]
    (tmp_path / "photos" / used).write_bytes(b"torn")
    assert run_encode(manifest, out, **SETTINGS)["failed"] > 0
    shutil.copy(photos / used, tmp_path / "photos" / used)
    again = run_encode(manifest, out, encoder="gist", run=LongRun(Mode(retry_failed=True), rows_per_shard=4))
    assert again["failed"] == 0
    assert pq.read_table(out)["features"].equals(pq.read_table(tmp_path / "whole.parquet")["features"])
