"""Domain classifiers as files: weights in safetensors, everything else in JSON beside them, nothing pickled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..encoding.settings import DeviceName
from ..errors import CurateError
from ..storage.atomic import write_bytes
from ..storage.paths.regular_files import refuse_special
from ..storage.texts.json_text import parse_json
from .classifier import DomainClassifier, LightClassifier
from .mlp_ensemble import Ensemble
from .pristine_scores import PristineScores
from .resnet import ResNetClassifier
from .selection_rule import CLASSES
from .settings import KINDS

WEIGHTS_SUFFIX, FACTS_SUFFIX = ".safetensors", ".json"


def facts_path(weights: Path) -> Path:
    """Return the path of the JSON of a classifier: beside its weights."""
    return weights.with_suffix(FACTS_SUFFIX)


def save_classifier(classifier: DomainClassifier, facts: Mapping[str, Any], path: Path | str) -> dict[str, Any]:
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

    path = Path(path)
    content = save(dict(classifier.arrays()))
    written = {**facts, "kind": classifier.kind, "weights_digest": hashlib.sha256(content).hexdigest()}
    write_bytes(path, content)
    write_bytes(facts_path(path), (json.dumps(written, indent=2, sort_keys=True) + "\n").encode())
    return written


def load_classifier(path: Path | str, *, device: DeviceName = "auto") -> tuple[DomainClassifier, dict[str, Any]]:
    """Read what `save_classifier` wrote.

    Args:
        path: The `.safetensors` file; its JSON is beside it.
        device: Where a network on torch computes.

    Returns:
        The classifier and its facts.

    Raises:
        CurateError: A file is missing, damaged, or not of the other.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = Path(path)
    facts = _read_facts(path)
    refuse_special(path)
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
        return ResNetClassifier.from_arrays(arrays, device=device), facts
    except (SafetensorError, KeyError, ValueError) as error:
        if isinstance(error, CurateError):
            raise
        raise CurateError(
            f"{path} holds no domain classifier: {error}; `syndr-curate domains fit` writes one"
        ) from error


def _light(arrays: dict[str, NDArray[np.float32]], facts: Mapping[str, Any], path: Path) -> LightClassifier:
    from .features import FEATURE_VERSION, feature_count

    ensemble = Ensemble.from_arrays(arrays)
    shape = len(ensemble.center), ensemble.members[0][-1][0].shape[1]
    version = facts.get("config", {}).get("feature_version", FEATURE_VERSION)
    if shape != (feature_count(), CLASSES) or version != FEATURE_VERSION:
        raise CurateError(f"{path} was fitted by another release, on other features: fit the classifier again")
    return LightClassifier(ensemble, PristineScores.from_arrays(arrays))


def _read_facts(path: Path) -> dict[str, Any]:
    if path.suffix != WEIGHTS_SUFFIX:
        raise CurateError(f"{path} is no classifier: `domains fit` writes a {WEIGHTS_SUFFIX} file")
    beside = facts_path(path)
    refuse_special(beside)
    try:
        facts: Any = parse_json(beside.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CurateError(f"cannot read the classifier's facts {beside}: {reason}") from error
    except ValueError as error:
        raise CurateError(
            f"{beside} is not JSON: {error}; fit the classifier again (`syndr-curate domains fit`)"
        ) from error
    if not isinstance(facts, dict) or facts.get("kind") not in KINDS or "weights_digest" not in facts:
        raise CurateError(f"{beside} does not describe a domain classifier: fit it again (`syndr-curate domains fit`)")
    return facts
