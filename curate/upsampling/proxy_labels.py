"""Labels for pristine references without any: distorted here, and measured by a full-reference metric."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from ..datasets.labels import Labels, LabelScale
from ..errors import CurateError
from ..manifest.outcomes import Outcome, with_outcomes
from ..manifest.schema import LABEL_MAXIMUM
from ..rendering.mdsi import proxy_quality

PROXY_SCALE = LabelScale(0.0, LABEL_MAXIMUM)


def proxy_labels(rows: pa.Table, outcomes: Sequence[Outcome]) -> tuple[Labels, pa.Table]:
    """Turn what was measured into labels.

    Args:
        rows: As `reference_rows` gives them, with the image paths of their layout.
        outcomes: One per row.

    Returns:
        The labels of the rows that could be measured, and the others' rows, which say why not.

    Raises:
        CurateError: None could be measured.
    """
    done = np.array([outcome.status == "ok" for outcome in outcomes])
    if not done.any():
        raise CurateError("none of the references could be rendered")
    measured = rows.filter(pa.array(done))
    quality = [proxy_quality(o.deviation) for o in outcomes if o.status == "ok" and o.deviation is not None]
    labels = Labels(
        sample_ids=tuple(measured["sample_id"].to_pylist()),
        image_names=tuple(measured["image_path"].to_pylist()),
        reference_ids=tuple(measured["reference_id"].to_pylist()),
        reference_names=tuple(measured["reference_path"].to_pylist()),
        distortion_ids=measured["distortion_id"].to_numpy(),
        levels=measured["level"].to_numpy(),
        quality=np.asarray(quality, dtype=np.float64),
        standard_errors=np.full(len(measured), np.nan),
        scale=PROXY_SCALE,
        source="proxy",
        seeds=measured["seed"].to_numpy(),
    )
    return labels, with_outcomes(rows, outcomes).filter(pa.array(~done))
