"""Notes about a folder and its images: skipped or distorted files, ignored color profiles, missing end markers."""

from collections.abc import Iterable
from pathlib import Path

from ..manifest.ids import parse_chain_id, parse_sample_id, strip_image_suffix
from ..runs.progress import SILENT, Reporter
from ..runs.threads import ordered_map
from ..storage.formats import ColorProfiles
from ..storage.images import DecodeOptions, ImageFacts, image_facts
from .image_folders import ImageSource
from .image_search import SkippedFiles

PROFILES_IGNORED = "color_profiles_ignored"
END_MARKERS_MISSING = "end_markers_missing"


def note_skipped(skipped: SkippedFiles, folder: Path | str, reporter: Reporter) -> dict[str, int]:
    """Note what was skipped when a folder was searched, and why; return the counts for the summary."""
    if reasons := skipped.reasons():
        reporter.note(f"skipped in {folder}: {reasons}")
    return skipped.counts()


def note_distorted(source: ImageSource, reporter: Reporter) -> None:
    """Note images of a folder of references that are named like distorted versions of others in it.

    KADID-10k keeps both in one folder: given as references, each distorted image would be distorted once more.
    """
    names = [strip_image_suffix(entry.path) for entry in source.entries]
    known = set(names)
    parsed = [(name, parse_sample_id(name) or parse_chain_id(name)) for name in names]
    distorted = [name for name, parts in parsed if parts is not None and parts[0] in known]
    if distorted:
        reporter.note(
            f"{len(distorted)} of {len(names)} images in {source.folder} are named like distorted versions of others, "
            f"e.g. {distorted[0]}, but are used as pristine references: give a folder that holds only references"
        )


def note_images(
    files: Iterable[Path],
    *,
    icc: ColorProfiles = DecodeOptions.icc,
    as_stored: Iterable[Path] = (),
    workers: int | None = None,
    reporter: Reporter = SILENT,
) -> dict[str, int]:
    """Count what is ignored when the files are read, by their headers, and note each kind once.

    The files are asked, not those who read them: the count is the same for every executor, and after a resumed run.

    Args:
        files: Image files that were read. Each counts once; what is no readable image counts for nothing.
        icc: How their color profiles were treated.
        as_stored: Image files of rows, whose profiles are ignored always.
        workers: Threads; None uses every core.
        reporter: Gets the notes.

    Returns:
        `color_profiles_ignored`, `end_markers_missing`; a count of zero is left out.
    """
    kinds: dict[Path, ColorProfiles] = dict.fromkeys(as_stored, "ignore")
    kinds = {**dict.fromkeys(files, icc), **kinds}
    profiles: list[Path] = []
    markers: list[Path] = []
    for (path, _), facts in zip(kinds.items(), ordered_map(_facts_of, kinds.items(), workers), strict=True):
        profiles += [path] * facts.profile_ignored
        markers += [path] * facts.lacks_end_marker
    if profiles:
        reporter.note(
            f"{len(profiles)} images have a color profile other than sRGB, which is ignored, e.g. {profiles[0].name} "
            "(--icc convert turns images of a folder into sRGB)"
        )
    if markers:
        reporter.note(
            f"{len(markers)} JPEGs lack only their end marker and are read all the same, e.g. {markers[0].name}"
        )
    counts = {PROFILES_IGNORED: len(profiles), END_MARKERS_MISSING: len(markers)}
    return {name: count for name, count in counts.items() if count}


def _facts_of(item: tuple[Path, ColorProfiles]) -> ImageFacts:
    path, icc = item
    return image_facts(path, icc=icc)
