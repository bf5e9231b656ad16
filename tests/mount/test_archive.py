"""Reading from a mounted archive, without FUSE: restored bytes, errors, many readers."""

import errno
import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

import jrecomp
from jrecomp import pipeline
from jrecomp.errors import (
    CorruptContainerError,
    InputError,
    LimitError,
    ShortageError,
    UnknownModelError,
    VerificationError,
)
from jrecomp.mount.archive import Archive
from jrecomp.options import Limits
from tests.mount.containers import Told, archive, damaged, stored

DATA = bytes(range(256)) * 40


@pytest.fixture
def told() -> Told:
    return Told()


def read(shown: Archive, path: str, step: int = 1 << 20) -> bytes:
    """All bytes of a file that appears, read in steps."""
    handle = shown.open(path)
    try:
        data = b""
        while piece := shown.read(handle, step, len(data)):
            data += piece
        return data
    finally:
        shown.close(handle)


@contextmanager
def fails(number: int) -> Iterator[None]:
    with pytest.raises(OSError) as caught:
        yield
    assert caught.value.errno == number


def counted(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The containers that are decompressed from now on."""
    decompress, seen = pipeline.decompress, list[bytes]()

    def count(data: bytes, **options: Any) -> bytes:
        seen.append(data)
        return decompress(data, **options)

    monkeypatch.setattr(pipeline, "decompress", count)
    return seen


def failing(monkeypatch: pytest.MonkeyPatch, *errors: Exception | None) -> list[dict[str, Any]]:
    """Lets calls of decompress() raise these errors, one after the other; None stands for success."""
    decompress, left, calls = pipeline.decompress, list(errors), list[dict[str, Any]]()

    def fail(data: bytes, **options: Any) -> bytes:
        calls.append(options)
        if left and (error := left.pop(0)):
            raise error
        return decompress(data, **options)

    monkeypatch.setattr(pipeline, "decompress", fail)
    return calls


def test_all_modes(tmp_path: Path, told: Told, photo: bytes) -> None:
    lossy = jrecomp.compress(photo, quality=50, model="fast")
    files = {
        "lossless.jpg": (jrecomp.compress(photo, model="fast"), photo),
        "lossy.jpg": (lossy, jrecomp.decompress(lossy)),
        "stored.bin": (jrecomp.compress(DATA), DATA),
        "empty.jpg": (jrecomp.compress(b""), b""),
    }
    for name, (container, _) in files.items():
        (tmp_path / f"{name}.jrc").write_bytes(container)
    (tmp_path / "plain.txt").write_bytes(DATA)
    shown = archive(tmp_path, told)
    for name, original in [(name, pair[1]) for name, pair in files.items()] + [("plain.txt", DATA)]:
        assert shown.find(f"/{name}").size == len(original)
        assert read(shown, f"/{name}") == read(shown, f"/{name}", 999) == original
    assert not told.errors


def test_reads_anywhere(tmp_path: Path, told: Told) -> None:
    (tmp_path / "a.jrc").write_bytes(stored(DATA))
    shown = archive(tmp_path, told)
    handle = shown.open("/a")
    for size, offset in ((1, 0), (10, 300), (0, 5), (100, len(DATA) - 50), (9, len(DATA)), (9, 1 << 60)):
        assert shown.read(handle, size, offset) == DATA[offset : offset + size]
    shown.close(handle)


def test_nothing_is_decoded_before_it_is_read(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jrc").write_bytes(stored(DATA))
    decoded, shown = counted(monkeypatch), archive(tmp_path, told)
    handle = shown.open("/a")
    assert shown.find("/a", handle).size == len(DATA) and not decoded
    for _ in range(3):
        shown.read(handle, 10, 0)
    shown.close(handle)
    read(shown, "/a")
    assert len(decoded) == 1


def test_a_replaced_file_is_restored_again(tmp_path: Path, told: Told) -> None:
    """Also if it has the size and time of the old one. Whoever has opened the old one reads the old one."""
    path, one, other = tmp_path / "a.jrc", os.urandom(1000), os.urandom(1000)
    path.write_bytes(stored(one))
    shown = archive(tmp_path, told)
    old = shown.open("/a")
    status = path.stat()
    (tmp_path / "new").write_bytes(stored(other))
    os.utime(tmp_path / "new", ns=(status.st_atime_ns, status.st_mtime_ns))
    (tmp_path / "new").replace(path)
    assert path.stat().st_size == status.st_size
    assert read(shown, "/a") == other
    assert shown.read(old, 2000, 0) == one
    path.write_bytes(stored(b"shorter"))
    assert read(shown, "/a") == b"shorter"
    assert (shown.find("/a", old).size, shown.find("/a").size) == (1000, len(b"shorter"))
    path.unlink()
    assert shown.read(old, 2000, 0) == one
    shown.close(old)


def test_an_open_plain_file_that_grows(tmp_path: Path, told: Told) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(b"one")
    shown = archive(tmp_path, told)
    handle = shown.open("/log.txt")
    path.write_bytes(b"one two")
    assert shown.find("/log.txt", handle).size == 7 and shown.read(handle, 100, 4) == b"two"
    shown.close(handle)


def test_damage_concerns_one_file_and_is_told_once(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "good.jrc").write_bytes(stored(DATA))
    (tmp_path / "bad.jrc").write_bytes(damaged(DATA))
    decoded, shown = counted(monkeypatch), archive(tmp_path, told)
    for _ in range(3):
        with fails(errno.EIO):
            read(shown, "/bad")
        assert read(shown, "/good") == DATA
    assert told.names == ["bad.jrc"] and isinstance(told.errors[0][1], CorruptContainerError)
    assert len(decoded) == 2
    (tmp_path / "bad.jrc").write_bytes(stored(b"repaired"))
    assert read(shown, "/bad") == b"repaired"


def test_kept_errors_do_not_grow(tmp_path: Path, told: Told) -> None:
    """An exception that is raised again and again would gather a traceback for each time."""
    (tmp_path / "bad.jrc").write_bytes(damaged(DATA))
    shown = archive(tmp_path, told)
    handle = shown.open("/bad")
    for _ in range(5):
        with fails(errno.EIO):
            shown.read(handle, 1, 0)
    shown.close(handle)
    gc.collect()
    depth, trace = 0, told.errors[0][1].__traceback__
    while trace:
        depth, trace = depth + 1, trace.tb_next
    assert depth < 10


@pytest.mark.parametrize("data", [stored(DATA)[:7], b"\xd1JR\x02" + stored(DATA)[4:]])
def test_a_file_of_unknown_size_cannot_be_opened(tmp_path: Path, told: Told, data: bytes) -> None:
    """It would appear to be empty."""
    (tmp_path / "bad.jrc").write_bytes(data)
    shown, before = archive(tmp_path, told), os.listdir("/proc/self/fd")  # noqa: PTH208
    for _ in range(2):
        with fails(errno.EIO):
            shown.open("/bad")
    assert told.names == ["bad.jrc"] and isinstance(told.errors[0][1], CorruptContainerError)
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208


@pytest.mark.parametrize("limits", [Limits(max_memory=len(DATA) - 1), Limits(max_memory=1000)])
def test_limits(tmp_path: Path, told: Told, limits: Limits) -> None:
    (tmp_path / "large.jrc").write_bytes(stored(bytes(len(DATA))))
    (tmp_path / "long.jrc").write_bytes(stored(os.urandom(len(DATA))))
    (tmp_path / "small.jrc").write_bytes(stored(b"small"))
    shown = archive(tmp_path, told, limits=limits)
    for name in ("large", "long"):
        with fails(errno.EFBIG):
            shown.open(f"/{name}")
    assert read(shown, "/small") == b"small"
    assert told.names == ["large.jrc", "long.jrc"]
    assert all(isinstance(error, LimitError) and "max_memory" in str(error) for _, error in told.errors)


def test_a_forged_length_takes_no_memory(tmp_path: Path, told: Told) -> None:
    """Readers that make room for the whole file are not even let in."""
    forged = b"\xd1JR\x01\x00" + bytes.fromhex("ffffffffffffffff7f") + stored(DATA)[7:]
    (tmp_path / "huge.jrc").write_bytes(forged)
    shown = archive(tmp_path, told)
    assert shown.find("/huge").size == (1 << 63) - 1
    with fails(errno.EIO):
        shown.open("/huge")


@pytest.mark.parametrize(
    "error", [MemoryError(), ShortageError("few threads"), RuntimeError("can't start new thread")]
)
def test_a_shortage_is_tried_again_with_an_empty_cache(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jrc").write_bytes(stored(DATA))
    shown = archive(tmp_path, told)
    read(shown, "/a")
    calls = failing(monkeypatch, error)
    assert read(shown, "/b") == read(shown, "/a") == DATA
    assert len(calls) == 3 and not told.errors


def test_a_lasting_shortage_is_no_damage(tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jrc").write_bytes(stored(DATA))
    shown = archive(tmp_path, told)
    failing(monkeypatch, *[MemoryError()] * 4)
    handle = shown.open("/a")
    for _ in range(2):
        with pytest.raises(MemoryError):
            shown.read(handle, 10, 0)
    assert [str(error) for _, error in told.errors] == ["out of memory"] * 2
    assert all(isinstance(error, ShortageError) for _, error in told.errors)
    assert shown.read(handle, 1 << 20, 0) == DATA  # it was not taken for lasting
    shown.close(handle)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (VerificationError("differs"), VerificationError),
        (UnknownModelError("no model"), UnknownModelError),
        (ValueError("a defect"), jrecomp.JrecompError),
    ],
)
def test_other_errors(
    tmp_path: Path,
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    kind: type[jrecomp.JrecompError],
) -> None:
    (tmp_path / "a.jrc").write_bytes(stored(DATA))
    shown = archive(tmp_path, told)
    failing(monkeypatch, error)
    with fails(errno.EIO):
        read(shown, "/a")
    assert type(told.errors[0][1]) is kind


def test_a_bad_disk_may_recover(tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jrc").write_bytes(stored(DATA))
    shown = archive(tmp_path, told)
    failing(monkeypatch, OSError(errno.ESTALE, "Stale file handle"))
    with fails(errno.ESTALE):
        read(shown, "/a")
    assert [(type(error), str(error)) for _, error in told.errors] == [(InputError, "Stale file handle")]
    assert read(shown, "/a") == DATA


def together(functions: list[Callable[[], None]]) -> None:
    threads = [Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("threads", [1, 4])
def test_readers_of_one_file_decode_it_once(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    (tmp_path / "a.jrc").write_bytes(stored(DATA))
    decoded, shown, results = counted(monkeypatch), archive(tmp_path, told, threads=threads), list[bytes]()
    together([lambda: results.append(read(shown, "/a", 1000))] * 8)
    assert results == [DATA] * 8 and len(decoded) == 1


def test_threads_are_shared(tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file alone gets all threads; of several at once, each gets fewer."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.jrc").write_bytes(stored(DATA))
    calls, shown, began, go_on = list[int](), archive(tmp_path, told, threads=6), Event(), Event()

    def hold(data: bytes, threads: int, **options: Any) -> bytes:
        calls.append(threads)
        began.set()
        assert go_on.wait(60)
        return DATA

    monkeypatch.setattr(pipeline, "decompress", hold)
    first = Thread(target=lambda: read(shown, "/a"))
    first.start()
    assert began.wait(60)
    go_on.set()
    first.join()
    began.clear()
    go_on.clear()
    (tmp_path / "a.jrc").write_bytes(stored(DATA[1:]))
    first = Thread(target=lambda: read(shown, "/a"))
    first.start()
    assert began.wait(60)
    second = Thread(target=lambda: read(shown, "/b"))
    second.start()
    while len(calls) < 3:
        pass
    go_on.set()
    first.join()
    second.join()
    assert calls == [6, 6, 3]


def test_many_readers_and_little_room(tmp_path: Path, told: Told, photo: bytes) -> None:
    """The cache holds one file; all get their bytes, and the damaged one fails for all."""
    container = jrecomp.compress(photo, model="fast")
    for number in range(4):
        (tmp_path / f"{number}.jpg.jrc").write_bytes(container)
    (tmp_path / "bad.jpg.jrc").write_bytes(container[:-9] + bytes(9))
    shown, results = archive(tmp_path, told, cache=len(photo)), list[tuple[str, bytes]]()

    def scan() -> None:
        for name in sorted(shown.list("/")):
            try:
                results.append((name, read(shown, f"/{name}", 2000)))
            except OSError as error:
                results.append((name, str(error.errno).encode()))

    together([scan] * 8)
    expected = [(f"{number}.jpg", photo) for number in range(4)] + [("bad.jpg", str(errno.EIO).encode())]
    assert sorted(results) == sorted(expected * 8)
    assert set(told.names) == {"bad.jpg.jrc"}
