"""The demo's last steps: types for a target set, and mixes."""

from pathlib import Path

import pytest
from syndr_curate.curate.checks.verify import verify
from syndr_curate.curate.demo.demo import MIXES, TARGET_TYPES, DemoSteps, add_mix, run_demo
from syndr_curate.curate.manifest.manifest import read_manifest
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.runs.progress import SILENT


def test_the_mix_step_writes_what_it_names(image_folder, tmp_path):
    run_distort(image_folder("a", 3), tmp_path / "d", types=(10, 16), levels=(3,))
    steps = DemoSteps()
    manifest = tmp_path / "d" / "manifest.parquet"
    add_mix(steps, tmp_path, manifest=manifest, seed=1, workers=1, reporter=SILENT)
    assert steps.steps[0][0].startswith("syndr-curate mix --manifest")
    assert len(read_manifest(steps.files["mixed manifest"])) == MIXES
    assert Path(steps.files["picture of mixes"]).is_file()


@pytest.mark.slow
def test_the_whole_demo_chooses_types_and_mixes(tmp_path):
    result = run_demo(tmp_path / "demo", everything=True).as_json()
    assert all(Path(path).exists() for path in result["files"].values())
    selected, mixed = result["steps"][-2:]
    assert set(TARGET_TYPES) <= set(selected["types"])
    assert sum(selected["top1_shares"][str(kind)] for kind in TARGET_TYPES) > 0.8
    assert (mixed["rows"], mixed["rows_not_ok"]) == (MIXES, 0)
    assert not verify(tmp_path / "demo" / "mix.parquet").problems
