"""Panels of a report that only some runs have: mixed images, and the types chosen for a target set."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ...distortions.catalog import PRISTINE, all_types, get
from ..errors import CurateError
from ..manifest.manifest import ok_rows
from ..manifest.recipes import PRISTINE_NAME, distortion_name
from ..storage.texts.json_text import parse_json
from ..storage.texts.utf8_text import read_utf8

SOFT_LABELS = "soft_labels"
CONFIDENCE_BINS = 20
CLASSES_MIXED = 2  # DSMix pastes one image into another


def is_mixed(table: pa.Table) -> bool:
    """Return whether a manifest holds mixed images: it has soft labels."""
    return SOFT_LABELS in table.column_names


def mix_figures(table: pa.Table, name: str) -> dict[str, Any]:
    """Count the mixed images by pair of types, and lay out their confidences.

    Args:
        table: A manifest with a column `soft_labels`: list<struct<distortion_id, level, confidence>>.
        name: What to call it.

    Returns:
        `name, rows`; `pairs`: (smaller id, larger id, rows) of every pair that occurs; `types`: names of the ids in
        them; `confidence`: rows per twentieth of [0, 1], of the weaker class of each image; `others`: images that are
        not a mix of exactly two classes.

    Raises:
        CurateError: `soft_labels` is no such list.
    """
    usable = ok_rows(table)
    pairs: Counter[tuple[int, int]] = Counter()
    weaker, others = [], 0
    for labels in usable[SOFT_LABELS].to_pylist():
        try:
            found = [(int(part["distortion_id"]), float(part["confidence"])) for part in labels or []]
        except (TypeError, KeyError, ValueError) as error:
            raise CurateError(
                f"{name}: {SOFT_LABELS} is {usable[SOFT_LABELS].type}; expected "
                "list<struct<distortion_id, level, confidence>>"
            ) from error
        if len(found) != CLASSES_MIXED:
            others += 1
            continue
        low, high = sorted(kind for kind, _ in found)
        pairs[low, high] += 1
        weaker.append(min(confidence for _, confidence in found))
    # A confidence of exactly 1 belongs to the last bin.
    bins = np.clip((np.array(weaker) * CONFIDENCE_BINS).astype(np.int64), 0, CONFIDENCE_BINS - 1)
    kinds = sorted({kind for pair in pairs for kind in pair})
    return {
        "name": name,
        "rows": len(usable),
        "others": others,
        "pairs": [[low, high, count] for (low, high), count in sorted(pairs.items())],
        "types": {str(kind): _name(kind) for kind in kinds},
        "confidence": np.bincount(bins, minlength=CONFIDENCE_BINS).tolist(),
    }


def read_domains(path: Path) -> dict[str, Any]:
    """Read which types were chosen for a target set, and their shares.

    Args:
        path: A preset file: JSON with `types` and, where `domains select` wrote it, `shares` and `top1_shares`, which
            map ids or catalog names (`pristine` too) to shares in [0, 1].

    Returns:
        `name, types, images, note` (None where the file has none); `names` of the ids; `shares, top1_shares`: pairs
        (id, share) by id, empty where the file has none; `shares_of`: what `shares` are of, `images` by the rule
        excess, `places` (three per image) by the published one.

    Raises:
        CurateError: The file cannot be read, or is something else.
    """
    text = read_utf8(Path(path))
    try:
        content = parse_json(text)
    except ValueError as error:
        raise CurateError(f"cannot read the preset file {str(path)!r}: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("types"), list):
        raise CurateError(f'{path} is not a preset: expected JSON like {{"types": [1, 3, 9]}}')
    try:
        types = sorted({get(kind).id for kind in content["types"]})
        shares = {key: _shares(content.get(key)) for key in ("shares", "top1_shares")}
    except (ValueError, TypeError, AttributeError) as error:
        raise CurateError(f"{path} is not a preset with shares by distortion type: {error}") from error
    shown = {kind for pairs in shares.values() for kind, _ in pairs} | set(types)
    names = {str(kind): _name(kind) for kind in sorted(shown)}
    images, note = content.get("images"), content.get("note")
    return {
        "name": str(content.get("name") or Path(path).name),
        "types": types,
        "names": names,
        "images": images if isinstance(images, int) else None,
        "note": note if isinstance(note, str) else None,
        "shares_of": "images" if content.get("rule") == "excess" else "places",
        **shares,
    }


def _shares(value: Any) -> list[tuple[int, float]]:
    pairs = [(_type_id(key), round(_share(share), 6)) for key, share in (value or {}).items()]
    return sorted(pairs)


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"a share is {value!r}, expected a number from 0 to 1")
    return float(value)


def _type_id(key: str) -> int:
    if key in (PRISTINE_NAME, str(PRISTINE)):
        return PRISTINE
    return get(key).id


def _name(kind: int) -> str:
    known = {PRISTINE, *(entry.id for entry in all_types())}
    return distortion_name(kind) if kind in known else f"type {kind}"
