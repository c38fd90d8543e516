"""The work of a shard of recipe rows: their pixels, into a store; and the row of each, whatever became of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...distortions import stretch_uint8
from ..errors import CurateError, RowError
from ..manifest.outcomes import DEVIATION, Outcome, outcomes_of, with_outcomes
from ..manifest.roots import Roots
from ..storage.formats import IMAGE_FORMATS, ImageFormat, Layout
from ..storage.images import DecodeOptions, UnreadableImageError, encode_image, image_problem
from ..storage.pixel_store import PixelSink, open_sink, stored_pixels
from .mdsi import MeasuredReference
from .render import Recipe, recipes_of, render_recipe, with_seed


@dataclass(frozen=True)
class RenderWork:
    """Renders rows one after another; parallel work is the executor's. At most one row's images are in memory.

    Attributes:
        roots: Where references lie.
        decoding: How references are read, and which weights type 15 is rendered with.
        folder: Where pixels go: the folder of the rows' image root.
        layout: How they are stored there.
        first_archive: Number of the archive of shard 0, where other rows have archives in the same folder.
        write: Whether pixels are stored.
        measure: Whether each image's MDSI score is computed.
    """

    roots: Roots
    decoding: DecodeOptions
    folder: Path
    layout: Layout = "files"
    first_archive: int = 0
    write: bool = True
    measure: bool = False

    def __call__(self, rows: pa.Table, shard: int, known: pa.Table | None = None) -> pa.Table:
        """Render a shard.

        Args:
            rows: Manifest rows. Those without a seed stay as they are; the others have a recipe. Rows with one
                reference share its decoding; in an archive, whose images lie in the order of the rows, neighbors do.
            shard: Its number, which names an archive.
            known: What an earlier attempt made of these rows: those with status `ok` keep their pixels as stored.

        Returns:
            The same rows; `status` and `error` say which could not be made, and why. An unreadable reference makes all
            its rows `unreadable`; a row whose distortion cannot be applied is `failed`. With `measure`, a further
            column has the MDSI scores.

        Raises:
            CurateError: Rows without a recipe, or pixels cannot be written.
        """
        settled = {} if known is None else outcomes_of(known)
        current = _Reference(self.roots, self.decoding, measure=self.measure)
        recipes = _recipes_by_id(rows)
        found: dict[str, Outcome] = {}
        # An archive without images would stop those who read it.
        with self._sink(rows, shard) if recipes else nullcontext() as sink:
            is_ordered = sink is not None and sink.ordered
            for row in rows.to_pylist() if is_ordered else _by_reference(rows.to_pylist()):
                recipe = recipes.get(row["sample_id"])
                if recipe is None:
                    found[row["sample_id"]] = Outcome(row["status"], row["error"])
                    continue
                outcome = settled.get(recipe.sample_id)
                if outcome is None or outcome.status != "ok":
                    outcome = self._make(row, recipe, current, sink)
                elif sink is not None and is_ordered:
                    sink.put(row, self._stored(recipe))
                found[row["sample_id"]] = outcome
        outcomes = [found[name] for name in rows["sample_id"].to_pylist()]
        part = with_outcomes(rows, outcomes)
        if self.measure:
            part = part.append_column(DEVIATION, pa.array([outcome.deviation for outcome in outcomes], pa.float64()))
        return part

    @contextmanager
    def _sink(self, rows: pa.Table, shard: int) -> Iterator[PixelSink | None]:
        if not self.write:
            yield None
            return
        with open_sink(self.layout, self.folder, self.first_archive + shard, schema=rows.schema) as sink:
            yield sink

    def _make(self, row: Mapping[str, Any], recipe: Recipe, current: "_Reference", sink: PixelSink | None) -> Outcome:
        try:
            reference, measured = current.load(recipe)
        except UnreadableImageError as error:
            return Outcome(error.status, f"reference {recipe.reference_path}: {error}")
        try:
            image = render_recipe(reference, recipe, denoiser=self.decoding.denoiser)
            content = None if sink is None else encode_image(image, format_of(recipe.image_path))
        except RowError as error:
            return Outcome(error.status, str(error))
        if sink is not None and content is not None:
            sink.put(row, content)
        return Outcome("ok", None, None if measured is None else measured.mdsi(image))

    def _stored(self, recipe: Recipe) -> bytes:
        found = stored_pixels(self.folder / recipe.image_path)
        if found is None:
            raise CurateError(
                f"{self.folder / recipe.image_path} is gone, which an earlier attempt made: --overwrite starts anew"
            )
        problem = image_problem(found, max_pixels=self.decoding.max_pixels)
        if problem is not None:
            raise CurateError(
                f"{self.folder / recipe.image_path}, which an earlier attempt made, is no longer its image: {problem}; "
                "--overwrite starts anew"
            )
        return found if isinstance(found, bytes) else found.read_bytes()


@dataclass(frozen=True)
class CheckWork:
    """Looks at recipe rows and, by their headers, at the references; for manifests without pixels.

    Attributes:
        roots: Where references lie; those of a root without a folder are not looked at.
        max_pixels: References with more pixels are refused.
    """

    roots: Roots
    max_pixels: int

    def __call__(self, rows: pa.Table, shard: int = 0, known: pa.Table | None = None) -> pa.Table:  # noqa: ARG002
        """Return the rows; `status` and `error` say which could not be made, and why.

        Rows without a seed stay as they are.
        """
        found: dict[tuple[str, str], str | None] = {}
        recipes = _recipes_by_id(rows)
        outcomes = []
        for row in rows.select(["sample_id", "status", "error"]).to_pylist():
            recipe = recipes.get(row["sample_id"])
            if recipe is None:
                outcomes.append(Outcome(row["status"], row["error"]))
                continue
            place = (recipe.reference_root, recipe.reference_path)
            if place not in found:
                is_known = self.roots.has_folder(recipe.reference_root)
                found[place] = (
                    image_problem(self.roots.resolve(*place), max_pixels=self.max_pixels) if is_known else None
                )
            outcomes.append(_checked(recipe, found[place]))
        return with_outcomes(rows, outcomes)


def _by_reference(records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Give rows reference by reference, in the order in which each comes first."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in records:
        groups.setdefault((record["reference_root"], record["reference_path"]), []).append(record)
    for group in groups.values():
        yield from group


def _recipes_by_id(rows: pa.Table) -> dict[str, Recipe]:
    return {recipe.sample_id: recipe for recipe in recipes_of(with_seed(rows))}


def format_of(path: str) -> ImageFormat:
    """Return the format that an image path's suffix names.

    Raises:
        CurateError: It is none of the lossless ones.
    """
    suffix = path.rpartition(".")[2].lower()
    for image_format in IMAGE_FORMATS:
        if suffix == image_format:
            return image_format
    raise CurateError(f"{path}: images are written as {', '.join(IMAGE_FORMATS)}")


def _checked(recipe: Recipe, problem: str | None) -> Outcome:
    return Outcome("ok") if problem is None else Outcome("unreadable", f"reference {recipe.reference_path}: {problem}")


class _Reference:
    """The reference that was decoded last, or why it could not be."""

    def __init__(self, roots: Roots, decoding: DecodeOptions, *, measure: bool) -> None:
        self._roots, self._decoding, self._measure = roots, decoding, measure
        self._place: tuple[str, str] | None = None
        self._problem: UnreadableImageError | None = None
        self._pixels: tuple[NDArray[np.uint8], MeasuredReference | None] | None = None

    def load(self, recipe: Recipe) -> tuple[NDArray[np.uint8], MeasuredReference | None]:
        """Return the reference's pixels, and what a viewer of the pristine image sees, prepared to be measured."""
        place = (recipe.reference_root, recipe.reference_path)
        if place != self._place:
            self._place, self._pixels, self._problem = place, None, None
            try:
                self._pixels = self._decode(place)
            except UnreadableImageError as error:
                self._problem = error
        if self._pixels is None:
            raise self._problem or UnreadableImageError("not decoded")
        return self._pixels

    def _decode(self, place: tuple[str, str]) -> tuple[NDArray[np.uint8], MeasuredReference | None]:
        pixels = self._decoding.decode(self._roots.resolve(*place))
        return pixels, MeasuredReference(stretch_uint8(pixels)) if self._measure else None
