"""Reshape synthetic image-quality data: SynDR-IQA, DGQA and DSMix as standalone stages.

Everything here is imported on first use, so that `import syndr_curate` costs nothing.
"""

import warnings
from importlib import import_module
from typing import TYPE_CHECKING

from .curate.errors import CurateError, CurateWarning, RowError

if TYPE_CHECKING:
    from .curate.checks.inspect import inspect
    from .curate.checks.verify import Verdict, verify
    from .curate.datasets.feature_files import load_features, save_features
    from .curate.datasets.features import Features
    from .curate.datasets.image_folders import ImageEntry, ImageSource, open_source
    from .curate.datasets.image_search import SkippedFiles
    from .curate.datasets.label_columns import LabelColumns
    from .curate.datasets.labels import Labels, LabelScale, read_labels
    from .curate.datasets.splitting.split import split
    from .curate.datasets.test_sets.testset import testset
    from .curate.domains.classifier import DomainClassifier
    from .curate.domains.classifier_files import load_classifier, save_classifier
    from .curate.domains.evaluation import ClassScores
    from .curate.domains.excess_rule import ExcessSelection
    from .curate.domains.fitting.fit import FittedDomains, LightSettings, fit_domains
    from .curate.domains.mlp_ensemble import TrainingSettings
    from .curate.domains.pristine_scores import PristineScores
    from .curate.domains.select import DomainSelection, select_domains
    from .curate.domains.selection_rule import Selection
    from .curate.domains.target_images import TargetImage
    from .curate.downsampling.downsample import downsample
    from .curate.encoding.encode import encode
    from .curate.encoding.encoders import Encoder, make_encoder
    from .curate.evaluation.agreement import Agreement
    from .curate.evaluation.evaluate import evaluate
    from .curate.evaluation.evaluation import Evaluation, GroupScores, PairedDifference, RunStatistics
    from .curate.export.export import export
    from .curate.labeling.cross_validation import CrossValidation, cross_validate
    from .curate.labeling.label import label
    from .curate.labeling.label_matrix import LabelMatrix
    from .curate.labeling.labeler import Labeler, Neighbor, PseudoLabels
    from .curate.labeling.make_labeler import make_labeler
    from .curate.labeling.pools.join import join
    from .curate.labeling.scores import Interval, Scores, SpreadBin
    from .curate.labeling.settings import NeighborSettings
    from .curate.manifest.joining.rows import append_manifest
    from .curate.manifest.manifest import read_manifest, write_manifest
    from .curate.manifest.relocate import relocate_manifest
    from .curate.mixing.mix import mix
    from .curate.rendering.distort_image import distort, register_distortion
    from .curate.report.report import report
    from .curate.runs.executors import Executor, make_executor
    from .curate.runs.progress import Reporter, Task
    from .curate.storage.images import DecodeOptions
    from .curate.training.collect_features import collect_features
    from .curate.training.drcdown_sampler import DRCDownSampler
    from .curate.training.manifest_dataset import ManifestDataset, Sample
    from .curate.training.random_distortions import DistortedImage, RandomChain, RandomDistortion
    from .curate.training.soft_labels import SoftLabelDataset, soft_targets, target_names
    from .curate.upsampling.manifest_paths import ManifestPaths
    from .curate.upsampling.select import select
    from .curate.upsampling.upsample import upsample
    from .distortions.chains import ChainStep

__version__ = "0.1.0"
__all__ = [
    "Agreement",
    "ChainStep",
    "ClassScores",
    "CrossValidation",
    "CurateError",
    "CurateWarning",
    "DRCDownSampler",
    "DecodeOptions",
    "DistortedImage",
    "DomainClassifier",
    "DomainSelection",
    "Encoder",
    "Evaluation",
    "ExcessSelection",
    "Executor",
    "Features",
    "FittedDomains",
    "GroupScores",
    "ImageEntry",
    "ImageSource",
    "Interval",
    "LabelColumns",
    "LabelMatrix",
    "LabelScale",
    "Labeler",
    "Labels",
    "LightSettings",
    "ManifestDataset",
    "ManifestPaths",
    "Neighbor",
    "NeighborSettings",
    "PairedDifference",
    "PristineScores",
    "PseudoLabels",
    "RandomChain",
    "RandomDistortion",
    "Reporter",
    "RowError",
    "RunStatistics",
    "Sample",
    "Scores",
    "Selection",
    "SkippedFiles",
    "SoftLabelDataset",
    "SpreadBin",
    "TargetImage",
    "Task",
    "TrainingSettings",
    "Verdict",
    "__version__",
    "append_manifest",
    "collect_features",
    "cross_validate",
    "distort",
    "downsample",
    "encode",
    "evaluate",
    "export",
    "fit_domains",
    "inspect",
    "join",
    "label",
    "load_classifier",
    "load_features",
    "make_encoder",
    "make_executor",
    "make_labeler",
    "mix",
    "open_source",
    "read_labels",
    "read_manifest",
    "register_distortion",
    "relocate_manifest",
    "report",
    "save_classifier",
    "save_features",
    "select",
    "select_domains",
    "soft_targets",
    "split",
    "target_names",
    "testset",
    "upsample",
    "verify",
    "write_manifest",
]

