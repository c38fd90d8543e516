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


RuleName = Literal["excess", "published"]
RULES: tuple[RuleName, ...] = get_args(RuleName)


@dataclass(frozen=True)
class DomainsSelectSettings:
    """How the types of a target set are selected.

    Attributes:
        rule: `excess`: what the set shows beyond pristine photographs. `published`: DGQA's count of the four best.
        max_types: Of excess: types at most; None: no limit.
        exclude: Of excess: types that are never selected, as a list of types is written; None: none.
        device: Where a network on torch computes.
    """

    rule: RuleName = "excess"
    max_types: int | None = 6
    exclude: str | None = None
    device: DeviceName = "auto"
