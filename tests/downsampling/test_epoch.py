"""DRCDown's epoch: command, sampler and report keep the same rows, since one core draws for all three."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syndr_curate import DRCDownSampler, ManifestDataset
from syndr_curate.curate.datasets.features import Features
from syndr_curate.curate.downsampling.downsample import downsample_epoch
from syndr_curate.curate.downsampling.epoch import draw_epoch, epoch_clusters, epoch_features, epoch_rows
from syndr_curate.curate.downsampling.settings import DownsampleSettings
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.manifest.manifest import ok_rows
from syndr_curate.curate.manifest.schema import build_table
from syndr_curate.curate.report.clusters import find_left_out, read_clusters


def features_of(ids, matrix) -> Features:
    return Features(np.asarray(matrix, np.float32), tuple(ids), None, "ours", {})


def mixed_case(seed: int, count: int) -> tuple[pa.Table, Features]:
    """Rows of every split, source and status; a quarter of them identical to the first, label included."""
    rng = np.random.Generator(np.random.PCG64(seed))
    matrix = rng.normal(size=(4, 6))[rng.integers(0, 4, count)] + 0.15 * rng.normal(size=(count, 6))
    labels = rng.uniform(3, 7, count)
    copies = rng.random(count) < 0.25
    matrix[copies], labels[copies] = matrix[0], labels[0]
    status = np.where(rng.random(count) < 0.1, "failed", "ok")
    ids = [f"s{number:03d}" for number in rng.permutation(count)]
    split = rng.choice(["train", "val", "test"], count, p=[0.7, 0.15, 0.15])
    split[0], status[0] = "train", "ok"
    table = build_table(
        {
            "sample_id": ids,
            "image_path": [f"{i}.png" for i in ids],
            "image_root": "images",
            "label": pa.array(labels.astype(np.float32), mask=status != "ok"),
            "label_source": rng.choice(["mos", "pseudo", "proxy"], count).tolist(),
            "split": split.tolist(),
            "status": status.tolist(),
        },
        count,
    )
    ok = np.flatnonzero(status == "ok")
    order = rng.permutation(ok)
    return table, features_of([ids[row] for row in order], matrix[order])


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(20, 150),
    epoch=st.integers(0, 5),
    scope=st.sampled_from(["all", "mos"]),
    keep_min=st.integers(1, 12),
    keep_fraction=st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    run_seed=st.integers(0, 3),
)
def test_command_sampler_and_report_keep_the_same_rows(seed, count, epoch, scope, keep_min, keep_fraction, run_seed):
    table, features = mixed_case(seed, count)
    chosen = {"scope": scope, "keep_min": keep_min, "keep_fraction": keep_fraction, "seed": run_seed}
    command = downsample_epoch(features, table, epoch=epoch, settings=DownsampleSettings(**chosen))
    kept, dropped = (part["sample_id"].to_pylist() for part in (command.kept, command.dropped))

    sampler = DRCDownSampler(ManifestDataset(table), **chosen)
    assert sampler.update(features, epoch=epoch).items() <= command.summary.items()
    assert sampler.kept_ids == kept
    assert {sampler.sample_ids[row] for row in sampler} == set(kept)

    clusters = read_clusters(command.kept)
    if clusters is None:  # no row in the scope, so no cluster and nothing dropped
        assert dropped == []
        return
    found = find_left_out(clusters, table, command.kept, features)
    assert found.note is None
    assert set(found.of_row) - set(clusters.of_row) == set(dropped)
    assert set(clusters.of_row) <= set(kept)
    assert sum(found.kept.values()) + len(dropped) == sum(found.sizes.values()) == len(found.of_row)
    for part in (command.kept, command.dropped):
        pairs = zip(part["sample_id"].to_pylist(), part["cluster_id"].to_pylist(), strict=True)
        assert all(found.of_row.get(sample_id) == number for sample_id, number in pairs)


@pytest.fixture
def five_rows():
    """Two alike pairs of the training split, one of which is pseudo-labeled, and a row of split val."""
    ids = ["d", "c", "b", "a", "v"]
    columns = {"sample_id": ids, "image_path": ids, "label": pa.array([5.0] * 5, pa.float32()), "status": "ok"}
    sources, splits = ["mos", "pseudo", "mos", "pseudo", "mos"], ["train"] * 4 + ["val"]
    table = build_table({**columns, "label_source": sources, "split": splits}, 5)
    return table, features_of(ids, [[1, 0], [0, 1], [1, 0], [0, 1], [1, 0]])


def test_the_scope_says_which_training_rows_are_filtered(five_rows):
    table, _ = five_rows
    everyone, labeled = epoch_rows(table, "all"), epoch_rows(table, "mos")
    assert everyone.training.tolist() == everyone.filtered.tolist() == labeled.training.tolist() == [0, 1, 2, 3]
    assert (labeled.filtered.tolist(), labeled.filtered_ids) == ([0, 2], ["d", "b"])


def test_clusters_are_numbered_by_the_smallest_id_and_keep_one_each(five_rows):
    table, features = five_rows
    settings_ = DownsampleSettings(keep_min=1, keep_fraction=0.0)
    rows = epoch_rows(table, "all")
    clusters = epoch_clusters(rows, epoch_features(rows, features, "the rows"), settings_)
    assert clusters.tolist() == [1, 0, 1, 0]
    draw = draw_epoch(rows, clusters, settings_, epoch=0)
    assert sorted([*draw.kept, *draw.dropped]) == [0, 1, 2, 3]
    assert sorted(clusters[draw.kept]) == sorted(clusters[draw.dropped]) == [0, 1]
    assert (draw.summary["rows_in"], draw.summary["rows_kept"]) == (4, 2)
    with pytest.raises(CurateError, match="epoch is -1"):
        draw_epoch(rows, clusters, settings_, epoch=-1)


def test_without_a_row_in_the_scope_everything_stays(five_rows):
    table, features = five_rows
    pseudo = table.filter(pa.compute.equal(table["label_source"], "pseudo"))
    rows = epoch_rows(pseudo, "mos")
    given_ = epoch_features(rows, features_of(["c", "a"], features.matrix[[1, 3]]), "the rows")
    draw = draw_epoch(rows, epoch_clusters(rows, given_, DownsampleSettings()), DownsampleSettings(), epoch=0)
    assert (draw.kept.tolist(), draw.dropped.tolist(), draw.summary["clusters"]) == ([0, 1], [], 0)


def test_rows_outside_the_training_split_need_features_too(five_rows):
    table, features = five_rows
    rows = epoch_rows(ok_rows(table), "all")
    bad = features_of(features.ids, features.matrix * [[1], [1], [1], [1], [np.nan]])
    with pytest.raises(CurateError, match="ours has 1 rows with NaN or infinity: 'v'"):
        epoch_features(rows, bad, "the rows")


def test_settings_load_without_numpy():
    import subprocess
    import sys

    code = "import sys, syndr_curate.curate.downsampling.settings as s; print('numpy' in sys.modules, s.SCOPES)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False ('all', 'mos')\n"
