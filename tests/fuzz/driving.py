"""How inputs are driven through a door, and what may come of it: an equal value, or one clear error."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from syndr_curate import CurateError
from syndr_curate.cli import app
from typer.testing import CliRunner

SMOKE, LONG = 25, 600  # inputs tried by `make test`, and by `make test-all`
EFFORTS = pytest.mark.parametrize("inputs", [SMOKE, pytest.param(LONG, marks=pytest.mark.slow)])
# What a command may answer to a damaged input: done, `verify` found something, an error, rows were rejected.
EXIT_CODES = {0, 1, 2, 3}

Value = TypeVar("Value")


def drive(inputs: int, check: Callable[..., None], **strategies: st.SearchStrategy[Any]) -> None:
    """Call a check on many inputs: always the same few, or many that differ from run to run."""
    effort = settings(
        max_examples=inputs,
        deadline=None,
        database=None,
        derandomize=inputs == SMOKE,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    effort(given(**strategies)(check))()


def value_or_error(door: Callable[[], Value]) -> Value | None:
    """Return what a door gives, or None where it refuses with an error that says something; nothing else may come."""
    try:
        return door()
    except CurateError as error:
        if not str(error).strip():
            raise AssertionError("an error that says nothing") from error
        return None


def run_command(*arguments: object) -> int:
    """Run a command in this process: an exit code, at most one line that begins with `error:`, and no traceback."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code in EXIT_CODES
    errors = re.findall("^error:.*$", done.output, re.MULTILINE)
    assert len(errors) == (done.exit_code == 2)
    done.output.encode()  # no half of a surrogate pair
    return done.exit_code


def damaged(content: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Bytes of a file, of which some were changed, and the end may be cut off or repeated."""

    @st.composite
    def change(draw: st.DrawFn) -> bytes:
        whole = bytearray(draw(content))
        for _ in range(draw(st.integers(0, 4))):
            whole[draw(st.integers(0, len(whole) - 1))] = draw(st.integers(0, 255))
        kept = draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))
        return bytes(whole[:kept]) + draw(st.one_of(st.just(b""), st.binary(max_size=8), st.just(bytes(whole[:kept]))))

    return change()


# Text as it is in files that went through many hands; hypothesis adds what nobody thought of.
ODD_TEXTS = st.one_of(
    st.sampled_from(["", " ", "a\nb", '"', "'", "\0", "a\0", "\x1b[2J", "\ufeff", "\ud800", "\udcff", "é", "e\u0301"]),
    st.sampled_from(["nan", "inf", "-inf", "1e999", "1_0", "0x1f", "1,5", "3.0", "-1", "\u0663", "9" * 50]),
    st.sampled_from(["null", "None", "I01_01_01", "I01_01_01.png", "../a.png", "/etc/passwd", "a\\b.png"]),
    st.text(max_size=12),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), ODD_TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(ODD_TEXTS, inner, max_size=4)),
    max_leaves=8,
)
