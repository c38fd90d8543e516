"""What `label` and `upsample` share when asked how good their labels are."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import CurateError
from .console import print_result

if TYPE_CHECKING:
    from ..labeling.validate_label_file import Validated

CrossValidate = Annotated[
    bool,
    typer.Option(
        "--cross-validate",
        help="Write no manifest: leave out one labelled reference at a time, and say how far off labels are.",
    ),
]
Compare = Annotated[bool, typer.Option("--compare", help="Cross-validate every labeller, side by side.")]
Plot = Annotated[
    Path | None, typer.Option("--plot", help="Cross-validate, and draw it: a PNG file.", show_default=False)
]


def check_plot(plot: Path | None, *inputs: Path | None) -> None:
    """Refuse a picture that is no PNG or would replace an input, before anything is computed.

    Raises:
        CurateError: Says which.
    """
    from ..storage.atomic import refuse_overwriting

    if plot is None:
        return
    if plot.suffix.lower() != ".png":
        raise CurateError(f"--plot {plot}: the picture is a PNG; give a name that ends in .png")
    refuse_overwriting(plot, *inputs)


def show_validation(found: "Validated", plot: Path | None, *, as_json: bool) -> None:
    """Print a cross-validation, and draw it if asked to."""
    if plot is not None:
        from ..labeling.plot import write_label_picture

        write_label_picture(plot, found.chosen, found.others)
    print_result(found.as_json(), found.as_text(), as_json=as_json)
