"""Which columns of a label file mean what."""

from dataclasses import dataclass

from ..whole_numbers import hold_whole_numbers

KADID_RATERS = 30


@dataclass(frozen=True)
class LabelColumns:
    """Which columns of a label file mean what; the defaults are KADID-10k's.

    Attributes:
        id: File name of the distorted image.
        label: Its score.
        reference: File name of its reference; where the file has no such column, the part of the id before
            `_<type>_<level>`.
        std: Spread of the votes; None without such a column. KADID-10k's `var` is the population standard deviation; as
            the default, it is used where the file has it.
        raters: Votes per image: `std / sqrt(raters)` is the standard error. 1 if `std` is a standard error already.
        distortion: Column with the distortion id (1-25, or a user's type from 200 on); None: taken from the id.
        level: Column with the level (1-5); None: taken from the id.
    """

    id: str = "dist_img"
    label: str = "dmos"
    reference: str = "ref_img"
    std: str | None = "var"
    raters: int = KADID_RATERS
    distortion: str | None = None
    level: str | None = None

    def __post_init__(self) -> None:
        """Refuse a number of votes below 1."""
        hold_whole_numbers(self, raters=1)

    @classmethod
    def chosen(
        cls,
        *,
        id: str,
        label: str,
        reference: str,
        std: str | None = None,
        raters: int | None = None,
        distortion: str | None = None,
        level: str | None = None,
    ) -> "LabelColumns":
        """Fill in defaults: spread and raters are KADID-10k's only with KADID-10k's columns."""
        kadid = cls()
        is_kadid = (id, label) == (kadid.id, kadid.label)
        spread = std or (kadid.std if is_kadid else None)
        votes = raters or (kadid.raters if is_kadid and spread == kadid.std else 1)
        return cls(
            id=id, label=label, reference=reference, std=spread, raters=votes, distortion=distortion, level=level
        )
