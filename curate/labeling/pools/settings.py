"""Settings of joining manifests; the command line reads them here, so this module imports no numeric library."""

from typing import Literal, get_args

JoinLabels = Literal["as-is", "align"]
JOIN_LABELS: tuple[JoinLabels, ...] = get_args(JoinLabels)
