"""pyiqa's own training script on an export, with the rows of every epoch chosen by the network that it trains.

`python examples/train_with_pyiqa/train.py -opt options.yml`: flags and options are pyiqa's, and one more: where
`datasets: train: manifest:` names the manifest that was exported, its redundant rows are thinned before every epoch.
Without it this is pyiqa's script, which writes to the current folder.
"""

from pathlib import Path

import pyiqa.train
import torch
from pyiqa.data import build_dataloader
from syndr_curate import DRCDownSampler, ManifestDataset, collect_features
from torchvision.transforms import v2

build_loaders, build_model = pyiqa.train.create_train_val_dataloader, pyiqa.train.build_model
built = {}


def model_that_is_kept(options):
    built["model"] = build_model(options)
    return built["model"]


def loaders_with_thinning(options, logger):
    loader, sampler, tests, epochs, steps = build_loaders(options, logger)
    train = options["datasets"]["train"]
    if "manifest" not in train:
        return loader, sampler, tests, epochs, steps
    sampler = thinning(loader.dataset, train)
    loader = build_dataloader(
        dataset=loader.dataset,
        dataset_opt=train,
        num_gpu=options["num_gpu"],
        dist=options["dist"],
        sampler=sampler,
        seed=options["manual_seed"],
    )
    # pyiqa counts epochs from 0 up to and with this number; steps, counted for all rows, end the last one otherwise.
    return loader, sampler, tests, epochs - 1, steps


def thinning(dataset, options):
    """Return the sampler of a dataset of pyiqa, whose items are the rows of its split in the order of its CSV."""
    rows = dataset.meta_info
    ids = rows.loc[rows["split"] == dataset.phase, "sample_id"].tolist()
    center = [v2.CenterCrop(options["augment"]["random_crop"]), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    pictures = ManifestDataset(options["manifest"], v2.Compose(center), split="train")

    def features():
        model = built["model"]
        return collect_features(model.get_bare_model(model.net), pictures)

    return DRCDownSampler(options["manifest"], sample_ids=ids, features_fn=features)


def main():
    # The script finds both by these names, after it has read its options.
    pyiqa.train.create_train_val_dataloader = loaders_with_thinning
    pyiqa.train.build_model = model_that_is_kept
    pyiqa.train.train_pipeline(str(Path.cwd()))


if __name__ == "__main__":
    main()
