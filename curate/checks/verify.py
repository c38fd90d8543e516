"""Stage `verify`: whether a manifest is consistent and its files exist."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...distortions.errors import AbsentTypeError, DistortionError
from ..errors import CurateError, RowError
from ..manifest.lost_metadata import no_metadata_warning
from ..manifest.manifest import ok_rows, read_manifest
from ..manifest.pixel_facts import decoding_of
from ..manifest.provenance import RENDERING_LIBRARIES, library_versions, read_provenance
from ..manifest.recipes import distortion_name
from ..manifest.relocate import has_roots_alone
from ..manifest.renderers.user_types import absent_user_types
from ..manifest.roots import Roots
from ..manifest.schema import LABEL_SOURCES
from ..manifest.seeds import uniform_draw
from ..printable import printable_lines
from ..rendering.mix_recipes import MixRow, PixelRow, pixel_rows
from ..rendering.pixel_loader import NOTHING_TO_RENDER_FROM, PixelLoader
from ..rendering.render import Recipe
from ..runs.progress import SILENT, Reporter, Silent
from ..runs.threads import ordered_map
from ..storage.images import DecodeOptions, image_problem
from ..storage.limits import MAX_PIXELS
from ..storage.pixel_store import absence
from ..whole_numbers import whole_number
from .identities import identity_problems, seed_warnings, split_warnings
from .metadata import metadata_problems, metadata_warnings
from .settings import VerifySettings

_PROBLEMS_SHOWN = 20


@dataclass
class Verdict:
    """What `verify` found.

    Attributes:
        rows: Rows in the manifest.
        files_decoded: Images that were found and decoded.
        recipe_rows: Rows without pixels that their recipe can make.
        rendered_again: Sampled rows that were rendered again, and compared with their stored pixels where there are
            any.
        not_checked: Root name to the number of rows whose files, or whose sources, are in a folder that is not known.
        problems: What is wrong, one line each.
        warnings: What a user should know though nothing is wrong.
    """

    rows: int
    files_decoded: int = 0
    recipe_rows: int = 0
    rendered_again: int = 0
    not_checked: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as JSON values; `ok` is whether nothing is wrong."""
        return {"ok": not self.problems, **vars(self)}

    def as_text(self) -> str:
        """Return the verdict as text."""
        lines = [f"{self.rows:,} rows, {self.files_decoded:,} files decoded, {self.recipe_rows:,} recipe rows"]
        lines.append(f"{self.rendered_again:,} rows rendered again")
        for root, count in self.not_checked.items():
            lines.append(
                f"not checked: {count:,} rows that need root {root!r}, whose folder is not known (--root {root}=DIR)"
            )
        lines += [f"warning: {warning}" for warning in self.warnings]
        lines += [f"problem: {problem}" for problem in self.problems]
        limit = " with what was checked" if self.not_checked else ""
        lines.append("something is wrong" if self.problems else f"nothing is wrong{limit}")
        return printable_lines(lines)


