"""What is kept, what is computed once, and what is raised."""

from collections.abc import Callable
from threading import Barrier, Event, Thread

import pytest

from jrecomp.cache import Cache


class Computed:
    """A cache of bytes, and the keys that were computed for it."""

    def __init__(self, capacity: int) -> None:
        self.cache, self.keys = Cache[bytes](capacity, len), list[object]()

    def get(self, key: str, size: int = 1) -> bytes:
        def compute() -> bytes:
            self.keys.append(key)
            return key.encode() * size

        return self.cache.get(key, compute)


def test_least_recently_used_goes_first() -> None:
    computed = Computed(3)
    for key in "abcadab":
        assert computed.get(key) == key.encode()
    assert computed.keys == ["a", "b", "c", "d", "b"]


def test_the_last_one_stays_however_large() -> None:
    computed = Computed(10)
    for key, size in (("a", 5), ("b", 1000), ("b", 1000), ("a", 5), ("b", 1000)):
        computed.get(key, size)
    assert computed.keys == ["a", "b", "a", "b"]


def test_a_cache_of_nothing_keeps_one() -> None:
    computed = Computed(0)
    for key in "aabba":
        computed.get(key)
    assert computed.keys == ["a", "b", "a"]


def test_clear() -> None:
    computed = Computed(2)
    computed.get("a")
    computed.cache.clear()
    for key in "abab":  # both have room again
        computed.get(key)
    assert computed.keys == ["a", "a", "b"]


def run_together(count: int, function: Callable[[], None]) -> None:
    threads = [Thread(target=function) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_threads_compute_one_result() -> None:
    cache, begun, results, count = Cache[bytes](100, len), Barrier(8), list[bytes](), list[int]()
    ready = Event()

    def compute() -> bytes:
        count.append(1)
        ready.wait(0.2)  # the others come meanwhile
        return b"result"

    def get() -> None:
        begun.wait()
        results.append(cache.get("key", compute))

    run_together(8, get)
    assert results == [b"result"] * 8 and len(count) == 1 and cache.running == 0


def test_errors_reach_all_threads_and_are_not_kept() -> None:
    cache, begun, raised = Cache[bytes](100, len), Barrier(4), list[str]()
    ready = Event()

    def fail() -> bytes:
        ready.wait(0.2)
        raise MemoryError("none")

    def get() -> None:
        begun.wait()
        with pytest.raises(MemoryError) as caught:
            cache.get("key", fail)
        raised.append(str(caught.value))

    run_together(4, get)
    assert raised == ["none"] * 4
    assert cache.get("key", lambda: b"now") == b"now" and cache.running == 0


def test_other_keys_are_not_blocked() -> None:
    """A result is got while another one is computed, which waits for it."""
    cache, released = Cache[bytes](100, len), Event()

    def slow() -> bytes:
        assert released.wait(60)
        return b"slow"

    thread = Thread(target=lambda: cache.get("slow", slow))
    thread.start()
    assert cache.get("fast", lambda: b"fast") == b"fast"
    assert cache.running == 1
    released.set()
    thread.join()
    assert cache.get("slow", lambda: b"again") == b"slow"
