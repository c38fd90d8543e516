"""Settings of `export`, with their defaults.

The command line reads its defaults from here, so this module imports no numeric library.
"""

from dataclasses import dataclass
from typing import Literal, get_args

Target = Literal["hf", "pyiqa", "webdataset", "fiftyone", "ids"]
TARGETS: tuple[Target, ...] = get_args(Target)


@dataclass(frozen=True)
class ExportSettings:
    """How an export is made.

    Attributes:
        render: Whether rows without stored pixels are rendered.
        hardlink: Whether stored files are linked rather than copied (not into tars).
        rows_per_shard: Rows of a tar of `webdataset`.
        follow_links: Whether stored files are taken that a link leads to outside their root.
        overwrite: Whether an earlier export at `out` is replaced.
    """

    render: bool = False
    hardlink: bool = False
    rows_per_shard: int = 1_000
    follow_links: bool = False
    overwrite: bool = False
