"""Names, reading and attributes of files. A path of None means standard input or output."""

import errno
import os
import select
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext, suppress
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import cast

from jrecomp import attributes, system
from jrecomp.errors import InputError, LimitError, OutputError, UsageError, shortage, size
from jrecomp.options import DEFAULT_LIMITS, Limits

SUFFIX = ".jrc"
JPEG_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo", ".insp", ".thm")
"""Endings of JPEG files, also of pairs of pictures (MPO), panoramas (INSP) and previews of videos (THM)."""

SHRUNK = ".shrunk"
"""Inserted before the suffix in the names of shrunk files."""


def compressed_name(path: Path) -> Path:
    """The default output path for compressing `path`: photo.jpg gives photo.jpg.jrc."""
    return path.with_name(path.name + SUFFIX)


def shrunk_name(path: Path) -> Path:
    """The default output path for shrinking `path`: photo.jpg gives photo.shrunk.jpg."""
    return path.with_suffix(f"{SHRUNK}{path.suffix}")


def encoded_name(path: Path) -> Path:
    """The default output path for encoding `path`: photo.png gives photo.jpg.

    JPEG files and containers of them are shrunk, so photo.jpg and photo.jpg.jrc give photo.shrunk.jpg.
    """
    inner = path.with_suffix("") if path.suffix == SUFFIX else path
    return shrunk_name(inner) if inner.suffix.lower() in JPEG_SUFFIXES else path.with_suffix(".jpg")


def restored_name(path: Path) -> Path:
    """The default output path for decompressing `path`; raises UsageError if it does not end in .jrc."""
    if path.suffix != SUFFIX:
        raise UsageError(f"{path}: the name does not end in {SUFFIX} (name the output with -o)")
    return path.with_suffix("")


def picture_name(path: Path, suffix: str) -> Path:
    """The default output path for the picture of `path`: photo.jpg and photo.jpg.jrc give photo.png."""
    return (path.with_suffix("") if path.suffix == SUFFIX else path).with_suffix(suffix)


def without_copies(names: Iterable[str]) -> list[str]:
    """Leave out containers beside the files that they are made from, and names that occur again."""
    found = dict.fromkeys(names)
    return [name for name in found if not (name.endswith(SUFFIX) and name.removesuffix(SUFFIX) in found)]


Identity = tuple[int, int, int, int, int]
"""Device, inode, size, time of modification and of change of a file; equal as long as its contents are."""


def identity(status: os.stat_result) -> Identity:
    """What identifies the contents of a file with a status."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def mode(path: Path) -> int:
    """The st_mode of a path, 0 if stat() fails; reading the path then raises the error."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def unreadable(path: Path) -> InputError | None:
    """Why a file cannot be read, as far as that is known without opening it, which may block."""
    try:
        path.stat()
    except OSError as error:
        return InputError(f"{path}: {error.strerror or error}")
    return None if os.access(path, os.R_OK) else InputError(f"{path}: {os.strerror(errno.EACCES)}")


def is_broken_link(path: Path) -> bool:
    """Whether a path is a symbolic link to nothing, or to itself."""
    try:
        path.stat()
    except OSError as error:
        return path.is_symlink() and error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
    return False


_PIECE = 1 << 20


