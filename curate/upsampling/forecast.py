"""An estimate of time and disk for rendering the rows of `upsample`, before it begins."""

import pyarrow as pa

from ..manifest.roots import Roots
from ..rendering.estimates import ROWS_TIMED, SIZES_SAMPLED, estimate_bytes, estimate_seconds
from ..runs.progress import Reporter
from ..runs.threads import cores
from .request import UpsampleRequest


def forecast_rendering(request: UpsampleRequest, rows: pa.Table, roots: Roots, reporter: Reporter) -> dict[str, int]:
    """Say how many images will be rendered, and estimate their size and, for a dry run, the time.

    Args:
        request: What to do.
        rows: All rows whose pixels will be rendered.
        roots: Folders of their references.
        reporter: Told the number and the size.

    Returns:
        `megabytes_estimated` and, for a dry run, `seconds_estimated`, as far as they can be estimated.
    """
    image_format = request.settings.image_format
    size = estimate_bytes(_spread(rows, SIZES_SAMPLED), len(rows), roots, image_format)
    about = "an unknown amount of" if size is None else f"about {size / 1e6:,.0f} MB of"
    reporter.note(f"rendering {len(rows)} images, {about} {image_format}, to {request.images_folder}")
    forecast = {} if size is None else {"megabytes_estimated": round(size / 1e6)}
    if request.dry_run:
        seconds = estimate_seconds(_spread(rows, ROWS_TIMED), len(rows), roots, request.decoding, image_format)
        forecast |= {} if seconds is None else {"seconds_estimated": round(seconds / (request.workers or cores()))}
    return forecast


def _spread(rows: pa.Table, count: int) -> pa.Table:
    return rows.take(list(range(0, len(rows), max(1, len(rows) // count))))
