"""Files are packed into tasks: all of them, once, in order."""

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from jrecomp.cluster import tasks
from jrecomp.cluster.storage import Entry


def entries(*sizes: int) -> list[Entry]:
    return [Entry(f"{number}.jpg", size) for number, size in enumerate(sizes)]


@given(st.lists(st.integers(0, 40 << 20), max_size=300), st.integers(1, 64))
def test_each_file_is_in_one_task(sizes: list[int], workers: int) -> None:
    found = list(chain.from_iterable(tasks.windows(entries(*sizes), workers)))
    assert [entry for task in found for entry in task.entries] == entries(*sizes)
    assert len({task.name for task in found}) == len(found)
    assert sorted(task.name for task in found) == [task.name for task in found]
    for task in found:
        assert 1 <= len(task.entries) <= tasks.FILES
        assert sum(entry.size for entry in task.entries[:-1]) < tasks.MOST_BYTES


def test_small_files_share_tasks_and_large_ones_do_not() -> None:
    (small,) = tasks.windows(entries(*[1000] * 600), 2)
    assert [len(task.entries) for task in small] == [256, 256, 88]
    (large,) = tasks.windows(entries(*[20 << 20] * 3), 2)
    assert [len(task.entries) for task in large] == [1, 1, 1]


def test_every_worker_has_many_tasks() -> None:
    (found,) = tasks.windows(entries(*[1 << 20] * 1000), 8)
    assert len(found) > 8 * 16


def test_listings_are_not_read_ahead() -> None:
    read = []

    def endless() -> object:
        number = 0
        while True:
            read.append(number)
            yield Entry(str(number), 1)
            number += 1

    first = next(tasks.windows(endless(), 4))  # type: ignore[arg-type]
    assert len(read) == tasks.WINDOW == sum(len(task.entries) for task in first)
