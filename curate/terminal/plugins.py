"""`--plugin` of every command: the user's functions that register types of distortion."""

import functools
import importlib
import inspect
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ...distortions.errors import DistortionError
from ...distortions.registry.user_types import loading_plugin
from ..errors import CurateError
from .exit_codes import reporting_errors

Plugins = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin",
        help="module:function that registers distortions of your own; may be repeated. Its code is run: trust it.",
    ),
]
_PLUGIN = re.compile(r"(?P<module>[^\W\d]\w*(\.[^\W\d]\w*)*):(?P<function>[^\W\d]\w*)")


def with_plugins(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take plug-ins, which are loaded before it begins.

    Args:
        command: A function as Typer takes it; it is called by keyword.

    Returns:
        The same command with one more flag, the last.
    """
    signature = inspect.signature(command)

    @reporting_errors
    @functools.wraps(command)
    def wrapped(*, plugin: list[str] | None = None, **values: Any) -> None:
        for name in plugin or ():
            load_plugin(name)
        command(**values)

    flag = inspect.Parameter("plugin", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Plugins)
    wrapped.__signature__ = signature.replace(parameters=[*signature.parameters.values(), flag])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {**command.__annotations__, "plugin": Plugins}
    return wrapped


def load_plugin(name: str) -> None:
    """Import a module and call its function, which registers types.

    The module is looked for among those installed, then in the current folder.

    Args:
        name: `module:function`.

    Raises:
        CurateError: There is no such module or function, it raises, or it registers nothing.
    """
    parts = _PLUGIN.fullmatch(name)
    if parts is None:
        raise CurateError(f"--plugin {name!r} is no plug-in: expected module:function, such as my_types:register")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)  # the last, so that no file there takes the place of a library
    try:
        module = importlib.import_module(parts["module"])
    except ModuleNotFoundError as error:
        if error.name is None or not f"{parts['module']}.".startswith(f"{error.name}."):
            raise CurateError(_raised(name, error)) from error
        raise CurateError(
            f"--plugin {name}: there is no module {error.name!r} in {here} nor among those installed; change to the "
            "folder of its file"
        ) from error
    except Exception as error:  # a user's file may raise anything when it is imported
        raise CurateError(_raised(name, error)) from error
    function = getattr(module, parts["function"], None)
    if not callable(function):
        raise CurateError(
            f"--plugin {name}: {module.__file__} has no function {parts['function']!r}; expected the one that calls "
            "register_distortion"
        )
    with loading_plugin(name) as registered:
        try:
            function()
        except (CurateError, DistortionError) as error:
            raise CurateError(f"--plugin {name}: {error}") from error
        except Exception as error:  # and when its function is called
            raise CurateError(_raised(name, error)) from error
    if not registered:
        raise CurateError(f"--plugin {name} registers no type: it calls syndr_curate.register_distortion(...)")


def _raised(name: str, error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"--plugin {name} raised {type(error).__name__}: {error} ({place.filename}, line {place.lineno})"
