"""A user's own type, in ten lines of a file, through the commands, spawned workers and Ray."""

import json
import subprocess
import sys

import numpy as np
import pytest
from syndr_curate.curate.manifest.manifest import read_manifest
from syndr_curate.curate.manifest.provenance import digest_file, read_provenance

PLUGIN = """\
from syndr_curate import register_distortion


def speckle(image, share, rng):
    image[rng.random(image.shape[:2]) < share] = 255
    return image


def register():
    register_distortion(200, "speckle", speckle, (0.01, 0.02, 0.05, 0.1, 0.2), random=True, version="7")
"""
LOADER = """\
import sys
import numpy as np
from syndr_curate import ManifestDataset
from torch.utils.data import DataLoader

if __name__ == "__main__":
    sys.path.append("types")
    import my_types
    my_types.register()
    dataset = ManifestDataset("recipes/manifest.parquet")
    loader = DataLoader(dataset, batch_size=None, num_workers=1, multiprocessing_context="spawn")
    stored = ManifestDataset("stored/manifest.parquet")
    print(sum(bool((seen.image == kept.image).all()) for seen, kept in zip(loader, stored, strict=True)))
"""
GIVEN = ("--plugin", "my_types:register")
DISTORT = ("distort", "photos", "--types", "speckle", "--levels", "1,3")


@pytest.fixture(scope="module")
def work(tmp_path_factory, syndr_curate):
    """A folder with the plug-in, two photographs, and what `distort` makes of them: stored, and as recipes."""
    folder = tmp_path_factory.mktemp("own-types")
    (folder / "my_types.py").write_text(PLUGIN)
    (folder / "types").mkdir()
    (folder / "types" / "my_types.py").write_text(PLUGIN)
    paint_noise(folder / "photos", count=2)
    # Two workers: the type goes into a spawned process.
    flags = ("--chain", "speckle:2+jpeg:3", "--workers", 2, *GIVEN)
    syndr_curate(*DISTORT, *flags, "--out", "stored", cwd=folder)
    syndr_curate(*DISTORT, *flags, "--out", "recipes", "--recipe-only", cwd=folder)
    return folder


def paint_noise(folder, *, count):
    from PIL import Image

    folder.mkdir()
    for number in range(count):
        codes = np.random.default_rng(number).integers(0, 200, (48, 64, 3), np.uint8)
        Image.fromarray(codes).save(folder / f"I{number}.png")


def said(done):
    assert done.returncode == 2, done.stdout + done.stderr
    return " ".join(done.stderr.split())


def test_distort_renders_the_type_and_says_what_it_was(work):
    table = read_manifest(work / "stored" / "manifest.parquet")
    assert table["sample_id"].to_pylist()[:3] == ["I0_200_01", "I0_200_03", "I0_chain_200-2_10-3"]
    assert set(table["status"].to_pylist()) == {"ok"}
    assert read_provenance(table)["user_types"] == {
        "200": {
            "name": "speckle",
            "version": "7",
            "source_sha256": digest_file(work / "my_types.py"),
            "function": "my_types:speckle",
            "parameters": [0.01, 0.02, 0.05, 0.1, 0.2],
            "plugin": "my_types:register",
        }
    }


def test_verify_renders_it_again(work, syndr_curate):
    verdict = json.loads(syndr_curate("verify", "stored/manifest.parquet", "--json", *GIVEN, cwd=work).stdout)
    assert (verdict["rendered_again"], verdict["problems"], verdict["warnings"]) == (6, [], [])


def test_verify_without_the_plugin_warns_where_pixels_are_stored(work, syndr_curate):
    verdict = json.loads(syndr_curate("verify", "stored/manifest.parquet", "--json", cwd=work).stdout)
    assert (verdict["files_decoded"], verdict["rendered_again"], verdict["problems"]) == (6, 0, [])
    assert "type 200 (speckle, version 7) of the plug-in my_types:register" in verdict["warnings"][0]


def test_recipes_of_an_absent_plugin_are_refused_by_name(work, syndr_curate):
    named = "type 200 (speckle, version 7) of the plug-in my_types:register"
    verified = syndr_curate("verify", "recipes/manifest.parquet", "--json", cwd=work, check=False)
    assert verified.returncode == 1
    assert named in json.loads(verified.stdout)["problems"][0]
    encoding = ("encode", "recipes/manifest.parquet", "--encoder", "gist", "--out", "features.parquet")
    for command in (encoding, ("distort", "recipes/manifest.parquet", "--out", "again")):
        done = syndr_curate(*command, cwd=work, check=False)
        assert named in said(done)
        assert "give --plugin my_types:register" in said(done)
    assert not (work / "again").exists()


@pytest.mark.parametrize("command", ["export --to hf --render --out exported", "report --out report.html"])
def test_exports_and_reports_name_the_absent_plugin_of_recipes_and_say_when_it_is_another(
    work, tmp_path, syndr_curate, command
):
    verb, *flags = command.split()
    manifest = work / "recipes" / "manifest.parquet"
    refused = said(syndr_curate(verb, manifest, *flags, cwd=tmp_path, check=False))
    assert "type 200 (speckle, version 7) of the plug-in my_types:register" in refused
    assert "give --plugin my_types:register" in refused
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "my_types.py").write_text(PLUGIN.replace("255", "254"))
    other = syndr_curate(verb, manifest, *flags, *GIVEN, cwd=tmp_path)
    assert "warning: rows were made with another version of users' types" in " ".join(other.stderr.split())


