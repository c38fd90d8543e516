"""What is wrong with a manifest's metadata: what `verify` and `inspect` say of it."""

import pyarrow as pa

from ..manifest.lost_metadata import LOST_METADATA, has_lost_metadata
from ..manifest.provenance import read_provenance
from ..manifest.relocate import NOT_IN_ROWS, has_roots_alone
from ..manifest.renderers.check import renderer_problems, renderer_warnings


def metadata_problems(table: pa.Table) -> list[str]:
    """Return what is wrong with a manifest's metadata, one line each.

    Args:
        table: The manifest.
    """
    return [*([LOST_METADATA] if has_lost_metadata(table) else []), *renderer_problems(table)]


def metadata_warnings(table: pa.Table) -> list[str]:
    """Return notes about a manifest's metadata that are no errors.

    Args:
        table: The manifest.
    """
    if not has_roots_alone(read_provenance(table)):
        return renderer_warnings(table)
    return [
        "the metadata was lost and only the roots were given back: references are read as without --exif-orient, and "
        f"{', '.join(NOT_IN_ROWS)} are not known. `relocate --provenance-from OLD.parquet` gives them back",
        *renderer_warnings(table),
    ]
