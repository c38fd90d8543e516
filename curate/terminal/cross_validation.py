"""What `label` and `upsample` share to cross-validate their labels."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .flags import AnyResult

if TYPE_CHECKING:
    from ..labeling.validate_label_file import Validated


@dataclass(frozen=True)
class ValidationFlags:
    """Whether labels are only to be cross-validated."""

    cross_validate: Annotated[
        bool,
        typer.Option(
            "--cross-validate",
            help="Write no manifest; predict each labeled reference from the others and print the errors.",
        ),
    ] = False
    compare: Annotated[bool, typer.Option("--compare", help="Cross-validate all labelers and compare them.")] = False
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", help="Cross-validate, and draw the result as a PNG file (extra `plot`).", show_default=False
        ),
    ] = None

    @property
    def asked(self) -> bool:
        """Whether any of the three flags was given."""
        return self.cross_validate or self.compare or self.plot is not None

    def check_plot(self, *inputs: Path | None) -> None:
        """Refuse a figure that cannot be drawn, is no PNG or would replace an input, before anything is computed.

        Raises:
            CurateError: Says which.
        """
        from ..storage.figures import check_figure

        if self.plot is not None:
            check_figure(self.plot, "--plot", *inputs)

    def show(self, found: "Validated", result: AnyResult) -> None:
        """Print a cross-validation, and draw it if asked to."""
        if self.plot is not None:
            from ..labeling.plot import write_label_figure

            write_label_figure(self.plot, found.chosen, found.others)
        result.print(found.as_json(), found.as_text())
