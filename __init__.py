"""Reshape synthetic image-quality data: SynDR-IQA, DGQA and DSMix as standalone stages.

Everything here is imported on first use, so that `import syndr_curate` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from .curate.errors import CurateError

if TYPE_CHECKING:
    from .curate.checks.inspect import inspect
    from .curate.checks.verify import verify
    from .curate.datasets.feature_files import load_features, save_features
    from .curate.datasets.features import Features
    from .curate.datasets.labels import LabelColumns, read_labels
    from .curate.domains.fit import fit_domains
    from .curate.domains.select import select_domains
    from .curate.downsampling.downsample import downsample
    from .curate.labeling.settings import NeighborSettings
    from .curate.manifest.manifest import append_manifest, read_manifest, write_manifest
    from .curate.mixing.mix import mix
    from .curate.rendering.distort_image import distort
    from .curate.training.collect_features import collect_features
    from .curate.training.drcdown_sampler import DRCDownSampler
    from .curate.training.manifest_dataset import ManifestDataset
    from .curate.training.soft_labels import SoftLabelDataset
    from .curate.upsampling.select import select
    from .curate.upsampling.upsample import upsample

__version__ = "0.1.0"
__all__ = [
    "CurateError",
    "DRCDownSampler",
    "Features",
    "LabelColumns",
    "ManifestDataset",
    "NeighborSettings",
    "SoftLabelDataset",
    "__version__",
    "append_manifest",
    "collect_features",
    "distort",
    "downsample",
    "fit_domains",
    "inspect",
    "load_features",
    "mix",
    "read_labels",
    "read_manifest",
    "save_features",
    "select",
    "select_domains",
    "upsample",
    "verify",
    "write_manifest",
]

_HOMES = {
    "Features": "curate.datasets.features",
    "load_features": "curate.datasets.feature_files",
    "save_features": "curate.datasets.feature_files",
    "LabelColumns": "curate.datasets.labels",
    "read_labels": "curate.datasets.labels",
    "append_manifest": "curate.manifest.manifest",
    "read_manifest": "curate.manifest.manifest",
    "write_manifest": "curate.manifest.manifest",
    "collect_features": "curate.training.collect_features",
    "ManifestDataset": "curate.training.manifest_dataset",
    "DRCDownSampler": "curate.training.drcdown_sampler",
    "fit_domains": "curate.domains.fit",
    "select_domains": "curate.domains.select",
    "downsample": "curate.downsampling.downsample",
    "inspect": "curate.checks.inspect",
    "NeighborSettings": "curate.labeling.settings",
    "mix": "curate.mixing.mix",
    "SoftLabelDataset": "curate.training.soft_labels",
    "select": "curate.upsampling.select",
    "upsample": "curate.upsampling.upsample",
    "verify": "curate.checks.verify",
    "distort": "curate.rendering.distort_image",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