_HOMES = {
    "Agreement": "curate.evaluation.agreement",
    "ChainStep": "distortions.chains",
    "ClassScores": "curate.domains.evaluation",
    "CrossValidation": "curate.labeling.cross_validation",
    "DRCDownSampler": "curate.training.drcdown_sampler",
    "DecodeOptions": "curate.storage.images",
    "DistortedImage": "curate.training.random_distortions",
    "DomainClassifier": "curate.domains.classifier",
    "DomainSelection": "curate.domains.select",
    "Encoder": "curate.encoding.encoders",
    "Evaluation": "curate.evaluation.evaluation",
    "ExcessSelection": "curate.domains.excess_rule",
    "Executor": "curate.runs.executors",
    "Features": "curate.datasets.features",
    "FittedDomains": "curate.domains.fitting.fit",
    "GroupScores": "curate.evaluation.evaluation",
    "ImageEntry": "curate.datasets.image_folders",
    "ImageSource": "curate.datasets.image_folders",
    "Interval": "curate.labeling.scores",
    "LabelColumns": "curate.datasets.label_columns",
    "LabelMatrix": "curate.labeling.label_matrix",
    "LabelScale": "curate.datasets.labels",
    "Labeler": "curate.labeling.labeler",
    "Labels": "curate.datasets.labels",
    "LightSettings": "curate.domains.fitting.fit",
    "ManifestDataset": "curate.training.manifest_dataset",
    "ManifestPaths": "curate.upsampling.manifest_paths",
    "Neighbor": "curate.labeling.labeler",
    "NeighborSettings": "curate.labeling.settings",
    "PairedDifference": "curate.evaluation.evaluation",
    "PristineScores": "curate.domains.pristine_scores",
    "PseudoLabels": "curate.labeling.labeler",
    "RandomChain": "curate.training.random_distortions",
    "RandomDistortion": "curate.training.random_distortions",
    "Reporter": "curate.runs.progress",
    "RunStatistics": "curate.evaluation.evaluation",
    "Sample": "curate.training.manifest_dataset",
    "Scores": "curate.labeling.scores",
    "Selection": "curate.domains.selection_rule",
    "SkippedFiles": "curate.datasets.image_search",
    "SoftLabelDataset": "curate.training.soft_labels",
    "SpreadBin": "curate.labeling.scores",
    "TargetImage": "curate.domains.target_images",
    "Task": "curate.runs.progress",
    "TrainingSettings": "curate.domains.mlp_ensemble",
    "Verdict": "curate.checks.verify",
    "append_manifest": "curate.manifest.joining.rows",
    "collect_features": "curate.training.collect_features",
    "cross_validate": "curate.labeling.cross_validation",
    "distort": "curate.rendering.distort_image",
    "downsample": "curate.downsampling.downsample",
    "encode": "curate.encoding.encode",
    "evaluate": "curate.evaluation.evaluate",
    "export": "curate.export.export",
    "fit_domains": "curate.domains.fitting.fit",
    "inspect": "curate.checks.inspect",
    "join": "curate.labeling.pools.join",
    "label": "curate.labeling.label",
    "load_classifier": "curate.domains.classifier_files",
    "load_features": "curate.datasets.feature_files",
    "make_encoder": "curate.encoding.encoders",
    "make_executor": "curate.runs.executors",
    "make_labeler": "curate.labeling.make_labeler",
    "mix": "curate.mixing.mix",
    "open_source": "curate.datasets.image_folders",
    "read_labels": "curate.datasets.labels",
    "read_manifest": "curate.manifest.manifest",
    "register_distortion": "curate.rendering.distort_image",
    "relocate_manifest": "curate.manifest.relocate",
    "report": "curate.report.report",
    "save_classifier": "curate.domains.classifier_files",
    "save_features": "curate.datasets.feature_files",
    "select": "curate.upsampling.select",
    "select_domains": "curate.domains.select",
    "soft_targets": "curate.training.soft_labels",
    "split": "curate.datasets.splitting.split",
    "target_names": "curate.training.soft_labels",
    "testset": "curate.datasets.test_sets.testset",
    "upsample": "curate.upsampling.upsample",
    "verify": "curate.checks.verify",
    "write_manifest": "curate.manifest.manifest",
}

# Deprecated: the old name is accepted until the release after 0.1.
_RENAMED = {"PristineBeliefs": "PristineScores"}

# A type checker that sees `__getattr__` takes every name for one of ours.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name in _RENAMED:
            warnings.warn(f"{name} is called {_RENAMED[name]} now", DeprecationWarning, stacklevel=2)
            name = _RENAMED[name]
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
