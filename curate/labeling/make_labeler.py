"""From the name of a labeler to the labeler."""

from ..errors import CurateError
from .knn import KnnLabeler
from .labeler import Labeler
from .model_labelers import ConditionLabeler, GpLabeler
from .settings import NeighborSettings

MANY_NEIGHBORS = 20
NO_MARGIN = 9.0  # distances end at 2


def make_labeler(name: str, neighbors: NeighborSettings | None = None) -> Labeler:
    """Return a labeler by its name.

    Args:
        name: `knn`, `nearest`, `condition` or `gp`.
        neighbors: For `knn`; None: the published rule.

    Raises:
        CurateError: No such name.
    """
    if name == "knn":
        return KnnLabeler(neighbors or NeighborSettings())
    if name == "nearest":
        return KnnLabeler(NeighborSettings(count=1), name="nearest only")
    if name == "condition":
        return ConditionLabeler()
    if name == "gp":
        return GpLabeler()
    raise CurateError(f"labeler is {name!r}; expected knn, nearest, condition or gp")


def labelers_to_compare() -> list[Labeler]:
    """Return the labelers that `--compare` compares.

    They are the published rule, the nearest alone, the mean of each condition, 20 neighbors without a margin, and the
    Gaussian process.
    """
    many = NeighborSettings(count=MANY_NEIGHBORS, margin=NO_MARGIN)
    return [
        KnnLabeler(name="knn, published rule"),
        make_labeler("nearest"),
        make_labeler("condition"),
        KnnLabeler(many, name=f"knn, k = {MANY_NEIGHBORS}, no margin"),
        make_labeler("gp"),
    ]
