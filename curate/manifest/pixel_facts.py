"""What decides over the pixels of a manifest's rows besides the rows themselves, as the provenance records it."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...distortions.catalog import DENOISE, get
from ...distortions.numerics.denoising.weights import digest_for, first_digest, newest_digest
from ..errors import CurateError, CurateWarning
from .provenance import read_provenance

if TYPE_CHECKING:
    from ..storage.images import DecodeOptions

PIXELS = "pixels"
# Entry of the provenance to what its absence stands for. All but `pixels` are fields of `DecodeOptions`.
PIXEL_FACTS: Mapping[str, Any] = {PIXELS: "stored", "exif_orient": False, "icc": "ignore"}
# Digest of the weights of type 15. What was made before it was recorded, or has no such row, says nothing of it:
# `denoiser_of` says what that stands for.
DENOISER = "denoiser"
# Id of a user's type, as JSON has keys, to what decides its pixels. Not there where no row has such a type.
USER_TYPES = "user_types"
_DENOISE = get(DENOISE)
_DIGITS_SHOWN = 12
_DECODING = {name: default for name, default in PIXEL_FACTS.items() if name != PIXELS}


def recorded_pixel_facts(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a manifest made from these rows takes over; None where the provenance does not say.

    Args:
        provenance: Of the rows before.
    """
    facts = {name: provenance.get(name) for name in (*PIXEL_FACTS, DENOISER, USER_TYPES)}
    # Rows made from these no longer tell that metadata was lost: what stands in for it is written down.
    return facts | {DENOISER: denoiser_of(provenance)} if _has_roots_alone(provenance) else facts


def require_same_pixel_facts(provenances: Sequence[Mapping[str, Any]]) -> None:
    """Refuse to make one manifest of rows whose pixels come about differently.

    Args:
        provenances: Of the manifests.

    Raises:
        CurateError: Two of them differ; the message names the entry and both values.
    """
    for name, default in PIXEL_FACTS.items():
        found = [_value(provenance, name, default) for provenance in provenances]
        other = next((value for value in found if value != found[0]), None)
        if other is not None:
            raise CurateError(
                f"{name!r} is {found[0]!r} in one manifest and {other!r} in another: one manifest says one thing of "
                f"the pixels of all its rows; keep them apart, or {_remedy(name)}"
            )


def denoiser_of(provenance: Mapping[str, Any]) -> str:
    """Return the digest of the denoiser's weights that a manifest's rows of type 15 were made with.

    Args:
        provenance: Of the manifest.

    Returns:
        The digest it names. One that names none was made before digests were recorded, when there were only the first
        weights. Where the metadata is lost nothing is known, and the newest are taken.
    """
    recorded: str | None = provenance.get(DENOISER)
    if recorded is not None:
        return recorded
    return newest_digest() if not provenance or _has_roots_alone(provenance) else first_digest()


def shared_denoiser(tables: Sequence[pa.Table]) -> str | None:
    """Return the digest of the denoiser's weights that rows of several manifests were made with, where any says so.

    Args:
        tables: The manifests; weights of those without a row of type 15 decide nothing.

    Raises:
        CurateError: Two of them name different weights.
    """
    provenances = [(read_provenance(table), table) for table in tables]
    found = sorted({denoiser_of(provenance) for provenance, table in provenances if denoised_rows(table)})
    if len(found) > 1:
        raise CurateError(
            f"the manifests' pixels of type 15 (denoise) come from different denoiser weights: {', '.join(found)}; "
            "render both with one release of syndr-curate"
        )
    # Without a row of the type any of them will do.
    named = (provenance.get(DENOISER) for provenance, _ in provenances)
    return found[0] if found else next((digest for digest in named if digest is not None), None)


def denoised_rows(table: pa.Table) -> int:
    """Count the rows that were rendered with the denoiser, mixes of such rows and chains with it among them.

    Args:
        table: A manifest.
    """
    rows = pc.or_(_is_denoised(table["distortion_id"], table["seed"]), _has_denoising_step(table))
    for source in ("source_a", "source_b"):
        if source in table.column_names and pa.types.is_struct(table.schema.field(source).type):
            fields = (pc.struct_field(table[source], name) for name in ("distortion_id", "seed"))
            rows = pc.or_(rows, _is_denoised(*fields))
    return pc.sum(rows).as_py() or 0


