"""File safety: an output is whole or absent, and nothing is replaced unasked."""

import errno
import io
import os
import socket
import stat
import sys
from contextlib import chdir
from pathlib import Path

import pytest

from jrecomp import files, outputs
from jrecomp.errors import ExitCode, InputError, OutputError, UsageError
from jrecomp.outputs import Output


def write(target: Path, data: bytes, source: Path | None, *, force: bool) -> None:
    outputs.write(Output(target, data, source, force))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "photo.jpg"
    path.parent.mkdir()
    path.write_bytes(b"photo")
    path.chmod(0o640)
    os.utime(path, ns=(1_500_000_000_123_456_789, 1_400_000_000_987_654_321))
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def test_names() -> None:
    assert files.compressed_name(Path("a/b.jpg")) == Path("a/b.jpg.jrc")
    assert files.restored_name(Path("a/b.jpg.jrc")) == Path("a/b.jpg")
    for name in ("b.jpg", "b", ".jrc"):
        with pytest.raises(UsageError, match="-o"):
            files.restored_name(Path(name))


def test_times_and_permissions_are_kept(source: Path, out: Path) -> None:
    write(out / "a", b"data", source, force=False)
    status = (out / "a").stat()
    assert contents(out) == {"a": b"data"}
    assert status.st_mtime_ns == source.stat().st_mtime_ns
    assert stat.S_IMODE(status.st_mode) == 0o640


@pytest.mark.parametrize("mode", [0o400, 0o444, 0o600, 0o4755])
def test_unusual_permissions(source: Path, out: Path, mode: int) -> None:
    source.chmod(mode)
    write(out / "a", b"data", source, force=False)
    assert stat.S_IMODE((out / "a").stat().st_mode) == mode & 0o777


def test_permissions_without_a_source_follow_the_umask(out: Path) -> None:
    before = os.umask(0o027)
    try:
        write(out / "a", b"data", None, force=False)
    finally:
        os.umask(before)
    assert stat.S_IMODE((out / "a").stat().st_mode) == 0o640


def test_existing_outputs_stay(source: Path, out: Path) -> None:
    (out / "a").write_bytes(b"old")
    with pytest.raises(OutputError, match="force replaces"):
        files.check_target(out / "a", source, force=False)
    with pytest.raises(OutputError, match="force replaces"):
        write(out / "a", b"new", source, force=False)
    assert contents(out) == {"a": b"old"}
    write(out / "a", b"new", source, force=True)
    assert contents(out) == {"a": b"new"}


def test_what_even_force_keeps(source: Path, out: Path) -> None:
    (out / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listener, chdir(out):  # its names are short
        listener.bind("socket")
    for name in ("folder", "socket"):
        with pytest.raises(OutputError, match="not a regular file"):
            write(out / name, b"new", source, force=True)
    with pytest.raises(UsageError, match="is the input"):
        write(source, b"new", source, force=True)
    assert sorted(path.name for path in out.iterdir()) == ["folder", "socket"]
    assert source.read_bytes() == b"photo"


def test_source_that_cannot_be_looked_at(source: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading it reports the reason; that it may be the target does not cause an earlier error."""
    (out / "a").write_bytes(b"old")
    stat_of = Path.stat

    def stat_or_not(path: Path, **options: bool) -> os.stat_result:
        if path == source:
            raise PermissionError(13, "Permission denied", str(path))
        return stat_of(path, **options)

    monkeypatch.setattr(Path, "stat", stat_or_not)
    files.check_target(out / "a", source, force=True)


def test_dangling_link_counts_as_existing(source: Path, out: Path) -> None:
    (out / "a").symlink_to(out / "nowhere")
    with pytest.raises(OutputError):
        write(out / "a", b"new", source, force=False)


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["os.fsync", "jrecomp.attributes.copy", "pathlib.Path.replace"])
def test_interrupted_write_leaves_nothing(
    source: Path, out: Path, monkeypatch: pytest.MonkeyPatch, step: str, failure: BaseException
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise failure

    (out / "a").write_bytes(b"old")
    with monkeypatch.context() as patch:
        patch.setattr(step, fail)
        with pytest.raises((OutputError, KeyboardInterrupt)):
            write(out / "a", b"new", source, force=True)
    assert contents(out) == {"a": b"old"}


@pytest.mark.parametrize(
    ("number", "code", "ends"),
    [
        (errno.ENOSPC, ExitCode.NO_SPACE, True),
        (errno.EDQUOT, ExitCode.NO_SPACE, True),
        (errno.EROFS, ExitCode.OUTPUT, True),
        (errno.EIO, ExitCode.OUTPUT, False),
        (errno.EFBIG, ExitCode.OUTPUT, False),
    ],
)
def test_what_ends_a_run(
    source: Path, out: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: ExitCode, ends: bool
) -> None:
    """What every further file would meet, too."""

    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match=os.strerror(number)) as caught:
        write(out / "a", b"data", source, force=False)
    assert (caught.value.exit_code, caught.value.ends_run) == (code, ends)
    assert contents(out) == {}


def test_output_that_appears_meanwhile(source: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: (out / "a").write_bytes(b"other"))
    with pytest.raises(OutputError, match="already exists"):
        write(out / "a", b"new", source, force=False)
    assert contents(out) == {"a": b"other"}


def test_missing_folders_are_made(source: Path, out: Path) -> None:
    write(out / "x" / "y" / "a", b"data", source, force=False)
    assert (out / "x" / "y" / "a").read_bytes() == b"data"


def test_unwritable_places(source: Path, out: Path) -> None:
    (out / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=r"Not a directory|File exists"):
        write(out / "file" / "a", b"data", source, force=False)
    with pytest.raises(OutputError, match="name too long"):
        write(out / ("a" * 300), b"data", source, force=False)
    if os.geteuid() != 0:  # root writes anywhere
        out.chmod(0o500)
        with pytest.raises(OutputError, match="Permission denied"):
            write(out / "a", b"data", source, force=False)


def test_longest_name(source: Path, out: Path) -> None:
    write(out / ("a" * 255), b"data", source, force=False)
    assert len(contents(out)) == 1


def test_unreadable_inputs(out: Path) -> None:
    with pytest.raises(InputError, match=r"missing: No such file"):
        files.read(out / "missing")
    with pytest.raises(InputError, match="Is a directory"):
        files.read(out)


def test_terminal_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdout", terminal)
    with pytest.raises(UsageError, match="terminal"):
        files.check_target(None, None, force=True)
