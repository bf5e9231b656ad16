"""Worker threads, as many as the machine lets a process start."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
T = TypeVar("T")

_Task = tuple[Future[Any], Callable[[], Any]]


class Workers(Executor):
    """Threads that compute; where none can be started, submit() computes in the caller's thread.

    count: the number of threads, at least 1. A limit of the machine may allow fewer. They do not keep the
    process from ending.
    """

    def __init__(self, count: int) -> None:
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._threads: list[Thread] = []
        for _ in range(count):
            thread = Thread(target=_serve, args=(self._tasks,), daemon=True)
            try:
                thread.start()
            except (RuntimeError, MemoryError):  # can't start new thread
                break
            self._threads.append(thread)

    def submit(
        self, fn: Callable[Parameters, T], /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Future[T]:
        """Compute fn(*args, **kwargs) when a thread is free."""
        future: Future[T] = Future()
        task = (future, lambda: fn(*args, **kwargs))
        if self._threads:
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
        for _ in self._threads:
            self._tasks.put(None)
        while wait and self._threads:
            self._threads.pop().join()


def _serve(tasks: "SimpleQueue[_Task | None]") -> None:
    while task := tasks.get():
        _compute(*task)
        del task  # it keeps the arguments and the result alive


def _compute(future: Future[T], function: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function())
    except BaseException as error:
        future.set_exception(error)
