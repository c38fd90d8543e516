"""The example trainer, on a few small images with random weights: what it trains on, how it cuts, how it resumes."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from syndr_curate import CurateError, evaluate, read_manifest, write_manifest
from syndr_curate.curate.manifest.schema import LABEL_MAXIMUM

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "train_baseline"


def without_seconds(lines):
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


@pytest.fixture(scope="module")
def unbroken(epochs, flags):
    return epochs(flags(out="unbroken"))


@pytest.fixture(scope="module")
def broken(epochs, flags):
    """A run that ended after its first epoch."""
    return epochs(flags("--stop-after", "1", out="broken"))[0]


def test_two_epochs_train_on_thinned_rows_and_score_the_test_set(unbroken):
    lines, _ = unbroken
    assert [line["epoch"] for line in lines] == [0, 1]
    for line in lines:
        assert line["of"] == 39  # 4 pictures x 2 types x 5 levels, one row held out for validation
        assert 20 <= line["rows"] <= 39
        assert np.isfinite(line["loss"])
        assert -1 <= line["photos"]["srcc"] <= 1


def test_the_last_epochs_predictions_are_kept_and_score_what_the_log_says(unbroken, flags, manifests):
    out = Path(flags(out="unbroken")[flags().index("--out") + 1])
    found = evaluate(out / "photos.csv", manifests / "photos.parquet").overall
    logged = unbroken[0][-1]["photos"]
    assert found.statistics("srcc").median == pytest.approx(logged["srcc"])
    assert found.statistics("plcc").median == pytest.approx(logged["plcc"])


def test_a_run_with_other_settings_is_not_resumed(epochs, flags, broken):
    assert len(broken) == 1
    with pytest.raises(CurateError, match="no checkpoint at"):
        epochs(flags("--resume", out="absent"))
    with pytest.raises(CurateError, match="was written with seed = 123, now it is 7"):
        epochs(flags("--resume", "--seed", "7", out="broken"))


def test_a_mistake_is_one_line_and_status_2(trainer, flags, broken, capsys):
    assert len(broken) == 1
    with pytest.raises(SystemExit, match="2"):
        trainer["train"].main(flags("--resume", "--crop", "32", out="broken"))
    assert capsys.readouterr().err.endswith("was written with crop = 64, now it is 32\n")
    with pytest.raises(SystemExit, match="2"):
        trainer["train"].main(flags("--crop", "90", "--workers", "1", out="large"))
    assert capsys.readouterr().err == "error: a picture of 96x80 is smaller than a patch of 90\n"


def test_a_resumed_run_ends_bit_for_bit_where_an_unbroken_one_does(epochs, flags, unbroken, broken):
    lines, expected = unbroken
    torch.rand(7)  # whatever else draws in between
    second, found = epochs(flags("--resume", out="broken"))
    assert without_seconds(broken + second) == without_seconds(lines)
    log = Path(flags(out="broken")[flags().index("--out") + 1]) / "log.jsonl"
    assert [json.loads(line)["epoch"] for line in log.read_text().splitlines()] == [0, 1]
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert any(name.startswith("adam.") and tensor.abs().sum() > 0 for name, tensor in found.items())


@pytest.mark.usefixtures("tiny_network")
def test_a_run_is_not_written_over_by_another(epochs, flags):
    arguments = flags(out="other")
    file = Path(arguments[arguments.index("--out") + 1]) / "checkpoint.safetensors"
    file.parent.mkdir()
    file.write_bytes(b"hours of work")
    with pytest.raises(CurateError, match="is there already: give --resume to go on from it, or another --out"):
        epochs(arguments)
    assert file.read_bytes() == b"hours of work"


@pytest.mark.usefixtures("tiny_network")
def test_a_run_is_not_resumed_with_other_labels_under_the_same_name(epochs, flags, manifests):
    table = read_manifest(manifests / "train.parquet", training=True)
    write_manifest(table, manifests / "changed.parquet", training=True)
    changed = ("--train", str(manifests / "changed.parquet"), "--variant", "baseline")
    epochs(flags(*changed, "--stop-after", "1", out="changed"))
    labels = pa.array([9.5, *table["label"].to_pylist()[1:]], pa.float32())
    other = table.set_column(table.column_names.index("label"), "label", labels)
    write_manifest(other, manifests / "changed.parquet", training=True)
    with pytest.raises(CurateError, match=r"was written with other rows or labels than .*changed.parquet holds now"):
        epochs(flags(*changed, "--resume", out="changed"))


def test_flags_are_written_out(trainer, flags, capsys):
    with pytest.raises(SystemExit, match="2"):
        trainer["train"].parse_arguments(flags("--see", "7"))
    assert "unrecognized arguments: --see 7" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variant", "rows", "pseudo", "thinned"),
    [
        ("baseline", 19, 0, False),
        ("candidates", 29, 10, False),
        ("thinning", 19, 0, True),
        ("candidates-thinning", 29, 10, True),
        ("selection", 39, 20, False),
        ("downsampling", 39, 20, True),
    ],
)
def test_a_variant_trains_on_the_rows_it_names(trainer, flags, manifests, variant, rows, pseudo, thinned):
    extra = ["--all-candidates", str(manifests / "all.parquet")] if variant.startswith("candidates") else []
    run = trainer["run"].Run(trainer["train"].parse_arguments(flags("--variant", variant, *extra)))
    sources = [source for pictures in run.rows.sets for source in pictures.rows["label_source"].to_pylist()]
    assert (len(sources), sources.count("pseudo")) == (rows, pseudo)
    assert run.settings.thinned == thinned


def test_candidates_go_with_their_variant_alone(trainer, flags, manifests):
    for wrong in (["--variant", "candidates"], ["--all-candidates", str(manifests / "all.parquet")]):
        with pytest.raises(SystemExit, match="--all-candidates goes with --variant candidates"):
            trainer["train"].parse_arguments(flags(*wrong))


def test_the_defaults_are_the_published_settings(trainer, tmp_path):
    settings = trainer["train"].parse_arguments(["--train", "t", "--weights", "none", "--out", str(tmp_path)])
    assert (settings.backbone, settings.epochs, settings.batch_size, settings.crop) == ("resnet50", 24, 32, 224)
    assert (settings.variant, settings.scope, settings.test_patches) == ("downsampling", "all", 5)
    model = trainer["model"].QualityModel("resnet18")
    adam = trainer["model"].make_optimizer(
        model, rate=settings.lr, head_factor=settings.head_factor, decay=settings.weight_decay
    )
    assert [group["lr"] for group in adam.param_groups] == [2e-5, pytest.approx(2e-4)]
    assert [group["weight_decay"] for group in adam.param_groups] == [5e-4, 5e-4]
    assert len(adam.param_groups[1]["params"]) == 2  # weight and bias of the head
    assert sum(len(group["params"]) for group in adam.param_groups) == len(list(model.parameters()))


def test_a_local_checkpoint_fills_the_backbone_and_leaves_the_head(trainer, tmp_path):
    from torchvision.models import resnet18

    torch.manual_seed(1)
    donor = resnet18(weights=None)
    torch.save(donor.state_dict(), tmp_path / "w.pth")
    model = trainer["model"].QualityModel("resnet18")
    head = model.head.weight.clone()
    model.load_backbone(tmp_path / "w.pth")
    assert torch.equal(model.backbone.conv1.weight, donor.conv1.weight)
    assert torch.equal(model.head.weight, head)
    with pytest.raises(CurateError, match="no weights at"):
        model.load_backbone(tmp_path / "absent.pth")
    with pytest.raises(CurateError, match="does not fit the backbone"):
        trainer["model"].QualityModel("resnet50").load_backbone(tmp_path / "w.pth")


@pytest.fixture
def cut_of(trainer, manifests):
    from syndr_curate import ManifestDataset

    pictures = ManifestDataset(manifests / "photos.parquet")

    def make(**settings):
        return trainer["patches"].Patches(pictures, trainer["patches"].Cut(**{"size": 64, **settings}))

    return make


def test_training_patches_change_with_the_epoch_and_the_seed_and_nothing_else(cut_of):
    first, again, other_seed = cut_of(), cut_of(), cut_of(seed=7)
    assert torch.equal(first[3].patches, again[3].patches)
    assert not torch.equal(first[3].patches, other_seed[3].patches)
    again.epoch = 1
    assert not torch.equal(first[3].patches, again[3].patches)


def test_workers_cut_the_same_patches(cut_of):
    loader = torch.utils.data.DataLoader(cut_of(), batch_size=5, num_workers=2)
    found = {i: p for batch in loader for i, p in zip(batch.sample_id, batch.patches, strict=True)}
    patches = cut_of()
    assert all(torch.equal(patches[k].patches, found[patches[k].sample_id]) for k in range(len(patches)))


def test_test_patches_stay_where_they_are_and_are_not_mirrored(cut_of):
    test = cut_of(count=5, place="fixed", size=70)
    before = test[0].patches
    test.epoch = 9
    assert torch.equal(before, test[0].patches)
    assert before.shape == (5, 3, 70, 70)
    whole = test.pictures[0].image.transpose(2, 0, 1)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    levels = np.rint((before[2].numpy().transpose(1, 2, 0) * std + mean) * 255).astype(np.uint8).transpose(2, 0, 1)
    places = [(y, x) for y in range(11) for x in range(27) if (whole[:, y : y + 70, x : x + 70] == levels).all()]
    assert len(places) == 1


def test_some_training_patches_are_mirrored(cut_of):
    # Level 1 of type 1 changes nothing, so a whole-height patch shows the picture itself, mirrored or not.
    patches = cut_of(size=80)
    whole = patches.pictures[0].image
    mirrored = 0
    for epoch in range(40):
        patches.epoch = epoch
        left = patches[0].patches[0, 0, 40, 0].item() * 0.229 + 0.485
        row = whole[40, :, 0]
        mirrored += int(np.rint(left * 255)) in row[79:].tolist() and int(np.rint(left * 255)) not in row[:17].tolist()
    assert 5 < mirrored < 35


def test_larger_test_images_are_shrunk_and_smaller_ones_left_alone(trainer, cut_of):
    shrunk = trainer["patches"].shrunk
    image = np.zeros((80, 96, 3), np.uint8)
    assert shrunk(image, 40).shape == (40, 48, 3)
    assert shrunk(image, 0) is image
    assert shrunk(image, 200) is image
    with pytest.raises(CurateError, match="scene3_01_01 is 48x40, smaller than a patch of 64"):
        cut_of(short_side=40)[0]


def test_a_prediction_is_the_mean_over_the_patches(trainer, cut_of):
    class Brightness(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(()))

        def forward(self, images):
            return images.mean(dim=(1, 2, 3)) * self.scale

    test = cut_of(count=5, place="fixed")
    found = trainer["evaluate"].predict(Brightness(), test, batch_size=4, workers=0)
    assert len(found) == 10
    label, score = found["scene3_21_02"]
    item = next(test[k] for k in range(10) if test[k].sample_id == "scene3_21_02")
    assert label == LABEL_MAXIMUM - 1.5 * 2
    assert score == pytest.approx(item.patches.mean().item(), abs=1e-6)


def test_correlations_are_of_ranks_and_of_values(trainer):
    correlations = trainer["evaluate"].correlations
    found = {"a": (1.0, 1.0), "b": (2.0, 4.0), "c": (3.0, 9.0), "d": (float("nan"), 5.0)}
    # Ranks agree; Pearson of (1, 2, 3) and (1, 4, 9): 8 / sqrt(2 x 98/3) = 0.98974
    assert correlations(found) == {"srcc": pytest.approx(1.0), "plcc": pytest.approx(8 / np.sqrt(2 * 98 / 3))}


def test_every_row_is_drawn_once_in_an_order_of_the_epoch(trainer):
    order = trainer["order"].EpochOrder(50, seed=3)
    first = list(order)
    assert sorted(first) == list(range(50))
    assert list(order) == first
    order.epoch = 1
    assert list(order) != first


def test_the_example_uses_the_public_names_alone():
    for file in EXAMPLE.glob("*.py"):
        assert "syndr_curate.curate" not in file.read_text()
