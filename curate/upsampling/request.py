"""All settings of one `upsample`, and the check that they fit each other."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from ..datasets.image_folders import KADID_LABELS
from ..datasets.labels import LabelFile
from ..datasets.settings import IdStyle
from ..encoding.settings import DeviceName, EncodeSettings
from ..errors import CurateError
from ..labeling.conditions.shipped import read_conditions, refuse_types_without_mean
from ..labeling.settings import ConditionsName
from ..manifest.roots import CANDIDATES, REFERENCES, RENDERED
from ..rendering.settings import DistortSettings
from ..runs.options import LongRun
from ..storage.atomic import refuse_overwriting, require_parquet_name
from ..storage.formats import Layout
from ..storage.images import DecodeOptions
from .settings import UpsampleSettings

KADID = "kadid10k"
RESERVED_ROOTS = (RENDERED, REFERENCES, CANDIDATES)


@dataclass(frozen=True)
class EncoderChoice:
    """Which encoder reads images where no feature file is given."""

    name: str = EncodeSettings.encoder
    weights: Path | None = None
    device: DeviceName = EncodeSettings.device
    batch_size: int = EncodeSettings.batch_size


@dataclass(frozen=True)
class UpsampleRequest:
    """All settings of one `upsample`.

    Attributes:
        settings: What to add and how to label it.
        out: The training manifest.
        labels: Label file; None with `proxy_labels`, conditions among the settings, or a KADID-10k `root`.
        dataset: Name of the labeled set; `kadid10k` has a known layout.
        root: Folder of the labeled images.
        references: Folder of pristine references.
        proxy_labels: Distort the references ourselves and label them by a full-reference metric.
        reference_features: Feature file; None encodes the references.
        candidates_root: Folder of candidate references; without candidates the manifest is of the references alone,
            where these are distorted and labeled here.
        candidate_features: Feature file; None encodes the candidates.
        split_file: Held-out references, as `--split-file` takes them.
        encoder: For what has no feature file.
        recipe_only: Store no pixels of new rows.
        images_out: Folder of rendered pixels; by default `images` beside the manifest.
        selection: Also write what `select` would, a row per candidate.
        ids: How ids are made from file names.
        follow_links: Search linked folders that lead out of the folders of images.
        decoding: EXIF orientation, pixel limit.
        workers: Threads that decode for the encoder; None uses every core.
        layout: How pixels are stored.
        run: How the long steps are carried out.
        dry_run: Say what would be written, and write nothing.
    """

    settings: UpsampleSettings
    out: Path
    labels: LabelFile | None = None
    dataset: str | None = None
    root: Path | None = None
    references: Path | None = None
    proxy_labels: bool = False
    reference_features: Path | None = None
    candidates_root: Path | None = None
    candidate_features: Path | None = None
    split_file: Path | None = None
    encoder: EncoderChoice = field(default_factory=EncoderChoice)
    recipe_only: bool = False
    images_out: Path | None = None
    selection: Path | None = None
    ids: IdStyle = DistortSettings.ids
    follow_links: bool = False
    decoding: DecodeOptions = field(default_factory=DecodeOptions)
    workers: int | None = None
    layout: Layout = DistortSettings.layout
    run: LongRun = field(default_factory=LongRun)
    dry_run: bool = False

    @property
    def conditions(self) -> ConditionsName | None:
        """The table of condition means that labels come from; None where they come from somewhere else."""
        return self.settings.labeling.conditions

    @property
    def has_candidates(self) -> bool:
        """Whether there are references to select from."""
        return self.candidates_root is not None or self.candidate_features is not None

    @property
    def images_folder(self) -> Path:
        """Folder of the rendered pixels."""
        return self.images_out or self.out.parent / "images"

    @property
    def stored_layout(self) -> Layout | None:
        """How pixels are stored; None where none are."""
        return None if self.recipe_only else self.layout

    @property
    def references_result(self) -> Path:
        """The name of the result of measuring the references; only its run folder is ever written."""
        return self.out.with_name(f"{self.out.name}.references")


def known_label_file(dataset: str | None, root: Path | None) -> Path | None:
    """Return the label file of a data set with a known layout; None for another data set, or without a root."""
    return root / KADID_LABELS if dataset == KADID and root is not None else None


def completed(request: UpsampleRequest, *, labeled_set_only: bool = False) -> UpsampleRequest:
    """Fill in what a known layout says, and refuse what does not go together, before anything is read.

    Args:
        request: What the user said.
        labeled_set_only: Only the labeled set will be read, without candidates, and nothing will be written.

    Raises:
        CurateError: Says what is missing or given twice.
    """
    known = known_label_file(request.dataset, request.root)
    if request.labels is None and known is not None:
        request = replace(request, labels=LabelFile(known))
    ways = (request.labels is not None, request.conditions is not None, request.proxy_labels)
    if sum(ways) != 1:
        raise CurateError(
            "give labels in one way: --labels FILE, --dataset kadid10k --root DIR, --conditions kadid10k, or "
            "--proxy-labels"
        )
    if request.conditions is not None:
        refuse_types_without_mean(read_conditions(request.conditions), request.settings.types)
    if request.labels is None and request.references is None:
        flag = "--proxy-labels needs" if request.proxy_labels else "--conditions need"
        raise CurateError(f"{flag} the pristine images: --references DIR")
    if not labeled_set_only and not request.has_candidates:
        if request.labels is not None:
            raise CurateError("give the candidates: --candidate-features FILE or --candidates-root DIR")
        if request.settings.only_new:
            raise CurateError(
                "--only-new leaves the references out, and there is nothing else: give candidates "
                "(--candidates-root DIR), or leave out --only-new"
            )
    if request.dataset in RESERVED_ROOTS:
        raise CurateError(
            f"--dataset {request.dataset}: this name is taken by a root of every manifest; choose another"
        )
    if labeled_set_only:
        return request
    if request.has_candidates and not request.recipe_only and request.candidates_root is None:
        raise CurateError(
            "rendering the new rows needs the candidates' images: --candidates-root DIR, or --recipe-only"
        )
    label_file = None if request.labels is None else request.labels.path
    inputs = (label_file, request.reference_features, request.candidate_features, request.split_file)
    refuse_overwriting(request.out, *inputs)
    require_parquet_name(request.out)
    if request.selection is not None:
        refuse_overwriting(request.selection, *inputs, request.out)
        require_parquet_name(request.selection, "--selection")
    return request
