"""The rules of Windows, played here: files that are open, folders, attributes, select()."""

import os
import select
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jrecomp import deleting, jobs, pipeline, system, temporary
from jrecomp.cli import report
from jrecomp.errors import ExitCode, InputError, JrecompError
from jrecomp.options import DEFAULT_LIMITS
from jrecomp.outputs import Output, Outputs
from tests.cli.commands import document, run

DATA = b"a file that is stored"
"""It needs no model."""


@pytest.fixture(autouse=True)
def windows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A system that refuses what Windows refuses."""

    def refuse_folders(name: str | Path, flags: int, *rest: Any, **named: Any) -> int:
        if Path(name).is_dir():
            raise PermissionError(13, "Permission denied", str(name))
        return opened(name, flags, *rest, **named)

    def refuse_open_files(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Path, *rest: Any, **named: Any) -> Any:
            if path.exists() and any(same(link, path) for link in Path("/proc/self/fd").iterdir()):
                raise PermissionError(13, "The file is used by another process", str(path))
            return function(path, *rest, **named)

        return call

    def refuse_descriptors(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(target: Path | int, *rest: Any, **named: Any) -> Any:
            if isinstance(target, int):
                raise TypeError("path should be string, bytes or os.PathLike, not int")
            return function(target, *rest, **named)

        return call

    def refuse_readers(descriptor: int) -> None:
        if not is_writable(descriptor):
            raise OSError(9, "Bad file descriptor")
        flushed(descriptor)

    def refuse_files(*streams: Any) -> Any:
        raise OSError(10038, "An operation was attempted on something that is not a socket")

    opened, flushed = os.open, os.fsync
    monkeypatch.setattr(system, "WINDOWS", True)
    monkeypatch.setattr(os, "open", refuse_folders)
    monkeypatch.setattr(os, "fsync", refuse_readers)
    monkeypatch.setattr(select, "select", refuse_files)
    for name in ("replace", "unlink"):
        monkeypatch.setattr(Path, name, refuse_open_files(getattr(Path, name)))
    for name in ("utime", "chmod"):
        monkeypatch.setattr(os, name, refuse_descriptors(getattr(os, name)))
    for name in ("chown", "listxattr"):
        monkeypatch.delattr(os, name)
    for module in (temporary, deleting):
        monkeypatch.setattr(module, "fcntl", None)
    monkeypatch.chdir(tmp_path)
    Path("photo.jpg").write_bytes(DATA)
    os.utime("photo.jpg", (1, 1))


def same(link: Path, path: Path) -> bool:
    try:
        return link.samefile(path)
    except OSError:
        return False


def is_writable(descriptor: int) -> bool:
    flags = Path(f"/proc/self/fdinfo/{descriptor}").read_text().split("flags:")[1].split()[0]
    return int(flags, 8) & os.O_ACCMODE != os.O_RDONLY


def names() -> set[str]:
    return {str(path) for path in Path().rglob("*") if path.is_file()}


def test_there_and_back() -> None:
    run("compress", "-r", ".", "--output-dir", "out")
    packed = Path("out/photo.jpg.jrc")
    assert packed.stat().st_mtime == 1 and pipeline.decompress(packed.read_bytes()) == DATA
    assert run("verify", "-r", "out", "--originals", ".").exit_code == ExitCode.OK
    run("decompress", str(packed), "-o", "back.jpg")
    assert Path("back.jpg").read_bytes() == DATA
    assert (
        document("compress", "-r", ".", "--output-dir", "out", "--exclude", "back.jpg")["total"]["skipped"]
        == 1
    )
    assert names() == {"photo.jpg", "back.jpg", "out/photo.jpg.jrc"}


@pytest.mark.parametrize("exclusive", [False, True])
def test_many_outputs(exclusive: bool) -> None:
    errors: list[JrecompError | None] = []
    Path("out").mkdir()
    with Outputs() as outputs:
        for number in range(4):
            output = Output(Path(f"out/{number}"), b"x", Path("photo.jpg"), exclusive=exclusive)
            outputs.add(output, errors.append)
        outputs.flush()
    assert errors == [None] * 4 and names() == {"photo.jpg", *(f"out/{number}" for number in range(4))}
    assert {path.stat().st_mtime for path in Path("out").iterdir()} == {1}


def test_a_file_is_deleted() -> None:
    run("compress", "photo.jpg", "--delete-source")
    assert names() == {"photo.jpg.jrc"}


def test_a_file_that_changes_after_it_was_closed_is_not_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    run("compress", "photo.jpg")
    seen: list[Path] = []
    lstat = Path.lstat

    def change(path: Path) -> os.stat_result:
        seen.append(path)
        if seen.count(Path("photo.jpg")) == 2:
            path.write_bytes(b"edited")
        return lstat(path)

    monkeypatch.setattr(Path, "lstat", change)
    with pytest.raises(InputError, match="has changed meanwhile"):
        deleting.delete(
            Path("photo.jpg"), Path("photo.jpg.jrc"), threads=1, device="cpu", limits=DEFAULT_LIMITS
        )
    assert Path("photo.jpg").read_bytes() == b"edited"


def test_what_killed_runs_left_is_removed_after_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    left = Path(f".jrecomp-{temporary.boot()}-{'0' * 16}.tmp")
    left.write_bytes(b"")
    temporary.sweep(Path())
    assert left.exists()
    monkeypatch.setattr(temporary, "DAY", -1)
    temporary.sweep(Path())
    assert not left.exists()


def test_a_slash_ends_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_SEPARATORS", ("\\", "/"))
    assert jobs.Destination(output="new/").folder == Path("new") != jobs.Destination(output="new").folder


@pytest.mark.parametrize("arguments", [["mount", ".", "x"], ["serve", "."]])
def test_commands_that_do_not_work(arguments: list[str]) -> None:
    message = run(*arguments, code=ExitCode.USAGE).stderr
    assert message == f"jrecomp: jrecomp {arguments[0]} does not work on Windows\n"


def test_a_module_that_the_system_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **named: object) -> None:
        raise ModuleNotFoundError("No module named 'resource'", name="resource")

    monkeypatch.setattr(report, "run", fail)
    assert "Python has no module resource on this system" in run("info", "x.jrc", code=ExitCode.USAGE).stderr
