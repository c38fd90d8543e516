"""The family `domains` (DGQA): `domains fit`, `domains select`."""

import typer

from ..terminal.plugins import with_plugins
from .domains_fit import fit
from .domains_select import select

app = typer.Typer(
    name="domains",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Choose the distortion types that suit a target set (DGQA): `fit` a classifier, `select` with it.",
)
app.command()(with_plugins(fit))
app.command()(with_plugins(select))
