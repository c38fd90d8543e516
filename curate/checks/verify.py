"""Stage `verify`: is a manifest what it says, and are its files there?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...distortions import DistortionError
from ..errors import CurateError, RowError
from ..manifest.manifest import ok_rows, read_manifest
from ..manifest.provenance import RENDERING_LIBRARIES, library_versions, read_provenance
from ..manifest.recipes import distortion_name
from ..manifest.roots import Roots
from ..manifest.seeds import uniform_draw
from ..rendering.mix_recipes import MixRow, mixes_by_id, render_mix
from ..rendering.render import RECIPE_COLUMNS, Recipe, render
from ..runs.progress import SILENT, Reporter
from ..runs.threads import ordered_map
from ..storage.images import MAX_PIXELS, DecodeOptions, decode_image, image_problem
from ..storage.pixel_store import absence, stored_pixels

SAMPLE = 100
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
        not_checked: Root name to the number of rows whose files nobody said where to find.
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
        """Return the verdict for people."""
        lines = [f"{self.rows:,} rows, {self.files_decoded:,} files decoded, {self.recipe_rows:,} recipe rows"]
        lines.append(f"{self.rendered_again:,} rows rendered again")
        for root, count in self.not_checked.items():
            lines.append(
                f"not checked: {count:,} files of root {root!r}, whose folder is not known (--root {root}=DIR)"
            )
        lines += [f"warning: {warning}" for warning in self.warnings]
        lines += [f"problem: {problem}" for problem in self.problems]
        lines.append("something is wrong" if self.problems else "nothing is wrong")
        return "\n".join(lines)


def verify(
    manifest: Path | str,
    *,
    sample: int = SAMPLE,
    roots: Mapping[str, Path] | None = None,
    seed: int = 123,
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
        The verdict. A file that is not a manifest at all is a problem in it, not an exception.

    Raises:
        CurateError: `roots` names a root that the manifest does not have.
    """
    manifest = Path(manifest)
    try:
        table = read_manifest(manifest)
        Roots.of_manifest(table, manifest)
    except CurateError as error:
        return Verdict(rows=0, problems=[str(error)])
    places = Roots.of_manifest(table, manifest, roots)
    verdict = Verdict(rows=len(table))
    _check_columns(table, verdict)
    usable = ok_rows(table)
    provenance = read_provenance(table)
    pixels_expected = provenance.get("pixels") != "recipe"
    recipes = _check_files(
        usable, places, verdict, pixels_expected=pixels_expected, limit=max_pixels, workers=workers, reporter=reporter
    )
    mixes = mixes_by_id(usable)
    chosen = _draw_sample(recipes, mixes, places, sample, seed, verdict)
    decoding = DecodeOptions(exif_orient=bool(provenance.get("exif_orient")), max_pixels=max_pixels)
    _render_sample(chosen, mixes, places, verdict, decoding, workers, reporter)
    _compare_versions(provenance, verdict)
    if len(verdict.problems) > _PROBLEMS_SHOWN:
        more = len(verdict.problems) - _PROBLEMS_SHOWN
        verdict.problems = [*verdict.problems[:_PROBLEMS_SHOWN], f"... and {more} more problems"]
    return verdict


def _check_columns(table: pa.Table, verdict: Verdict) -> None:
    names = zip(table["distortion_id"].to_pylist(), table["distortion"].to_pylist(), strict=True)
    for distortion_id, name in sorted({pair for pair in names if pair[0] is not None}, key=str):
        try:
            expected = distortion_name(distortion_id)
        except DistortionError as error:
            verdict.problems.append(str(error))
            continue
        if name != expected:
            verdict.problems.append(f"distortion_id {distortion_id} is called {name!r}; the catalog says {expected!r}")
    failed = len(table) - len(ok_rows(table))
    if failed:
        verdict.warnings.append(f"{failed} rows have a status other than ok")
    sources = {"mos", "pseudo", "proxy"}
    unlabelled = pc.sum(pc.and_(pc.is_null(table["label"]), pc.equal(table["status"], "ok"))).as_py() or 0
    stage = read_provenance(table).get("stage")
    if unlabelled and stage in ("upsample", "downsample", "label"):
        verdict.problems.append(f"{unlabelled} ok rows have no label, which a manifest from {stage} must have")
    unsourced = pc.sum(pc.and_(pc.is_valid(table["label"]), pc.is_null(table["label_source"]))).as_py() or 0
    if unsourced:
        verdict.problems.append(f"{unsourced} labels do not say their source ({', '.join(sorted(sources))})")


