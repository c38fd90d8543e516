"""Paths that stay inside their root, whatever machine they are read on."""


def is_safe_path(path: str) -> bool:
    """Return whether a manifest's path stays inside its root: relative, POSIX, no `..`."""
    return bool(path) and path[0] != "/" and ".." not in path.split("/") and "\\" not in path and "\0" not in path
