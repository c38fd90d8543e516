"""The family `domains` (DGQA): `domains fit`, `domains select`."""

import typer

from .domains_fit import fit
from .domains_select import select

app = typer.Typer(
    name="domains",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Choose the distortion types that suit a target set (DGQA): `fit` a classifier, `select` with it.",
)
app.command()(fit)
app.command()(select)
