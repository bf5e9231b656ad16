"""Results of long computations, by key, in bounded memory; computed once however many threads want one."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar, cast

from jrecomp.threads import Task

T = TypeVar("T")


class Cache(Generic[T]):
    """Keeps results; those that were not used for longest go first. Any number of threads may use it.

    capacity: total size of the results that are kept. The one that was used last is kept even if it is
    larger. size: gives the size of a result.
    """

    def __init__(self, capacity: int, size: Callable[[T], int]) -> None:
        self._capacity, self._size = capacity, size
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._running: dict[Hashable, Task[T]] = {}
        self._total = 0
        self._lock = Lock()

    @property
    def running(self) -> int:
        """How many computations are running."""
        return len(self._running)

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The result for a key; computes it unless it is kept or another thread computes it already.

        Raises what `compute` raises, in all threads that wait for it. Nothing is kept then.
        """
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            if (running := self._running.get(key)) is None:
                own = self._running[key] = Task(compute)
        if running:
            return running.result()
        own.compute()
        with self._lock:
            del self._running[key]
            if own.error is None:
                self._keep(key, cast(T, own.value))
        return own.result()

    def clear(self) -> None:
        """Forget all results."""
        with self._lock:
            self._kept.clear()
            self._total = 0

    def _keep(self, key: Hashable, result: T) -> None:
        self._kept[key] = result
        self._total += self._size(result)
        while self._total > self._capacity and len(self._kept) > 1:
            self._total -= self._size(self._kept.popitem(last=False)[1])
