"""Files are deleted only when their containers are on disk, were read back and compared with them."""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from jrecomp import batch, deleting, files, pipeline
from jrecomp.errors import InputError, JrecompError, VerificationError
from jrecomp.jobs import Existing, Job
from jrecomp.options import DEFAULT_LIMITS
from jrecomp.work import Finished, compress
from tests.cli.commands import run

DATA = b"a file that is stored"
"""It needs no model."""

OPTIONS: dict[str, Any] = {"threads": 1, "device": "cpu", "limits": DEFAULT_LIMITS}


def steps(job: Job) -> Any:
    return compress(
        job,
        change={},
        model=None,
        existing=Existing.RESUME,
        delete_source=True,
        on_progress=lambda text: None,
        **OPTIONS,
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def target(source: Path) -> Path:
    """A good container."""
    path = files.compressed_name(source)
    path.write_bytes(pipeline.compress(DATA))
    return path


def delete(source: Path, target: Path) -> None:
    deleting.delete(source, target, **OPTIONS)


def finished(source: Path, target: Path) -> Finished:
    [outcome] = batch.run([Job(source, target)], steps)
    if outcome.error:
        raise outcome.error
    assert outcome.finished
    return outcome.finished


def test_a_file_is_deleted_after_its_container_was_written(source: Path) -> None:
    target = files.compressed_name(source)
    assert finished(source, target).deleted and not source.exists()
    assert pipeline.decompress(target.read_bytes()) == DATA


def test_a_second_run_deletes_what_the_first_one_left(source: Path, target: Path) -> None:
    result = finished(source, target)
    assert result.deleted and result.skipped and not source.exists()


CALLS = ["os.fsync", "os.link", "os.unlink", "os.open", "os.fstat", "os.utime", "os.posix_fadvise"]
METHODS = ["pathlib.Path.unlink", "pathlib.Path.replace", "pathlib.Path.mkdir", "pathlib.Path.lstat"]


def crash_at(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """End the process without further notice before the call of that number, or after it if it is odd."""
    calls = count()

    def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            mine = next(calls) == number // 2
            if mine and number % 2 == 0:
                os._exit(99)
            try:
                return function(*arguments, **options)
            finally:
                if mine:
                    os._exit(99)

        return call

    for name in CALLS:
        monkeypatch.setattr(name, wrapped(getattr(os, name.removeprefix("os."))))
    for name in METHODS:
        monkeypatch.setattr(name, wrapped(getattr(Path, name.removeprefix("pathlib.Path."))))


@pytest.mark.parametrize("done", [False, True])
def test_a_crash_between_any_two_steps(
    done: bool, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "new" / "folder" / "photo.jpg.jrc"
    ends = []
    for number in count():
        for path in target, source:
            path.unlink(missing_ok=True)
        source.write_bytes(DATA)
        if done:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(pipeline.compress(DATA))
        child = os.fork()
        if child == 0:
            with monkeypatch.context() as patch:
                crash_at(number, patch)
                finished(source, target)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        ends.append(source.exists())
        if source.exists():
            assert source.read_bytes() == DATA
        if target.exists() or not source.exists():
            assert pipeline.decompress(target.read_bytes()) == DATA
        if code == 0:
            break
        assert code == 99
    assert not source.exists() and len(ends) > 20 and True in ends


def test_everything_is_on_disk_before(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power failure takes what was not flushed: bytes of files, and names in folders."""
    target = tmp_path / "new" / "photo.jpg.jrc"
    unflushed = {tmp_path / "new", target}
    flush, link, unlink = os.fsync, os.link, Path.unlink

    def fsync(descriptor: int) -> None:
        flush(descriptor)
        status = os.fstat(descriptor)
        for path in list(unflushed):
            if path.exists() and path.parent.stat().st_ino == status.st_ino:
                unflushed.discard(path)

    def name(first: str | Path, second: str | Path) -> None:
        assert first in flushed
        link(first, second)

    flushed: set[str | Path] = set()

    def flush_file(descriptor: int) -> None:
        fsync(descriptor)
        flushed.update(
            path for path in tmp_path.rglob("*.tmp") if os.path.samestat(path.stat(), os.fstat(descriptor))
        )

    def remove(path: Path, missing_ok: bool = False) -> None:
        assert path != source or not unflushed
        unlink(path, missing_ok)

    monkeypatch.setattr(os, "fsync", flush_file)
    monkeypatch.setattr(os, "link", name)
    monkeypatch.setattr(Path, "unlink", remove)
    assert finished(source, target).deleted and not unflushed


@pytest.mark.parametrize("change", ["written", "replaced", "touched"])
def test_a_file_that_changes_meanwhile_stays(
    change: str, source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = pipeline.verify

    def slow(*arguments: Any, **options: Any) -> None:
        verify(*arguments, **options)
        if change == "replaced":
            other = source.with_name("other")
            other.write_bytes(b"edited")
            other.replace(source)
        elif change == "touched":
            os.utime(source, (1, 1))
        else:
            source.chmod(0o600)

    monkeypatch.setattr(pipeline, "verify", slow)
    with pytest.raises(InputError, match="changed meanwhile"):
        delete(source, target)
    assert source.read_bytes() == (b"edited" if change == "replaced" else DATA)


def test_a_container_that_changes_meanwhile(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = pipeline.verify

    def slow(*arguments: Any, **options: Any) -> None:
        verify(*arguments, **options)
        target.write_bytes(b"of another run")

    monkeypatch.setattr(pipeline, "verify", slow)
    with pytest.raises(VerificationError, match="changed meanwhile"):
        delete(source, target)
    assert source.read_bytes() == DATA


@pytest.fixture
def leases(source: Path) -> Iterator[None]:
    with source.open("rb") as file:
        try:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError:
            pytest.skip("the file system has no leases")
    yield


@pytest.mark.usefixtures("leases")
def test_a_file_that_is_being_written_stays(source: Path, target: Path) -> None:
    with source.open("r+b"), pytest.raises(InputError, match="open for writing"):
        delete(source, target)
    assert source.read_bytes() == DATA


@pytest.mark.usefixtures("leases")
def test_nobody_writes_meanwhile(source: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who tries to is told that he has to wait, and then the file stays."""
    verify = pipeline.verify

    def slow(*arguments: Any, **options: Any) -> None:
        verify(*arguments, **options)
        with pytest.raises(BlockingIOError):
            os.open(source, os.O_WRONLY | os.O_NONBLOCK)

    monkeypatch.setattr(pipeline, "verify", slow)
    with pytest.raises(InputError, match="changed meanwhile"):
        delete(source, target)
    assert source.read_bytes() == DATA


@pytest.mark.parametrize("contents", [b"", b"no container", pipeline.compress(b"another file"), None])
def test_no_good_container(source: Path, target: Path, contents: bytes | None) -> None:
    """Damaged ones included."""
    target.write_bytes(target.read_bytes()[:-1] if contents is None else contents)
    for act in (delete, finished):
        with pytest.raises(JrecompError):
            act(source, target)
        assert source.read_bytes() == DATA


def test_links_stay(source: Path, target: Path) -> None:
    """A symbolic link is not deleted, nor what it leads to; of hard links, the others stay."""
    link, hard = source.with_name("link.jpg"), source.with_name("hard.jpg")
    link.symlink_to(source)
    hard.hardlink_to(source)
    result = finished(link, files.compressed_name(link))
    assert not result.deleted and "is a link" in result.note and link.exists() and source.exists()
    target.rename(target.with_name("there"))
    target.symlink_to("there")
    assert not finished(source, target).deleted and source.exists()
    target.unlink()
    assert finished(source, target).deleted and not source.exists() and hard.read_bytes() == DATA


def test_a_container_that_another_run_writes_meanwhile(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not replaced, as its own source may be deleted already."""
    target = files.compressed_name(source)
    check = files.check_target

    def late(path: Path | None, *arguments: Any) -> None:
        check(path, *arguments)
        if list(source.parent.glob(".jrecomp-*")):  # the last check before it gets its name
            target.write_bytes(b"of another run")

    monkeypatch.setattr(files, "check_target", late)
    with pytest.raises(JrecompError, match="already exists"):
        finished(source, target)
    assert source.read_bytes() == DATA and target.read_bytes() == b"of another run"


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP])
def test_file_systems_without_hard_links(source: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def link(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(JrecompError, match="hard links"):
        finished(source, files.compressed_name(source))
    assert [path.name for path in source.parent.iterdir()] == ["photo.jpg"]


def test_on_another_disk(source: Path) -> None:
    disk = Path("/dev/shm")
    if not disk.is_dir() or disk.stat().st_dev == source.stat().st_dev:
        pytest.skip("needs another file system")
    target = disk / f"jrecomp-test-{os.getpid()}.jrc"
    try:
        assert finished(source, target).deleted and not source.exists()
        assert pipeline.decompress(target.read_bytes()) == DATA
    finally:
        target.unlink()


def test_a_file_that_is_reached_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tree/deep").mkdir(parents=True)
    for name in ("tree/a.jpg", "tree/deep/b.jpg"):
        Path(name).write_bytes(name.encode())
    run("compress", "-r", "tree", "tree/deep", "./tree", "--delete-source", "--output-dir", "out")
    left = sorted(str(path) for path in Path().rglob("*") if path.is_file())
    assert left == ["out/tree/a.jpg.jrc", "out/tree/deep/b.jpg.jrc"]
    for name in left:
        assert pipeline.decompress(Path(name).read_bytes()).decode() == name[4:-4]
