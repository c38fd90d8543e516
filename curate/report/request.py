"""What a report is asked for, and the files behind it, read and checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..datasets.feature_files import load_features
from ..datasets.features import Features
from ..datasets.predictions import Predictions, PredictionSource, read_predictions
from ..errors import CurateError
from ..manifest.manifest import read_manifest
from ..manifest.pixel_facts import decoding_of
from ..manifest.provenance import read_provenance
from ..manifest.renderers.check import check_renderers
from ..manifest.roots import Roots
from ..manifest.selection import read_selection
from ..rendering.pixel_loader import PixelLoader
from ..storage.atomic import refuse_overwriting
from ..storage.figures import check_figure
from ..storage.images import DecodeOptions
from ..storage.limits import MAX_PIXELS
from .maps.coordinates import coordinates_file
from .maps.models import check_feature_files, read_feature_files
from .mixes_and_domains import is_mixed, read_domains
from .settings import ReportSettings

# Pictures are made reference by reference, so that a few decoded ones are enough to have at hand.
REFERENCE_CACHE_BYTES = 16 << 20


@dataclass(frozen=True)
class ReportRequest:
    """What to show, and where to write it.

    Attributes:
        manifests: Manifest files: the first is what there was, the last what there is after; those of mixed images
            stand apart.
        out: The HTML file.
        features: Name of each model to the files with its features of the first manifest's ok rows; a single model may
            have the name `UNNAMED`.
        selection: What `select` wrote.
        reference_features: Features of the labeled references.
        candidate_features: Features of the candidates.
        dropped: What `downsample --dropped` wrote.
        domains: Preset files of `domains select`.
        predictions: A model's scores of rows of the manifests, as `evaluate` reads them.
        png: A PNG file of the maps of samples.
        roots: Root name to folder, before those the manifests record.
        settings: How much the page shows.
        max_pixels: Images with more pixels are not shown.
        workers: Threads; None uses every core.
    """

    manifests: tuple[Path, ...]
    out: Path
    features: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    selection: Path | None = None
    reference_features: Path | None = None
    candidate_features: Path | None = None
    dropped: Path | None = None
    domains: tuple[Path, ...] = ()
    predictions: PredictionSource | None = None
    png: Path | None = None
    roots: Mapping[str, Path] = field(default_factory=dict)
    settings: ReportSettings = field(default_factory=ReportSettings)
    max_pixels: int = MAX_PIXELS
    workers: int | None = None


@dataclass(frozen=True)
class ReportManifest:
    """A manifest and where its files lie.

    Attributes:
        name: Its file name, without folders: a report is the same wherever it is made.
        table: Its rows.
        pixels: Finds or makes its rows' pixels.
    """

    name: str
    table: pa.Table
    pixels: PixelLoader

    @property
    def provenance(self) -> dict[str, Any]:
        """How the manifest was made."""
        return read_provenance(self.table)


@dataclass(frozen=True)
class Inputs:
    """Everything a report reads.

    Attributes:
        chain: One manifest or more, the first before, the last after.
        mixes: Manifests of mixed images.
        features: Features of each model, by its name.
        selection: As in the request, read; likewise the others.
    """

    chain: list[ReportManifest]
    mixes: list[ReportManifest]
    features: Mapping[str, Features]
    selection: pa.Table | None
    references: Features | None
    candidates: Features | None
    dropped: pa.Table | None
    domains: list[dict[str, Any]]
    predictions: Predictions | None

    @property
    def before(self) -> ReportManifest:
        """The first manifest."""
        return self.chain[0]

    @property
    def after(self) -> ReportManifest | None:
        """The last manifest, None where there is only one."""
        return self.chain[-1] if len(self.chain) > 1 else None


def read_inputs(request: ReportRequest) -> Inputs:
    """Read and check every file of a request.

    Raises:
        CurateError: A file is missing or something else than it should be, a root is not known to any manifest, or an
            output would overwrite an input.
    """
    if not request.manifests:
        raise CurateError("give a manifest to report on")
    check_feature_files(request.features)
    _refuse_without_effect(request)
    taken = _files_read(request)
    for out in (request.out, coordinates_file(request.out)):
        refuse_overwriting(out, *taken)
    if request.png is not None:
        check_figure(request.png, "--png", *taken)
    tables = [(path, read_manifest(path)) for path in request.manifests]
    _check_roots(request.roots, [table for _, table in tables], list(request.manifests))
    manifests = [_report_manifest(path, table, request) for path, table in tables]
    chain = [manifest for manifest in manifests if not is_mixed(manifest.table)]
    mixes = [manifest for manifest in manifests if is_mixed(manifest.table)]
    if not any(len(manifest.table) for manifest in manifests):
        raise CurateError(f"{request.manifests[0]} has no rows: there is nothing to report")
    return Inputs(
        chain=chain or mixes[:1],
        mixes=mixes,
        features=read_feature_files(request.features),
        selection=None if request.selection is None else read_selection(request.selection),
        references=_features(request.reference_features),
        candidates=_features(request.candidate_features),
        dropped=None if request.dropped is None else read_manifest(request.dropped),
        domains=[read_domains(path) for path in request.domains],
        predictions=_predictions(request),
    )


def _refuse_without_effect(request: ReportRequest) -> None:
    """Refuse what would be passed over: whoever asks for it means something by it."""
    asked, usual = request.settings, ReportSettings()
    needs = {
        "features": ("max_rows",) if not request.features else (),
        "png": ("color_by",) if request.png is None else (),
        "predictions": ("gallery", "score_column", "lower_is_better") if request.predictions is None else (),
    }
    for what, settings in needs.items():
        idle = [name for name in settings if getattr(asked, name) != getattr(usual, name)]
        if idle:
            raise CurateError(f"{', '.join(idle)} given without {what}: without effect, so leave it out or add {what}")
    if request.png is not None and not request.features:
        raise CurateError("png given without features, of which the maps are made: leave it out or add features")


def _files_read(request: ReportRequest) -> list[Path]:
    """Return every file that a report reads, images aside."""
    single = (request.selection, request.reference_features, request.candidate_features, request.dropped)
    scores = request.predictions
    predictions = None if scores is None or isinstance(scores, pa.Table) else Path(scores)
    features = [file for files in request.features.values() for file in files]
    return [
        *request.manifests,
        *features,
        *request.domains,
        *(file for file in (*single, predictions) if file is not None),
    ]


def _predictions(request: ReportRequest) -> Predictions | None:
    if request.predictions is None:
        return None
    return read_predictions(
        request.predictions,
        score_column=request.settings.score_column,
        lower_is_better=request.settings.lower_is_better,
    )


def _report_manifest(path: Path, table: pa.Table, request: ReportRequest) -> ReportManifest:
    check_renderers(table)
    own = Roots.of_manifest(table, path)
    roots = replace(own, folders={name: request.roots.get(name, folder) for name, folder in own.folders.items()})
    decoding = decoding_of(read_provenance(table), DecodeOptions(max_pixels=request.max_pixels), str(path))
    pixels = PixelLoader(roots, decoding=decoding, cache_bytes=REFERENCE_CACHE_BYTES)
    return ReportManifest(path.name, table, pixels)


def _check_roots(given: Mapping[str, Path], tables: list[pa.Table], paths: list[Path]) -> None:
    known = {name for table, path in zip(tables, paths, strict=True) for name in Roots.of_manifest(table, path).folders}
    for name in given:
        if name not in known:
            raise CurateError(f"no manifest has a root {name!r}; they have {', '.join(sorted(known)) or 'none'}")


def _features(path: Path | None) -> Features | None:
    return None if path is None else load_features(path)
