"""Domain classifiers as files: weights in safetensors, everything else in JSON beside them, nothing pickled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from ..encoding.encoders import DeviceName
from ..errors import CurateError, RowError
from ..storage.atomic import write_bytes
from .mlp_ensemble import Ensemble
from .patches import five_patches
from .selection_rule import CLASSES

KindName = Literal["light", "resnet50"]
KINDS: tuple[KindName, ...] = get_args(KindName)
WEIGHTS_SUFFIX, FACTS_SUFFIX = ".safetensors", ".json"
STAGE = "domains fit"
LIGHT_PATCH = 384  # pixels a side at most
_LIGHT_STEP = 32  # patch sides are multiples of it, so that halving five times stays exact
LIGHT_MINIMUM = 64


class DomainClassifier(Protocol):
    """What tells the 26 classes apart.

    Attributes:
        kind: Its public name.
    """

    kind: KindName

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Cut an image's five patches and get them ready; safe to call from several threads.

        Raises:
            RowError: The image is too small; the message says so.
        """

    def scores(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
        """Return the class scores of B prepared images, averaged over their patches; (B, 26), rows sum to 1."""

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return everything learnt, by name."""


class LightClassifier:
    """Hand-made features and an ensemble of small networks; needs a processor only."""

    kind: KindName = "light"

    def __init__(self, ensemble: Ensemble) -> None:
        """Take a trained ensemble."""
        self._ensemble = ensemble

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the features of the five patches, float32 (5, F)."""
        from .features import domain_features

        return np.stack([domain_features(patch) for patch in five_patches(image, light_patch(image))])

    def scores(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
        """Return mean class probabilities over the patches, (B, 26)."""
        return np.stack([self._ensemble.scores(features).mean(axis=0) for features in prepared])

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return the ensemble's arrays."""
        return self._ensemble.arrays()


def light_patch(image: NDArray[np.uint8]) -> tuple[int, int]:
    """Return height and width of the patches that the light classifier looks at.

    Raises:
        RowError: The image is too small for any.
    """
    height, width = image.shape[:2]
    if min(height, width) < LIGHT_MINIMUM:
        raise RowError(f"{width}x{height} is smaller than {LIGHT_MINIMUM}x{LIGHT_MINIMUM}")
    return min(LIGHT_PATCH, height // _LIGHT_STEP * _LIGHT_STEP), min(LIGHT_PATCH, width // _LIGHT_STEP * _LIGHT_STEP)


def facts_path(weights: Path) -> Path:
    """Return where the JSON of a classifier lies: beside its weights."""
    return weights.with_suffix(FACTS_SUFFIX)


def save_classifier(classifier: DomainClassifier, facts: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Write a classifier: weights to `path`, facts beside it.

    Args:
        classifier: The classifier.
        facts: Provenance and scores, as JSON values.
        path: A `.safetensors` file to make or replace.

    Returns:
        The facts as written, with the weights' digest.

    Raises:
        CurateError: A file cannot be written.
    """
    from safetensors.numpy import save

    content = save(dict(classifier.arrays()))
    written = {**facts, "kind": classifier.kind, "weights_digest": hashlib.sha256(content).hexdigest()}
    write_bytes(path, content)
    write_bytes(facts_path(path), (json.dumps(written, indent=2, sort_keys=True) + "\n").encode())
    return written


def load_classifier(path: Path, *, device: DeviceName = "auto") -> tuple[DomainClassifier, dict[str, Any]]:
    """Read what `save_classifier` wrote.

    Args:
        path: The `.safetensors` file; its JSON lies beside it.
        device: Where a network on torch computes.

    Returns:
        The classifier and its facts.

    Raises:
        CurateError: A file is missing, damaged, or not of the other.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    facts = _read_facts(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CurateError(f"cannot read the classifier {path}: {error.strerror or error}") from error
    if hashlib.sha256(content).hexdigest() != facts["weights_digest"]:
        raise CurateError(f"{path} and {facts_path(path).name} do not belong together: fit the classifier again")
    try:
        arrays = load(content)
        if facts["kind"] == "light":
            return _light(arrays, facts, path), facts
        from .resnet import ResNetClassifier

        return ResNetClassifier.from_arrays(arrays, device=device), facts
    except (SafetensorError, KeyError, ValueError) as error:
        if isinstance(error, CurateError):
            raise
        raise CurateError(f"{path} holds no domain classifier: {error}") from error


def _light(arrays: dict[str, NDArray[np.float32]], facts: Mapping[str, Any], path: Path) -> LightClassifier:
    from .features import FEATURE_VERSION, feature_count

    ensemble = Ensemble.from_arrays(arrays)
    shape = len(ensemble.center), ensemble.members[0][-1][0].shape[1]
    version = facts.get("config", {}).get("feature_version", FEATURE_VERSION)
    if shape != (feature_count(), CLASSES) or version != FEATURE_VERSION:
        raise CurateError(f"{path} was fitted by another release, on other features: fit the classifier again")
    return LightClassifier(ensemble)


def _read_facts(path: Path) -> dict[str, Any]:
    if path.suffix != WEIGHTS_SUFFIX:
        raise CurateError(f"{path} is no classifier: `domains fit` writes a {WEIGHTS_SUFFIX} file")
    beside = facts_path(path)
    try:
        facts: Any = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CurateError(f"cannot read the classifier's facts {beside}: {reason}") from error
    except ValueError as error:
        raise CurateError(f"{beside} is not JSON: {error}") from error
    if not isinstance(facts, dict) or facts.get("kind") not in KINDS or "weights_digest" not in facts:
        raise CurateError(f"{beside} says nothing of a domain classifier")
    return facts
