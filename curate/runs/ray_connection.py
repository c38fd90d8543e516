"""Connecting to a Ray cluster and leaving it: within a bounded time, with nothing on standard output."""

from __future__ import annotations

import logging
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, TextIO, cast

from ..errors import CurateError
from ..storage.texts.strict_numbers import whole_number

if TYPE_CHECKING:
    from types import ModuleType

CONNECT_SECONDS = 5.0  # in which a cluster's port must answer
JOIN_SECONDS = 60.0  # in which it must take us in
TRIAL = "import sys, ray; ray.init(sys.argv[1], logging_level='ERROR', log_to_driver=False)"
COLOR = re.compile(r"\x1b\[[0-9;]*m")
NAMED_ERROR = re.compile(r"[\w.]*(Error|Exception): ")


@contextmanager
def joined(address: str | None, processors: int) -> Iterator[ModuleType]:
    """Connect to a cluster, and leave it afterwards; a connection that the caller's process has is kept.

    Args:
        address: `auto` or `host:port`; None starts a Ray on this machine, and ends it.
        processors: For one that is started.

    Yields:
        The module `ray`.

    Raises:
        CurateError: The cluster cannot be joined, or fails meanwhile.
    """
    ray = import_ray(private=address is None)
    if ray.is_initialized():
        yield ray
        return
    if address is not None:
        require_answer(address)
    others = set(threading.enumerate())
    try:
        with _environment(private=address is None):
            _connect(ray, address, processors)
    except (ray.exceptions.RayError, OSError, RuntimeError, ValueError) as error:
        _leave(ray)
        raise CurateError(f"{place(address)} cannot be joined: {one_line(error)}") from error
    try:
        with _stdout_without(set(threading.enumerate()) - others):
            yield ray
    except ray.exceptions.RayError as error:
        raise CurateError(f"{place(address)} failed: {one_line(error)}; the same command resumes") from error
    finally:
        _leave(ray)


def place(address: str | None) -> str:
    """Name a cluster in messages."""
    return "Ray on this machine" if address is None else f"the Ray cluster {address}"


def host_and_port(address: str) -> tuple[str, int]:
    """Read `host:port`.

    Raises:
        CurateError: It is something else.
    """
    host, _, text = address.rpartition(":")
    port = whole_number(text)
    if not host or "/" in host or port is None or port < 0:
        raise CurateError(f"Ray address is {address!r}; expected auto, or host:port as `ray start --head` prints it")
    return host.strip("[]"), port


def import_ray(*, private: bool) -> ModuleType:
    """Import Ray.

    Args:
        private: Whether a Ray started by this process is to be seen by this machine alone.

    Raises:
        CurateError: It is not installed.
    """
    try:
        with _environment(private=private and "ray" not in sys.modules):
            import ray
    except ImportError as error:
        raise CurateError(
            f'the executor ray needs Ray, which cannot be imported here ({error}): pip install "syndr-curate[ray]"'
        ) from error
    module: ModuleType = ray
    return module


def require_answer(address: str) -> None:
    """Ask in a process of its own whether the cluster can be joined.

    Where it cannot, because the port is another program's or this machine is no node of it, Ray was seen to
    try for more than eight minutes; there are also ways in which it ends the process that asks.

    Raises:
        CurateError: It cannot, or does not say so in time.
    """
    try:
        if address != "auto":
            socket.create_connection(host_and_port(address), timeout=CONNECT_SECONDS).close()
        with _environment(private=False):
            asked = subprocess.run(
                [sys.executable, "-c", TRIAL, address],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=JOIN_SECONDS,
                check=False,
            )
    except OSError as error:
        raise CurateError(f"{place(address)} does not answer ({error}); is it running?") from error
    except subprocess.TimeoutExpired as error:
        raise CurateError(
            f"{place(address)} could not be joined within {JOIN_SECONDS:g} s; does Ray listen there, and is this "
            "machine a node of it (ray start --address=...)?"
        ) from error
    if asked.returncode:
        said = asked.stderr.strip().splitlines() or [f"exit status {asked.returncode}"]
        raise CurateError(f"{place(address)} cannot be joined: {said[-1]}")


def one_line(error: Exception) -> str:
    """Return the line of Ray's message that names an error, else the first; without colors."""
    lines = [line.strip() for line in COLOR.sub("", str(error)).splitlines() if line.strip()]
    return next((line for line in lines if NAMED_ERROR.match(line)), lines[0] if lines else type(error).__name__)


def _connect(ray: ModuleType, address: str | None, processors: int) -> None:
    own = {"include_dashboard": False, "num_cpus": processors} if address is None else {}
    ray.init(address or "local", logging_level=logging.ERROR, log_to_driver=False, **own)


def _leave(ray: ModuleType) -> None:
    with redirect_stdout(sys.stderr):  # on which Ray says what it has not said yet
        ray.shutdown()


@contextmanager
def _environment(*, private: bool) -> Iterator[None]:
    """Set what Ray reads from the environment: no statistics about use and, where private, loopback addresses only.

    Without the latter, a Ray started on a shared machine listens on all its network addresses. The variable's name
    names the systems where Ray's authors made that the default; Ray reads it when it is imported.
    """
    wanted = {"RAY_USAGE_STATS_ENABLED": "0"}
    if private:
        wanted["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    former = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in former.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _stdout_without(threads: set[threading.Thread]) -> Iterator[None]:
    """Send what some threads print to standard error.

    A thread of Ray prints on standard output that a node was lost, in the middle of what the caller prints there.
    """
    former = sys.stdout
    sys.stdout = cast(TextIO, _SplitOutput(former, {thread.ident for thread in threads}))
    try:
        yield
    finally:
        sys.stdout = former


class _SplitOutput:
    """Standard output for all but some threads, given by their idents, whose output goes to standard error."""

    def __init__(self, output: TextIO, aside: set[int | None]) -> None:
        self._output, self._aside = output, aside

    def write(self, text: str) -> int:
        return (sys.stderr if threading.get_ident() in self._aside else self._output).write(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._output, name)
