"""The larger mode of the benchmark on real photographs, with a network of one layer."""

from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

from benchmarks.real_photos.finetune import Training, answer, train
from benchmarks.real_photos.results import _finetuned
from benchmarks.real_photos.scores import Target
from benchmarks.real_photos.settings import SIZES, Inputs, Run


class Brightness(nn.Module):
    """Knows the mean of each color, and has to learn what it is worth."""

    pretrained_cfg = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}  # noqa: RUF012

    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(3, 3, 1)
        self.classifier = nn.Linear(3, 1)

    def forward(self, pictures):
        return self.classifier(self.body(pictures).mean((2, 3)))


class Flat:
    """Six pictures of one gray each."""

    def __len__(self):
        return 6

    def load(self, row):
        return np.full((20, 24, 3), 40 * row, np.uint8)


def trained(steps, seed=0):
    torch.manual_seed(0)
    network = Brightness()
    train(network, Flat(), np.arange(6) * 2.0, Training(steps=steps, batch=4, crop=16), seed)
    return answer(network, Flat(), 16, "cpu")


def test_two_steps_train_the_same_network_twice_and_another_with_another_seed():
    assert np.array_equal(trained(2), trained(2))
    assert not np.array_equal(trained(2), trained(2, seed=1))
    assert not np.array_equal(trained(2), trained(0))


def test_training_brings_answers_nearer_to_labels():
    labels = np.arange(6) * 2.0
    errors = SimpleNamespace(before=np.abs(trained(0) - labels).mean(), after=np.abs(trained(300) - labels).mean())
    assert errors.after < errors.before - 0.5


def test_networks_are_compared_seed_by_seed_where_both_have_the_seed(tmp_path):
    run = Run(tmp_path, SIZES["tiny"], Inputs(tmp_path, (), tmp_path))
    up, down = np.arange(4.0), -np.arange(4.0)
    (tmp_path / "finetuned").mkdir()
    for name, answers in (("all-00", up), ("all-02", down), ("bid-01", down), ("bid-02", up)):
        np.save(tmp_path / "finetuned" / f"{name}.npy", answers)
    lines = {line["key"]: line for line in _finetuned(run, Target(up, dict.fromkeys(("all", "a", "b"), np.arange(4))))}
    found = lines["bid"]["difference"]
    assert (found["mean"], found["better"], found["of"]) == (2.0, 1, 1)  # seed 2 alone: +1 beside -1
    assert lines["bid"]["seeds"] == 2
