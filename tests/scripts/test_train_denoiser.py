"""The script that trains the denoiser: what a run that is started again takes up, and what it refuses."""

import importlib.util
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "train_denoiser.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("train_denoiser", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["train_denoiser"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["train_denoiser"]


@pytest.fixture
def photographs(tmp_path):
    """Make folders of one small photograph each, by a seed."""

    def make(seed, side=64):
        folder = tmp_path / f"photographs{seed}"
        folder.mkdir()
        pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
        cv2.imwrite(str(folder / "a.png"), pixels)
        return folder

    return make


@pytest.fixture
def train(script, monkeypatch, tmp_path):
    """Run the script for one step on patches of 16 pixels, without a teacher."""

    def run(folder, out="out.safetensors", *more):
        small = ["--patch", "16", "--patches", "4", "--batch", "2", "--steps", "1", "--no-teacher"]
        places = ["--out", str(tmp_path / out), "--checkpoint", str(tmp_path / "checkpoint.safetensors")]
        monkeypatch.setattr(sys, "argv", ["train_denoiser.py", "--images", str(folder), *places, *small, *more])
        script.main()
        return (tmp_path / out).read_bytes()

    return run


def test_a_checkpoint_of_other_photographs_is_refused(photographs, train):
    train(photographs(1))
    with pytest.raises(ValueError, match="is of a run with other settings"):
        train(photographs(2))


def test_patches_of_other_photographs_are_not_used(photographs, train, tmp_path):
    expected = train(photographs(2), "expected.safetensors")
    (tmp_path / "checkpoint.safetensors").unlink()
    train(photographs(1))
    (tmp_path / "checkpoint.safetensors").unlink()  # as the script says; the patches lie beside it
    assert train(tmp_path / "photographs2", "again.safetensors") == expected


def test_a_finished_run_started_again_writes_its_weights_where_they_are_asked_for(photographs, train):
    folder = photographs(1)
    assert train(folder, "second.safetensors") == train(folder, "first.safetensors")


def test_photographs_smaller_than_a_patch_are_named(photographs, train):
    with pytest.raises(ValueError, match=r"patches of 64 pixels do not fit a side of 38; .* give a smaller --patch"):
        train(photographs(1), "out.safetensors", "--patch", "64")


def test_a_folder_that_is_not_there_is_refused_before_training(photographs, train, capsys):
    with pytest.raises(SystemExit):
        train(photographs(1), "absent/out.safetensors")
    assert "make it first" in capsys.readouterr().err


def test_nothing_to_do_is_said(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train_denoiser.py"])
    with pytest.raises(SystemExit):
        script.main()
    assert "nothing to do" in capsys.readouterr().err
