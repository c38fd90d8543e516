"""The command `downsample`: from a feature file and a manifest file to the epoch's manifest."""

import re
import time
from pathlib import Path
from typing import Any

from ..manifest.manifest import write_manifest
from ..manifest.roots import rebase
from ..runs.executors import Executor
from ..runs.progress import SILENT, Reporter
from ..storage.atomic import refuse_overwriting, require_parquet_name
from .downsample import downsample_epoch
from .settings import DownsampleSettings, check_epoch

_EPOCH = re.compile(r"epoch[-_]?([0-9]+)", re.IGNORECASE)


def epoch_of(name: str) -> int | None:
    """Read the epoch from a file name; None if it has none.

    >>> epoch_of("epoch3.npy"), epoch_of("run-7_epoch_12.npz"), epoch_of("features.npy")
    (3, 12, None)
    """
    match = _EPOCH.search(name)
    return int(match[1]) if match else None


def run_downsample(
    features: Path,
    manifest: Path,
    *,
    out: Path | None = None,
    dropped: Path | None = None,
    epoch: int | None = None,
    settings: DownsampleSettings | None = None,
    executor: Executor | None = None,
    reporter: Reporter = SILENT,
) -> dict[str, Any]:
    """Filter a manifest file and write the epoch's manifest.

    Args:
        features: The feature file.
        manifest: The training manifest.
        out: The epoch's manifest; by default `<features stem>.parquet` beside the training manifest.
        dropped: Also write the rows left out.
        epoch: By default taken from `epoch<number>` in the features' name, otherwise 0, and said so.
        settings: As for `downsample_epoch`.
        executor: Who looks for clusters; by default threads of this process. It never changes a byte.
        reporter: Shows progress.

    Returns:
        The summary, with `epoch`, `seconds` and `out`.

    Raises:
        CurateError: As `downsample`; nothing is written then.
    """
    out = out or manifest.parent / f"{features.stem}.parquet"
    refuse_overwriting(out, manifest, features)
    require_parquet_name(out)
    if dropped is not None:
        refuse_overwriting(dropped, manifest, features, out)
        require_parquet_name(dropped, "--dropped")
    started = time.perf_counter()
    named = epoch if epoch is not None else epoch_of(features.name)
    number = 0 if named is None else check_epoch(named)
    result = downsample_epoch(features, manifest, epoch=number, settings=settings, executor=executor, reporter=reporter)
    if named is None:
        reporter.note(f"{features.name} does not say its epoch: took 0; every epoch needs its own (--epoch N)")
    write_manifest(rebase(result.kept, manifest, out), out, training=True)
    if dropped is not None:
        write_manifest(rebase(result.dropped, manifest, dropped), dropped)
    return {**result.summary, "epoch": number, "seconds": round(time.perf_counter() - started, 3), "out": str(out)}
