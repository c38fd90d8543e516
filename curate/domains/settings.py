"""Settings of `domains fit` and `domains select`, with their defaults.

The command line reads its defaults from here, so this module imports no numeric library.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from ..encoding.settings import DeviceName

KindName = Literal["light", "resnet50"]
KINDS: tuple[KindName, ...] = get_args(KindName)
PerReference = Literal["one", "all"]


@dataclass(frozen=True)
class DomainsFitSettings:
    """What kind of classifier is fitted.

    Attributes:
        kind: `light` or `resnet50`.
        per_reference: Types per reference, `one` or `all`; None: all for light, one for resnet50.
        device: Of resnet50: where torch computes.
        epochs: Passes over the training set; None keeps the kind's own number.
        batch_size: Of resnet50: patches per step; None keeps its own number.
        seed: Of everything random.
    """

    kind: KindName = "light"
    per_reference: PerReference | None = None
    device: DeviceName = "auto"
    epochs: int | None = None
    batch_size: int | None = None
    seed: int = 123


RESNET_BATCH = 64  # patches per step where `batch_size` is None


@dataclass(frozen=True)
class DomainsSelectSettings:
    """How the types of a target set are selected.

    Attributes:
        least_belief: A class with a smaller probability is not counted for an image; 0 is the published rule.
        device: Where a network on torch computes.
    """

    # Four places are filled by rank, however little the classifier believes in the second to fourth. The order of such
    # classes does not depend on the image, only on which types look alike to the classifier: the same runners-up take
    # a place of every image, and may be counted more often than what a set is made of.
    least_belief: float = 0.05
    device: DeviceName = "auto"