def _check_files(
    usable: pa.Table,
    roots: Roots,
    verdict: Verdict,
    *,
    pixels_expected: bool,
    limit: int,
    workers: int | None,
    reporter: Reporter,
) -> list[Recipe]:
    recipes = [Recipe(**row) for row in usable.select(list(RECIPE_COLUMNS)).to_pylist()]
    known = []
    for recipe in recipes:
        if roots.has_folder(recipe.image_root):
            known.append(recipe)
        else:
            verdict.not_checked[recipe.image_root] = verdict.not_checked.get(recipe.image_root, 0) + 1

    def look(recipe: Recipe) -> tuple[Recipe, str, str | None]:
        try:
            path = roots.resolve(recipe.image_root, recipe.image_path)
            stored = stored_pixels(path)
            if stored is None and recipe.seed is not None and not pixels_expected:
                return recipe, *_look_at_reference(recipe, roots, limit)
            if stored is None:
                raise absence(path)
            decode_image(stored, max_pixels=limit)
        except RowError as error:
            return recipe, "bad", f"{recipe.sample_id}: {recipe.image_path}: {error}"
        return recipe, "decoded", None

    rendered = []
    with reporter.task("decode", len(known)) as task:
        for recipe, state, problem in ordered_map(look, known, workers):
            task.advance(failed=state == "bad")
            verdict.files_decoded += state == "decoded"
            verdict.recipe_rows += state == "recipe"
            if problem is not None:
                verdict.problems.append(problem)
            if state != "bad" and recipe.seed is not None:
                rendered.append(recipe)
    return rendered


def _look_at_reference(recipe: Recipe, roots: Roots, limit: int) -> tuple[str, str | None]:
    if not roots.has_folder(recipe.reference_root):
        return "recipe", None
    path = roots.resolve(recipe.reference_root, recipe.reference_path or "")
    problem = image_problem(path, max_pixels=limit)
    return ("recipe", None) if problem is None else ("bad", f"{recipe.sample_id}: reference {path.name}: {problem}")


def _draw_sample(
    recipes: list[Recipe], mixes: Mapping[str, MixRow], roots: Roots, sample: int, seed: int, verdict: Verdict
) -> list[Recipe]:
    def has_references(recipe: Recipe) -> bool:
        mix = mixes.get(recipe.sample_id)
        sources = (recipe,) if mix is None else (mix.a, mix.b)
        return all(roots.has_folder(source.reference_root) for source in sources)

    drawn = uniform_draw([recipe.sample_id for recipe in recipes], sample, seed, "verify")
    chosen = [recipe for recipe in recipes if recipe.sample_id in drawn and has_references(recipe)]
    skipped = len(drawn) - len(chosen)
    if skipped:
        verdict.warnings.append(f"{skipped} sampled rows were not rendered again: their references' root has no folder")
    return chosen


def _render_sample(
    chosen: list[Recipe],
    mixes: Mapping[str, MixRow],
    roots: Roots,
    verdict: Verdict,
    decoding: DecodeOptions,
    workers: int | None,
    reporter: Reporter,
) -> None:
    limit = decoding.max_pixels

    def render_again(recipe: Recipe) -> NDArray[np.uint8]:
        if recipe.sample_id in mixes:
            return render_mix(mixes[recipe.sample_id], roots, decoding)
        path = roots.resolve(recipe.reference_root, recipe.reference_path)
        reference = decoding.decode(path)
        return render(reference, recipe.distortion_id, recipe.level, recipe.seed)

    def compare(recipe: Recipe) -> str | None:
        try:
            again = render_again(recipe)
        except RowError as error:
            return f"{recipe.sample_id}: cannot be rendered again: {error}"
        try:
            stored = stored_pixels(roots.resolve(recipe.image_root, recipe.image_path))
            same = stored is None or np.array_equal(decode_image(stored, max_pixels=limit), again)
        except RowError as error:
            return f"{recipe.sample_id}: {recipe.image_path}: {error}"
        return None if same else f"{recipe.sample_id}: the stored pixels differ from a fresh rendering"

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
