"""The splits of a manifest; the command line reads them here, so this module imports no numeric library."""

from typing import Literal, get_args

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
