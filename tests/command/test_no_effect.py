"""A flag that would be passed over is refused by name; one in the settings file is not."""

import pytest

from ..making import paint_cities

UPSAMPLE = "upsample --references photos --proxy-labels --candidates-root photos --encoder gist --out m.parquet"
LABEL = "label --labels l.csv --reference-features r.npz --candidate-features c.npz --selection s.parquet"
FILES = "upsample --labels l.csv --reference-features r.npz --candidate-features c.npz --recipe-only --out m.parquet"
CASES = {
    "distort photos --types 1 --out d --recipe-only --layout parquet": "--layout has no effect with --recipe-only",
    "distort photos --types 1 --out d --root photos=photos": "--root has no effect on a folder",
    "distort m.parquet --out d --levels 1,3 --seed 7": "--levels, --seed have no effect without --types",
    "distort m.parquet --out d --format bmp": "--format has no effect without --types",
    "distort photos --chain 1:2+2:2 --out d --chain-order any": "--chain-order has no effect without --chains",
    "distort photos --types 1 --out d --stretch once": "--stretch has no effect without --chain or --chains",
    "distort photos --chain 1:2+2:2 --out d --levels 3": "--levels has no effect without --types or --chains",
    "distort m.parquet --types 1 --out d --ids path": "--ids has no effect on a manifest",
    "encode photos --encoder gist --out f.parquet --root a=b": "--root has no effect on a folder",
    "encode m.parquet --encoder gist --out f.parquet --ids path": "--ids has no effect on a manifest",
    "domains select --target photos --classifier c.safetensors --out p.json --root a=b": "--root has no effect on a",
    "domains select --target photos --classifier c --out p.json --rule published --max-types 3 --exclude 15": (
        "--max-types, --exclude have no effect with --rule published"
    ),
    "export m.parquet --to ids --out ids.txt --render": "--render has no effect with --to ids",
    "export m.parquet --to pyiqa --out e --rows-per-shard 5": "--rows-per-shard has no effect with --to pyiqa",
    "export m.parquet --to webdataset --out e --hardlink": "--hardlink has no effect with --to webdataset",
    f"{UPSAMPLE} --recipe-only --images-out i": "--images-out has no effect with --recipe-only",
    f"{UPSAMPLE} --lower-is-better --label-range 0,1": "--lower-is-better, --label-range have no effect with --proxy-l",
    f"{UPSAMPLE} --labeler gp --neighbors 9": "--neighbors has no effect with --labeler gp",
    f"{LABEL} --temperature 0.1": "--temperature has no effect without --weighting similarity",
    f"{LABEL} --labeler gp --margin 0.1": "--margin has no effect with --labeler gp",
    "label --manifest m.parquet --conditions kadid10k --types 1 --levels 2 --seed 7": (
        "--types, --levels, --seed have no effect with --manifest"
    ),
    f"{LABEL} --cross-validate --seed 7": "--selection, --candidate-features, --seed have no effect with --cross-val",
    "label --labels l.csv --labeler condition --cross-validate --out o.parquet": "--out has no effect with --cross-val",
    f"{LABEL} --id-column name --raters 9": "--raters has no effect without --std-column",
    "encode photos --encoder gist --out f.parquet --shard 1/2 --strict": "--strict has no effect with --shard",
    "distort photos --types 1 --out d --shard 1/2 --strict": "--strict has no effect with --shard",
    "mix --manifest m.parquet --out x --types 1 --seed 7": "--types, --seed have no effect without --count",
    "mix --manifest m.parquet --out x --recipe-only --sigma 3": "--sigma, --recipe-only have no effect without --count",
    "export m.parquet --to ids --out ids.txt --root a=b --workers 2": "--root, --workers have no effect with --to ids",
    "report m.parquet --max-rows 9": "--max-rows has no effect without --features",
    "report m.parquet --png maps.png": "--png has no effect without --features",
    "report m.parquet --features f.npz --color-by type": "--color-by has no effect without --png",
    "report m.parquet --gallery 3 --score-column q --lower-is-better": (
        "--gallery, --score-column, --lower-is-better have no effect without --predictions"
    ),
    "report m.parquet --projection pca": "--projection has no effect without a feature file",
    f"{FILES} --encoder gist --batch-size 2": "--encoder, --batch-size have no effect where feature files",
    f"{FILES} --ids path": "--ids has no effect without --candidates-root",
}
# Beside these the same flags do something.
EFFECTIVE = [
    "distort photos --types 1 --out d --seed 7 --levels 1 --format bmp --ids path --layout parquet",
    "distort photos --types 1 --out d --recipe-only --format bmp",
    "encode photos --encoder gist --out f.parquet --ids path --strict --batch-size 1",
]


@pytest.fixture
def folder(tmp_path):
    paint_cities(tmp_path / "photos", ["a", "b"], side=64)
    return tmp_path


@pytest.mark.parametrize("command", CASES)
def test_a_flag_without_effect_is_refused(command, folder, syndr_curate):
    said = syndr_curate(*command.split(), cwd=folder, check=False)
    assert said.returncode == 2
    assert said.stderr.startswith(f"error: {CASES[command]}")
    assert said.stderr.endswith(": leave it out\n")
    assert sorted(path.name for path in folder.iterdir()) == ["photos"]


@pytest.mark.parametrize("command", EFFECTIVE)
def test_a_flag_that_does_something_is_taken(command, folder, syndr_curate):
    syndr_curate(*command.split(), cwd=folder)


def test_the_settings_file_holds_for_every_call(folder, syndr_curate):
    (folder / "syndr-curate.toml").write_text('[distort]\nlayout = "parquet"\n')
    syndr_curate("distort", "photos", "--types", "1", "--out", "d", "--recipe-only", cwd=folder)
