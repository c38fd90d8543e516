"""What a run of the example trainer may choose: where it stops, its splits, its schedule, its network."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
import torch
from safetensors.torch import load_file, save_file
from syndr_curate import CurateError, DRCDownSampler, read_manifest, write_manifest


def without_seconds(lines):
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def out_of(arguments):
    return Path(arguments[arguments.index("--out") + 1])


@pytest.mark.usefixtures("tiny_network")
@pytest.mark.parametrize("variant", ["downsampling", "baseline"])
def test_a_run_resumed_in_the_middle_of_an_epoch_ends_bit_for_bit_where_an_unbroken_one_does(variant, epochs, flags):
    lines, expected = epochs(flags("--variant", variant, out=f"whole-{variant}"))
    first, _ = epochs(flags("--variant", variant, "--stop-after-steps", "1", out=f"parts-{variant}"))
    assert first == []
    second, _ = epochs(flags("--variant", variant, "--resume", "--stop-after-steps", "4", out=f"parts-{variant}"))
    third, found = epochs(flags("--variant", variant, "--resume", out=f"parts-{variant}"))
    assert without_seconds(second + third) == without_seconds(lines)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)


@pytest.mark.usefixtures("tiny_network")
def test_a_checkpoint_is_written_every_few_steps(trainer, flags, monkeypatch):
    kinds = []
    run = trainer["run"].Run(trainer["train"].parse_arguments(flags("--epochs", "1", "--save-every", "2", out="often")))
    monkeypatch.setattr(run, "_save", lambda part, _clusters: kinds.append(part and part["order"]["position"]))
    list(run.epochs())
    assert kinds[:-1] == list(range(16, run.history[0]["rows"], 16))  # two steps of eight rows, then the epoch's own
    assert kinds[-1] is None


@pytest.mark.usefixtures("tiny_network")
def test_a_cosine_comes_down_epoch_by_epoch_and_fixes_their_number(trainer, flags, epochs):
    make = trainer["train"].parse_arguments
    run = trainer["run"].Run(make(flags("--schedule", "cosine", "--epochs", "4")))
    rates = []
    for epoch in range(4):
        run._begin(epoch)
        rates.append(run.optimizer.param_groups[0]["lr"] / 1e-3)
    # (1 + cos(k pi / 4)) / 2 for k = 0 to 3
    assert rates == pytest.approx([1.0, 0.853553, 0.5, 0.146447], abs=1e-6)
    epochs(flags("--schedule", "cosine", "--stop-after", "1", out="cosine"))
    with pytest.raises(CurateError, match="was written with epochs = 2, now it is 3"):
        epochs(flags("--schedule", "cosine", "--epochs", "3", "--resume", out="cosine"))


@pytest.fixture(scope="module")
def with_validation(manifests):
    """The training manifest with seven rows held out, in a column `fold` of their own."""
    table = read_manifest(manifests / "train.parquet", training=True)
    names = table["sample_id"].to_pylist()
    fold = ["val" if name.startswith("scene1_21") or name == "scene1_01_01" else "train" for name in names]
    fold[0] = "test"
    write_manifest(table.append_column("fold", pa.array(fold)), manifests / "folds.parquet", training=True)
    return manifests / "folds.parquet"


@pytest.mark.usefixtures("tiny_network")
def test_a_column_may_say_which_rows_are_trained_on(trainer, flags, with_validation):
    make = trainer["train"].parse_arguments
    run = trainer["run"].Run(make(flags("--train", with_validation, "--split", "fold", "--patience", "1")))
    names = run.rows.sets[0].rows["sample_id"].to_pylist()
    held_out = run.rows.validation.rows["sample_id"].to_pylist()
    assert sorted(held_out) == ["scene1_01_01", *(f"scene1_21_0{level}" for level in range(1, 6))]
    assert len(names) == 33
    assert not set(names) & set(held_out)
    with pytest.raises(CurateError, match="has no column 'part': --split names the column"):
        trainer["run"].Run(make(flags("--split", "part")))
    with pytest.raises(CurateError, match="column 'reference_id' holds 'scene0'; expected train, val, test"):
        trainer["run"].Run(make(flags("--split", "reference_id")))


@pytest.mark.usefixtures("tiny_network")
def test_a_run_stops_when_validation_rows_are_not_ranked_better(trainer, flags, with_validation, monkeypatch):
    ranked = iter([0.5, 0.7, float("nan"), 0.6, 0.9])

    def scores(found):
        return {"srcc": next(ranked), "plcc": 0.0} if "scene1_21_01" in found else {"srcc": 0.0, "plcc": 0.0}

    monkeypatch.setattr(trainer["run"], "correlations", scores)
    arguments = flags(
        *("--train", with_validation, "--split", "fold", "--patience", "2", "--epochs", "9"),
        *("--predictions", "{folder}", "--variant", "selection"),
        out="patience",
    )
    out = out_of(arguments)
    arguments[arguments.index("{folder}")] = f"{out}/each/{{test}}-{{epoch}}.csv"
    lines = list(trainer["run"].Run(trainer["train"].parse_arguments(arguments)).epochs())
    assert [line["epoch"] for line in lines] == [0, 1, 2, 3]
    each = sorted(file.name for file in (out / "each").iterdir())
    assert each == [f"photos-{epoch}.csv" for epoch in range(4)]
    assert (out / "photos.csv").read_text() == (out / "each" / "photos-1.csv").read_text()  # those of the best epoch
    assert (out / "photos.csv").read_text() != (out / "each" / "photos-3.csv").read_text()


def test_predictions_of_several_test_sets_need_names_of_their_own(trainer, flags, manifests):
    make = trainer["train"].parse_arguments
    with pytest.raises(SystemExit, match=r"--predictions needs \{test\} in its name"):
        make(flags("--test", str(manifests / "all.parquet"), "--predictions", "{epoch}.csv"))
    with pytest.raises(SystemExit, match=r"only \{epoch\} and \{test\} are filled in"):
        make(flags("--predictions", "{step}.csv"))
    with pytest.raises(CurateError, match="a test set is called 'photos'; expected names that differ"):
        trainer["run"].Run(make(flags("--test", str(manifests / "photos.parquet"))))
    with pytest.raises(SystemExit, match="--save-every 0; expected 1 or more"):
        make(flags("--save-every", "0"))


@pytest.mark.usefixtures("tiny_network")
def test_a_test_set_may_be_one_split_of_a_manifest(trainer, flags, manifests):
    make = trainer["train"].parse_arguments
    settings = make(flags("--test", str(manifests / "train.parquet"), "--test-split", "test"))
    with pytest.raises(CurateError, match="no row with status ok and split test"):
        trainer["run"].Run(settings)
    settings = make(flags("--test-split", "test"))
    assert len(trainer["run"].Run(settings).tests["photos"]) == 10


@pytest.mark.usefixtures("tiny_network")
def test_thresholds_of_thinning_are_flags_with_the_samplers_defaults(trainer, flags):
    make = trainer["train"].parse_arguments
    chosen = ["--similarity", "-1", "--label-gap", "99", "--keep-min", "1", "--keep-fraction", "0.25"]
    run = trainer["run"].Run(make(flags(*chosen)))
    assert run.rows.choose(run.model, 0)["rows"] == 9  # one cluster of all 39: a quarter of them
    default = trainer["run"].Run(make(flags()))
    assert default.rows.order._settings == DRCDownSampler(default.rows.sets[0])._settings


@pytest.mark.usefixtures("tiny_network")
def test_candidates_are_thinned_together_with_the_labeled_rows(trainer, flags, manifests):
    extra = ["--variant", "candidates-thinning", "--all-candidates", str(manifests / "all.parquet")]
    wide = ["--similarity", "-1", "--label-gap", "99", "--keep-min", "4"]
    run = trainer["run"].Run(trainer["train"].parse_arguments(flags(*extra, *wide, out="together")))
    lines = list(run.epochs())
    assert [(line["of"], line["rows"], line["largest_cluster"]) for line in lines] == [(29, 14, 29)] * 2


@pytest.mark.usefixtures("tiny_network")
def test_half_precision_trains_and_predicts(flags, epochs):
    pytest.importorskip("accelerate", reason="accelerate is not installed (make interop)")
    lines, found = epochs(flags("--amp", "bf16", "--epochs", "1", out="bf16"))
    whole, _ = epochs(flags("--epochs", "1", out="fp32"))
    assert lines[0]["rows"] > 0
    assert lines[0]["loss"] == pytest.approx(whole[0]["loss"], rel=0.1)
    assert lines[0]["loss"] != whole[0]["loss"]
    assert found["model.head.weight"].dtype == torch.float32


def test_half_precision_of_the_gpu_is_refused_on_the_cpu(trainer, flags, capsys):
    with pytest.raises(SystemExit, match="2"):
        trainer["train"].main(flags("--amp", "fp16"))
    assert capsys.readouterr().err == "error: --amp fp16 needs a GPU; on the CPU there is --amp bf16\n"


def test_the_scale_of_half_precision_goes_on_after_a_stop(trainer):
    def processes(scale):
        found = trainer["parallel"].Processes("cpu", "no")
        found._accelerator = SimpleNamespace(scaler=torch.amp.GradScaler("cpu", init_scale=scale))
        return found

    resumed = processes(4.0)
    resumed.load_scaler_state(json.loads(json.dumps(processes(32.0).scaler_state())))
    assert resumed.scaler_state()["scale"] == 32.0
    assert trainer["parallel"].Processes("cpu", "no").scaler_state() == {}


@pytest.mark.parametrize(
    ("name", "dimensions"),
    [
        ("resnet18", 512),
        ("swin_t", 768),
        ("vit_b_16", 768),
        ("timm:vit_tiny_patch16_224", 192),
        ("timm:resnet10t", 512),
    ],
)
def test_a_backbone_gives_the_features_of_its_last_layer(trainer, name, dimensions):
    model = trainer["model"].QualityModel(name, 64).eval()
    with torch.inference_mode():
        features = model.features(torch.zeros(2, 3, 64, 64))
        assert features.shape == (2, dimensions)
        assert model(torch.zeros(2, 3, 64, 64)).shape == (2,)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "dimensions"), [("resnet50", 2048), ("vgg16", 4096), ("vit_b_16", 768), ("clip-vit-b-16", 512)]
)
def test_a_large_backbone_gives_the_features_of_its_last_layer(trainer, name, dimensions):
    test_a_backbone_gives_the_features_of_its_last_layer(trainer, name, dimensions)


def test_clip_gets_its_own_normalization(trainer):
    backbones = trainer["backbones"]
    white = np.full((4, 4, 3), 255, np.uint8)
    found = trainer["patches"].normalized(white, backbones.OPENAI)[:, 0, 0].tolist()
    assert found == pytest.approx(
        [(1 - 0.48145466) / 0.26862954, (1 - 0.4578275) / 0.26130258, (1 - 0.40821073) / 0.27577711]
    )


def test_weights_of_a_transformer_and_of_timm_are_loaded_without_their_classifiers(trainer, tmp_path):
    import timm
    from torchvision.models import swin_t

    for name, donor in (("swin_t", swin_t(weights=None)), ("timm:resnet10t", timm.create_model("resnet10t"))):
        save_file(donor.state_dict(), tmp_path / "w.safetensors")
        model = trainer["model"].QualityModel(name, 64)
        model.load_backbone(tmp_path / "w.safetensors")
        own = load_file(tmp_path / "w.safetensors")
        assert all(torch.equal(tensor, own[key]) for key, tensor in model.backbone.state_dict().items())


def test_weights_that_are_none_of_the_backbones_are_refused_by_name(trainer, tmp_path, monkeypatch):
    model = trainer["model"].QualityModel("resnet18")
    (tmp_path / "w.pth").write_text("not weights")
    with pytest.raises(CurateError, match=r"w\.pth cannot be loaded as plain weights"):
        model.load_backbone(tmp_path / "w.pth")
    torch.save({"conv1.weight": 3}, tmp_path / "w.pth")
    with pytest.raises(CurateError, match=r"w\.pth does not hold a state dict of tensors"):
        model.load_backbone(tmp_path / "w.pth")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(
        CurateError, match=r"the weights of resnet18 are not at .*: get them from https://download"
    ) as caught:
        model.load_backbone("cached")
    assert "\n" not in str(caught.value)
    with pytest.raises(CurateError, match=r"no backbone 'resnet34'; expected resnet50, .*, clip-vit-b-16 or timm:NAME"):
        trainer["model"].QualityModel("resnet34")
    with pytest.raises(CurateError, match="timm has no model 'resnet1000'"):
        trainer["model"].QualityModel("timm:resnet1000")


def test_weights_may_be_in_a_checkpoint_of_several_processes(trainer, tmp_path):
    from torchvision.models import resnet18

    donor = resnet18(weights=None)
    named = {f"module.{name}": tensor for name, tensor in donor.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": named}, tmp_path / "w.pth")
    model = trainer["model"].QualityModel("resnet18")
    model.load_backbone(tmp_path / "w.pth")
    assert torch.equal(model.backbone.conv1.weight, donor.conv1.weight)


def test_cached_weights_are_those_of_the_librarys_cache(trainer, tmp_path, monkeypatch):
    from torchvision.models import resnet18

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    donor = resnet18(weights=None)
    torch.save(donor.state_dict(), tmp_path / "checkpoints" / "resnet18-f37072fd.pth")
    model = trainer["model"].QualityModel("resnet18")
    model.load_backbone("cached")
    assert torch.equal(model.backbone.conv1.weight, donor.conv1.weight)


def test_several_processes_share_an_epoch_and_what_is_left_of_it(trainer):
    def order(count, rank):
        return trainer["order"].EpochOrder(10, seed=3, count=count, rank=rank)

    alone = list(order(1, 0))
    first, second = order(2, 0), order(2, 1)
    assert [row for pair in zip(first, second, strict=True) for row in pair] == alone
    iter(first)
    state = first.state_dict(rows_seen=2)
    assert state["position"] == 4
    rest = []
    for rank in range(4):
        sampler = order(4, rank)
        sampler.load_state_dict(state)
        rest.append(list(sampler))
    assert [row for turn in zip(*rest, strict=True) for row in turn] == [*alone[4:], *alone[:2]]  # filled up to eight
    assert len(order(4, 0)) == 3
