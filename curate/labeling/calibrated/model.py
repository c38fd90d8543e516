"""The map from measures to quality: gradient-boosted trees of scikit-learn, the extra `calibrated`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ...errors import CurateError
from ...manifest.schema import LABEL_MAXIMUM
from ...rendering.mdsi import proxy_quality
from .measures import MDSI

# Few shallow trees: larger ones gain on types that were seen and lose on those that were not.
TREES, LEAVES, LEARNING_RATE, PENALTY, FEWEST_ROWS_PER_LEAF = 100, 15, 0.1, 1.0, 20


def require_scikit_learn(asked: str) -> str:
    """Refuse to begin work that ends with a fit where none can be made.

    Args:
        asked: What asks for the fit, as a user wrote it.

    Returns:
        The version of scikit-learn.

    Raises:
        CurateError: It cannot be imported.
    """
    try:
        import sklearn
    except ImportError as error:
        raise CurateError(
            f"{asked} needs scikit-learn, which cannot be imported ({error}): pip install 'syndr-curate[calibrated]'"
        ) from error
    return str(sklearn.__version__)


class QualityMap:
    """Gradient-boosted trees that correct the quality which MDSI's fixed mapping gives.

    Where a picture is unlike all that were learned from, little is corrected and MDSI's quality is left.
    """

    def __init__(self, measures: NDArray[np.float64], labels: NDArray[np.float64]) -> None:
        """Fit the trees, on one thread: the same bits on every machine with these library versions.

        Args:
            measures: (n, M), as `MEASURES` names them.
            labels: n on [0, 10].
        """
        from sklearn.ensemble import HistGradientBoostingRegressor

        self._trees: Any = HistGradientBoostingRegressor(
            max_iter=TREES,
            max_leaf_nodes=LEAVES,
            learning_rate=LEARNING_RATE,
            l2_regularization=PENALTY,
            min_samples_leaf=FEWEST_ROWS_PER_LEAF,
            early_stopping=False,
            random_state=0,
        )
        with threadpool_limits(limits=1):
            self._trees.fit(measures, labels - mdsi_quality(measures))

    def predict(self, measures: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the quality of pictures, n on [0, 10]; each is looked at alone.

        Args:
            measures: (n, M).
        """
        with threadpool_limits(limits=1):
            found: NDArray[np.float64] = self._trees.predict(measures) + mdsi_quality(measures)
        return np.clip(found, 0.0, LABEL_MAXIMUM)


def mdsi_quality(measures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the proxy label of pictures, which needs no fit, n on [0, 10].

    Args:
        measures: (n, M), as `MEASURES` names them.
    """
    return np.array([proxy_quality(deviation) for deviation in measures[:, MDSI]], np.float64)
