"""Folders of fsspec's file systems: what is found, and how files are written."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jrecomp.cluster import storage
from jrecomp.cluster.storage import Entry, Folder
from jrecomp.errors import InputError, JrecompError, LimitError, NoSpaceError, OutputError, UsageError

fsspec = pytest.importorskip("fsspec")
SIZE = 1 << 20


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jrecomp.cluster.storage.time.sleep", lambda seconds: None)


@pytest.fixture(params=["local", "memory", "renaming"])
def folder(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Folder]:
    """A folder of this machine, of an object store, and of a file system on which files grow."""
    if request.param == "local":
        yield Folder(str(tmp_path))
        return
    if request.param == "renaming":
        monkeypatch.setattr(storage, "_ATOMIC", frozenset[str]())
    memory = fsspec.filesystem("memory")
    yield Folder("memory://bucket/photos")
    if memory.exists("/bucket"):
        memory.rm("/bucket", recursive=True)


def refuse(name: str, error: JrecompError) -> None:
    raise AssertionError(name)


def names(folder: Folder) -> list[str]:
    return [entry.name for entry in folder.walk((".jpg",), refuse)]


def test_files_are_found_in_order(folder: Folder) -> None:
    for name in (
        "b.jpg",
        "a/z.JPG",
        "a/b/c.jpg",
        "c.txt",
        ".x.jpg",
        ".git/d.jpg",
        "@eaDir/e.jpg",
        "ä #?*[1].jpg",
    ):
        folder.write(name, name.encode(), replace=False)
    assert names(folder) == ["b.jpg", "ä #?*[1].jpg", "a/z.JPG", "a/b/c.jpg"]
    assert Entry("b.jpg", 5) in list(folder.walk((".jpg",), refuse))
    assert folder.existing("ä #?*[1].jpg", SIZE) == "ä #?*[1].jpg".encode()


def test_what_is_no_folder() -> None:
    with pytest.raises(InputError):
        names(Folder("memory://nowhere"))
    with pytest.raises(UsageError, match="nothing"):
        Folder("nothing://bucket")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match="not a folder"):
        names(Folder(str(tmp_path / "x.jpg")))


def test_writing(folder: Folder) -> None:
    folder.write("deep/x.jpg", b"one", replace=False)
    with pytest.raises(FileExistsError):
        folder.write("deep/x.jpg", b"two", replace=False)
    assert folder.existing("deep/x.jpg", SIZE) == b"one"
    folder.write("deep/x.jpg", b"two", replace=True)
    assert folder.existing("deep/x.jpg", SIZE) == b"two"
    assert names(folder) == ["deep/x.jpg"]
    folder.write("empty.jpg", b"", replace=False)
    assert folder.read(Entry("empty.jpg", 0), SIZE) == folder.existing("empty.jpg", SIZE) == b""


def test_reading(folder: Folder) -> None:
    folder.write("x.jpg", b"12345", replace=False)
    assert folder.read(Entry("x.jpg", 5), 5) == b"12345"
    with pytest.raises(LimitError):
        folder.read(Entry("x.jpg", 5), 4)
    for size in (0, 4, 6):
        with pytest.raises(InputError, match=f"^x.jpg: does not have the {size} bytes"):
            folder.read(Entry("x.jpg", size), SIZE)
    with pytest.raises(InputError, match=r"^missing\.jpg: "):
        folder.read(Entry("missing.jpg", 5), SIZE)
    assert folder.existing("missing.jpg", SIZE) is None
    assert (folder.existing("x.jpg", 5), folder.existing("x.jpg", 4)) == (b"12345", b"1234")


def test_links_and_pipes(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "outside.jpg").write_bytes(b"12")
    (tmp_path / "in/link.jpg").symlink_to("../outside.jpg")
    (tmp_path / "in/broken.jpg").symlink_to("nothing")
    (tmp_path / "in/loop").symlink_to(".", target_is_directory=True)
    os.mkfifo(tmp_path / "in/pipe.jpg")
    assert list(Folder(str(tmp_path / "in")).walk((".jpg",), refuse)) == [Entry("link.jpg", 2)]


def test_names_that_are_not_text(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\n.jpg")
    (tmp_path / name).write_bytes(b"x")
    folder = Folder(str(tmp_path))
    assert names(folder) == [name]
    folder.write(f"{name}.jrc", b"y", replace=False)
    assert (tmp_path / f"{name}.jrc").read_bytes() == b"y"


def test_unreadable_folders_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.jpg").write_bytes(b"x")
    folder, told = Folder(str(tmp_path)), list[tuple[str, str]]()
    listed = folder._files.ls

    def ls(path: str, detail: bool) -> Any:
        if path.endswith("/b"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return listed(path, detail=detail)

    monkeypatch.setattr(folder._files, "ls", ls)
    found = list(folder.walk((".jpg",), lambda name, error: told.append((name, str(error)))))
    assert [entry.name for entry in found] == ["a/x.jpg", "c/x.jpg"]
    assert told == [("b", f"{tmp_path}/b: Permission denied")]


class Flaky:
    """Fails some times before it works."""

    def __init__(self, works: Any, *errors: Exception) -> None:
        self.works, self.errors = works, list(errors)

    def __call__(self, *values: Any, **options: Any) -> Any:
        if self.errors:
            raise self.errors.pop(0)
        return self.works(*values, **options)


@pytest.mark.parametrize(("method", "count"), [("ls", 5), ("cat_file", 5)])
def test_errors_that_pass(folder: Folder, monkeypatch: pytest.MonkeyPatch, method: str, count: int) -> None:
    """A listing that fails in the middle must not end early."""
    for name in ("a/x.jpg", "b/x.jpg"):
        folder.write(name, b"x", replace=False)
    errors = [
        ConnectionError("reset"),
        TimeoutError(),
        RuntimeError("503"),
        OSError(errno.EIO, "I/O"),
        EOFError(),
    ]
    monkeypatch.setattr(folder._files, method, Flaky(getattr(folder._files, method), *errors[:count]))
    assert names(folder) == ["a/x.jpg", "b/x.jpg"]
    assert folder.read(Entry("a/x.jpg", 1), SIZE) == b"x"


def test_errors_that_stay(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write("a.jpg", b"x", replace=False)
    flaky = Flaky(None, *[OSError("down")] * 100)
    monkeypatch.setattr(folder._files, "cat_file", flaky)
    with pytest.raises(InputError, match=r"^a\.jpg: down$"):
        folder.read(Entry("a.jpg", 1), SIZE)
    assert len(flaky.errors) == 100 - 6
    final = Flaky(None, *[PermissionError(errno.EACCES, "Permission denied")] * 100)
    monkeypatch.setattr(folder._files, "cat_file", final)
    with pytest.raises(InputError, match="Permission denied"):
        folder.read(Entry("a.jpg", 1), SIZE)
    assert len(final.errors) == 99


def test_an_answer_that_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file was written, but the storage said that it failed: it is there, and written by this call."""
    folder = Folder("memory://lost")
    put = folder._files.pipe_file

    def lost(path: str, data: bytes, mode: str) -> None:
        put(path, data, mode=mode)
        raise ConnectionError("reset")

    monkeypatch.setattr(folder._files, "pipe_file", lost)
    with pytest.raises(FileExistsError):
        folder.write("x.jpg", b"x", replace=False)
    assert folder.existing("x.jpg", SIZE) == b"x"


