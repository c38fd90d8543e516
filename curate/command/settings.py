"""`syndr-curate.toml`: one table per command, keys named like its flags, below the flags in rank."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import CurateError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE_NAME = "syndr-curate.toml"


def read_settings(folder: Path, commands: Mapping[str, Mapping[str, bool]]) -> dict[str, dict[str, Any]]:
    """Read the settings file of a folder.

    Args:
        folder: The current folder.
        commands: The parameters of every command, and whether each may be given several times.

    Returns:
        Command name to its settings; empty without a file. A list becomes comma-separated text, as on the command line.

    Raises:
        CurateError: The file is not TOML, or names a command or a flag that does not exist.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return {}
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CurateError(f"{path.name} cannot be read: {error}") from error
    settings = {}
    for command, table in tables.items():
        if command not in commands or not isinstance(table, dict):
            raise CurateError(f"{path.name}: [{command}] is not a command; there are {', '.join(sorted(commands))}")
        for key in table:
            if key not in commands[command]:
                flags = ", ".join(sorted(commands[command]))
                raise CurateError(f"{path.name}: [{command}] has no setting {key!r}; it has {flags}")
        settings[command] = {key: _as_typed(value, commands[command][key]) for key, value in table.items()}
    return settings


def _as_typed(value: Any, repeatable: bool) -> Any:
    if repeatable:
        return value if isinstance(value, list) else [value]
    return ",".join(map(str, value)) if isinstance(value, list) else value
