"""Cancellation of calls, and turns."""

import time
from collections.abc import Callable
from functools import partial
from threading import Event, Lock, Thread
from typing import Any

import pytest

import jrecomp
from jrecomp import threads
from jrecomp.codec import slices
from jrecomp.threads import Task, Turns, Workers, cancellable, cancellation, waiting


class After:
    """Tells to cancel after some questions."""

    def __init__(self, count: int) -> None:
        self.left = count

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("model", ["default", "fast"])
def test_calls_are_cancelled_between_slices(
    threads: int, model: str, make_photo: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "SLICE_BLOCKS", 300)
    data = make_photo(160, 320)
    packed = jrecomp.compress(data, model=model)
    for call in (
        lambda: jrecomp.compress(data, model=model, threads=threads),
        lambda: jrecomp.decompress(packed, threads=threads),
        lambda: jrecomp.verify(packed, data, threads=threads),
        lambda: jrecomp.thumbnail(packed, 16, threads=threads),
    ):
        for count in (0, 2):
            with (
                cancellation(asked := After(count)),
                pytest.raises(jrecomp.CancelledError, match="cancelled"),
            ):
                call()
            assert asked.left < 0
        with cancellation(After(10**9)):
            call()
        call()


def test_only_calls_inside_are_cancelled(photo: bytes) -> None:
    stop, found = Event(), list[bytes]()
    stop.set()
    packed = jrecomp.compress(photo)
    with jrecomp.cancellation(stop.is_set):
        other = Thread(target=lambda: found.append(jrecomp.decompress(packed)))
        other.start()
        other.join()
        with pytest.raises(jrecomp.CancelledError):
            jrecomp.decompress(packed)
    assert found == [photo] and jrecomp.decompress(packed) == photo


def test_a_thread_that_begins_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine. It neither takes the end of another thread for its own, nor stays."""
    begin, occupied, first, started = Event(), Event(), Event(), list[Thread]()

    def occupy() -> bool:
        occupied.set()
        return first.wait(60)

    def start(function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        late = len(started) == 1
        monkeypatch.setattr(threads, "START_SECONDS", 0.1 if late else 60)

        def run() -> None:
            assert not late or begin.wait(60)
            function(*arguments)

        started.append(Thread(target=run, daemon=True))
        started[-1].start()

    monkeypatch.setattr(threads, "start_new_thread", start)
    workers = Workers(3)
    assert workers.at_once == 1 and len(started) == 2
    busy = workers.submit(occupy)
    assert occupied.wait(60)  # else the late thread could take this task
    begin.set()
    assert workers.submit(lambda: 5).result() == 5  # in the late thread
    workers.shutdown()
    started[1].join(60)
    first.set()
    assert busy.result()
    started[0].join(60)
    assert not any(thread.is_alive() for thread in started)


def test_tasks_inside_tasks_are_cancelled() -> None:
    def inner() -> list[int]:
        with Workers(2) as workers:
            return workers.map(abs, [-1, -2, -3])

    with Workers(2) as workers:
        with cancellation(After(3)), pytest.raises(jrecomp.CancelledError):
            workers.submit(inner).result()
        assert workers.submit(inner).result() == [1, 2, 3]


def test_functions_stay_as_they_are_without_cancellation() -> None:
    assert cancellable(abs) is abs
    task = Task(lambda: 5)
    task.compute()
    assert task.result() == 5


def test_jobs_take_turns() -> None:
    """As many as may compute at once; a job that waits for a device lets another one compute."""
    turns, at_once, most, device = Turns(2), 0, list[int](), Event()

    def job(number: int) -> int:
        nonlocal at_once
        with lock:
            at_once += 1
            most.append(at_once)
        time.sleep(0.01)
        with lock:
            at_once -= 1
        with waiting():
            assert device.wait(60)
        return number

    lock = Lock()
    with Workers(5) as pool:
        tasks = [pool.submit(partial(turns.taken(job), number)) for number in range(5)]
        while len(most) < 5 or turns.busy:
            time.sleep(0.001)
        assert not any(task.done() for task in tasks)
        device.set()
        assert [task.result() for task in tasks] == list(range(5))
    assert max(most) <= 2 and not turns.busy


def test_threads_of_a_job_wait_for_a_device_as_one() -> None:
    turns = Turns(1)
    with turns.turn():
        with waiting():
            assert not turns.busy
            with waiting():
                assert not turns.busy
            assert not turns.busy
        assert turns.busy
    with waiting():
        pass
    assert not turns.busy