def verify(
    manifest: Path | str,
    *,
    sample: int = VerifySettings.sample,
    roots: Mapping[str, Path] | None = None,
    seed: int = VerifySettings.seed,
    max_pixels: int = MAX_PIXELS,
    workers: int | None = None,
    reporter: Reporter = SILENT,
) -> Verdict:
    """Check a manifest: schema, ids, labels, files present and decodable, a sample rendered again and compared.

    Pixels are read from wherever the manifest says: files, tars or Parquet files.

    Args:
        manifest: The file.
        sample: How many rows with stored pixels and a recipe are rendered again.
        roots: Folders of roots that have moved.
        seed: Seed of the sample.
        max_pixels: An image or reference with more pixels is a problem, found before it is decoded.
        workers: Threads; None uses every core.
        reporter: Shows progress.

    Returns:
        The verdict. A file that is not a manifest at all is a problem in it, not an exception; that not a single row
        could be checked is a problem too.

    Raises:
        CurateError: `roots` names a root that the manifest does not have.
    """
    manifest = Path(manifest)
    sample, seed = whole_number("sample", sample, least=0), whole_number("seed", seed)
    try:
        with no_metadata_warning():
            table = read_manifest(manifest)
            Roots.of_manifest(table, manifest)
            provenance = read_provenance(table)
            decoding = decoding_of(provenance, DecodeOptions(max_pixels=max_pixels), str(manifest))
    except CurateError as error:
        return Verdict(rows=0, problems=[str(error)])
    pixels = PixelLoader(Roots.of_manifest(table, manifest, roots), decoding=decoding)
    verdict = Verdict(rows=len(table), problems=metadata_problems(table) + identity_problems(table))
    verdict.warnings += metadata_warnings(table) + seed_warnings(table) + split_warnings(table)
    _check_columns(table, verdict)
    # Without metadata it is unknown whether pixels were stored; a missing file is then treated as a recipe.
    unknown = pixels.roots.metadata_lost or has_roots_alone(provenance)
    pixels_expected = not unknown and provenance.get("pixels") != "recipe"
    rows = list(pixel_rows(ok_rows(table)))
    makeable = _check_files(rows, pixels, verdict, pixels_expected=pixels_expected, workers=workers, reporter=reporter)
    if not pixels.roots.metadata_lost:  # that is a problem by itself, with its own cure
        _refuse_nothing_checked(table, verdict)
    absent = set(absent_user_types(table))
    makeable = [row for row in makeable if absent.isdisjoint(row.type_ids)]
    chosen = _draw_sample(makeable, pixels, 0 if pixels.roots.metadata_lost else sample, seed, verdict)
    _make_sample_again(chosen, pixels, verdict, workers, reporter)
    noted = _Notes()
    pixels.note_images(rows, workers=workers, reporter=noted)
    verdict.warnings += noted.messages
    _compare_versions(provenance, verdict)
    if len(verdict.problems) > _PROBLEMS_SHOWN:
        more = len(verdict.problems) - _PROBLEMS_SHOWN
        verdict.problems = [*verdict.problems[:_PROBLEMS_SHOWN], f"... and {more} more problems"]
    return verdict