def read(path: Path | None, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """All bytes of a file, or of standard input for None.

    limits: bounds the number of bytes by max_memory. Raises InputError, and LimitError for more bytes.
    """
    if path is None and sys.stdin is None:
        raise InputError("standard input is closed")
    try:
        if path is None:
            return read_all(cast(BufferedReader, sys.stdin.buffer), limits.max_memory)
        with path.open("rb") as file:
            return read_all(file, limits.max_memory)
    except OSError as error:
        raise shortage(error) or InputError(f"{path or 'pipe'}: {error.strerror or error}") from error


def read_all(stream: BufferedReader, limit: int) -> bytes:
    """All bytes of a stream; raises OSError, and LimitError for more bytes than the limit."""
    data = BytesIO()
    while True:
        piece = _read_some(stream)
        data.write(piece)
        if data.tell() > limit:
            raise LimitError(f"has more bytes than the limit of {size(limit)} ({{}})", "max_memory")
        if not piece:
            return data.getvalue()


def _read_some(stream: BufferedReader) -> bytes:
    _wait_for(stream)
    return stream.read1(_PIECE)


def listed(path: Path | None, end: bytes) -> Iterator[str]:
    """The names in a list, one after the other; empty ones are left out.

    path: the list, None for standard input. end: the byte after each name. Raises InputError.
    """
    if path is None and sys.stdin is None:
        raise InputError("standard input is closed")
    try:
        standard = cast(BufferedReader, sys.stdin.buffer) if path is None else None
        with nullcontext(standard) if standard else cast(Path, path).open("rb") as stream:
            left = b""
            while piece := _read_some(stream):
                *names, left = (left + piece).split(end)
                yield from (os.fsdecode(name) for name in names if name)
                if len(left) > _PIECE:
                    raise InputError(f"{path or 'pipe'}: is no list of files")
            if left:
                yield os.fsdecode(left)
    except OSError as error:
        raise shortage(error) or InputError(f"{path or 'pipe'}: {error.strerror or error}") from error


def _wait_for(stream: BufferedReader) -> None:
    """Wait until a stream can be read, and handle signals meanwhile.

    One that comes just before read() would otherwise be handled only after it. On Windows it is.
    """
    if system.WINDOWS:
        return
    with suppress(ValueError):  # a stream that select() does not know
        while not select.select([stream], [], [], 1)[0]:
            pass


def check_target(target: Path | None, source: Path | None, force: bool) -> None:
    """Check that an output may be written.

    target: the output; a named pipe or a character device is written to, a symbolic link stands for the file
    that it leads to. source: the input that it is made from, if it is a file. force: allow replacing an
    existing file.

    Raises OutputError if standard output is closed, or if the target exists and `force` is false or it is a
    folder, a block device or a socket. Raises UsageError if the target is a terminal or the source itself.
    """
    if target is None:
        if sys.stdout is None:
            raise OutputError("standard output is closed")
        if sys.stdout.isatty():
            raise UsageError("binary data is not written to a terminal (redirect standard output or use -o)")
        return
    if not os.path.lexists(target) or is_stream(target):
        return
    if not force:
        raise exists(target)
    if not stat.S_ISREG(mode(target)):
        raise OutputError(f"{target}: exists and is not a regular file (choose another output)")
    if source is not None and mode(source) and source.samefile(target):
        raise UsageError(f"{target}: is the input file (choose another output)")


def exists(target: Path) -> OutputError:
    """The error for an output that exists already."""
    return OutputError(f"{target}: already exists ({{}} replaces it)", "force")


def is_file(path: Path | None) -> bool:
    """Whether a path is a regular file, or a link to one."""
    return path is not None and stat.S_ISREG(mode(path))


def same_time(first: Path, second: Path) -> bool:
    """Whether two files were modified at the same time, as far as the file system of the second one tells it.

    Some file systems keep times in units of 1 or 2 seconds.
    """
    times = first.stat().st_mtime_ns, second.stat().st_mtime_ns
    return times[0] == times[1] or (times[1] % 10**9 == 0 and abs(times[0] - times[1]) < 2 * 10**9)


def is_stream(path: Path) -> bool:
    """Whether a path is a named pipe or a character device such as /dev/null."""
    return stat.S_ISFIFO(mode(path)) or stat.S_ISCHR(mode(path))


def make_folders(folder: Path) -> None:
    """Make a folder, and those that it is in, where they are missing, and flush their names to disk."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        sync_folder(path.parent)


def sync(path: Path) -> None:
    """Flush a file and its name to disk, and let it be read from there again; raises OSError."""
    flags = os.O_RDWR if system.WINDOWS else os.O_RDONLY  # Windows flushes only what may be written
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to disk; raises OSError. Windows has no means to do that."""
    if system.WINDOWS:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Mirror:
    """A folder of outputs, which is to have the structure of a folder of inputs.

    Missing folders are made with the attributes of the corresponding folders of inputs. They get their times
    and withheld permissions by finish(), after the last output was written.

    source: the folder of inputs. target: the folder of outputs.
    """

    def __init__(self, source: Path, target: Path) -> None:
        self._source, self._target = source, target
        self._made: list[tuple[Path, int, os.stat_result]] = []

    def make(self, output: Path) -> None:
        """Make the folders that an output in the folder of outputs needs; raises OutputError."""
        inner = output.parent.relative_to(self._target)
        try:
            for name in [*reversed(inner.parents), inner]:
                self._make(self._source / name, self._target / name)
        except OSError as error:
            raise shortage(error) or OutputError.of(output, error) from error

    def _make(self, source: Path, target: Path) -> None:
        make_folders(target.parent)
        try:
            target.mkdir(0o700)
        except FileExistsError:
            return
        sync_folder(target.parent)
        like = source.stat()
        attributes.copy(source, like, target)
        permissions = stat.S_IMODE(target.stat().st_mode)
        attributes.set_permissions(target, permissions | 0o700)
        self._made.append((target, permissions, like))

    def finish(self) -> None:
        """Give the folders that were made their final permissions and times, the innermost first."""
        while self._made:
            target, permissions, like = self._made.pop()
            attributes.set_permissions(target, permissions)
            attributes.copy_times(like, target)
