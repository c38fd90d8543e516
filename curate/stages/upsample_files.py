"""The command `upsample`: from files and folders to a manifest and its pixels."""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ...distortions.catalog import LEVELS, PRISTINE
from ..data.features import Features, load_features
from ..data.labels import LabelColumns, LabelFile, Labels, LabelScale
from ..data.manifest import ok_rows, read_manifest, write_manifest
from ..data.names import list_ids
from ..data.provenance import digest_file, digest_table, make_provenance, read_provenance
from ..data.roots import CANDIDATES, REFERENCES, RENDERED, Roots
from ..data.schema import LABEL_MAXIMUM
from ..data.selection import count_statuses
from ..data.sources import KADID_IMAGES, ImageSource, open_source
from ..data.splits import read_splits
from ..data.stores import clean_leftovers
from ..engine.encode_work import EncoderSpec
from ..engine.outcomes import Outcome, with_outcomes
from ..engine.plan import Plan
from ..engine.progress import SILENT, Reporter
from ..engine.proxy import METRIC, proxy_quality
from ..engine.recipes import Plan as Recipes
from ..engine.recipes import Reference, recipe_rows
from ..engine.run_files import put_away
from ..engine.seeds import uniform_draw
from ..engine.shards import carry_out
from ..engine.workers import cores
from ..errors import CurateError
from .distort import refuse_inside
from .encode import encode, encode_request, features_of, join_features, pictures_of_source
from .estimates import ROWS_TIMED, SIZES_SAMPLED, estimate_bytes, estimate_seconds
from .label import require_same_references
from .long_run import run_folder
from .select import CANDIDATE_DRAW, select
from .upsample import Places, join_rows, label_new_rows, new_rows, original_rows, refuse_shared_ids
from .upsample_render import RowsToRender, measured
from .upsample_request import KADID, RESERVED_ROOTS, UpsampleRequest, completed

_SHOWN = 5
PROXY_SCALE = LabelScale(0.0, LABEL_MAXIMUM)


def run_upsample(request: UpsampleRequest, reporter: Reporter = SILENT) -> dict[str, Any]:
    """Carry out `upsample` and write its manifest.

    Args:
        request: What to do.
        reporter: Shows progress.

    Returns:
        `references_selected, rows_original, rows_new, rows_total, out` and further figures.

    Raises:
        CurateError: Inputs that are missing or do not fit each other; nothing has been written then but, after the
            check, feature files and pixels.
    """
    return _Run(completed(request), reporter).carry_out()


def read_labelled_set(request: UpsampleRequest, reporter: Reporter = SILENT) -> tuple[Labels, Features]:
    """Read the labelled set that `upsample` would learn from; what has to be encoded or measured leaves no file behind.

    Args:
        request: What to do; candidates are not looked at.
        reporter: Shows progress.

    Returns:
        The labels, and the features of exactly their references.

    Raises:
        CurateError: Inputs that are missing or do not fit each other.
    """
    with tempfile.TemporaryDirectory(prefix="syndr-curate-") as scratch:
        alone = replace(
            request,
            out=Path(scratch) / "labelled.parquet",
            images_out=None,
            candidates_root=None,
            candidate_features=None,
            recipe_only=True,
            dry_run=True,
        )
        return _Run(completed(alone, candidates=False), reporter).labelled_set()


