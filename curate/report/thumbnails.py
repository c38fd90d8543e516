"""Small pictures inside a report: rendered from recipes or decoded, within a budget of bytes."""

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ..errors import CurateError, RowError
from ..rendering.pixel_loader import PixelLoader
from ..runs.progress import SILENT, Reporter
from ..runs.threads import ordered_map
from ..storage.images import UnreadableImageError

LONGEST_SIDE, LONGEST_LARGE_SIDE = 112, 256
QUALITY = 60
BUDGET_BYTES = 2_600_000  # of base64 text
# A page of 10 MB less plotly.js (4.8 MB) and the page's own text: for data and pictures together.
_ROOM_BYTES = 5_000_000
_PREFIX = "data:image/webp;base64,"
_AT_ONCE = 64

Load = Callable[[], NDArray[np.uint8]]


@dataclass
class Wanted:
    """Pictures to make, the most important first; each once.

    Attributes:
        loads: Key to what loads the picture.
        large: Keys of pictures that are wanted large.
    """

    loads: dict[str, Load] = field(default_factory=dict)
    large: set[str] = field(default_factory=set)

    def add(self, key: str, load: Load, *, large: bool = False) -> None:
        """Ask for a picture, if it was not asked for before."""
        if key not in self.loads and large:
            self.large.add(key)
        self.loads.setdefault(key, load)


@dataclass(frozen=True)
class Pictures:
    """What was made.

    Attributes:
        data: Key to a data URI.
        missing: Key to the reason, for pictures that could not be made.
        left_out: How many were not made because the budget was used up.
    """

    data: Mapping[str, str]
    missing: Mapping[str, str]
    left_out: int


def picture_budget(data_bytes: int) -> int:
    """Return how many bytes pictures may take, so that a page of 50,000 rows stays under 10 MB.

    Args:
        data_bytes: What the page's other data take.
    """
    return max(0, min(BUDGET_BYTES, _ROOM_BYTES - data_bytes))


def file_loader(root: str | None, path: str, pixels: PixelLoader) -> Load:
    """Return what decodes an image file that is no row of its own, such as a reference."""

    def load() -> NDArray[np.uint8]:
        pixels.roots.require_metadata()
        return pixels.decoding.decode(pixels.roots.resolve(root, path))

    return load


def make_thumbnails(
    wanted: Wanted,
    *,
    count: int,
    budget: int = BUDGET_BYTES,
    workers: int | None = None,
    reporter: Reporter = SILENT,
) -> Pictures:
    """Make pictures in order until the count or the budget is used up.

    Args:
        wanted: What to make, the most important first.
        count: At most so many.
        budget: Bytes of base64 text, of all pictures together.
        workers: Threads; None uses every core.
        reporter: Shows progress.

    Returns:
        The pictures; the same inputs give the same ones, whatever the workers.
    """
    items = iter(list(wanted.loads.items())[:count])
    data: dict[str, str] = {}
    missing: dict[str, str] = {}
    used = 0
    with reporter.task("thumbnails", min(count, len(wanted.loads))) as task:
        while used < budget and (batch := list(islice(items, _AT_ONCE))):
            for key, made in _made(batch, wanted.large, workers):
                if not made.startswith(_PREFIX):
                    missing[key] = made
                elif used + len(made) <= budget:
                    data[key] = made
                    used += len(made)
                else:
                    used = budget
                task.advance(failed=key in missing)
    return Pictures(data, missing, len(wanted.loads) - len(data) - len(missing))


def thumbnail(image: NDArray[np.uint8], longest: int = LONGEST_SIDE) -> str:
    """Scale a picture down and pack it into a data URI.

    Args:
        image: uint8 (H, W, 3) RGB.
        longest: Its longer side becomes this many pixels; a smaller picture keeps its size.

    Returns:
        A WebP data URI; the same pixels give the same text.

    Raises:
        RowError: The picture cannot be packed.
    """
    import cv2

    height, width = image.shape[:2]
    scale = min(1.0, longest / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1.0 else image
    done, content = cv2.imencode(".webp", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    if not done:
        raise RowError(f"a thumbnail of shape {small.shape} cannot be encoded as WebP")
    return _PREFIX + base64.b64encode(content.tobytes()).decode()


def _made(batch: list[tuple[str, Load]], large: set[str], workers: int | None) -> Iterator[tuple[str, str]]:
    def make(item: tuple[str, Load]) -> tuple[str, str]:
        key, load = item
        try:
            return key, thumbnail(load(), LONGEST_LARGE_SIDE if key in large else LONGEST_SIDE)
        except UnreadableImageError as error:
            return key, f"the file cannot be read: {error}"
        except (RowError, CurateError) as error:  # without its files a report has words in place of pictures
            return key, str(error)

    return ordered_map(make, batch, workers)
