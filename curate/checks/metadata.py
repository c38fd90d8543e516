"""What is wrong with a manifest's metadata: what `verify` and `inspect` say of it."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...distortions.catalog import get
from ...distortions.numerics.denoiser import digest_weights
from ..manifest.lost_metadata import LOST_METADATA, has_lost_metadata
from ..manifest.provenance import read_provenance
from ..manifest.relocate import NOT_IN_ROWS, has_roots_alone

_DENOISE = get("denoise")
_DIGITS_SHOWN = 12


def metadata_problems(table: pa.Table) -> list[str]:
    """Return what is wrong with a manifest's metadata, one line each.

    Args:
        table: The manifest.
    """
    found = [LOST_METADATA if has_lost_metadata(table) else None, _other_denoiser(table)]
    return [problem for problem in found if problem is not None]


def metadata_warnings(table: pa.Table) -> list[str]:
    """Return what a user should know of a manifest's metadata though nothing is wrong with it.

    Args:
        table: The manifest.
    """
    if not has_roots_alone(read_provenance(table)):
        return []
    return [
        "the metadata was lost and only the roots were given back: references are read as without --exif-orient, and "
        f"{', '.join(NOT_IN_ROWS)} are not known. `relocate --provenance-from OLD.parquet` gives them back"
    ]


def _other_denoiser(table: pa.Table) -> str | None:
    recorded, installed = read_provenance(table).get("denoiser"), digest_weights()
    if recorded in (None, installed):
        return None
    rows = _denoised_rows(table)
    if not rows:
        return None
    return (
        f"{rows} rows of type {_DENOISE.id} ({_DENOISE.name}) were made with other denoiser weights (SHA-256 "
        f"{str(recorded)[:_DIGITS_SHOWN]}) than are installed ({installed[:_DIGITS_SHOWN]}): they would be rendered "
        "otherwise. Install the syndr-curate release that `versions` in the manifest names, or render the rows anew"
    )


def _denoised_rows(table: pa.Table) -> int:
    """Count the rows that were rendered with the denoiser, mixes of such rows and chains with it among them."""
    rows = pc.or_(_is_denoised(table["distortion_id"], table["seed"]), _has_denoising_step(table))
    for source in ("source_a", "source_b"):
        if source in table.column_names and pa.types.is_struct(table.schema.field(source).type):
            fields = (pc.struct_field(table[source], name) for name in ("distortion_id", "seed"))
            rows = pc.or_(rows, _is_denoised(*fields))
    return pc.sum(rows).as_py() or 0


def _has_denoising_step(table: pa.Table) -> pa.ChunkedArray:
    chains = table["chain"].combine_chunks()
    kinds = pc.struct_field(chains.flatten(), "distortion_id")
    owners = pc.list_parent_indices(chains).filter(pc.fill_null(pc.equal(kinds, _DENOISE.id), False))
    is_owner = np.isin(np.arange(len(table)), owners)
    return pc.and_(pa.chunked_array([is_owner]), pc.is_valid(table["seed"]))


def _is_denoised(types: pa.ChunkedArray, seeds: pa.ChunkedArray) -> pa.ChunkedArray:
    # A row without a seed was not rendered by this toolkit: KADID-10k's own images of the type, for one.
    return pc.and_(pc.fill_null(pc.equal(types, _DENOISE.id), False), pc.is_valid(seeds))
