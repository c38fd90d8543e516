"""`syndr-curate.toml`: one table per command, keys named like its flags, which flags override."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import CurateError
from ..storage.paths.regular_files import refuse_special
from ..storage.texts.utf8_text import read_utf8

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE_NAME = "syndr-curate.toml"


def read_settings(folder: Path, commands: Mapping[str, Mapping[str, bool]]) -> dict[str, dict[str, Any]]:
    """Read the settings file of a folder.

    Args:
        folder: The current folder.
        commands: The parameters of every command, and whether each may be given several times. A command of a family is
            named with it, `domains fit`, and has the table `[domains.fit]`.

    Returns:
        Command name to its settings, one level deeper for a family; empty without a file. A list becomes
        comma-separated text, as on the command line.

    Raises:
        CurateError: The file is not TOML, or names a command or a flag that does not exist.
    """
    path = folder / FILE_NAME
    refuse_special(path)
    if not path.is_file():
        return {}
    try:
        tables = tomllib.loads(read_utf8(path))
    except tomllib.TOMLDecodeError as error:
        raise CurateError(
            f"{path.name} cannot be read: {error}; expected TOML, such as seed = 7 below [upsample]"
        ) from error
    settings: dict[str, dict[str, Any]] = {}
    for name, table in tables.items():
        if " " in name:
            raise CurateError(
                f"{path.name}: [{name}] is not a command; a family's tables are [{name.replace(' ', '.')}]"
            )
        members = {command.partition(" ")[2] for command in commands if command.startswith(f"{name} ")}
        if not members:
            settings[name] = _checked(path.name, name, table, commands)
            continue
        if not isinstance(table, dict) or not members >= set(table):
            known = ", ".join(f"[{name}.{member}]" for member in sorted(members))
            raise CurateError(f"{path.name}: [{name}] holds the tables {known} and nothing else")
        settings[name] = {
            member: _checked(path.name, f"{name} {member}", part, commands) for member, part in table.items()
        }
    return settings


def _checked(file: str, command: str, table: Any, commands: Mapping[str, Mapping[str, bool]]) -> dict[str, Any]:
    title = command.replace(" ", ".")
    if command not in commands or not isinstance(table, dict):
        known = ", ".join(name.replace(" ", ".") for name in sorted(commands))
        raise CurateError(f"{file}: [{title}] is not a command; there are {known}")
    for key in table:
        if key not in commands[command]:
            flags = ", ".join(sorted(commands[command]))
            raise CurateError(f"{file}: [{title}] has no setting {key!r}; it has {flags}")
        if any("\0" in part for part in _texts(table[key])):
            raise CurateError(f"{file}: [{title}] {key} holds a NUL character, which no flag and no file name can")
    return {key: _as_typed(value, commands[command][key]) for key, value in table.items()}


def _texts(value: Any) -> list[str]:
    return [part for part in (value if isinstance(value, list) else [value]) if isinstance(part, str)]


def _as_typed(value: Any, repeatable: bool) -> Any:
    if repeatable:
        return value if isinstance(value, list) else [value]
    return ",".join(map(str, value)) if isinstance(value, list) else value
