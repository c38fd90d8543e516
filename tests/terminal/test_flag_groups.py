"""Groups of flags, on a command of three."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer
from syndr_curate.curate.terminal.flag_groups import with_flag_groups
from typer.testing import CliRunner


@dataclass(frozen=True)
class Size:
    width: Annotated[int, typer.Option("--width", help="In pixels.")]
    height: Annotated[int, typer.Option("--height", min=1, help="In pixels.")] = 5


@pytest.fixture
def app():
    app = typer.Typer()

    @app.command()
    @with_flag_groups
    def draw(
        file: Annotated[Path, typer.Argument(help="Where to.")],
        size: Size,
        loud: Annotated[bool, typer.Option("--loud")] = False,
    ) -> None:
        """Draw."""
        print(file, size, loud)

    return app


def test_the_command_gets_the_group_as_one_value(app):
    done = CliRunner().invoke(app, ["a.png", "--width", "3", "--loud"])
    assert done.output == "a.png Size(width=3, height=5) True\n"


def test_flags_take_the_place_of_their_group_and_keep_their_rules(app):
    help_text = CliRunner().invoke(app, ["--help"], env={"NO_COLOR": "1", "TERM": "dumb"}).output
    assert help_text.index("--width") < help_text.index("--height") < help_text.index("--loud")
    assert CliRunner().invoke(app, ["a.png", "--width", "3", "--height", "0"]).exit_code == 2
    assert CliRunner().invoke(app, ["a.png"]).exit_code == 2  # --width has no default


def test_a_flag_of_two_groups_is_refused():
    def draw(size: Size, width: int = 3) -> None:
        """Draw."""

    with pytest.raises(TypeError, match="draw has the flags width twice"):
        with_flag_groups(draw)
