"""Under which roots and paths the manifest of `upsample` names its images."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..datasets.image_folders import KADID_IMAGES, ImageSource
from ..datasets.label_columns import LabelColumns
from ..datasets.labels import Labels
from ..manifest.roots import CANDIDATES, REFERENCES, RENDERED, Roots
from .input_folders import InputFolders
from .request import KADID, RESERVED_ROOTS, UpsampleRequest


@dataclass(frozen=True)
class ManifestPaths:
    """How a labeled set and a candidate set name their files.

    Attributes:
        dataset: Name of the labeled set.
        image_root: Root of the labeled images.
        image_prefix: What is put before their file names, e.g. `images/` for KADID-10k.
        reference_root: Root of their references.
        reference_paths: Reference id to path, where a folder was searched; otherwise the label file's names are taken.
        candidate_dataset: Name of the candidate set.
        candidate_paths: Candidate id to path, where a folder was searched; otherwise the feature file's names are
            taken.
    """

    dataset: str
    image_root: str
    image_prefix: str = ""
    reference_root: str = ""
    reference_paths: Mapping[str, str] | None = None
    candidate_dataset: str = CANDIDATES
    candidate_paths: Mapping[str, str] | None = None


def manifest_paths(request: UpsampleRequest, folders: InputFolders, labels: Labels | None) -> ManifestPaths:
    """Say how the manifest of a request names its files.

    Args:
        request: What the user said.
        folders: The folders that it names.
        labels: The labeled set; None where references are distorted and labeled here.
    """
    candidate_dataset = CANDIDATES if folders.candidates is None else folders.candidates.name
    candidate_paths = None if folders.candidates is None else _paths(folders.candidates)
    if labels is None:
        return ManifestPaths(
            dataset=REFERENCES if folders.references is None else folders.references.name,
            image_root=RENDERED,
            reference_root=REFERENCES,
            candidate_dataset=candidate_dataset,
            candidate_paths=candidate_paths,
        )
    dataset = _dataset_name(request)
    searched = None if request.references is None else folders.references
    return ManifestPaths(
        dataset=dataset,
        image_root=dataset,
        image_prefix=f"{KADID_IMAGES}/" if dataset == KADID else "",
        reference_root=dataset if searched is None else REFERENCES,
        reference_paths=None if searched is None else _paths(searched),
        candidate_dataset=candidate_dataset,
        candidate_paths=candidate_paths,
    )


def manifest_roots(request: UpsampleRequest, folders: InputFolders, paths: ManifestPaths) -> Roots:
    """Say where the roots of that manifest are on this machine."""
    found: dict[str, Path | None] = {paths.image_root: request.root, paths.reference_root: request.root}
    if paths.reference_root == REFERENCES and folders.references is not None:
        found[REFERENCES] = folders.references.folder
    if request.has_candidates:
        found[CANDIDATES] = None if folders.candidates is None else folders.candidates.folder
    found[RENDERED] = request.images_folder
    return Roots(found)


def _dataset_name(request: UpsampleRequest) -> str:
    kadid_columns = request.labels is not None and request.labels.columns == LabelColumns()
    fallback = KADID if kadid_columns or request.labels is None else request.labels.path.stem
    dataset = request.dataset or fallback
    return f"{dataset}-labelled" if dataset in RESERVED_ROOTS else dataset


def _paths(source: ImageSource) -> dict[str, str]:
    return {entry.id: entry.path for entry in source.entries}