class _Notes(Silent):
    """Keeps the notes for the verdict."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def note(self, message: str) -> None:
        """Keep a note."""
        self.messages.append(message)


def _check_columns(table: pa.Table, verdict: Verdict) -> None:
    names = zip(table["distortion_id"].to_pylist(), table["distortion"].to_pylist(), strict=True)
    for distortion_id, name in sorted({pair for pair in names if pair[0] is not None}, key=str):
        try:
            expected = distortion_name(distortion_id)
        except AbsentTypeError:
            continue  # the metadata says which plug-in it is
        except DistortionError as error:
            verdict.problems.append(str(error))
            continue
        if name != expected:
            verdict.problems.append(f"distortion_id {distortion_id} is called {name!r}; the catalog says {expected!r}")
    failed = len(table) - len(ok_rows(table))
    if failed:
        verdict.warnings.append(f"{failed} rows have a status other than ok")
    unlabeled = pc.sum(pc.and_(pc.is_null(table["label"]), pc.equal(table["status"], "ok"))).as_py() or 0
    stage = read_provenance(table).get("stage")
    if unlabeled and stage in ("upsample", "downsample", "label"):
        verdict.problems.append(f"{unlabeled} ok rows have no label, which a manifest from {stage} must have")
    unsourced = pc.sum(pc.and_(pc.is_valid(table["label"]), pc.is_null(table["label_source"]))).as_py() or 0
    if unsourced:
        verdict.problems.append(f"{unsourced} labels do not say their source ({', '.join(LABEL_SOURCES)})")


def _check_files(
    rows: Sequence[PixelRow],
    pixels: PixelLoader,
    verdict: Verdict,
    *,
    pixels_expected: bool,
    workers: int | None,
    reporter: Reporter,
) -> list[PixelRow]:
    known = []
    for row in rows:
        has_recipe = not pixels_expected and row.seed is not None
        if pixels.roots.has_folder(row.image_root) or has_recipe or not row.image_root:
            known.append(row)
        else:
            _count_not_checked(row.image_root, verdict)

    def look(row: PixelRow) -> tuple[PixelRow, str, str | None]:
        try:
            if not row.image_root and (pixels_expected or row.seed is None):
                raise RowError("the row names no image_root")
            if pixels.load_stored(row) is not None:
                return row, "decoded", None
            if pixels_expected:
                raise absence(pixels.roots.resolve(row.image_root, row.image_path))
            problem = _problem_of_inputs(row, pixels)
            unknown = pixels.unreachable(row)
            if problem is None and unknown is not None:
                return row, "not checked", unknown[0]
        except RowError as error:
            return row, "bad", f"{row.sample_id}: {row.image_path}: {error}"
        return (row, "recipe", None) if problem is None else (row, "bad", f"{row.sample_id}: {problem}")

    makeable = []
    with reporter.task("decode", len(known)) as task:
        for row, state, said in ordered_map(look, known, workers):
            task.advance(failed=state == "bad")
            if state == "not checked":
                _count_not_checked(str(said), verdict)
                continue
            verdict.files_decoded += state == "decoded"
            verdict.recipe_rows += state == "recipe"
            if said is not None:
                verdict.problems.append(said)
            if state != "bad" and row.seed is not None:
                makeable.append(row)
    return makeable


def _count_not_checked(root: str, verdict: Verdict) -> None:
    verdict.not_checked[root] = verdict.not_checked.get(root, 0) + 1


def _refuse_nothing_checked(table: pa.Table, verdict: Verdict) -> None:
    usable = len(ok_rows(table))
    if sum(verdict.not_checked.values()) < usable:
        return
    if not len(table):
        verdict.problems.append("nothing was checked: the manifest has no rows")
    elif not usable:
        verdict.problems.append(f"nothing was checked: none of the {len(table)} rows has status ok")
    else:
        flags = " ".join(f"--root {root}=DIR" for root in verdict.not_checked)
        verdict.problems.append(f"nothing was checked: the folder of the files is not known; give {flags}")


def _problem_of_inputs(row: PixelRow, pixels: PixelLoader) -> str | None:
    """Return what is wrong with the files that a row is made from, by their headers; unknown roots are skipped."""
    if isinstance(row, MixRow):
        for source in (row.a, row.b):
            problem = None if pixels.unreachable(source) else _problem_of_source(source, pixels)
            if problem is not None:
                return f"source {source.sample_id}: {problem}"
        return None
    if row.reference_root is None or not row.is_complete:
        return NOTHING_TO_RENDER_FROM
    if not pixels.roots.has_folder(row.reference_root):
        return None
    path = pixels.roots.resolve(row.reference_root, row.reference_path)
    problem = image_problem(path, max_pixels=pixels.decoding.max_pixels)
    return None if problem is None else f"reference {path.name}: {problem}"


def _problem_of_source(source: Recipe, pixels: PixelLoader) -> str | None:
    try:
        return None if pixels.find(source) is not None else _problem_of_inputs(source, pixels)
    except RowError as error:
        return str(error)


def _draw_sample(
    rows: Sequence[PixelRow], pixels: PixelLoader, sample: int, seed: int, verdict: Verdict
) -> list[PixelRow]:
    def can_be_made(row: PixelRow) -> bool:
        if isinstance(row, MixRow):
            return all(pixels.unreachable(source) is None for source in (row.a, row.b))
        return pixels.roots.has_folder(row.reference_root)

    drawn = uniform_draw([row.sample_id for row in rows], sample, seed, "verify")
    chosen = [row for row in rows if row.sample_id in drawn and can_be_made(row)]
    skipped = len(drawn) - len(chosen)
    if skipped:
        verdict.warnings.append(f"{skipped} sampled rows were not rendered again: their references' root has no folder")
    return chosen


def _make_sample_again(
    chosen: Sequence[PixelRow], pixels: PixelLoader, verdict: Verdict, workers: int | None, reporter: Reporter
) -> None:
    def compare(row: PixelRow) -> str | None:
        try:
            again = pixels.make(row)
        except RowError as error:
            return f"{row.sample_id}: cannot be rendered again: {error}"
        try:
            stored = pixels.load_stored(row)
        except RowError as error:
            return f"{row.sample_id}: {row.image_path}: {error}"
        same = stored is None or np.array_equal(stored, again)
        return None if same else f"{row.sample_id}: the stored pixels differ from a fresh rendering"

    with reporter.task("render again", len(chosen)) as task:
        for problem in ordered_map(compare, chosen, workers):
            task.advance(failed=problem is not None)
            verdict.rendered_again += 1
            if problem is not None:
                verdict.problems.append(problem)


def _compare_versions(provenance: Mapping[str, Any], verdict: Verdict) -> None:
    recorded, here = provenance.get("versions", {}), library_versions(RENDERING_LIBRARIES)
    for name in RENDERING_LIBRARIES:
        if name in recorded and recorded[name] != here.get(name):
            verdict.warnings.append(
                f"made with {name} {recorded[name]}, here is {here.get(name, 'none')}: a fresh rendering may differ"
            )
