"""The command `status`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..terminal import options as opt
from ..terminal.console import describe, print_result
from ..terminal.exit_codes import reporting_errors

if TYPE_CHECKING:
    pass


@reporting_errors
def status(
    folder: Annotated[Path, typer.Argument(help="Folder or file that a long run writes, or its run folder.")],
    json: opt.Json = False,
    quiet: opt.Quiet = False,  # noqa: ARG001
) -> None:
    """Show how far a long run is.

    Example: syndr-curate status distorted/
    """
    from ..checks.run_status import status_of

    found = status_of(folder)
    print_result(found, describe(found), as_json=json)
