"""Why the ids of two tables do not match: one explanation for every join."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import combinations

from .ids import folded_id, parse_sample_id, strip_image_suffix

PAIRS_EXAMINED = 1000


def _one_unicode_form(identifier: str) -> str:
    return unicodedata.normalize("NFC", identifier)


def _without_folder(identifier: str) -> str:
    return identifier.replace("\\", "/").rpartition("/")[2]


UNICODE_FORM = "the Unicode form (NFC or NFD)"
# In this order they add up: folding case may leave a letter decomposed, and a folder may be named like an image.
READINGS: Mapping[str, Callable[[str], str]] = {
    "upper and lower case": str.casefold,
    UNICODE_FORM: _one_unicode_form,
    "blanks around it": str.strip,
    "a folder in front": _without_folder,
    "the image suffix": strip_image_suffix,
}


def explain_mismatch(wanted: Iterable[str], given: Iterable[str], *, wanted_in: str, given_in: str) -> str:
    """Explain why ids that should be in two tables are not; the text ends a message.

    Args:
        wanted: The ids looked for; None among them is passed over.
        given: The ids that they were looked for among.
        wanted_in: What holds the wanted ids, e.g. `the manifest's ok rows`.
        given_in: What holds the given ids, e.g. the name of a feature file.

    Returns:
        Text that begins with `; `: what the ids differ in, with one of each side. Without such a difference: one of
        each side where not a single id is in both, otherwise nothing.
    """
    wanted, given = dict.fromkeys(i for i in wanted if i is not None), dict.fromkeys(given)
    lacking, spare = [i for i in wanted if i not in given], [i for i in given if i not in wanted]
    if not lacking or not spare:
        return ""
    pairs = _pairs(lacking, spare)
    if pairs:
        differences = [_difference(*pair) for pair in pairs[:PAIRS_EXAMINED]]
        main = Counter(differences).most_common(1)[0][0]
        first, second = pairs[differences.index(main)]
        show = ascii if UNICODE_FORM in main else repr
        return (
            f"; {len(pairs)} would match but for {' and '.join(main)}, e.g. {show(first)} in {wanted_in} and "
            f"{show(second)} in {given_in}: ids must be equal to the letter, so rename one of the two sides"
        )
    return _of_another_kind(lacking, spare, wanted_in=wanted_in, given_in=given_in) or (
        f"; no id is in both, e.g. {lacking[0]!r} in {wanted_in} and {spare[0]!r} in {given_in}"
        if len(lacking) == len(wanted)
        else ""
    )


def look_alikes(first: Iterable[str], second: Iterable[str]) -> list[tuple[str, str]]:
    """Return ids of two tables that differ in nothing but upper and lower case or their Unicode form.

    Args:
        first: Ids.
        second: Ids.

    Returns:
        Pairs of an id of either, in the order of the first.
    """
    of_second = {folded_id(identifier): identifier for identifier in second}
    pairs = ((identifier, of_second.get(folded_id(identifier))) for identifier in dict.fromkeys(first))
    return [(identifier, other) for identifier, other in pairs if other is not None and other != identifier]


def _pairs(lacking: list[str], spare: list[str]) -> list[tuple[str, str]]:
    found = {_read(identifier, tuple(READINGS)): identifier for identifier in reversed(spare)}
    read = ((identifier, _read(identifier, tuple(READINGS))) for identifier in lacking)
    return [(identifier, found[key]) for identifier, key in read if key in found]


def _difference(first: str, second: str) -> tuple[str, ...]:
    """Return the smallest set of differences that explains why two ids are not equal."""
    for count in range(1, len(READINGS)):
        for names in combinations(READINGS, count):
            if _read(first, names) == _read(second, names):
                return names
    return tuple(READINGS)


def _read(identifier: str, names: tuple[str, ...]) -> str:
    for name in names:
        identifier = READINGS[name](identifier)
    return identifier


def _of_another_kind(lacking: list[str], spare: list[str], *, wanted_in: str, given_in: str) -> str:
    """Recognize ids of distorted images on one side and of their references on the other."""
    for images, references, images_in, references_in in (
        (lacking, set(spare), wanted_in, given_in),
        (spare, set(lacking), given_in, wanted_in),
    ):
        for identifier in images:
            parts = parse_sample_id(identifier)
            if parts is not None and parts[0] in references:
                return (
                    f"; {images_in} has ids of distorted images, e.g. {identifier!r}, {references_in} ids of their "
                    f"references, e.g. {parts[0]!r}"
                )
    return ""