def test_label_takes_labels_of_the_type(work, syndr_curate):
    lines = ["dist_img,dmos,ref_img", "R_200_01.png,4,R.png", "R_200_03.png,2,R.png", "R_01_01.png,5,R.png"]
    (work / "labels.csv").write_text("\n".join([*lines, "R_01_05.png,1,R.png"]) + "\n")
    syndr_curate(*DISTORT, "--recipe-only", "--out", "single", *GIVEN, cwd=work)
    flags = ("--labels", "labels.csv", "--labeler", "condition", "--out", "labeled.parquet", *GIVEN)
    syndr_curate("label", "--manifest", "single/manifest.parquet", *flags, cwd=work)
    labeled = read_manifest(work / "labeled.parquet")
    assert labeled["label"].to_pylist() == [7.5, 2.5, 7.5, 2.5]
    assert read_provenance(labeled)["user_types"]["200"]["version"] == "7"
    verdict = json.loads(syndr_curate("verify", "labeled.parquet", "--json", *GIVEN, cwd=work).stdout)
    assert (verdict["recipe_rows"], verdict["problems"]) == (4, [])


def test_a_spawned_loader_renders_what_distort_stored(work):
    (work / "load.py").write_text(LOADER)
    done = subprocess.run([sys.executable, "load.py"], cwd=work, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["6"], done.stderr


@pytest.mark.slow
def test_ray_renders_what_processes_render(work, syndr_curate):
    pytest.importorskip("ray")
    flags = ("--chain", "speckle:2+jpeg:3", "--executor", "ray", "--workers", 1, "--out", "by-ray", *GIVEN)
    syndr_curate(*DISTORT, *flags, cwd=work)
    images = sorted(path.relative_to(work / "stored") for path in (work / "stored").rglob("*.png"))
    assert len(images) == 6
    assert all((work / "by-ray" / name).read_bytes() == (work / "stored" / name).read_bytes() for name in images)


def test_another_state_of_the_source_is_a_problem(work, tmp_path, syndr_curate):
    (tmp_path / "my_types.py").write_text(PLUGIN.replace("255", "254"))
    done = syndr_curate("verify", work / "stored" / "manifest.parquet", "--json", *GIVEN, cwd=tmp_path, check=False)
    problems = json.loads(done.stdout)["problems"]
    assert "type 200 (speckle): source_sha256" in problems[0]
    assert any("the stored pixels differ from a fresh rendering" in problem for problem in problems)


def test_an_unfinished_run_is_not_continued_with_another_source(tmp_path, syndr_curate):
    (tmp_path / "my_types.py").write_text(PLUGIN)
    paint_noise(tmp_path / "photos", count=2)
    syndr_curate(*DISTORT, "--shard", "1/2", "--rows-per-shard", 1, "--out", "out", *GIVEN, cwd=tmp_path)
    (tmp_path / "my_types.py").write_text(PLUGIN + "# edited\n")
    done = syndr_curate(
        *DISTORT, "--shard", "2/2", "--rows-per-shard", 1, "--out", "out", *GIVEN, cwd=tmp_path, check=False
    )
    assert "user_types" in said(done)


def test_photographs_get_metric_labels_of_the_type(work, syndr_curate):
    flags = ("--proxy-labels", "--types", "speckle", "--recipe-only", "--out", "train.parquet")
    done = syndr_curate("upsample", "--references", "photos", *flags, *GIVEN, cwd=work, check=False)
    assert done.returncode == 0, done.stderr
    rows = read_manifest(work / "train.parquet").to_pylist()
    assert {row["distortion"] for row in rows} == {"speckle"}
    assert all(0 <= row["label"] <= 10 for row in rows)


def test_the_catalog_lists_it(work, syndr_curate):
    listed = json.loads(syndr_curate("distortions", "--json", *GIVEN, cwd=work).stdout)["distortions"]
    assert listed[-1]["name"] == "speckle"
    assert listed[-1]["family"] == "user"


@pytest.mark.parametrize(
    ("plugin", "content", "expected"),
    [
        ("mine", "", "--plugin 'mine' is no plug-in: expected module:function"),
        ("mine.py:register", None, "there is no module 'mine' in"),
        ("mine:register", None, "there is no module 'mine' in"),
        ("mine:register", "import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("mine:register", "1 / 0", "--plugin mine:register raised ZeroDivisionError: division by zero"),
        ("mine:register", "", "has no function 'register'"),
        ("mine:register", "def register():\n    pass\n", "--plugin mine:register registers no type"),
        ("mine:register", "def register():\n    {}['a']\n", "raised KeyError: 'a'"),
        ("mine:register", PLUGIN.replace("200", "25"), "--plugin mine:register: the id 25 cannot be registered"),
    ],
)
def test_what_is_no_plugin_is_an_error_of_one_line(tmp_path, syndr_curate, plugin, content, expected):
    if content is not None:
        (tmp_path / "mine.py").write_text(content)
    assert expected in said(syndr_curate("distortions", "--plugin", plugin, cwd=tmp_path, check=False))


def test_a_settings_file_cannot_name_a_plugin(tmp_path, syndr_curate):
    (tmp_path / "my_types.py").write_text(PLUGIN)
    (tmp_path / "syndr-curate.toml").write_text('[distortions]\nplugin = ["my_types:register"]\n')
    assert "[distortions] has no setting 'plugin'" in said(syndr_curate("distortions", cwd=tmp_path, check=False))


def test_every_command_takes_plugins():
    import typer
    from syndr_curate.cli import app

    def commands(group):
        for command in group.commands.values():
            yield from commands(command) if hasattr(command, "commands") else [command]

    found = list(commands(typer.main.get_command(app)))
    assert len(found) > 20
    assert all(any(each.name == "plugin" for each in command.params) for command in found)
