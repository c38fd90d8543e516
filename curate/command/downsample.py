"""The command `downsample`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..downsampling.settings import DownsampleSettings, Scope
from ..errors import CurateError
from ..runs.executors import ExecutorName
from ..terminal import options as opt
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import StrictResultFlags


@dataclass(frozen=True)
class DownsampleFlags(DownsampleSettings):
    """The settings of DRCDown, as flags."""

    similarity: Annotated[
        float, typer.Option("--similarity", help="Two rows are linked if their cosine is above this")
    ] = DownsampleSettings.similarity
    label_gap: Annotated[float, typer.Option("--label-gap", help="... and their labels differ by less than this.")] = (
        DownsampleSettings.label_gap
    )
    keep_min: Annotated[int, typer.Option("--keep-min", help="Clusters up to this size are kept whole.")] = (
        DownsampleSettings.keep_min
    )
    keep_fraction: Annotated[float, typer.Option("--keep-fraction", help="Share of rows kept in larger clusters.")] = (
        DownsampleSettings.keep_fraction
    )
    scope: Annotated[Scope, typer.Option("--scope", help="Thin all rows, or only those with human labels (mos).")] = (
        DownsampleSettings.scope
    )
    seed: opt.Seed = DownsampleSettings.seed
    device: Annotated[
        Literal["cpu", "cuda"], typer.Option("--device", help="Where cosines are computed; cuda needs torch and a GPU.")
    ] = "cpu"


@reporting_errors
@with_flag_groups
def downsample(
    *,
    features: Annotated[
        Path, typer.Option("--features", help="Features of the manifest's ok rows.", show_default=False)
    ],
    manifest: Annotated[Path, typer.Option("--manifest", help="Training manifest.")] = opt.DEFAULT_MANIFEST,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Epoch's manifest.", show_default="<features stem>.parquet beside the manifest"),
    ] = None,
    settings: DownsampleFlags,
    epoch: Annotated[
        int | None,
        typer.Option("--epoch", min=0, help="Number of the epoch.", show_default="from epoch<N> in the file's name"),
    ] = None,
    dropped: Annotated[Path | None, typer.Option("--dropped", help="Also write the rows left out.")] = None,
    executor: Annotated[
        ExecutorName | None,
        typer.Option(
            "--executor",
            help="Search for clusters in processes on this machine or on a Ray cluster; the result is the same.",
            show_default="threads of this process",
        ),
    ] = None,
    ray_address: opt.RayAddress = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="With --executor: number of processes.", show_default="one per core"),
    ] = None,
    result: StrictResultFlags,
) -> None:
    """Thin redundant clusters for one epoch (DRCDown, Algorithm 3).

    Example: syndr-curate downsample --features epoch3.npy
    """
    from ..downsampling.downsample_files import run_downsample
    from ..runs.executors import make_executor

    if executor is None and (workers is not None or ray_address is not None):
        given = "--workers" if workers is not None else "--ray-address"
        raise CurateError(f"{given} needs --executor local or ray; without one, threads on every core do the work")
    summary = run_downsample(
        features,
        manifest,
        out=out,
        dropped=dropped,
        epoch=epoch,
        settings=settings,
        executor=None if executor is None else make_executor(executor, workers=workers, ray_address=ray_address),
        reporter=result.reporter,
    )
    result.finish(summary)
