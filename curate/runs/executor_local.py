"""Numbered pieces of work on this machine: one by one in the caller, or on processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, NoReturn, TypeVar

from ...distortions.registry.carried_types import carrying_types
from ..errors import CurateError
from .executor_worker import PieceResult, attempt, failed, one_thread_per_library, result_of

Result = TypeVar("Result")

IN_FLIGHT_PER_WORKER = 2  # one under way, one waiting in the pipe
PATIENCE_SECONDS = 5.0  # for a process to end by itself before it is killed
INTERRUPT_SECONDS = 1.0  # at most so long until an interrupt is seen
KILLED = 9  # the signal that nothing survives; what a system out of memory sends


class InProcess:
    """Carries out pieces one by one in the calling process and thread: for work that uses threads itself."""

    name = "in-process"
    workers = 1

    def run(self, function: Callable[[int], Result], indexes: Iterable[int]) -> Iterator[tuple[int, Result]]:
        """Yield (index, result), in the order of the indexes; see `Executor.run`."""
        for index in indexes:
            yield index, function(index)


class Processes:
    """Carries out pieces on processes of this machine, started by spawn: a second or two before the first result.

    Each process runs its numerical libraries on one thread, gets the function once, leaves the terminal's interrupt
    to the caller, and ends by itself when the caller's process is gone.

    The function must be importable: a `functools.partial` over a function at the top of a module. The main script is
    not run again in the processes, so a call needs no `if __name__ == "__main__"` around it and works from a REPL or
    a notebook. Only where the function, or something bound to it, is defined in the main script itself is that script
    run again: then it needs the guard, and a notebook cannot do it.
    """

    name = "processes"

    def __init__(self, workers: int) -> None:
        """Choose how many processes; more than there are cores are allowed."""
        self.workers = workers

    def run(self, function: Callable[[int], Result], indexes: Iterable[int]) -> Iterator[tuple[int, Result]]:
        """Yield (index, result) as they finish, in no order; see `Executor.run`."""
        pool: _WorkerPool[Result] = _WorkerPool(pickle.dumps(carrying_types(function)), self.workers)
        rest = iter(indexes)
        try:
            pool.hand_out(rest)
            while pool.busy():
                for member in pool.answering():
                    received = pool.receive(member)
                    pool.hand_out(rest)
                    yield result_of(received)
        finally:
            pool.end()


@dataclass(eq=False)
class _WorkerProcess:
    """A process, the pipe to it, and the pieces it was given and has not answered, oldest first."""

    process: BaseProcess
    connection: Connection
    pieces: list[int] = field(default_factory=list)


class _WorkerPool(Generic[Result]):
    """Processes that run one pickled function."""

    def __init__(self, function: bytes, most: int) -> None:
        self.function, self.most = function, most
        self.members: list[_WorkerProcess] = []

    def hand_out(self, indexes: Iterator[int]) -> None:
        """Give pieces to processes while any has room, and start processes as there are pieces for them."""
        while len(self.members) < self.most or any(len(m.pieces) < IN_FLIGHT_PER_WORKER for m in self.members):
            index = next(indexes, None)
            if index is None:
                return
            if len(self.members) < self.most:
                self._start()
            member = min(self.members, key=lambda m: len(m.pieces))
            member.pieces.append(index)
            try:
                member.connection.send(index)
            except OSError as error:
                raise _death(member) from error

    def busy(self) -> bool:
        """Whether any piece is not answered."""
        return any(member.pieces for member in self.members)

    def answering(self) -> list[_WorkerProcess]:
        """Wait until a process answers or dies, and return those that did."""
        ready: list[object] = []
        while not ready:
            # An interrupt that comes just before the system call is seen when the call ends: it must not last.
            ready = list(wait([member.connection for member in self.members], timeout=INTERRUPT_SECONDS))
        return [member for member in self.members if member.connection in ready]

    def receive(self, member: _WorkerProcess) -> PieceResult[Result]:
        """Read one answer.

        Raises:
            CurateError: The process died.
        """
        try:
            answer = member.connection.recv_bytes()
        except (EOFError, OSError) as error:
            raise _death(member) from error
        received: PieceResult[Result] = pickle.loads(answer)
        member.pieces.remove(received.index)
        return received

    def end(self) -> None:
        """End every process: the idle ones find their pipe closed, the busy ones are terminated, then killed."""
        for member in self.members:
            if member.pieces:
                member.process.terminate()
            member.connection.close()
        deadline = time.monotonic() + PATIENCE_SECONDS
        for member in self.members:
            member.process.join(max(0.0, deadline - time.monotonic()))
            if member.process.is_alive():
                member.process.kill()
                member.process.join()
            member.process.close()
        self.members.clear()

    def _start(self) -> None:
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
        member = _WorkerProcess(process, ours)
        try:
            with _sheltered(needs_main=b"__main__" in self.function):
                process.start()
                self.members.append(member)
        except OSError as error:
            raise CurateError(f"cannot start a worker process: {error}; try fewer (--workers 1)") from error
        finally:
            theirs.close()  # so that the pipe ends when the process does
        try:
            ours.send_bytes(self.function)
        except OSError as error:
            raise _death(member) from error
        if len(self.members) == self.most:
            self.function = b""  # it may hold a whole matrix


@contextmanager
def _sheltered(*, needs_main: bool) -> Iterator[None]:
    """Start a process that ignores the terminal's interrupt and does not run the main script again."""
    main = sys.modules["__main__"]
    masks = hasattr(signal, "pthread_sigmask")  # inherited by the process, which is deaf from its first instant on
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if masks else set()
    if not needs_main:
        sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        if masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, former)


def _death(member: _WorkerProcess) -> CurateError:
    member.process.join(PATIENCE_SECONDS)
    code = member.process.exitcode
    how = f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
    hint = "; memory may have run out: fewer workers need less" if code == -KILLED else ""
    where = f"at piece {member.pieces[0]}" if member.pieces else "before its first piece"
    return CurateError(f"a worker process died ({how}) {where}{hint}; the same command resumes")


def _serve(connection: Connection) -> None:
    """Answer pieces in a process until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    _end_with_parent()
    one_thread_per_library()  # before the function's modules load the libraries
    try:
        function = _load(connection.recv_bytes())
    except (EOFError, OSError):
        return
    while True:
        try:
            index = connection.recv()
            connection.send_bytes(_answer(function, index))
        except (EOFError, OSError):
            return


def _load(function: bytes) -> Callable[[int], object]:
    try:
        loaded: Callable[[int], object] = pickle.loads(function)
    except Exception as error:  # whatever its modules raise when imported here: said at the first piece
        return partial(_raise, error)
    return loaded


def _answer(function: Callable[[int], Result], index: int) -> bytes:
    done = attempt(function, index)
    try:
        return pickle.dumps(done)
    except Exception as error:  # a result that cannot be pickled says so in any of several ways
        return pickle.dumps(failed(index, error))


def _raise(error: Exception, _index: int) -> NoReturn:
    raise error


def _leave(_signal: int, _frame: object) -> None:
    raise SystemExit(1)  # unlike death by the signal, it runs `finally`: no temporary file stays


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, killed for example: its work is not needed then."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    sentinel = parent.sentinel

    def watch() -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
