"""The command `merge`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..terminal import options as opt
from ..terminal.console import make_reporter
from ..terminal.exit_codes import finish, reporting_errors

if TYPE_CHECKING:
    pass


@reporting_errors
def merge(
    folder: Annotated[Path, typer.Argument(help="Folder or file that a long run writes, or its run folder.")],
    strict: opt.Strict = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Join the parts of a run that was done in shares (--shard).

    Example: syndr-curate merge distorted/
    """
    from ..checks.run_status import run_merge

    finish(run_merge(folder, make_reporter(quiet=quiet)), as_json=json, strict=strict)
