"""Worker threads, as many as the machine lets a process start.

Unlike those of concurrent.futures, they neither wait for ever nor lose a task when memory runs out.
"""

from _thread import LockType, allocate_lock, start_new_thread
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from functools import partial
from queue import Empty, SimpleQueue
from traceback import clear_frames
from typing import Any, Generic, Self, TypeVar, cast

from jrecomp.errors import CancelledError
from jrecomp.native import _scan

S = TypeVar("S")
T = TypeVar("T")

_Tasks = SimpleQueue["Task[Any] | None"]

START_SECONDS = 1.0
"""A thread that has not begun after this time has failed: it had no memory to begin with."""


_cancelled: ContextVar[Callable[[], bool] | None] = ContextVar("cancelled", default=None)


@contextmanager
def cancellation(cancelled: Callable[[], bool]) -> Iterator[None]:
    """Make calls raise CancelledError soon after a function tells so, such as is_set of a threading.Event.

    cancelled: called before each slice of a picture is coded, in any thread, so it must return at once. Calls
    inside the block, in the same thread or asyncio task, can be cancelled with what they do in other threads.
    """
    token = _cancelled.set(cancelled)
    try:
        yield
    finally:
        _cancelled.reset(token)


def cancellable(function: Callable[..., T]) -> Callable[..., T]:
    """A function that raises CancelledError instead of being computed if the call was cancelled by then."""
    cancelled, context = _cancelled.get(), copy_context()
    if cancelled is None:
        return function

    def unless_cancelled(*arguments: Any) -> T:
        if cancelled():
            raise CancelledError("cancelled")
        return context.copy().run(function, *arguments)

    return unless_cancelled


class Task(Generic[T]):
    """A function that is computed once; `running` is locked until then."""

    __slots__ = ("error", "function", "running", "value")

    def __init__(self, function: Callable[[], T]) -> None:
        self.function: Callable[[], T] | None = cancellable(function)
        self.value: T | None = None
        self.error: BaseException | None = None
        self.running = _locked()

    def compute(self) -> None:
        """Compute the function and keep its result or its exception."""
        assert self.function is not None
        try:
            self.value = self.function()
        except BaseException as error:
            if isinstance(error, MemoryError):
                clear_frames(error.__traceback__)  # they keep memory
            self.error = error
        self.function = None  # it keeps its arguments
        self.running.release()

    def done(self) -> bool:
        """Whether the computation has ended."""
        return not self.running.locked()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the computation has ended, for so many seconds at most."""
        while not self.running.acquire(timeout=1 if seconds is None else seconds):
            # handlers of signals run here; one that came just before acquire() would wait for its end
            if seconds is not None:
                return
        self.running.release()

    def result(self) -> T:
        """Wait for the result; raises the exception of the function."""
        self.wait()
        if self.error is not None:
            raise self.error
        return cast(T, self.value)


class Workers:
    """Threads that compute; where none can be started, submit() computes in the caller's thread.

    count: the number of threads. The machine may allow fewer. They do not keep the process from
    ending. As a context manager, it ends them and waits for what they compute.
    """

    def __init__(self, count: int) -> None:
        _scan.prepare_thread()
        self._tasks: _Tasks = SimpleQueue()
        self._ended: list[LockType] = []
        self._started = 0
        # Thread.start() would wait for ever for a thread that has no memory to begin with.
        with suppress(RuntimeError, MemoryError):
            while len(self._ended) < count:
                begun, ended = _locked(), _locked()
                start_new_thread(_serve, (self._tasks, begun, ended))
                self._started += 1
                if not begun.acquire(timeout=START_SECONDS):
                    break
                self._ended.append(ended)

    @property
    def at_once(self) -> int:
        """How many functions are computed at the same time."""
        return max(1, len(self._ended))

    def submit(self, function: Callable[[], T]) -> Task[T]:
        """Compute a function when a thread is free."""
        task = Task(function)
        if self._ended:
            self._tasks.put(task)
        else:
            task.compute()
        return task

    def map(self, function: Callable[..., T], *arguments: Iterable[Any]) -> list[T]:
        """The results of a function for arguments as those of the builtin map()."""
        tasks = [self.submit(partial(function, *values)) for values in zip(*arguments, strict=True)]
        return [task.result() for task in tasks]

    def shutdown(self) -> None:
        """Drop the tasks that have not begun, and end the threads after what they compute now."""
        with suppress(Empty):
            while True:
                self._tasks.get_nowait()
        for _ in range(self._started):  # one that began too late takes one, too
            self._tasks.put(None)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """See join()."""
        self.join()

    def join(self) -> None:
        """End the threads, see shutdown(), and wait for that."""
        self.shutdown()
        while self._ended:
            self._ended.pop().acquire()


class Turns:
    """Lets only some of many jobs compute at once. Jobs that wait for a device do not count.

    count: how many compute at once. More would only take the interpreter from each other.
    """

    def __init__(self, count: int) -> None:
        self._free: SimpleQueue[None] = SimpleQueue()
        for _ in range(count):
            self._free.put(None)
        self._lock = allocate_lock()
        self._busy = 0

    @property
    def busy(self) -> bool:
        """Whether any job computes, or wants to."""
        return self._busy > 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Compute a job in the block, when it is its turn."""
        token = _job.set(_Job(self))
        self.take()
        try:
            yield
        finally:
            self.leave()
            _job.reset(token)

    def taken(self, function: Callable[[T], S]) -> Callable[[T], S]:
        """A function that is computed in a turn."""

        def in_turn(argument: T) -> S:
            with self.turn():
                return function(argument)

        return in_turn

    def take(self) -> None:
        """Wait for a turn."""
        with self._lock:
            self._busy += 1
        self._free.get()

    def leave(self) -> None:
        """End a turn."""
        self._free.put(None)
        with self._lock:
            self._busy -= 1


class _Job:
    """A job that computes in turns; waiting: how many of its threads wait for a device."""

    def __init__(self, turns: Turns) -> None:
        self.turns, self.waiting, self.lock = turns, 0, allocate_lock()


_job: ContextVar[_Job | None] = ContextVar("job", default=None)


def turns() -> Turns | None:
    """What the turns of this job are among, None if it does not compute in turns."""
    job = _job.get()
    return job.turns if job else None


@contextmanager
def waiting() -> Iterator[None]:
    """Wait for a device in the block: this job, if it computes in turns, takes none meanwhile."""
    job = _job.get()
    if job is None:
        yield
        return
    with job.lock:
        job.waiting += 1
        if job.waiting == 1:
            job.turns.leave()
    try:
        yield
    finally:
        with job.lock:
            job.waiting -= 1
            last = job.waiting == 0
        if last:
            job.turns.take()


def _locked() -> LockType:
    lock = allocate_lock()
    lock.acquire()
    return lock


def _serve(tasks: _Tasks, begun: LockType, ended: LockType) -> None:
    """Computes until None is taken from the tasks; releases a lock when it begins, and another at its end."""
    _scan.prepare_thread()
    begun.release()
    task: Task[Any] | None = None
    while True:
        try:
            task = tasks.get()
            if task is None:
                break
            task.compute()
            task = None  # it keeps its result
        except MemoryError as error:  # so little memory that not even a function can be called
            if task and task.running.locked():
                task.error = error
                task.running.release()
    ended.release()
