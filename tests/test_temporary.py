"""Temporary files: removed by their writer or, if that was killed, by a later run; never those in use."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jrecomp import temporary

fcntl = pytest.importorskip("fcntl")

LEFT = "0123456789abcdef"
OTHER_BOOT = "f" * 8 if temporary.boot() != "f" * 8 else "e" * 8


def left(folder: Path, boot: str | None = None) -> Path:
    """A temporary file that nobody writes any more."""
    path = folder / f".jrecomp-{temporary.boot() if boot is None else boot}-{LEFT}.tmp"
    path.write_bytes(b"part of an output")
    return path


def days_later(monkeypatch: pytest.MonkeyPatch, days: float) -> None:
    now = time.time() + days * temporary.DAY
    monkeypatch.setattr(time, "time", lambda: now)


def test_a_renamed_file_stays(tmp_path: Path) -> None:
    with temporary.create(tmp_path, 0o640) as (path, file):
        assert temporary.NAME.fullmatch(path.name)
        file.write(b"data")
        file.flush()
        path.rename(tmp_path / "output")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("output", b"data")]


def test_a_file_that_is_not_renamed_goes(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), temporary.create(tmp_path, 0o600):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_the_end_of_the_process_removes_what_is_unfinished(tmp_path: Path) -> None:
    with temporary.create(tmp_path, 0o600), temporary.create(tmp_path, 0o600):
        assert len(list(tmp_path.iterdir())) == 2
        temporary.remove_unfinished()
        assert not list(tmp_path.iterdir())


@pytest.mark.skipif(temporary.boot() == temporary.UNKNOWN_BOOT, reason="the system does not identify boots")
def test_files_of_killed_processes_are_swept(tmp_path: Path) -> None:
    """A process that writes keeps its file; as soon as it is killed, the file goes."""
    code = (
        "import pathlib, sys, time; from jrecomp import temporary\n"
        "with temporary.create(pathlib.Path(sys.argv[1]), 0o600): print(flush=True); time.sleep(600)"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None and writer.stdout.readline() == b"\n"
    temporary.sweep(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    writer.kill()
    writer.communicate()
    assert len(list(tmp_path.iterdir())) == 1
    temporary.sweep(tmp_path)
    assert not list(tmp_path.iterdir())


def test_nothing_else_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only regular files of exactly such names, and nothing in folders below."""
    boot = temporary.boot()
    for name in (
        f".jrecomp-{boot}-{LEFT}.tmp.jpg",
        f"x.jrecomp-{boot}-{LEFT}.tmp",
        f".jrecomp-{boot}-{LEFT[:-1]}.tmp",
        f".jrecomp-{boot}-{LEFT[:-1]}F.tmp",
        f".jrecomp-{boot}-{LEFT}.tmp\n",
        f".jrecomp-{LEFT}.tmp",
        ".jrecomp.tmp",
        "photo.jpg",
    ):
        (tmp_path / name).write_bytes(b"precious")
    name = f".jrecomp-{boot}-{'1' * 16}.tmp"
    (tmp_path / name).mkdir()
    left(tmp_path / name)
    (tmp_path / name.replace("1", "2")).symlink_to("photo.jpg")
    os.mkfifo(tmp_path / name.replace("1", "3"))
    before = sorted(tmp_path.rglob("*"))
    days_later(monkeypatch, 400)
    temporary.sweep(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("boot", [OTHER_BOOT, temporary.UNKNOWN_BOOT])
def test_other_boots_have_a_day(boot: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another machine may write to the folder, and its locks are not always seen."""
    path = left(tmp_path, boot)
    days_later(monkeypatch, 0.9)
    temporary.sweep(tmp_path)
    assert path.exists()
    days_later(monkeypatch, 0.3)
    temporary.sweep(tmp_path)
    assert not path.exists()


def test_a_lock_is_respected_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for boot in (temporary.boot(), OTHER_BOOT):
        path = left(tmp_path, boot)
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            with monkeypatch.context() as patch:
                days_later(patch, 400)
                temporary.sweep(tmp_path)
            assert path.exists()
        path.unlink()


def test_file_systems_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outputs are written, and only age tells what is left behind."""

    def flock(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with temporary.create(tmp_path, 0o600) as (path, _):
        temporary.sweep(tmp_path)
        assert path.exists()
    path = left(tmp_path)
    days_later(monkeypatch, 1.1)
    temporary.sweep(tmp_path)
    assert not path.exists()


def test_swept_before_it_was_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that sweeps between creation and lock: the writer starts anew."""
    flock = fcntl.flock
    swept: list[str] = []

    def sweep_first(descriptor: int, operation: int) -> None:
        if not swept:
            swept.extend(path.name for path in tmp_path.iterdir())
            (tmp_path / swept[0]).unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", sweep_first)
    with temporary.create(tmp_path, 0o600) as (path, _):
        assert path.exists() and [path.name] != swept
    assert swept and not list(tmp_path.iterdir())


def test_folders_that_cannot_be_searched(tmp_path: Path) -> None:
    temporary.sweep(tmp_path / "missing")
    temporary.sweep(Path(__file__))
