"""Stage `join`: several manifests into one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from ...errors import CurateError
from ...manifest.joining.root_names import with_distinct_roots
from ...manifest.joining.rows import JOINED_LABELS
from ...manifest.joining.rows import join as join_rows
from ...manifest.lost_metadata import LOST_METADATA, has_lost_metadata
from ...manifest.manifest import read_manifest, write_manifest
from ...manifest.pixel_facts import recorded_pixel_facts
from ...manifest.provenance import attach, digest_file, make_provenance, read_provenance
from ...manifest.recipes import distortion_name
from ...manifest.roots import rebase
from ...storage.atomic import refuse_overwriting, require_parquet_name
from .alignment import Alignment, aligned
from .settings import JOIN_LABELS, JoinLabels
from .sources import has_one_scale, label_sources

_SCALE = "label_scale"
_FEWEST = 2


def join(manifests: Sequence[Path | str], out: Path | str, *, labels: JoinLabels | None = None) -> dict[str, Any]:
    """Put several manifests into one, in the order given.

    A root that means another folder than in an earlier manifest gets the manifest's number, such as `images-2`.

    Args:
        manifests: The files, at least two.
        out: The manifest to write.
        labels: What becomes of labels of unlike sources or scales: `as-is` takes them as they are; `align` shifts each
            source and type of the later manifests to the mean that the type has in the first one (`aligned`). None
            refuses them.

    Returns:
        `rows, label_sources, out`; with `align`, `shifts`: manifest to label source to type to what was added to its
        labels, `rows_without_shift` and `rows_clipped`.

    Raises:
        CurateError: Unlike labels and no choice, an id that occurs twice, pixels that come about differently,
            manifests with nothing to align by, or a first manifest that is not on one scale itself.
    """
    files, out = [Path(path) for path in manifests], Path(out)
    if len(files) < _FEWEST:
        raise CurateError(f"give at least {_FEWEST} manifests to join; given: {len(files)}")
    if labels is not None and labels not in JOIN_LABELS:
        raise CurateError(f"labels {labels!r}; expected {', '.join(JOIN_LABELS)}, or None to refuse unlike ones")
    refuse_overwriting(out, *files)
    require_parquet_name(out)
    read = [rebase(read_manifest(path), path, out) for path in files]
    for path, table in zip(files, read, strict=True):
        if has_lost_metadata(table):
            raise CurateError(f"{path} cannot be joined: {LOST_METADATA}")
    tables = with_distinct_roots(read)
    sources = label_sources(tables)
    if labels is None:
        _refuse_unlike(files, tables)
    alignments: dict[str, Alignment] = {}
    if labels == "align":
        _refuse_unlike_first(files[0], tables[0])
        later = zip(files[1:], tables[1:], strict=True)
        alignments = {str(path): _aligned(table, tables[0], path) for path, table in later}
        tables = [tables[0], *(found.rows for found in alignments.values())]
    scales = [read_provenance(table).get(_SCALE) for table in tables]
    if labels is not None and any(scale != scales[0] for scale in scales):
        tables = [_without_scale(table) for table in tables]
    joined = join_rows(tables)
    before = read_provenance(joined)
    shifts = {
        name: {source: _by_name(by_type) for source, by_type in found.shifts.items()}
        for name, found in alignments.items()
    }
    provenance = make_provenance(
        "join",
        {"labels": labels},
        {str(number): digest_file(path) for number, path in enumerate(files, 1)},
        label_scale=before.get(_SCALE),
        roots=before.get("roots"),
        **{JOINED_LABELS: None if labels is None else {"labels": labels, "shifts": list(shifts.values())}},
        **recorded_pixel_facts(before),
    )
    write_manifest(attach(joined, provenance), out)
    summary: dict[str, Any] = {"rows": len(joined), "label_sources": sources}
    if labels == "align":
        summary |= {
            "shifts": shifts,
            "rows_without_shift": sum(found.rows_without_shift for found in alignments.values()),
            "rows_clipped": sum(found.rows_clipped for found in alignments.values()),
        }
    return {**summary, "out": str(out)}


def describe_join(summary: Mapping[str, Any]) -> str:
    """Format a summary as text: what was shifted, one line for each type.

    Args:
        summary: What `join` returns.
    """
    lines = [f"{summary['rows']:,} rows with labels of {', '.join(summary['label_sources']) or 'no source'}"]
    for name, by_source in summary.get("shifts", {}).items():
        for source, shifts in by_source.items():
            lines.append(f"{name}: labels of {source} shifted")
            lines += [f"  {kind:<26} {shift:+.3f}" for kind, shift in shifts.items()]
    if summary.get("rows_without_shift"):
        lines.append(f"{summary['rows_without_shift']:,} rows keep their labels: the first manifest has not their type")
    if summary.get("rows_clipped"):
        lines.append(f"{summary['rows_clipped']:,} labels were cut off at 0 or 10")
    return "\n".join([*lines, f"out: {summary['out']}"])


def _refuse_unlike(files: Sequence[Path], tables: Sequence[pa.Table]) -> None:
    by_file = [label_sources([table]) for table in tables]
    scales = [read_provenance(table).get(_SCALE) for table in tables]
    known = [scale for scale in scales if scale is not None]
    if len(label_sources(tables)) > 1:
        what = (
            "sources",
            [f"{path}: {' and '.join(found)}" for path, found in zip(files, by_file, strict=True) if found],
        )
    elif any(scale != known[0] for scale in known):
        what = "scales", [f"{path}: {scale}" for path, scale in zip(files, scales, strict=True) if scale is not None]
    else:
        return
    raise CurateError(
        f"the labels come from unlike {what[0]} ({'; '.join(what[1])}), and a model would learn the offset between "
        "them: --labels align shifts each type to the mean that it has in the first manifest, --labels as-is takes "
        "them as they are"
    )


def _refuse_unlike_first(path: Path, first: pa.Table) -> None:
    if not has_one_scale(first):
        raise CurateError(
            f"{path} has itself labels of unlike sources ({', '.join(label_sources([first]))}), so it gives no scale "
            "to align to: put a manifest with labels of one source first (those of the others are aligned source by "
            "source), or give --labels as-is"
        )


def _aligned(table: pa.Table, first: pa.Table, path: Path) -> Alignment:
    try:
        return aligned(table, first)
    except CurateError as error:
        raise CurateError(f"{path} cannot be aligned: {error}") from error


def _without_scale(table: pa.Table) -> pa.Table:
    return attach(table, {key: value for key, value in read_provenance(table).items() if key != _SCALE})


def _by_name(shifts: Mapping[int, float]) -> dict[str, float]:
    return {distortion_name(kind): shift for kind, shift in sorted(shifts.items())}