def test_what_was_written_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder("memory://compared")
    put = folder._files.pipe_file
    monkeypatch.setattr(folder._files, "pipe_file", lambda path, data, mode: put(path, data[:-1], mode=mode))
    with pytest.raises(OutputError, match="does not have the bytes"):
        folder.write("x.jpg", b"xyz", replace=True)


def test_short_answers_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder("memory://short")
    folder.write("x.jpg", b"xyz", replace=True)
    monkeypatch.setattr(folder._files, "cat_file", lambda path, start, end: b"xy")
    with pytest.raises(InputError, match="does not have the 3 bytes"):
        folder.read(Entry("x.jpg", 3), SIZE)


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(str(tmp_path))

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("jrecomp.files.os.fsync", full)
    with pytest.raises(NoSpaceError):
        folder.write("x.jpg", b"x", replace=False)
    assert list(tmp_path.iterdir()) == []


def test_attributes_are_those_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"x")
    os.utime(tmp_path / "x.jpg", (1000, 2000))
    (tmp_path / "x.jpg").chmod(0o640)
    folder = Folder(str(tmp_path))
    folder.write("x.jpg.jrc", b"y", replace=False, like=(folder, "x.jpg"))
    status = (tmp_path / "x.jpg.jrc").stat()
    assert (status.st_mtime, status.st_mode & 0o777) == (2000, 0o640)
