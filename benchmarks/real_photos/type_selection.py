"""The types that `domains select` takes for the target, from pixels alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from syndr_curate import LightSettings, TrainingSettings, fit_domains, open_source, save_classifier, select_domains
from syndr_curate.curate.domains.settings import DomainsFitSettings
from syndr_curate.curate.manifest.seeds import uniform_draw
from syndr_curate.curate.storage.atomic import write_bytes

from .settings import DENOISE, SEED, Run
from .target import TARGET, pictures_path

_QUICK = LightSettings(levels=1, pristine_variants=2, folds=2, training=TrainingSettings(epochs=2))


def fit_classifier(run: Run) -> None:
    """Fit the classifier of types to the pristine photographs, unless one is given or it is done."""
    path = _classifier(run)
    if not path.is_file():
        source = open_source(run.inputs.pristine)
        if run.size.domain_references is not None:
            ids = [entry.id for entry in source.entries]
            drawn = uniform_draw(ids, run.size.domain_references, SEED, "real-photos-domains")
            source = replace(source, entries=tuple(entry for entry in source.entries if entry.id in drawn))
        fitted = fit_domains(source, _QUICK if run.size.quick_domains else LightSettings())
        save_classifier(fitted.classifier, fitted.facts, path)


def choose_types(run: Run) -> None:
    """Select the target's types by the default rule and by the published one; nothing if that is done."""
    if not _selection(run).is_file():
        found = select_domains(pictures_path(run, TARGET), _classifier(run), exclude=(DENOISE,))
        published = [kind for kind in found.published.types if kind != DENOISE]  # its rule excludes nothing
        types = {"selected": list(found.selection.types), "selected-published": published}
        write_bytes(_selection(run), json.dumps({"seed": DomainsFitSettings.seed, **types}).encode())


def selected_types(run: Run) -> dict[str, tuple[int, ...]]:
    """Return the types by rule, without denoise, which no arm has."""
    found: dict[str, Any] = json.loads(_selection(run).read_text())
    return {rule: tuple(found[rule]) for rule in ("selected", "selected-published")}


def _classifier(run: Run) -> Path:
    return run.inputs.classifier or run.path("domains", "classifier.safetensors")


def _selection(run: Run) -> Path:
    return run.path("domains", "selected.json")
