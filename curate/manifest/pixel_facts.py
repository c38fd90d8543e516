"""What decides over the pixels of a manifest's rows besides the rows themselves, as the provenance records it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import CurateError

if TYPE_CHECKING:
    from ..storage.images import DecodeOptions

PIXELS = "pixels"
# Entry of the provenance to what its absence stands for. All but `pixels` are fields of `DecodeOptions`.
PIXEL_FACTS: Mapping[str, Any] = {PIXELS: "stored", "exif_orient": False, "icc": "ignore"}
# Digest of the weights of type 15. What was made before it was recorded, or has no such row, says nothing of it.
DENOISER = "denoiser"
_DECODING = {name: default for name, default in PIXEL_FACTS.items() if name != PIXELS}


def recorded_pixel_facts(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a manifest made from these rows takes over; None where the provenance does not say.

    Args:
        provenance: Of the rows before.
    """
    return {name: provenance.get(name) for name in (*PIXEL_FACTS, DENOISER)}


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


def shared_denoiser(provenances: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the digest of the denoiser's weights that rows of several manifests were made with, where any says so.

    Args:
        provenances: Of the manifests.

    Raises:
        CurateError: Two of them name different weights.
    """
    found = sorted({provenance[DENOISER] for provenance in provenances if provenance.get(DENOISER) is not None})
    if len(found) > 1:
        raise CurateError(
            f"the manifests' pixels of type 15 (denoise) come from different denoiser weights: {', '.join(found)}; "
            "render both with one release of syndr-curate"
        )
    return found[0] if found else None


def decoding_of(provenance: Mapping[str, Any], asked: "DecodeOptions", manifest: str) -> "DecodeOptions":
    """Return how the references of a manifest are read: as they were when its rows were made.

    Args:
        provenance: Of the manifest.
        asked: What the request says. What it leaves at its default, it leaves to the manifest.
        manifest: The manifest, for the message.

    Raises:
        CurateError: The request asks for something else than the manifest says; the message has both values.
    """
    recorded = {name: _value(provenance, name, default) for name, default in _DECODING.items()}
    for name, default in _DECODING.items():
        wanted = getattr(asked, name)
        if wanted not in (default, recorded[name]):
            raise CurateError(
                f"{manifest} says {name} {recorded[name]!r} of its pixels, the request {wanted!r}: leave "
                f"--{name.replace('_', '-')} away, or start from the folder of the images"
            )
    return replace(asked, **recorded)


def facts_of_decoding(decoding: "DecodeOptions") -> dict[str, Any]:
    """Return what the provenance of rows says of how their references were read: what is not the default.

    Args:
        decoding: How references are read.
    """
    return {name: getattr(decoding, name) for name, default in _DECODING.items() if getattr(decoding, name) != default}


def _value(provenance: Mapping[str, Any], name: str, default: Any) -> Any:
    value = provenance.get(name)
    return default if value is None else value


def _remedy(name: str) -> str:
    if name == PIXELS:
        return "store the pixels of the recipes first: `distort` and `mix` do so for a manifest"
    return "make both anew with the same options"