class _Run:
    """One run of `upsample`: what has been read so far, and the steps in order."""

    def __init__(self, request: UpsampleRequest, reporter: Reporter) -> None:
        self.request, self.settings, self.reporter = request, request.settings, reporter
        self.images_out = request.images_out or request.out.parent / "images"
        self.reference_source = self._open_references()
        self.candidate_source = self._open_candidates()
        self.unusable_candidates = 0
        for source in (self.reference_source, self.candidate_source):
            if source is not None:
                refuse_inside(self.images_out, source.folder)
        self.inputs: dict[str, str] = {}
        self.encoders: dict[str, Any] = {}
        self.archives = 0  # archives of pixels planned so far
        self.proxy_run = run_folder(request.out.with_name(f"{request.out.name}.references"))

    def carry_out(self) -> dict[str, Any]:
        request, settings = self.request, self.settings
        labels = None if request.labels is None else self._read_labels(request.labels)
        references = self._features("reference", request.reference_features, self.reference_source)
        candidates = self._features("candidate", request.candidate_features, self.candidate_source)
        if labels is not None and request.reference_features is not None:
            require_same_references(references, labels)
        elif labels is not None:
            references = self._labelled_and_readable(references, labels)
        selection = select(
            references,
            candidates,
            count=settings.candidates,
            max_selected=settings.max_selected,
            seed=settings.seed,
            reporter=self.reporter,
        )
        places = self._places(labels)
        rows, chosen = new_rows(selection, candidates, settings, places)
        roots = self._roots(places)
        counts = count_statuses(selection)
        forecast = self._announce(rows, roots, len(chosen), counts)
        summary = {
            "references_selected": len(chosen),
            "candidates": counts,
            "candidates_unusable": self.unusable_candidates,
        }
        if request.dry_run:
            return {**summary, "rows_new": len(rows), **forecast, "dry_run": True, "out": str(request.out)}

        proxies: pa.Table | None = None
        if labels is None:
            if self._is_complete(roots):
                self.reporter.note(f"{request.out} is complete; nothing to do")
                return {**summary, **self._counts(len(rows))}
            labels, proxies = self._proxy_labels(roots)
        splits = self._splits(labels)
        refuse_shared_ids(labels.reference_ids, chosen)
        planned = len(rows)
        rows = label_new_rows(rows, chosen, references, candidates, labels, settings)
        originals = original_rows(labels, settings.types, places, splits, with_pristine=settings.with_pristine)
        if proxies is None:
            originals = self._without_missing(originals, roots)
        else:
            originals = pa.concat_tables([originals, proxies])
        self._render_and_join(self._to_render(rows, roots), originals, self._provenance(labels.scale, roots))
        return {**summary, **self._counts(planned)}

    def labelled_set(self) -> tuple[Labels, Features]:
        request = self.request
        labels = None if request.labels is None else self._read_labels(request.labels)
        references = self._features("reference", request.reference_features, self.reference_source)
        if labels is None:
            labels, _ = self._proxy_labels(self._roots(self._places(None)))
        if request.reference_features is None:
            references = self._labelled_and_readable(references, labels)
            labels = labels.of_references(references.require_ids())
        require_same_references(references, labels)
        return labels, references

    def _is_complete(self, roots: Roots) -> bool:
        """Tell whether the result is there as this run would make it; asked where the labels would be made first."""
        out = self.request.out
        if not out.exists() or run_folder(out).exists() or self.request.run.mode.overwrite:
            return False
        found, wanted = read_provenance(read_manifest(out)), self._provenance(PROXY_SCALE, roots)
        found["inputs"].pop("rows", None)
        return found == wanted

    def _counts(self, planned: int) -> dict[str, Any]:
        table = read_manifest(self.request.out)
        new = pc.sum(pc.equal(table["label_source"].cast(pa.string()), "pseudo")).as_py() or 0
        return {
            "rows_original": len(table) - new,
            "rows_new": new,
            "rows_too_uncertain": planned - new,
            "rows_total": len(table),
            "rows_not_ok": len(table) - len(ok_rows(table)),
            "out": str(self.request.out),
        }

    def _to_render(self, rows: pa.Table, roots: Roots, *, measure: bool = False) -> RowsToRender:
        request = self.request
        layout = None if request.recipe_only else request.layout
        options = replace(request.render, measure=measure)
        wanted = RowsToRender(rows, roots, self.images_out, layout, options, self.archives, request.run.rows_per_shard)
        self.archives += wanted.shards
        return wanted.placed()

    def _render_and_join(self, rows: RowsToRender, originals: pa.Table, provenance: dict[str, Any]) -> None:
        """Render the new rows, and write the training manifest when all of them are done."""
        out, only_new = self.request.out, self.settings.only_new
        facts = {key: provenance.pop(key) for key in ("roots", "pixels")}
        # The rows' own digest: labels and missing files are not to be seen in the settings.
        rows_digest = digest_table(pa.concat_tables([originals, rows.table]))
        provenance["inputs"] = {**provenance["inputs"], "rows": rows_digest}

        def join(plan: Plan, tables: Iterable[pa.Table]) -> None:
            new = pa.concat_tables(list(tables))
            write_manifest(join_rows(originals, new, plan.provenance(), only_new=only_new), out, training=True)
            clean_leftovers(self.images_out)

        request = rows.request("render new rows", out, run_folder(out), provenance, facts)
        run = self.request.run
        mode = replace(run.mode, replace_finished=True, replace_unfinished=run.mode.retry_failed)
        carry_out(request, join, mode, executor=run.executor_for(len(rows.table)), reporter=self.reporter)
        if self.proxy_run.exists():
            put_away(self.proxy_run)

    def _open_candidates(self) -> ImageSource | None:
        request, count = self.request, self.settings.candidates
        if request.candidates_root is None:
            return None
        source = open_source(request.candidates_root, ids=request.ids)
        if count is None or request.candidate_features is not None:
            return source
        # The draw that `select` would make, made before the encoder has to look at the whole pool.
        drawn = uniform_draw([entry.id for entry in source.entries], count, self.settings.seed, CANDIDATE_DRAW)
        return replace(source, entries=tuple(entry for entry in source.entries if entry.id in drawn))

    def _open_references(self) -> ImageSource | None:
        request = self.request
        folder = request.references
        if folder is None and request.dataset == KADID and request.reference_features is None:
            folder = request.root
        if folder is None:
            if request.reference_features is None:
                raise CurateError("give the references: --reference-features FILE, or --references DIR to encode them")
            return None
        # A label file names its references by their file names, wherever they lie.
        return open_source(folder, ids=request.ids if request.labels is None else "stem")

    def _read_labels(self, file: LabelFile) -> Labels:
        labels = file.read()
        self.inputs["labels"] = digest_file(file.path)
        return labels

    def _features(self, role: str, file: Path | None, source: ImageSource | None) -> Features:
        if file is not None:
            features = load_features(file)
            features.require_ids()
            self.inputs[f"{role}_features"] = digest_file(file)
            return features
        if source is None:
            raise CurateError(f"give --{role}-features FILE, or the folder of the {role}s to encode them")
        choice = self.request.encoder
        table = self._encoded(role, source, EncoderSpec(choice.name, choice.weights, choice.device))
        self.inputs[f"{role}_images"] = source.digest()
        self.encoders[role] = read_provenance(table)["encoder"]
        failed = table.filter(pc.not_equal(table["status"], "ok"))
        if role == "candidate":
            self.unusable_candidates = len(failed)
        for path, error in list(zip(failed["image_path"].to_pylist(), failed["error"].to_pylist(), strict=True))[
            :_SHOWN
        ]:
            self.reporter.note(f"unusable {role} ({len(failed)} in all): {path}: {error}")
        return features_of(table, str(source.folder))

    def _encoded(self, role: str, source: ImageSource, spec: EncoderSpec) -> pa.Table:
        request, batch_size = self.request, self.request.encoder.batch_size
        if request.dry_run:
            return encode(source, spec.build(), batch_size=batch_size, options=request.render, reporter=self.reporter)
        target = request.out.with_name(f"{request.out.stem}.{role}-features.parquet")
        wanted = encode_request(pictures_of_source(source, request.render), spec, batch_size, target)
        carry_out(
            wanted,
            join_features,
            replace(request.run.mode, replace_finished=True),
            executor=request.run.executor_for_encoding(),
            reporter=self.reporter,
        )
        self.reporter.note(f"{role} features are in {target}: --{role}-features {target} uses them again")
        return pq.read_table(target, partitioning=None)

    def _labelled_and_readable(self, references: Features, labels: Labels) -> Features:
        """Leave references out as neighbours that were encoded here but have no label, and say which could not be."""
        ids, labelled = references.require_ids(), set(labels.reference_ids)
        unread = [identifier for identifier in labels.references() if identifier not in set(ids)]
        if unread:
            self.reporter.note(f"{len(unread)} labelled references cannot serve as neighbours: {list_ids(unread)}")
        rows = [row for row, identifier in enumerate(ids) if identifier in labelled]
        if len(rows) < len(ids):
            self.reporter.note(
                f"{len(ids) - len(rows)} images of the references' folder have no label and are left out"
            )
        if not rows:
            raise CurateError(f"no image of {references.source} is a reference that the label file names")
        names = references.names or ids
        kept = tuple(ids[row] for row in rows)
        return replace(references, matrix=references.matrix[rows], ids=kept, names=tuple(names[row] for row in rows))

    def _places(self, labels: Labels | None) -> Places:
        request = self.request
        paths = None if self.candidate_source is None else {e.id: e.path for e in self.candidate_source.entries}
        candidates = CANDIDATES if self.candidate_source is None else self.candidate_source.name
        if labels is None:
            name = self.reference_source.name if self.reference_source else REFERENCES
            return Places(name, RENDERED, "", REFERENCES, None, candidates, paths)
        kadid_columns = request.labels is not None and request.labels.columns == LabelColumns()
        fallback = KADID if kadid_columns or request.labels is None else request.labels.path.stem
        dataset = request.dataset or fallback
        if dataset in RESERVED_ROOTS:
            dataset = f"{dataset}-labelled"
        prefix = f"{KADID_IMAGES}/" if dataset == KADID else ""
        if request.references is None or self.reference_source is None:
            return Places(dataset, dataset, prefix, dataset, None, candidates, paths)
        reference_paths = {entry.id: entry.path for entry in self.reference_source.entries}
        return Places(dataset, dataset, prefix, REFERENCES, reference_paths, candidates, paths)

    def _roots(self, places: Places) -> Roots:
        folders: dict[str, Path | None] = {
            places.image_root: self.request.root,
            places.reference_root: self.request.root,
        }
        if places.reference_root == REFERENCES and self.reference_source is not None:
            folders[REFERENCES] = self.reference_source.folder
        folders[CANDIDATES] = None if self.candidate_source is None else self.candidate_source.folder
        folders[RENDERED] = self.images_out
        return Roots(folders)

    def _proxy_rows(self) -> pa.Table:
        """Lay out the rows of the references that we distort and label ourselves: every level, as in a labelled set."""
        source, settings = self.reference_source, self.settings
        if source is None:
            raise CurateError("--proxy-labels needs the pristine images: --references DIR")
        types = ((PRISTINE,) if settings.with_pristine else ()) + settings.types
        recipes = Recipes(types, LEVELS, settings.seed, REFERENCES, RENDERED, f".{settings.image_format}", source.name)
        return recipe_rows([Reference(entry.id, entry.path) for entry in source.entries], recipes)

    def _announce(self, rows: pa.Table, roots: Roots, references: int, counts: dict[str, int]) -> dict[str, int]:
        dropped = ", ".join(f"{number} {status}" for status, number in counts.items() if status != "kept")
        self.reporter.note(f"{references} new references selected ({dropped or 'none dropped'}): {len(rows)} new rows")
        if self.request.recipe_only:
            return {}
        image_format = self.settings.image_format
        rendered = pa.concat_tables([rows, self._proxy_rows()]) if self.request.labels is None else rows
        size = estimate_bytes(_spread(rendered, SIZES_SAMPLED), len(rendered), roots, image_format)
        about = "an unknown amount of" if size is None else f"about {size / 1e6:,.0f} MB of"
        self.reporter.note(f"rendering {len(rendered)} images, {about} {image_format}, to {self.images_out}")
        forecast = {} if size is None else {"megabytes_estimated": round(size / 1e6)}
        if self.request.dry_run:
            render = self.request.render
            seconds = estimate_seconds(_spread(rendered, ROWS_TIMED), len(rendered), roots, render, image_format)
            forecast |= {} if seconds is None else {"seconds_estimated": round(seconds / (render.workers or cores()))}
        return forecast

    def _proxy_labels(self, roots: Roots) -> tuple[Labels, pa.Table]:
        run = self.request.run
        wanted = self._to_render(self._proxy_rows(), roots, measure=True)
        rows, out = wanted.table, self.request.out
        outcomes = measured(wanted, self.proxy_run, out.with_name(f"{out.name}.references"), run, self.reporter)
        done = np.array([outcome.status == "ok" for outcome in outcomes])
        quality = [proxy_quality(o.deviation) for o in outcomes if o.status == "ok" and o.deviation is not None]
        if not done.any():
            raise CurateError(f"{self.request.references}: none of the references could be rendered")
        labelled = _labels_of(rows.filter(pa.array(done)), quality)
        return labelled, with_outcomes(rows, outcomes).filter(pa.array(~done))

    def _without_missing(self, originals: pa.Table, roots: Roots) -> pa.Table:
        """Note which labelled images are not where `root` says; without a root nobody can tell."""
        if self.request.root is None:
            return originals
        places = zip(originals["image_root"].to_pylist(), originals["image_path"].to_pylist(), strict=True)
        outcomes = [
            Outcome("ok") if roots.resolve(root, path).is_file() else Outcome("unreadable", "No such file")
            for root, path in places
        ]
        missing = sum(outcome.status != "ok" for outcome in outcomes)
        if missing == len(outcomes):
            example = originals["image_path"][0].as_py()
            raise CurateError(f"none of the {missing} labelled images is under {self.request.root}, e.g. {example}")
        if missing:
            self.reporter.note(f"{missing} labelled images are not under {self.request.root}: their rows say so")
        return with_outcomes(originals, outcomes)

    def _splits(self, labels: Labels) -> dict[str, str]:
        if self.request.split_file is None:
            return {}
        self.inputs["splits"] = digest_file(self.request.split_file)
        return read_splits(self.request.split_file, dict(zip(labels.sample_ids, labels.reference_ids, strict=True)))

    def _provenance(self, scale: LabelScale, roots: Roots) -> dict[str, Any]:
        request = self.request
        config = {**self.settings.as_json(), "recipe_only": request.recipe_only, "ids": request.ids}
        config |= {"layout": request.layout, "max_pixels": request.render.max_pixels}
        if request.proxy_labels:
            config["proxy_metric"] = METRIC
        return make_provenance(
            "upsample",
            config,
            self.inputs,
            label_scale=scale.as_json(),
            roots=roots.as_json(request.out),
            encoder=self.encoders or None,
            pixels="recipe" if request.recipe_only else "stored",
            exif_orient=request.render.exif_orient or None,
        )


def _spread(rows: pa.Table, count: int) -> pa.Table:
    return rows.take(list(range(0, len(rows), max(1, len(rows) // count))))


def _labels_of(rows: pa.Table, quality: Sequence[float] | np.ndarray[Any, np.dtype[np.float64]]) -> Labels:
    return Labels(
        sample_ids=tuple(rows["sample_id"].to_pylist()),
        image_names=tuple(rows["image_path"].to_pylist()),
        reference_ids=tuple(rows["reference_id"].to_pylist()),
        reference_names=tuple(rows["reference_path"].to_pylist()),
        distortion_ids=rows["distortion_id"].to_numpy(),
        levels=rows["level"].to_numpy(),
        quality=np.asarray(quality, dtype=np.float64),
        standard_errors=np.full(len(rows), np.nan),
        scale=PROXY_SCALE,
        source="proxy",
        seeds=rows["seed"].to_numpy(),
    )
