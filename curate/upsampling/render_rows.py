"""The pixels of `upsample`: rows that are in memory, rendered as a run that can be resumed."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..manifest.outcomes import Outcome, outcomes_of
from ..manifest.provenance import digest_table
from ..manifest.roots import Roots
from ..rendering.distort import shard_length
from ..rendering.distort_rows import placed, size_of
from ..rendering.render_shard import CheckWork, RenderWork
from ..runs.executors import InProcess
from ..runs.options import LongRun
from ..runs.parts import count_not_ok, parts
from ..runs.plan import Request, RunPlan
from ..runs.progress import Reporter
from ..runs.shards import carry_out
from ..storage.formats import Layout
from ..storage.images import DecodeOptions
from .request import UpsampleRequest

MEASURING = "label references"  # what the progress bar and the run folder call it


@dataclass(frozen=True)
class RowsToRender:
    """Rows with recipes, and how their pixels are made and kept.

    Attributes:
        table: The rows.
        roots: Folders of the references and of the pixels.
        folder: The folder of the pixels' root.
        layout: How pixels are stored; None stores none, and looks at the references only.
        decoding: How references are read.
        first_archive: Number of the first archive, where other rows have archives in the same folder.
        rows_per_shard: None chooses.
        measure: Whether each image's MDSI score is computed.
    """

    table: pa.Table
    roots: Roots
    folder: Path
    layout: Layout | None
    decoding: DecodeOptions
    first_archive: int = 0
    rows_per_shard: int | None = None
    measure: bool = False

    @property
    def shard_rows(self) -> int:
        """Rows of a shard."""
        return self.rows_per_shard or shard_length(len(self.table), self.layout)

    @property
    def shards(self) -> int:
        """The number of shards."""
        return -(-len(self.table) // self.shard_rows)

    @property
    def work(self) -> RenderWork | CheckWork:
        """What turns a shard of the rows into its part."""
        if self.layout is None and not self.measure:
            return CheckWork(self.roots, self.decoding.max_pixels)
        return RenderWork(
            self.roots,
            self.decoding,
            self.folder,
            layout=self.layout or "files",
            first_archive=self.first_archive,
            write=self.layout is not None,  # without pixels, rows are rendered to be measured
            measure=self.measure,
        )

    def request(
        self, stage: str, final: Path, folder: Path, identity: Mapping[str, Any], facts: Mapping[str, Any]
    ) -> Request:
        """Describe their rendering as a run.

        Args:
            stage: What the progress bar calls it.
            final: What the run ends in.
            folder: The run folder.
            identity: What decides the result, besides the rows.
            facts: What else its provenance says.
        """
        pairs = zip(self.table["reference_root"].to_pylist(), self.table["reference_path"].to_pylist(), strict=True)
        listing = [
            (root, path, size_of(self.roots.resolve(root, path)) if self.roots.has_folder(root) else -1)
            for root, path in dict.fromkeys(pairs)
        ]
        return Request(
            stage=stage,
            folder=folder,
            final=final,
            identity=identity,
            facts=facts,
            rows=lambda: iter([self.table]),
            rows_per_shard=self.shard_rows,
            listing=listing,
            path_columns=("reference_path",),
            work=self.work,
        )


def rows_to_render(
    table: pa.Table,
    roots: Roots,
    request: UpsampleRequest,
    *,
    layout: Layout | None,
    measure: bool = False,
    first_archive: int = 0,
) -> RowsToRender:
    """Say how rows of `upsample` are rendered, and give them the image paths that the layout has for them.

    Args:
        table: Rows with recipes.
        roots: Folders of the references and of the pixels.
        request: What the user said.
        layout: How pixels are stored; None stores none.
        measure: Compare each image with its reference.
        first_archive: Number of the first archive, where other rows have archives in the same folder.
    """
    rows = RowsToRender(
        table=table,
        roots=roots,
        folder=request.images_folder,
        layout=layout,
        decoding=request.decoding,
        measure=measure,
        first_archive=first_archive,
        rows_per_shard=request.run.rows_per_shard,
    )
    tables = placed(iter([table]), layout or "files", rows.shard_rows, first=first_archive)
    return replace(rows, table=pa.concat_tables(list(tables)))


def measured(rows: RowsToRender, folder: Path, final: Path, run: LongRun, reporter: Reporter) -> list[Outcome]:
    """Render rows and measure each against its reference; the run folder stays for the next step.

    Returns:
        One outcome per row, in order.
    """
    identity = {"stage": MEASURING, "inputs": {"rows": digest_table(rows.table)}}
    request = rows.request(MEASURING, final, folder, identity, {})
    plan = carry_out(
        request, _leave, run.mode, executor=run.executor_for(len(rows.table)), reporter=reporter, keep=True
    )
    return _in_order(rows, list(parts(plan)))


def measured_in_memory(rows: RowsToRender, run: LongRun, reporter: Reporter) -> list[Outcome]:
    """Render rows and measure each against its reference; nothing is written.

    Args:
        rows: Rows without a layout.
        run: Who does the work.
        reporter: Shows progress.

    Returns:
        One outcome per row, in order.
    """
    executor = run.executor_for(len(rows.table)) or InProcess()
    measure = functools.partial(_measured_shard, rows.work, rows.table, rows.shard_rows)
    found = []
    with reporter.task(MEASURING, len(rows.table)) as task:
        for _, part in executor.run(measure, range(rows.shards)):
            task.advance(len(part), failed=count_not_ok(part))
            found.append(part)
    return _in_order(rows, found)


def _measured_shard(work: RenderWork | CheckWork, table: pa.Table, shard_rows: int, shard: int) -> pa.Table:
    return work(table.slice(shard * shard_rows, shard_rows), shard, None)


def _in_order(rows: RowsToRender, found: list[pa.Table]) -> list[Outcome]:
    outcomes = outcomes_of(pa.concat_tables(found))
    return [outcomes[sample_id] for sample_id in rows.table["sample_id"].to_pylist()]


def _leave(plan: RunPlan, tables: object) -> None:
    """Join nothing: the parts are read as they are."""
