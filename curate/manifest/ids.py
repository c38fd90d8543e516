"""From file names to ids, and from a reference, a type and a level to a sample id."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from ...distortions.chains import Chain
from ..errors import CurateError

IMAGE_SUFFIXES = frozenset(
    {
        *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".j2k", ".bmp", ".tif", ".tiff", ".webp", ".gif"),
        *(".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".avif", ".heic", ".heif"),
    }
)
IDS_IN_A_MESSAGE = 5

_CHAIN_ID = re.compile(
    r"(?P<reference>.+)_chain_(?P<steps>(s|[0-9]+-[0-9.]+)(_(s|[0-9]+-[0-9.]+))*)", re.DOTALL | re.ASCII
)
_SAMPLE_ID = re.compile(r"(?P<reference>.+)_(?P<distortion>[1-9][0-9]{2}|[0-9]{1,2})_(?P<level>[0-9]{1,2})", re.DOTALL)


def has_image_suffix(name: str) -> bool:
    """Return whether a file name ends like an image's."""
    return _suffix(name).lower() in IMAGE_SUFFIXES


def strip_image_suffix(name: str) -> str:
    """Remove image suffixes, and nothing else: `a.b.png` becomes `a.b`, `v1.2` stays.

    All of them go (`a.png.jpg` becomes `a`): an id stays what it is however often it passes through here.

    >>> [strip_image_suffix(name) for name in ("sub/a.b.png", "v1.2", "a.png.jpg")]
    ['sub/a.b', 'v1.2', 'a']
    """
    while has_image_suffix(name):
        name = name[: -len(_suffix(name))]
    return name


def stem_id(name: str) -> str:
    """Return the id of a file: its name without folders and without its image suffix."""
    return strip_image_suffix(name.rpartition("/")[2])


def path_ids(paths: Sequence[str]) -> list[str]:
    """Return the ids of files by their paths: without image suffix, or with it where two would have one id.

    >>> path_ids(["x/a.png", "x/b.png", "x/b.jpg"])
    ['x/a', 'x/b.png', 'x/b.jpg']
    """
    bare = [strip_image_suffix(path) for path in paths]
    counts = Counter(bare)
    return [path if counts[identifier] > 1 else identifier for path, identifier in zip(paths, bare, strict=True)]


def make_sample_id(reference_id: str, distortion_id: int, level: int) -> str:
    """Return the content id of a generated row, `<reference>_<type:02d>_<level:02d>`."""
    return f"{reference_id}_{distortion_id:02d}_{level:02d}"


def make_chain_id(reference_id: str, chain: Chain) -> str:
    """Return the content id of a row of several distortions, `<reference>_chain_<type>-<level>_...`; `s` is a stretch.

    >>> from syndr_curate.distortions.chains import ChainStep
    >>> make_chain_id("I01", (ChainStep(1, 2.0), ChainStep(11, 2.5), ChainStep(0, 0.0), ChainStep(10, 4.0)))
    'I01_chain_1-2_11-2.5_s_10-4'
    """
    return f"{reference_id}_chain_{spell_steps(chain)}"


def spell_steps(chain: Chain) -> str:
    """Return the part of a chain's id that spells its steps, such as `1-2_11-2.5_s_10-4`."""
    return "_".join("s" if step.is_stretch else f"{step.distortion_id}-{step.level:g}" for step in chain)


def parse_chain_id(sample_id: str) -> tuple[str, str] | None:
    """Split the id of a chain's row into reference id and spelled steps; None if it is not of that form.

    >>> parse_chain_id("I01_chain_1-2_11-2.5_s_10-4")
    ('I01', '1-2_11-2.5_s_10-4')
    """
    match = _CHAIN_ID.fullmatch(sample_id)
    return None if match is None else (match["reference"], match["steps"])


def parse_sample_id(sample_id: str) -> tuple[str, int, int] | None:
    """Split a sample id into reference id, distortion id and level; None if it is not of that form.

    >>> parse_sample_id("I01_09_03")
    ('I01', 9, 3)
    """
    match = _SAMPLE_ID.fullmatch(sample_id)
    if match is None:
        return None
    return match["reference"], int(match["distortion"]), int(match["level"])


def folded_id(identifier: str) -> str:
    """Return a form of an id that ignores upper and lower case and the Unicode form.

    Label files are not consistent in these: such ids count as one picture where that is safer.

    >>> folded_id("I25") == folded_id("i25")
    True
    """
    return unicodedata.normalize("NFC", identifier.casefold())


def list_ids(ids: Sequence[str]) -> str:
    """Name the first few ids for a message, and say how many more there are."""
    shown = ", ".join(repr(i) for i in ids[:IDS_IN_A_MESSAGE])
    rest = len(ids) - IDS_IN_A_MESSAGE
    return f"{shown} and {rest} more" if rest > 0 else shown


def refuse_one_text(ids: Iterable[str], what: str) -> None:
    """Refuse a single text where a list of ids belongs: it would be split into its letters.

    Args:
        ids: What was given.
        what: What they are ids of, for the message.

    Raises:
        CurateError: It is one text.
    """
    if isinstance(ids, str):
        raise CurateError(f"{what}: {ids!r} is one text; expected a list of ids, such as [{ids!r}]")


def require_texts(ids: Iterable[object], what: str) -> None:
    """Refuse ids that some format cannot hold: numpy drops a NUL at the end, and half of a surrogate pair is no text.

    Args:
        ids: The ids to look through.
        what: What they are ids of, for the message.

    Raises:
        CurateError: One is no text, or one of these; the message shows it.
    """
    for identifier in ids:
        if not isinstance(identifier, str):
            raise CurateError(f"{what}: the id {identifier!r:.80} is no text; expected ids such as 'I01_01_01'")
        if "\0" in identifier or not _is_unicode(identifier):
            raise CurateError(
                f"{what}: the id {identifier!r:.80} holds a NUL or half of a character (a lone surrogate), which not "
                "every file can hold; expected ordinary text"
            )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def require_unique(ids: Iterable[str], what: str) -> None:
    """Refuse ids that occur twice.

    Args:
        ids: The ids to look through.
        what: What they are ids of, for the message.

    Raises:
        CurateError: An id occurs more than once; the message names the first few.
    """
    seen: set[str] = set()
    twice: dict[str, None] = {}
    for identifier in ids:
        if identifier in seen:
            twice[identifier] = None
        seen.add(identifier)
    if twice:
        raise CurateError(f"{what}: {len(twice)} ids occur more than once: {list_ids(list(twice))}")


def _suffix(name: str) -> str:
    # Not pathlib's: its idea of `..png` changed in Python 3.14, and a list of 140,000 names takes seconds with it.
    stem, dot, tail = name.rpartition("/")[2].rpartition(".")
    return dot + tail if stem else ""
