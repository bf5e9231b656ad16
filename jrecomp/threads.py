"""Worker threads, as many as the machine lets a process start."""

from _thread import start_new_thread
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from traceback import clear_frames
from typing import Any, ParamSpec, TypeVar

from jrecomp.native import _scan

Parameters = ParamSpec("Parameters")
T = TypeVar("T")

_Tasks = SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None]

_START_SECONDS = 5.0
"""A thread that has not begun after this time has failed: it had no memory to begin with."""


class Workers(Executor):
    """Threads that compute; where none can be started, submit() computes in the caller's thread.

    count: the number of threads, at least 1. The machine may allow fewer. They do not keep the process from
    ending.
    """

    def __init__(self, count: int) -> None:
        _scan.prepare_thread()
        self._tasks: _Tasks = SimpleQueue()
        self._signs: SimpleQueue[None] = SimpleQueue()
        self._running = 0
        # Thread.start() waits for ever for a thread that has no memory to begin with.
        with suppress(RuntimeError, MemoryError, Empty):
            while self._running < count:
                start_new_thread(_serve, (self._tasks, self._signs))
                self._signs.get(timeout=_START_SECONDS)
                self._running += 1

    def submit(
        self, fn: Callable[Parameters, T], /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Future[T]:
        """Compute fn(*args, **kwargs) when a thread is free."""
        future: Future[T] = Future()
        task = (future, lambda: fn(*args, **kwargs))
        if self._running:
            self._tasks.put(task)
        else:
            _compute(*task)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads after what was submitted; with cancel_futures, only after what they compute now."""
        with suppress(Empty):
            while cancel_futures:
                if task := self._tasks.get_nowait():
                    task[0].cancel()
        for _ in range(self._running):
            self._tasks.put(None)
        while wait and self._running:
            self._signs.get()
            self._running -= 1


def _serve(tasks: _Tasks, signs: SimpleQueue[None]) -> None:
    """Computes until None is taken from the tasks; signs that it has begun, and that it has ended."""
    _scan.prepare_thread()
    signs.put(None)
    while task := tasks.get():
        _compute(*task)
        del task  # it keeps the arguments and the result alive
    signs.put(None)


def _compute(future: Future[T], function: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = function()
    except BaseException as error:
        if isinstance(error, MemoryError):
            clear_frames(error.__traceback__)  # they keep memory
        future.set_exception(error)
    else:
        future.set_result(result)
