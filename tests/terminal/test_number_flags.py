"""Numbers of flags: what only Python or TOML takes for one is refused."""

from typing import Annotated

import pytest
import typer
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.terminal.flag_groups import with_flag_groups
from syndr_curate.curate.terminal.number_flags import NumberReader
from syndr_curate.curate.terminal.options import parse_count, parse_range
from typer.testing import CliRunner


@pytest.fixture
def app():
    app = typer.Typer()

    @app.command()
    @with_flag_groups
    def thin(
        seed: Annotated[int, typer.Option("--seed")] = 123,
        workers: Annotated[int | None, typer.Option("--workers", min=1, max=8)] = None,
        margin: Annotated[float, typer.Option("--margin")] = 0.05,
    ) -> None:
        """Thin."""
        print(repr((seed, workers, margin)))

    return app


@pytest.mark.parametrize(
    ("flags", "read"),
    [
        ([], (123, None, 0.05)),
        (["--seed", "34", "--workers", "2", "--margin", "1e-2"], (34, 2, 0.01)),
        (["--seed", "-1", "--workers", "8", "--margin", "3"], (-1, 8, 3.0)),
    ],
)
def test_numbers_are_read(app, flags, read):
    assert CliRunner().invoke(app, flags).output == f"{read!r}\n"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--seed", "3_4"], "'3_4' is not a whole number such as 34"),
        (["--seed", "٣"], "'٣' is not a whole number"),
        (["--seed", "1.0"], "'1.0' is not a whole number"),
        (["--margin", "1_0"], "'1_0' is not a finite number such as 0.5"),
        (["--margin", "nan"], "'nan' is not a finite number"),
        (["--margin", "inf"], "'inf' is not a finite number"),
        (["--workers", "0"], "'0' is below 1"),
        (["--workers", "9"], "'9' is above 8"),
        (["--seed", "99999999999999999999"], "is too large"),
    ],
)
def test_anything_else_is_refused_by_the_flags_name(app, flags, message):
    done = CliRunner().invoke(app, flags)
    assert done.exit_code == 2
    assert message in done.output
    assert flags[0] in done.output


@pytest.mark.parametrize(
    ("seed", "shown"), [(2.7, "2.7"), (True, "True"), ("3_4", "'3_4'"), ([1, 2], r"\[1, 2\]"), (float("nan"), "nan")]
)
def test_a_value_of_the_settings_file_that_is_no_whole_number_is_refused(app, seed, shown):
    done = CliRunner().invoke(app, [], default_map={"seed": seed})
    assert done.exit_code == 2
    with pytest.raises(typer.BadParameter, match=f"{shown} is not a whole number such as 34"):
        NumberReader(int)(seed)


@pytest.mark.parametrize("value", [True, float("inf"), float("nan"), "nan", None, [0.5]])
def test_a_value_that_is_no_finite_number_is_refused(value):
    with pytest.raises(typer.BadParameter, match=r"is not a finite number such as 0\.5"):
        NumberReader(float)(value)


def test_a_settings_file_may_write_a_number_as_text_or_without_its_point():
    assert NumberReader(int)("5") == 5
    assert NumberReader(float)(3) == 3.0
    assert isinstance(NumberReader(float)(3), float)


def test_a_range_is_two_finite_numbers():
    assert parse_range("0, 1e2") == (0.0, 100.0)
    for text in ("1", "1,2,3", "0,1_0", "nan,1", "0,inf", "", "٣,5"):
        with pytest.raises(CurateError, match="expected MIN,MAX"):
            parse_range(text)


def test_a_count_is_a_number_or_all():
    assert (parse_count("all"), parse_count("12")) == (None, 12)
    for text in ("1_0", "٣", "0", "1.0", "-1", ""):
        with pytest.raises(CurateError, match="expected a number of at least 1, or all"):
            parse_count(text)
