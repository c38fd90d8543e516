"""What `upsample` reads: the folders of references and candidates, features, labels, splits; and where they lie."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..datasets.features import Features, load_features
from ..datasets.image_folders import KADID_IMAGES, ImageSource, open_source
from ..datasets.labels import LabelColumns, Labels
from ..encoding.encode import encode, encode_request, features_of, join_features, pictures_of_source
from ..encoding.encode_shard import EncoderSpec
from ..errors import CurateError
from ..labeling.knn import require_same_references
from ..manifest.ids import list_ids
from ..manifest.provenance import digest_file, read_provenance
from ..manifest.roots import CANDIDATES, REFERENCES, RENDERED, Roots
from ..manifest.seeds import uniform_draw
from ..manifest.splits import read_splits
from ..rendering.distort import refuse_inside
from ..runs.progress import Reporter
from ..runs.shards import carry_out
from .request import KADID, RESERVED_ROOTS, UpsampleRequest
from .rows import Places
from .select import CANDIDATE_DRAW

_SHOWN = 5


class Inputs:
    """The inputs of one `upsample`, read as they are asked for.

    Attributes:
        reference_source: Folder of the references; None where only their features are given.
        candidate_source: Folder of the candidates; None likewise.
        digests: Input name to digest, of what has been read so far.
        encoders: Role to encoder, of what was encoded here.
        unusable_candidates: How many candidates could not be encoded.
    """

    def __init__(self, request: UpsampleRequest, images_out: Path, reporter: Reporter) -> None:
        """Look into the folders.

        Args:
            request: What the user said.
            images_out: Folder of the new pixels, which must not lie among what is read.
            reporter: Told what could not be used.

        Raises:
            CurateError: A folder is missing or has no images, or pixels would go into it.
        """
        self._request, self._reporter = request, reporter
        self.reference_source = self._open_references()
        self.candidate_source = self._open_candidates()
        for source in (self.reference_source, self.candidate_source):
            if source is not None:
                refuse_inside(images_out, source.folder)
        self.digests: dict[str, str] = {}
        self.encoders: dict[str, Any] = {}
        self.unusable_candidates = 0

    def labels(self) -> Labels | None:
        """Read the labels; None where references are to be labelled by a metric."""
        if self._request.labels is None:
            return None
        labels = self._request.labels.read()
        self.digests["labels"] = digest_file(self._request.labels.path)
        return labels

    def references(self) -> Features:
        """Read the features of the references, or make them."""
        return self._features("reference", self._request.reference_features, self.reference_source)

    def candidates(self) -> Features:
        """Read the features of the candidates, or make them."""
        return self._features("candidate", self._request.candidate_features, self.candidate_source)

    def neighbours(self, references: Features, labels: Labels) -> Features:
        """Return the references that can be neighbours: all of a file, of a folder those with features and labels.

        Raises:
            CurateError: The file's references are not the labelled ones, or none is left.
        """
        if self._request.reference_features is None:
            return self._labelled_and_readable(references, labels)
        require_same_references(references, labels)
        return references

    def splits(self, labels: Labels) -> dict[str, str]:
        """Read which references are held out."""
        if self._request.split_file is None:
            return {}
        self.digests["splits"] = digest_file(self._request.split_file)
        return read_splits(self._request.split_file, dict(zip(labels.sample_ids, labels.reference_ids, strict=True)))

    def places(self, labels: Labels | None) -> Places:
        """Say under which roots and paths the manifest will name everything."""
        request = self._request
        paths = None if self.candidate_source is None else {e.id: e.path for e in self.candidate_source.entries}
        candidates = CANDIDATES if self.candidate_source is None else self.candidate_source.name
        if labels is None:
            name = self.reference_source.name if self.reference_source else REFERENCES
            return Places(name, RENDERED, "", REFERENCES, None, candidates, paths)
        kadid_columns = request.labels is not None and request.labels.columns == LabelColumns()
        fallback = KADID if kadid_columns or request.labels is None else request.labels.path.stem
        dataset = request.dataset or fallback
        if dataset in RESERVED_ROOTS:
            dataset = f"{dataset}-labelled"
        prefix = f"{KADID_IMAGES}/" if dataset == KADID else ""
        if request.references is None or self.reference_source is None:
            return Places(dataset, dataset, prefix, dataset, None, candidates, paths)
        reference_paths = {entry.id: entry.path for entry in self.reference_source.entries}
        return Places(dataset, dataset, prefix, REFERENCES, reference_paths, candidates, paths)

    def roots(self, places: Places, images_out: Path) -> Roots:
        """Say where those roots are on this machine."""
        folders: dict[str, Path | None] = {
            places.image_root: self._request.root,
            places.reference_root: self._request.root,
        }
        if places.reference_root == REFERENCES and self.reference_source is not None:
            folders[REFERENCES] = self.reference_source.folder
        folders[CANDIDATES] = None if self.candidate_source is None else self.candidate_source.folder
        folders[RENDERED] = images_out
        return Roots(folders)

    def _open_candidates(self) -> ImageSource | None:
        request, count = self._request, self._request.settings.candidates
        if request.candidates_root is None:
            return None
        source = open_source(request.candidates_root, ids=request.ids)
        if count is None or request.candidate_features is not None:
            return source
        # The draw that `select` would make, made before the encoder has to look at the whole pool.
        drawn = uniform_draw([entry.id for entry in source.entries], count, request.settings.seed, CANDIDATE_DRAW)
        return replace(source, entries=tuple(entry for entry in source.entries if entry.id in drawn))

    def _open_references(self) -> ImageSource | None:
        request = self._request
        folder = request.references
        if folder is None and request.dataset == KADID and request.reference_features is None:
            folder = request.root
        if folder is None:
            if request.reference_features is None:
                raise CurateError("give the references: --reference-features FILE, or --references DIR to encode them")
            return None
        # A label file names its references by their file names, wherever they lie.
        return open_source(folder, ids=request.ids if request.labels is None else "stem")

    def _features(self, role: str, file: Path | None, source: ImageSource | None) -> Features:
        if file is not None:
            features = load_features(file)
            features.require_ids()
            self.digests[f"{role}_features"] = digest_file(file)
            return features
        if source is None:
            raise CurateError(f"give --{role}-features FILE, or the folder of the {role}s to encode them")
        choice = self._request.encoder
        table = self._encoded(role, source, EncoderSpec(choice.name, choice.weights, choice.device))
        self.digests[f"{role}_images"] = source.digest()
        self.encoders[role] = read_provenance(table)["encoder"]
        failed = table.filter(pc.not_equal(table["status"], "ok"))
        if role == "candidate":
            self.unusable_candidates = len(failed)
        for path, error in list(zip(failed["image_path"].to_pylist(), failed["error"].to_pylist(), strict=True))[
            :_SHOWN
        ]:
            self._reporter.note(f"unusable {role} ({len(failed)} in all): {path}: {error}")
        return features_of(table, str(source.folder))

    def _encoded(self, role: str, source: ImageSource, spec: EncoderSpec) -> pa.Table:
        request, batch_size = self._request, self._request.encoder.batch_size
        if request.dry_run:
            return encode(
                source,
                spec.build(),
                batch_size=batch_size,
                decoding=request.decoding,
                workers=request.workers,
                reporter=self._reporter,
            )
        target = request.out.with_name(f"{request.out.stem}.{role}-features.parquet")
        pictures = pictures_of_source(source, request.decoding)
        wanted = encode_request(pictures, spec, batch_size, target, workers=request.workers)
        carry_out(
            wanted,
            join_features,
            replace(request.run.mode, replace_finished=True),
            executor=request.run.executor_for_encoding(),
            reporter=self._reporter,
        )
        self._reporter.note(f"{role} features are in {target}: --{role}-features {target} uses them again")
        return pq.read_table(target, partitioning=None)

    def _labelled_and_readable(self, references: Features, labels: Labels) -> Features:
        """Leave references out as neighbours that were encoded here but have no label, and say which could not be."""
        ids, labelled = references.require_ids(), set(labels.reference_ids)
        unread = [identifier for identifier in labels.references() if identifier not in set(ids)]
        if unread:
            self._reporter.note(f"{len(unread)} labelled references cannot serve as neighbours: {list_ids(unread)}")
        rows = [row for row, identifier in enumerate(ids) if identifier in labelled]
        if len(rows) < len(ids):
            self._reporter.note(
                f"{len(ids) - len(rows)} images of the references' folder have no label and are left out"
            )
        if not rows:
            raise CurateError(f"no image of {references.source} is a reference that the label file names")
        names = references.names or ids
        kept = tuple(ids[row] for row in rows)
        return replace(references, matrix=references.matrix[rows], ids=kept, names=tuple(names[row] for row in rows))
