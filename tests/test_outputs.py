"""Several outputs that are flushed together: each is whole or absent, and one error stops no other."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from jrecomp import temporary
from jrecomp.errors import JrecompError, NoSpaceError
from jrecomp.outputs import Output, Outputs

Errors = list[JrecompError | None]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_nothing_has_its_name_before_it_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes of all outputs, then their names, then the folders."""
    steps: list[str] = []
    flush, replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        steps.append("bytes" if temporary.NAME.fullmatch(name) else f"folder {name}")
        flush(descriptor)

    def rename(path: Path, target: Path) -> Path:
        steps.append("name")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", rename)
    errors: Errors = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    with Outputs() as outputs:
        for number in range(6):
            outputs.add(Output(tmp_path / "ab"[number % 2] / str(number), b"x", None), errors.append)
        assert not steps and not errors and len(outputs) == 6
        outputs.flush()
    assert steps[:12] == ["bytes"] * 6 + ["name"] * 6
    assert sorted(steps[12:]) == ["folder a", "folder b"]
    assert errors == [None] * 6 and names(tmp_path / "a") == ["0", "2", "4"]


def test_new_folders_are_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a power failure would take the name of a folder with all that is in it."""
    flushed: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: flushed.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
    )
    with Outputs() as outputs:
        outputs.add(Output(tmp_path / "x" / "y" / "0", b"x", None), lambda error: None)
        assert flushed == [str(tmp_path), str(tmp_path / "x")]


def test_errors_of_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only files that exist already, or whose bytes cannot be flushed, fail."""
    flush = os.fsync

    def fsync(descriptor: int) -> None:
        if os.fstat(descriptor).st_size == 3:
            raise OSError(errno.ENOSPC, "full")
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    errors: Errors = []
    with Outputs() as outputs:
        for name, data in (("0", b"x"), ("1", b"xxx"), ("2", b"new"), ("3", b"x")):
            outputs.add(Output(tmp_path / name, data, None), errors.append)
        (tmp_path / "3").write_bytes(b"other")
        outputs.flush()
    assert [type(error).__name__ for error in errors] == [
        "NoneType",
        "NoSpaceError",
        "NoSpaceError",
        "OutputError",
    ]
    assert isinstance(errors[1], NoSpaceError)
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == {"0": b"x", "3": b"other"}


def test_an_error_of_a_folder_is_told_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flush = os.fsync

    def fsync(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").is_dir():
            raise OSError(errno.EIO, "broken disk")
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    errors: Errors = []
    with Outputs() as outputs:
        for name in "01":
            outputs.add(Output(tmp_path / name, b"x", None), errors.append)
        outputs.flush()
    assert [str(error) for error in errors] == [f"{tmp_path / name}: broken disk" for name in "01"]


def test_what_is_not_flushed_is_removed(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Outputs() as outputs:
        for name in "01":
            outputs.add(Output(tmp_path / name, b"x", None), lambda error: None)
        assert len(names(tmp_path)) == 2
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_few_open_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outputs are completed to close their files."""
    create, opened = temporary.create, list[Path]()

    def scarce(folder: Path, permissions: int) -> Any:
        if len(list(tmp_path.glob(".jrecomp-*"))) == 2:
            raise OSError(errno.EMFILE, "Too many open files")
        opened.append(folder)
        return create(folder, permissions)

    monkeypatch.setattr(temporary, "create", scarce)
    errors: Errors = []
    with Outputs() as outputs:
        for number in range(5):
            outputs.add(Output(tmp_path / str(number), b"x", None), errors.append)
        assert errors == [None] * 4
        outputs.flush()
    assert errors == [None] * 5 and names(tmp_path) == list("01234")
