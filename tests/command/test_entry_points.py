"""`syndr-curate` alone says where to begin, and each command that it names works."""

import shlex
import shutil

import pytest
from syndr_curate import read_manifest
from syndr_curate.curate.terminal.entry_points import OWN_LABELS, PAIR, PHOTOGRAPHS

KADID_COLUMNS, OWN_COLUMNS = "dist_img,ref_img,dmos,var", "image,reference,mos,spread"


@pytest.fixture
def miniature_sets(tmp_path, image_folder):
    """The folders and files that the entry points name, with four references each, labeled for all types."""
    rows = [
        f"I{n}_{kind:02d}_{level:02d}.png,I{n}.png,{5 - 0.7 * level - 0.05 * n:.2f},0.4"
        for n in range(4)
        for kind in range(1, 26)
        for level in range(1, 6)
    ]
    references, candidates = image_folder("I", 4, first_seed=700), image_folder("new", 3, first_seed=800)
    for name in ("KADID-10k/images", "rated"):
        shutil.copytree(references, tmp_path / name)
        for row in rows:
            (tmp_path / name / row.split(",")[0]).write_bytes(b"not looked into")
    shutil.copytree(references, tmp_path / "photos")
    for name in ("KADIS-700k", "more-photos"):
        shutil.copytree(candidates, tmp_path / name)
    for name, columns in (("KADID-10k/dmos.csv", KADID_COLUMNS), ("scores.csv", OWN_COLUMNS)):
        (tmp_path / name).write_text("\n".join([columns, *rows]) + "\n")
    return tmp_path


def test_without_arguments_it_shows_where_to_begin(syndr_curate):
    done = syndr_curate()
    assert done.returncode == 0
    assert all(f"\n  {command}\n" in done.stdout for command in (PAIR, OWN_LABELS, PHOTOGRAPHS, "syndr-curate demo"))
    assert "syndr-curate --help" in done.stdout


@pytest.mark.parametrize("entry_point", [PAIR, OWN_LABELS, PHOTOGRAPHS])
def test_an_entry_point_makes_a_training_manifest(entry_point, syndr_curate, miniature_sets):
    # Two flags more: an encoder that needs no weights, and rows without pixels, for speed.
    flags = ["--recipe-only"] if entry_point == PHOTOGRAPHS else ["--recipe-only", "--encoder", "gist"]
    syndr_curate(*shlex.split(entry_point)[1:], *flags, cwd=miniature_sets)
    out = "own" if entry_point == PHOTOGRAPHS else "train"
    assert "ok" in read_manifest(miniature_sets / "manifests" / f"{out}.parquet")["status"].to_pylist()


def test_a_root_without_the_labeled_images_says_what_to_give_instead(syndr_curate, miniature_sets):
    command = (
        *("upsample", "--labels", "KADID-10k/dmos.csv", "--references", "photos", "--root", "rated"),
        *("--candidates-root", "more-photos", "--types", "1", "--encoder", "gist", "--recipe-only"),
    )
    refused = syndr_curate(*command, cwd=miniature_sets, check=False).stderr
    assert "rated/images/I0_01_01.png does not exist" in refused
    assert "for another set, add --dataset NAME" in refused
    syndr_curate(*command, "--dataset", "ours", cwd=miniature_sets)


def test_help_describes_completion(syndr_curate):
    told = "".join(syndr_curate("--help").stdout.split())  # a terminal may break the line at a hyphen
    assert "syndr-curate--install-completion,once,thenopenanewterminal" in told


def test_completion_is_installed_and_completes_commands_flags_and_values(syndr_curate, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    # The shell is named here: what starts the tests, such as make, may be a shell without completion.
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    assert "completion installed" in syndr_curate("--install-completion", "bash").stdout
    assert "syndr-curate" in (tmp_path / ".bashrc").read_text()
    monkeypatch.setenv("_SYNDR_CURATE_COMPLETE", "complete_bash")

    def completed(line):
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        return syndr_curate().stdout.split()

    assert completed("syndr-curate ups") == ["upsample"]
    assert completed("syndr-curate upsample --candidates-r") == ["--candidates-root"]
    assert completed("syndr-curate upsample --labeler ") == ["knn", "gp", "condition", "calibrated"]
