"""Chains on the command line."""

import json

import pytest
from syndr_curate.curate.manifest.manifest import read_manifest

CHAIN = "gaussian_blur:2+white_noise:3+jpeg:2"


def test_named_and_drawn_chains_become_rows(syndr_curate, image_folder, tmp_path):
    flags = (
        "--chain",
        CHAIN,
        "--chain",
        "1:1+2:1",
        "--chains",
        3,
        "--chain-length",
        "2,3",
        "--chain-types",
        "1,11,jpeg",
    )
    done = syndr_curate("distort", image_folder("photo", 2), *flags, "--recipe-only", "--out", tmp_path, "--json")
    assert json.loads(done.stdout)["rows"] == 10
    rows = read_manifest(tmp_path / "manifest.parquet").to_pylist()
    assert [row["sample_id"].partition("_")[2] for row in rows[:2]] == ["chain_1-2_11-3_10-2", "chain_1-1_2-1"]
    drawn = [row["chain"] for row in (*rows[2:5], *rows[7:])]
    assert {len(steps) for steps in drawn} <= {2, 3}
    assert {step["distortion_id"] for steps in drawn for step in steps} <= {1, 10, 11}
    assert json.loads(syndr_curate("verify", tmp_path / "manifest.parquet", "--json").stdout)["recipe_rows"] == 10


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "--types says which distortions to apply, e.g. --types bid, --chain or --chains which of them together"),
        (("--chain", "jpeg:2"), "the chain 'jpeg:2' has 1 distortions, expected 2 or more"),
        (("--chain", "jpeg:2+blur"), "'blur' in the chain 'jpeg:2+blur' is no step"),
        (("--chain", CHAIN, "--chain", "1:2+11:3+10:2"), "is given twice"),
        (("--chains", "2", "--chain-length", "2-4"), "--chain-length '2-4': expected the fewest and the most"),
        (("--chains", "2", "--chain-length", "2,3,4"), "--chain-length '2,3,4': expected the fewest and the most"),
        (("--chains", "2", "--chain-types", "jpg"), "there is no distortion 'jpg'"),
    ],
)
def test_what_makes_no_chain_is_refused(syndr_curate, image_folder, tmp_path, flags, said):
    done = syndr_curate("distort", image_folder("photo", 2), *flags, "--out", tmp_path / "out", check=False)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert not (tmp_path / "out").exists()
