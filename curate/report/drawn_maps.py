"""The maps of a report: the rows and references that are drawn one by one, and where."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from ..runs.progress import SILENT, Reporter
from .maps.coordinates import Layout, coordinates_file
from .maps.layout import REFERENCES, SAMPLES, lay_out, sample_map_name
from .maps.models import drawn_rows, features_by_id, lacking_rows, sample_matrix
from .references import MAX_POINTS, ORIGINAL, ReferencePoint, candidate_points, limited, reference_matrix
from .request import Inputs, ReportRequest


@dataclass(frozen=True)
class Maps:
    """The rows and references that are drawn one by one, and where.

    Attributes:
        rows: The drawn rows.
        samples: Name of each model to its map of the rows.
        lacking: Name of a model to the ids of rows that it lacks and another model has features of.
        points: The drawn references and candidates.
        references: Their map; None without features.
    """

    rows: pd.DataFrame
    samples: Mapping[str, Layout]
    lacking: Mapping[str, list[str]]
    points: list[ReferencePoint]
    references: Layout | None

    @property
    def layouts(self) -> list[Layout]:
        """All maps."""
        return [*self.samples.values(), *([] if self.references is None else [self.references])]

    @property
    def methods(self) -> dict[str, str]:
        """How the samples and the references are laid out; all models' samples are, in the same way."""
        one_of_each = {SAMPLES: next(iter(self.samples.values()), None), REFERENCES: self.references}
        return {name: layout.method for name, layout in one_of_each.items() if layout is not None}


def make_maps(inputs: Inputs, frame: pd.DataFrame, request: ReportRequest, reporter: Reporter = SILENT) -> Maps:
    """Choose what is drawn one by one, and lay it out.

    Args:
        inputs: The files of the request, read.
        frame: All rows.
        request: What to show.
        reporter: Told which maps are worked out.

    Raises:
        CurateError: Features do not fit the manifest or each other.
    """
    saved = coordinates_file(request.out)
    models = {name: features_by_id(features, inputs.before.table) for name, features in inputs.features.items()}
    rows = drawn_rows(frame, models, request.settings.max_rows, request.settings.seed)
    samples = {
        name: lay_out(
            sample_map_name(name),
            rows["sample_id"].tolist(),
            sample_matrix(rows, model, name),
            method=request.settings.projection,
            seed=request.settings.seed,
            saved=saved,
            reporter=reporter,
        )
        for name, model in models.items()
        if len(rows)
    }
    points = _reference_points(inputs, frame, request.settings.seed)
    located, reference_features = reference_matrix(points, inputs.references, inputs.candidates)
    references = None
    if reference_features is not None:
        references = lay_out(
            REFERENCES,
            [f"{point.role}:{point.id}" for point in located],
            reference_features,
            method=request.settings.projection,
            seed=request.settings.seed,
            saved=saved,
            reporter=reporter,
        )
        points = located
    return Maps(rows, samples, lacking_rows(frame, models), points, references)


def _reference_points(inputs: Inputs, frame: pd.DataFrame, seed: int) -> list[ReferencePoint]:
    originals = [] if inputs.references is None else list(inputs.references.require_ids())
    named = {name for name in frame["reference_id"] if isinstance(name, str)}
    candidates = candidate_points(inputs.selection, inputs.candidates, named)
    return limited([*(ReferencePoint(name, ORIGINAL) for name in originals), *candidates], MAX_POINTS, seed)
