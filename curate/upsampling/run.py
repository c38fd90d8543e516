"""The command `upsample`: from files and folders to a manifest and its pixels."""

import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..datasets.features import Features
from ..datasets.labels import Labels, LabelScale
from ..errors import CurateError
from ..labeling.knn import require_same_references
from ..manifest.manifest import ok_rows, read_manifest, write_manifest
from ..manifest.outcomes import Outcome, with_outcomes
from ..manifest.provenance import digest_table, make_provenance, read_provenance
from ..manifest.roots import Roots
from ..manifest.selection import count_statuses, write_selection
from ..rendering.estimates import ROWS_TIMED, SIZES_SAMPLED, estimate_bytes, estimate_seconds
from ..rendering.mdsi import METRIC
from ..runs.options import run_folder
from ..runs.plan import Plan
from ..runs.progress import SILENT, Reporter
from ..runs.run_folder import put_away
from ..runs.shards import carry_out
from ..runs.threads import cores
from ..storage.pixel_store import clean_leftovers
from .inputs import Inputs
from .proxy_labels import PROXY_SCALE, proxy_labels, proxy_rows
from .render_rows import RowsToRender, measured
from .request import UpsampleRequest, completed
from .rows import join_rows, label_new_rows, new_rows, original_rows, refuse_shared_ids
from .select import select


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
    """One run of `upsample`: the steps in order."""

    def __init__(self, request: UpsampleRequest, reporter: Reporter) -> None:
        self.request, self.settings, self.reporter = request, request.settings, reporter
        self.images_out = request.images_out or request.out.parent / "images"
        self.inputs = Inputs(request, self.images_out, reporter)
        self.archives = 0  # archives of pixels planned so far
        self.proxy_run = run_folder(request.out.with_name(f"{request.out.name}.references"))

    def carry_out(self) -> dict[str, Any]:
        request, settings = self.request, self.settings
        labels = self.inputs.labels()
        references, candidates = self.inputs.references(), self.inputs.candidates()
        if labels is not None:
            references = self.inputs.neighbours(references, labels)
        selection = select(
            references,
            candidates,
            count=settings.candidates,
            max_selected=settings.max_selected,
            seed=settings.seed,
            reporter=self.reporter,
        )
        places = self.inputs.places(labels)
        rows, chosen = new_rows(selection, candidates, settings, places)
        roots = self.inputs.roots(places, self.images_out)
        counts = count_statuses(selection)
        forecast = self._announce(rows, roots, len(chosen), counts)
        summary = {
            "references_selected": len(chosen),
            "candidates": counts,
            "candidates_unusable": self.inputs.unusable_candidates,
        }
        if request.dry_run:
            return {**summary, "rows_new": len(rows), **forecast, "dry_run": True, "out": str(request.out)}
        if request.selection is not None:
            write_selection(selection, request.selection)
            summary["selection"] = str(request.selection)

        proxies: pa.Table | None = None
        if labels is None:
            if self._is_complete(roots):
                self.reporter.note(f"{request.out} is complete; nothing to do")
                self._put_proxies_away()
                return {**summary, **self._counts(len(rows))}
            labels, proxies = self._proxy_labels(roots)
        splits = self.inputs.splits(labels)
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
        labels = self.inputs.labels()
        references = self.inputs.references()
        if labels is None:
            labels, _ = self._proxy_labels(self.inputs.roots(self.inputs.places(None), self.images_out))
        if request.reference_features is None:
            references = self.inputs.neighbours(references, labels)
            labels = labels.of_references(references.require_ids())
        require_same_references(references, labels)
        return labels, references

    def _is_complete(self, roots: Roots) -> bool:
        """Tell whether the result is there as this run would make it; asked where the labels would be made first."""
        out = self.request.out
        if not out.exists() or run_folder(out).exists() or self.request.run.mode.overwrite:
            return False
        table = read_manifest(out)
        if self.request.run.mode.retry_failed and len(ok_rows(table)) < len(table):
            return False
        found, wanted = read_provenance(table), self._provenance(PROXY_SCALE, roots)
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
        wanted = RowsToRender(
            rows,
            roots,
            self.images_out,
            layout,
            request.decoding,
            first_archive=self.archives,
            rows_per_shard=request.run.rows_per_shard,
            measure=measure,
        )
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
        self._put_proxies_away()

    def _put_proxies_away(self) -> None:
        if self.proxy_run.exists():
            put_away(self.proxy_run)

    def _announce(self, rows: pa.Table, roots: Roots, references: int, counts: dict[str, int]) -> dict[str, int]:
        dropped = ", ".join(f"{number} {status}" for status, number in counts.items() if status != "kept")
        self.reporter.note(f"{references} new references selected ({dropped or 'none dropped'}): {len(rows)} new rows")
        if self.request.recipe_only:
            return {}
        image_format = self.settings.image_format
        rendered = rows
        if self.request.labels is None:
            rendered = pa.concat_tables([rows, proxy_rows(self.inputs.reference_source, self.settings)])
        size = estimate_bytes(_spread(rendered, SIZES_SAMPLED), len(rendered), roots, image_format)
        about = "an unknown amount of" if size is None else f"about {size / 1e6:,.0f} MB of"
        self.reporter.note(f"rendering {len(rendered)} images, {about} {image_format}, to {self.images_out}")
        forecast = {} if size is None else {"megabytes_estimated": round(size / 1e6)}
        if self.request.dry_run:
            decoding, workers = self.request.decoding, self.request.workers or cores()
            seconds = estimate_seconds(_spread(rendered, ROWS_TIMED), len(rendered), roots, decoding, image_format)
            forecast |= {} if seconds is None else {"seconds_estimated": round(seconds / workers)}
        return forecast

    def _proxy_labels(self, roots: Roots) -> tuple[Labels, pa.Table]:
        wanted = self._to_render(proxy_rows(self.inputs.reference_source, self.settings), roots, measure=True)
        final = self.request.out.with_name(f"{self.request.out.name}.references")
        outcomes = measured(wanted, self.proxy_run, final, self.request.run, self.reporter)
        try:
            return proxy_labels(wanted.table, outcomes)
        except CurateError as error:
            raise CurateError(f"{self.request.references}: {error}") from error

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

    def _provenance(self, scale: LabelScale, roots: Roots) -> dict[str, Any]:
        request = self.request
        config = {**self.settings.as_json(), "recipe_only": request.recipe_only, "ids": request.ids}
        config |= {"layout": request.layout, "max_pixels": request.decoding.max_pixels}
        if request.proxy_labels:
            config["proxy_metric"] = METRIC
        return make_provenance(
            "upsample",
            config,
            self.inputs.digests,
            label_scale=scale.as_json(),
            roots=roots.as_json(request.out),
            encoder=self.inputs.encoders or None,
            pixels="recipe" if request.recipe_only else "stored",
            exif_orient=request.decoding.exif_orient or None,
        )


def _spread(rows: pa.Table, count: int) -> pa.Table:
    return rows.take(list(range(0, len(rows), max(1, len(rows) // count))))
