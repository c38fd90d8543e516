"""The folders of images that `upsample` reads."""

from collections import Counter
from dataclasses import dataclass, replace

from ..datasets.image_folders import ImageSource, open_source
from ..datasets.image_notes import note_distorted, note_skipped
from ..datasets.settings import IdStyle
from ..errors import CurateError
from ..manifest.seeds import uniform_draw
from ..rendering.distort import refuse_inside
from ..runs.progress import Reporter
from .request import KADID, UpsampleRequest
from .select import CANDIDATE_DRAW


@dataclass(frozen=True)
class InputFolders:
    """The images that a request names.

    Attributes:
        references: The pristine references; None where only their features are given.
        candidates: The candidates, or those of them that are drawn; None as above.
    """

    references: ImageSource | None
    candidates: ImageSource | None

    def note_skipped(self, reporter: Reporter) -> dict[str, int]:
        """Note what was skipped in each folder, and what looks distorted; return the counts of what was skipped."""
        counts: Counter[str] = Counter()
        for source in (self.references, self.candidates):
            if source is not None:
                counts.update(note_skipped(source.skipped, source.folder, reporter))
                note_distorted(source, reporter)
        return dict(counts)


def open_folders(request: UpsampleRequest) -> InputFolders:
    """Look into the folders of references and candidates.

    Raises:
        CurateError: A folder is missing or has no images, or pixels would go into it.
    """
    folders = InputFolders(references=open_references(request), candidates=_open_candidates(request))
    for source in (folders.references, folders.candidates):
        if source is not None:
            refuse_inside(request.images_folder, source.folder, *source.linked)
    return folders


def open_references(request: UpsampleRequest) -> ImageSource | None:
    """Look into the folder of references; None where only their features are given.

    Raises:
        CurateError: The folder is missing or has no images, or neither it nor features are given.
    """
    folder = request.references
    if folder is None and request.dataset == KADID and request.reference_features is None:
        folder = request.root
    if folder is None:
        if request.reference_features is None:
            raise CurateError("give the references: --reference-features FILE, or --references DIR to encode them")
        return None
    # A label file names its references by their file names, without folders.
    ids: IdStyle = request.ids if request.labels is None else "stem"
    return open_source(folder, ids=ids, follow_links=request.follow_links)


def _open_candidates(request: UpsampleRequest) -> ImageSource | None:
    count = request.settings.candidates
    if request.candidates_root is None:
        return None
    source = open_source(request.candidates_root, ids=request.ids, follow_links=request.follow_links)
    if count is None or request.candidate_features is not None:
        return source
    # The draw that `select` would make, made before the encoder has to look at the whole pool.
    drawn = uniform_draw([entry.id for entry in source.entries], count, request.settings.seed, CANDIDATE_DRAW)
    return replace(source, entries=tuple(entry for entry in source.entries if entry.id in drawn))
