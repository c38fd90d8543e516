"""A command without what it needs says what to give and where it comes from."""

import pytest


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["label"], "--labels FILE is needed: a CSV with a score per image (without labels: --conditions)"),
        (["select"], "--reference-features FILE is needed: `syndr-curate encode` writes it"),
        (["evaluate", "--predictions", "a.csv"], "--test FILE is needed: a labeled manifest, which `syndr-curate tes"),
        (["inspect", "absent.parquet"], "give a .parquet file that a syndr-curate command wrote"),
        (["status", "absent"], "give what encode, distort or upsample was given as --out"),
        (["downsample", "--features", "absent.npy", "--manifest", "gone.parquet"], "give a .parquet file that"),
    ],
)
def test_a_missing_input_names_its_flag_and_its_source(command, said, syndr_curate, tmp_path):
    done = syndr_curate(*command, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert said in done.stderr