def other_denoiser(table: pa.Table) -> str | None:
    """Say how many rows of type 15 were made with weights that are not installed; None if none was.

    Args:
        table: A manifest.
    """
    recorded = read_provenance(table).get(DENOISER)
    rows = 0 if recorded is None else denoised_rows(table)
    if not rows:
        return None
    if digest_for(recorded) == recorded:
        return None
    return (
        f"{rows} rows of type {_DENOISE.id} ({_DENOISE.name}) were made with other denoiser weights (SHA-256 "
        f"{str(recorded)[:_DIGITS_SHOWN]}) than are installed ({newest_digest()[:_DIGITS_SHOWN]}): they would be "
        "rendered otherwise. Install the syndr-curate release that `versions` in the manifest names, or render the "
        "rows again"
    )


def _has_denoising_step(table: pa.Table) -> pa.ChunkedArray:
    chains = table["chain"].combine_chunks()
    kinds = pc.struct_field(chains.flatten(), "distortion_id")
    owners = pc.list_parent_indices(chains).filter(pc.fill_null(pc.equal(kinds, _DENOISE.id), False))
    is_owner = np.isin(np.arange(len(table)), owners)
    return pc.and_(pa.chunked_array([is_owner]), pc.is_valid(table["seed"]))


def _is_denoised(types: pa.ChunkedArray, seeds: pa.ChunkedArray) -> pa.ChunkedArray:
    # A row without a seed was not rendered by this toolkit: KADID-10k's own images of the type, for one.
    return pc.and_(pc.fill_null(pc.equal(types, _DENOISE.id), False), pc.is_valid(seeds))


def decoding_of(provenance: Mapping[str, Any], asked: "DecodeOptions", manifest: str) -> "DecodeOptions":
    """Return how the references of a manifest are read and type 15 is rendered: as when its rows were made.

    Args:
        provenance: Of the manifest.
        asked: What the request says. What it leaves at its default, it leaves to the manifest.
        manifest: The manifest, for the message.

    Raises:
        CurateError: The request asks for something else than the manifest says; the message has both values.
    """
    if _has_roots_alone(provenance):
        warnings.warn(
            f"{manifest} has lost its metadata, and only its roots were given back: its references are read as without "
            "--exif-orient and --icc, and rows of type 15 (denoise) are rendered with the newest weights, which is not "
            "known. `relocate --provenance-from OLD.parquet` gives back the rest",
            CurateWarning,
            stacklevel=3,
        )
    recorded = {name: _value(provenance, name, default) for name, default in _DECODING.items()}
    for name, default in _DECODING.items():
        wanted = getattr(asked, name)
        if wanted not in (default, recorded[name]):
            raise CurateError(
                f"{manifest} says {name} {recorded[name]!r} of its pixels, the request {wanted!r}: leave "
                f"--{name.replace('_', '-')} away, or start from the folder of the images"
            )
    denoiser = digest_for(denoiser_of(provenance))
    if asked.denoiser not in (None, denoiser):
        raise CurateError(
            f"{manifest}: its rows of type 15 (denoise) are rendered with the denoiser weights {denoiser}, the request "
            f"says {asked.denoiser}: leave `denoiser` out"
        )
    return replace(asked, **recorded, denoiser=None if denoiser == newest_digest() else denoiser)


def facts_of_decoding(decoding: "DecodeOptions") -> dict[str, Any]:
    """Return what the provenance of rows says of how their references were read: what is not the default.

    Args:
        decoding: How references are read.
    """
    return {name: getattr(decoding, name) for name, default in _DECODING.items() if getattr(decoding, name) != default}


def _has_roots_alone(provenance: Mapping[str, Any]) -> bool:
    # Of a manifest that lost its metadata and got its roots back from `relocate`.
    return provenance.get("stage") == "relocate"


def _value(provenance: Mapping[str, Any], name: str, default: Any) -> Any:
    value = provenance.get(name)
    return default if value is None else value


def _remedy(name: str) -> str:
    if name == PIXELS:
        return "store the pixels of the recipes first: `distort` and `mix` do so for a manifest"
    return "make both anew with the same options"
