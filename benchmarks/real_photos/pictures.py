"""Which photographs are for what, and their frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from syndr_curate import CurateError, open_source
from syndr_curate.curate.errors import RowError
from syndr_curate.curate.manifest.ids import list_ids
from syndr_curate.curate.manifest.provenance import digest_listing
from syndr_curate.curate.manifest.seeds import uniform_draw
from syndr_curate.curate.storage.atomic import write_bytes
from syndr_curate.curate.storage.images import decode_image, encode_image

from ..shared.frames import cut_frame
from .settings import SEED, Run

LABELED, CANDIDATES = "labeled", "candidates"
_FEWEST_REFERENCES = 2


@dataclass(frozen=True)
class Roles:
    """What each photograph is for: its file by id."""

    labeled: dict[str, Path]
    candidates: dict[str, Path]


@dataclass(frozen=True)
class Photographs:
    """The photographs below the folders of a run.

    Attributes:
        pristine: File by id.
        others: The same of each folder of candidates.
        digests: Digest of names and sizes, by what the photographs are for.
    """

    pristine: dict[str, Path]
    others: tuple[dict[str, Path], ...]
    digests: dict[str, str]


def find_photographs(pristine: Path, candidates: Sequence[Path]) -> Photographs:
    """List the photographs below the folders of a run.

    Raises:
        CurateError: A folder is missing or holds no image, or two photographs have one id.
    """
    files, listings = [], []
    for folder in (pristine, *candidates):
        source = open_source(folder)
        files.append({entry.id: source.folder / entry.path for entry in source.entries})
        listings.append(digest_listing((path, size) for _, path, size in source.listing()))
    ids = [identifier for found in files for identifier in found]
    doubled = sorted({identifier for identifier in ids if ids.count(identifier) > 1})
    if doubled:
        raise CurateError(
            f"photographs of several folders have one name: {list_ids(doubled)}; expected names that occur once"
        )
    return Photographs(files[0], tuple(files[1:]), {"pristine": listings[0], "candidates": ",".join(listings[1:])})


def roles_of(run: Run, found: Photographs) -> Roles:
    """Draw the labeled references, and the candidates: pristine photographs that are left, and others.

    The folders of candidates give equal shares; what a small folder lacks, the larger ones give.

    Raises:
        CurateError: Fewer than two pristine photographs.
    """
    if len(found.pristine) < _FEWEST_REFERENCES:
        raise CurateError(
            f"{run.inputs.pristine} holds {len(found.pristine)} photographs; expected {_FEWEST_REFERENCES} at least"
        )
    size = run.size
    labeled = uniform_draw(list(found.pristine), size.references, SEED, "real-photos-references")
    left = sorted(found.pristine.keys() - labeled)
    count = len(left) if size.pristine_candidates is None else size.pristine_candidates
    drawn = {i: found.pristine[i] for i in uniform_draw(left, count, SEED, "real-photos-candidates")}
    wanted = size.more_candidates
    for number, folder in enumerate(sorted(found.others, key=len)):
        share = wanted // (len(found.others) - number)
        chosen = uniform_draw(list(folder), share, SEED, "real-photos-more-candidates")
        drawn |= {identifier: folder[identifier] for identifier in chosen}
        wanted -= len(chosen)
    return Roles(_sorted({i: found.pristine[i] for i in labeled}), _sorted(drawn))


def frames_folder(run: Run, role: str) -> Path:
    """Return the folder of the frames of a role."""
    return run.path("references", role)


def cut_frames(run: Run, role: str, files: dict[str, Path]) -> None:
    """Cut the frames of a role; those that are there stay.

    Raises:
        CurateError: A photograph cannot be read.
    """
    for identifier, path in files.items():
        out = frames_folder(run, role) / f"{identifier}.png"
        if not out.is_file():
            try:
                photograph = decode_image(path)
            except RowError as error:
                raise CurateError(f"{path}: {error}; take the file out of the folder, or replace it") from error
            frame = cut_frame(photograph, min(run.size.frame, *photograph.shape[:2]))
            write_bytes(out, encode_image(frame), durable=False)


def _sorted(files: dict[str, Path]) -> dict[str, Path]:
    return dict(sorted(files.items()))
