"""The pixels of `upsample`: rows that are in memory, rendered as a run that can be resumed."""

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
from ..runs.options import LongRun
from ..runs.parts import parts
from ..runs.plan import Plan, Request
from ..runs.progress import Reporter
from ..runs.shards import carry_out
from ..storage.images import DecodeOptions
from ..storage.pixel_store import Layout


@dataclass(frozen=True)
class RowsToRender:
    """Rows with recipes, and how their pixels are made and kept.

    Attributes:
        table: The rows.
        roots: Where references lie and pixels go.
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

    def placed(self) -> "RowsToRender":
        """Give the rows the image paths that the layout has for them."""
        tables = placed(iter([self.table]), self.layout or "files", self.shard_rows, first=self.first_archive)
        return replace(self, table=pa.concat_tables(list(tables)))

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
        rendered = RenderWork(
            self.roots,
            self.decoding,
            self.folder,
            layout=self.layout or "files",
            first_archive=self.first_archive,
            write=self.layout is not None,
            measure=self.measure,
        )
        # Without pixels, rows are rendered only to be measured.
        only_checked = self.layout is None and not self.measure
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
            work=CheckWork(self.roots, self.decoding.max_pixels) if only_checked else rendered,
        )


def measured(rows: RowsToRender, folder: Path, final: Path, run: LongRun, reporter: Reporter) -> list[Outcome]:
    """Render rows and measure each against its reference; the run folder stays for whoever takes the result further.

    Returns:
        One outcome per row, in order.
    """
    identity = {"stage": "label references", "inputs": {"rows": digest_table(rows.table)}}
    request = rows.request("label references", final, folder, identity, {})
    plan = carry_out(
        request, _leave, run.mode, executor=run.executor_for(len(rows.table)), reporter=reporter, keep=True
    )
    found = outcomes_of(pa.concat_tables(list(parts(plan))))
    return [found[sample_id] for sample_id in rows.table["sample_id"].to_pylist()]


def _leave(plan: Plan, tables: object) -> None:
    """Join nothing: the parts are read as they are."""
