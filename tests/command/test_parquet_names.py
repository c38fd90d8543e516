"""Commands that write Parquet take no other suffix, and say so before they read anything."""

import pytest

UPSAMPLE = "upsample --labels l.csv --reference-features r.npz --candidate-features c.npz --types all --recipe-only"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("join a.parquet b.parquet --out j.csv", "--out j.csv"),
        ("label --manifest m.parquet --conditions kadid10k --out l.csv", "--out l.csv"),
        ("downsample --features epoch1.npy --manifest m.parquet --out d.csv", "--out d.csv"),
        ("downsample --features epoch1.npy --manifest m.parquet --dropped gone.csv", "--dropped gone.csv"),
        ("select --reference-features r.npz --candidate-features c.npz --out s.csv", "--out s.csv"),
        (f"{UPSAMPLE} --out u.csv", "--out u.csv"),
        (f"{UPSAMPLE} --out u.parquet --selection s.csv", "--selection s.csv"),
    ],
)
def test_another_suffix_is_refused_at_once(syndr_curate, tmp_path, command, said):
    done = syndr_curate(*command.split(), cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert f"error: {said}: what is written is a Parquet file; give a name that ends in .parquet" in done.stderr
    assert not list(tmp_path.iterdir())
