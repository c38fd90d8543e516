"""Lists of distortion types and levels as users write them: ids, names, presets, files."""

from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from ...distortions.catalog import CAMERA, CATALOG, LEVELS, get
from ...distortions.errors import DistortionError
from ..errors import CurateError
from ..storage.texts.json_text import parse_json
from ..storage.texts.utf8_text import read_utf8

ALL = "all"  # of KADID-10k: published labels and selections are of these
CAMERA_FAMILY = "camera"
PRESET_SUFFIX = ".json"


def parse_types(text: str | Iterable[int | str]) -> tuple[int, ...]:
    """Turn a list of distortion types into ids.

    Args:
        text: `all` (the 25 types of KADID-10k), `camera` (the camera family), a preset's name (`bid`, `livec`, `koniq`,
            `pipal-1`, ...), a preset file, or ids and catalog names, separated by commas; or an iterable of these.

    Returns:
        Distortion ids, ascending, each once.

    Raises:
        CurateError: Something in the list is unknown.

    >>> parse_types("bid"), parse_types("jpeg,1")
    ((1, 3, 9, 21, 23, 25), (1, 10))
    """
    parts = _parts(text, "types")
    chosen: set[int] = set()
    if not any(parts):
        raise CurateError("the list of distortion types is empty: give ids, names, a preset, `all` or `camera`")
    for part in parts:
        if not part:
            raise CurateError(f"the list of types {text!r} has an empty entry: leave out the comma, or give the type")
        if part == ALL:
            chosen.update(entry.id for entry in CATALOG)
        elif part == CAMERA_FAMILY:
            chosen.update(entry.id for entry in CAMERA)
        elif part in preset_names():
            chosen.update(read_preset(part))
        elif part.endswith(PRESET_SUFFIX):
            chosen.update(_read_preset_file(Path(part)))
        else:
            try:
                chosen.add(get(part).id)
            except DistortionError as error:
                presets = ", ".join(preset_names())
                raise CurateError(
                    f"{error}; a list of types may also name `all`, `camera`, a preset ({presets}) or its file"
                ) from error
    return tuple(sorted(chosen))


def parse_levels(text: str | Iterable[int | str]) -> tuple[int, ...]:
    """Turn a list of levels ("1,3,5") into numbers, ascending, each once.

    Raises:
        CurateError: A level is not one of 1-5, or the list is empty.
    """
    parts = _parts(text, "levels")
    allowed = {str(level): level for level in LEVELS}
    bad = [part for part in parts if part not in allowed]
    if not parts:
        raise CurateError("the list of levels is empty: give levels from 1 to 5, such as 1,3,5")
    if bad:
        raise CurateError(f"{bad[0]!r} is not a level; levels are {', '.join(allowed)}, separated by commas")
    return tuple(sorted({allowed[part] for part in parts}))


def preset_names() -> list[str]:
    """Return the names of the shipped presets, sorted."""
    folder = resources.files("syndr_curate") / "manifests" / "presets"
    return sorted(
        entry.name.removesuffix(PRESET_SUFFIX) for entry in folder.iterdir() if entry.name.endswith(PRESET_SUFFIX)
    )


def read_preset(name: str) -> tuple[int, ...]:
    """Return the distortion ids of a shipped preset."""
    content = (resources.files("syndr_curate") / "manifests" / "presets" / f"{name}{PRESET_SUFFIX}").read_text("utf-8")
    return _preset_types(content, name)


def _parts(text: str | Iterable[int | str], what: str) -> list[str]:
    if isinstance(text, bytes) or not isinstance(text, Iterable):
        raise CurateError(f"{what} are {text!r}; expected a text such as '1,3' or a list such as [1, 3]")
    return [str(part).strip() for part in (text.split(",") if isinstance(text, str) else text)]


def _read_preset_file(path: Path) -> tuple[int, ...]:
    return _preset_types(read_utf8(path), str(path))


def _preset_types(content: str, name: str) -> tuple[int, ...]:
    try:
        listed = parse_json(content)["types"]
        if not isinstance(listed, list):
            raise TypeError(f"its types are {listed!r}, expected a list in square brackets")
        types = tuple(get(kind).id for kind in listed)
        if "levels" in content:
            raise ValueError("it has `levels`, which no preset chooses: give them with --levels")
    except (ValueError, KeyError, TypeError) as error:
        raise CurateError(f'{name} is not a preset: expected JSON like {{"types": [1, 3, 9]}}: {error}') from error
    if not types:
        raise CurateError(f'the preset {name} selects no type; expected one or more, as in {{"types": [1, 3, 9]}}')
    return types
