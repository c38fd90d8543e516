"""What `upsample` reads: labels, and the features of references and candidates."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..datasets.feature_files import load_features
from ..datasets.feature_parts import digest_features
from ..datasets.features import Features
from ..datasets.image_folders import ImageSource
from ..datasets.labels import Labels
from ..encoding.encode import encode, encode_request, features_of, join_features
from ..encoding.encode_shard import EncoderSpec
from ..encoding.pictures import pictures_of_source
from ..errors import CurateError
from ..labeling.conditions.shipped import read_conditions
from ..labeling.held_out import without_held_out
from ..labeling.label_matrix import require_same_references
from ..labeling.label_rows import features_of_references
from ..manifest.id_mismatch import explain_mismatch
from ..manifest.ids import list_ids
from ..manifest.provenance import digest_file, read_provenance
from ..manifest.splits import read_splits
from ..runs.progress import Reporter
from ..runs.shards import carry_out
from .grids import reference_rows
from .input_folders import InputFolders
from .request import UpsampleRequest

Role = Literal["reference", "candidate"]
_SHOWN = 5


@dataclass(frozen=True)
class RoleFeatures:
    """The features of the references or of the candidates.

    Attributes:
        features: A row per image that could be encoded.
        digests: Input name to digest, of the feature file or of the images.
        encoders: The role to its encoder, where images were encoded; empty where a feature file was read.
        unusable: How many images could not be encoded.
    """

    features: Features
    digests: Mapping[str, str]
    encoders: Mapping[str, Any]
    unusable: int = 0


@dataclass(frozen=True)
class Contents:
    """What candidates are selected by.

    Attributes:
        references: Features of the references that candidates are measured against, held out or not.
        label_references: Features of the references whose labels are used for new rows.
        candidates: Features of the candidates.
        unusable_candidates: How many candidates could not be encoded.
    """

    references: Features
    label_references: Features
    candidates: Features
    unusable_candidates: int


@dataclass(frozen=True)
class UpsampleInputs:
    """What one `upsample` has read.

    Attributes:
        labels: The labeled set; None where references are distorted and labeled here.
        contents: What candidates are selected by; None where there are no candidates.
        splits: Split of each reference that is not for training.
        digests: Input name to digest.
        encoders: Role to encoder, of what was encoded here.
    """

    labels: Labels | None
    contents: Contents | None
    splits: Mapping[str, str]
    digests: Mapping[str, str]
    encoders: Mapping[str, Any]


def read_inputs(request: UpsampleRequest, folders: InputFolders, reporter: Reporter) -> UpsampleInputs:
    """Read the labels, and read or make the features.

    Args:
        request: What the user said.
        folders: The folders that it names.
        reporter: Shows progress, and notes what could not be used.

    Raises:
        CurateError: Something is missing, unreadable, or does not fit the rest.
    """
    labels = None if request.labels is None else request.labels.read(reporter)
    splits = read_split_file(request, labels, folders.references)
    files = {"labels": None if request.labels is None else request.labels.path, "splits": request.split_file}
    digests = {name: digest_file(path) for name, path in files.items() if path is not None}
    conditions = request.conditions
    if conditions is not None:
        digests["conditions"] = read_conditions(conditions).digest
    if folders.references is not None and not (request.has_candidates and conditions is None):
        digests["reference_images"] = folders.references.digest()
    if not request.has_candidates:
        return UpsampleInputs(labels, None, splits, digests, {})
    keep = not request.dry_run
    references = read_features("reference", request, folders.references, reporter, keep=keep)
    candidates = read_features("candidate", request, folders.candidates, reporter, keep=keep)
    neighbors = references.features
    if labels is not None and request.reference_features is not None:
        require_same_references(neighbors, labels)
    elif labels is not None:
        neighbors = labeled_and_readable(neighbors, labels, reporter)
    elif conditions is not None and request.reference_features is not None and folders.references is not None:
        neighbors = features_of_references(neighbors, [entry.id for entry in folders.references.entries])
    label_references = neighbors
    if conditions is None:
        label_references = without_held_out(neighbors, splits, request.settings.labeling, reporter)
    return UpsampleInputs(
        labels=labels,
        contents=Contents(neighbors, label_references, candidates.features, candidates.unusable),
        splits=splits,
        digests={**digests, **references.digests, **candidates.digests},
        encoders={**references.encoders, **candidates.encoders},
    )


def read_split_file(request: UpsampleRequest, labels: Labels | None, source: ImageSource | None) -> dict[str, str]:
    """Read which references are held out.

    Args:
        request: What the user said.
        labels: The labeled set; None where references are distorted and labeled here.
        source: These references.

    Returns:
        Reference id to split; empty without a split file.

    Raises:
        CurateError: Unknown ids or splits, or one reference in two splits.
    """
    if request.split_file is None:
        return {}
    if labels is not None:
        return read_splits(request.split_file, labels.reference_of())
    rows = reference_rows(source, request.settings)
    known = zip(rows["sample_id"].to_pylist(), rows["reference_id"].to_pylist(), strict=True)
    return read_splits(request.split_file, dict(known))


def read_features(
    role: Role, request: UpsampleRequest, source: ImageSource | None, reporter: Reporter, *, keep: bool
) -> RoleFeatures:
    """Read the feature file of a role, or encode its images.

    Args:
        role: Whose features.
        request: What the user said.
        source: The images of that role.
        reporter: Shows progress, and notes which images could not be encoded.
        keep: Write what is encoded to a file beside the manifest, in a run that can be resumed; otherwise it stays in
            memory.

    Raises:
        CurateError: Neither a file nor images are given, or none can be used.
    """
    file = request.reference_features if role == "reference" else request.candidate_features
    if file is not None:
        features = load_features(file)
        features.require_ids()
        return RoleFeatures(features, digests={f"{role}_features": digest_features(file)}, encoders={})
    if source is None:
        raise CurateError(f"give --{role}-features FILE, or the folder of the {role}s to encode them")
    table = _encoded_file(role, request, source, reporter) if keep else _encoded(request, source, reporter)
    failed = table.filter(pc.not_equal(table["status"], "ok"))
    for row in failed.slice(0, _SHOWN).select(["image_path", "error"]).to_pylist():
        reporter.note(f"unusable {role} ({len(failed)} in all): {row['image_path']}: {row['error']}")
    return RoleFeatures(
        features_of(table, str(source.folder)),
        digests={f"{role}_images": source.digest()},
        encoders={role: read_provenance(table)["encoder"]},
        unusable=len(failed),
    )


def labeled_and_readable(references: Features, labels: Labels, reporter: Reporter) -> Features:
    """Return the references of a folder that can be neighbors: those with features and labels.

    Args:
        references: Features of the images in the folder.
        labels: The labeled set.
        reporter: Notes how many are left out, on either side.

    Raises:
        CurateError: None is left.
    """
    ids, labeled = references.require_ids(), set(labels.reference_ids)
    unread = [identifier for identifier in labels.references() if identifier not in set(ids)]
    reason = explain_mismatch(labels.references(), ids, wanted_in="the label file", given_in=references.source)
    if unread:
        reporter.note(f"{len(unread)} labeled references cannot serve as neighbors: {list_ids(unread)}{reason}")
    rows = [row for row, identifier in enumerate(ids) if identifier in labeled]
    if len(rows) < len(ids):
        reporter.note(f"{len(ids) - len(rows)} images of the references' folder have no label and are left out")
    if not rows:
        raise CurateError(f"no image of {references.source} is a reference that the label file names{reason}")
    names = references.names or ids
    kept = tuple(ids[row] for row in rows)
    return replace(references, matrix=references.matrix[rows], ids=kept, names=tuple(names[row] for row in rows))


def _encoded(request: UpsampleRequest, source: ImageSource, reporter: Reporter) -> pa.Table:
    return encode(
        source,
        _encoder(request).build(),
        batch_size=request.encoder.batch_size,
        decoding=request.decoding,
        workers=request.workers,
        reporter=reporter,
    )


def _encoded_file(role: Role, request: UpsampleRequest, source: ImageSource, reporter: Reporter) -> pa.Table:
    target: Path = request.out.with_name(f"{request.out.stem}.{role}-features.parquet")
    carry_out(
        encode_request(
            pictures_of_source(source, request.decoding),
            _encoder(request),
            request.encoder.batch_size,
            target,
            workers=request.workers,
        ),
        join_features,
        replace(request.run.mode, replace_finished=True),
        executor=request.run.executor_for_encoding(),
        reporter=reporter,
    )
    reporter.note(f"{role} features are in {target}: --{role}-features {target} uses them again")
    return pq.read_table(target, partitioning=None)


def _encoder(request: UpsampleRequest) -> EncoderSpec:
    choice = request.encoder
    return EncoderSpec(name=choice.name, weights=choice.weights, device=choice.device)
