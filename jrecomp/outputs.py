"""Writes files atomically, several at a time. A path of None means standard output."""

import errno
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

from jrecomp import attributes, files, system, temporary
from jrecomp.errors import JrecompError, OutputError, UsageError, shortage, unexpected
from jrecomp.threads import Workers


class Output(NamedTuple):
    """An output to write.

    target, source, force: as for files.check_target(). data: the bytes. The output gets the attributes of the
    source. exclusive: fail rather than replace a file that another program makes meanwhile; that needs a file
    system with hard links.
    """

    target: Path | None
    data: bytes
    source: Path | None
    force: bool = False
    exclusive: bool = False


def write(output: Output) -> None:
    """Write an output, see Outputs; raises OutputError, and the errors of files.check_target()."""
    errors: list[JrecompError | None] = []
    with Outputs() as outputs:
        outputs.add(output, errors.append)
        outputs.flush()
    if errors[0]:
        raise errors[0]


OnWritten = Callable[[JrecompError | None], None]
"""Called with the error of an output, or with None when it is complete and on disk."""


class Outputs:
    """Writes outputs, several at a time.

    The bytes of each are written to a temporary file in the folder of the target. flush() flushes all of them
    to disk, then gives them their names, and then flushes the folders. So a target has its old contents or
    all of the new ones, also after a power failure. Standard output, pipes and devices are written to as they
    are, at once. As a context manager it removes what was not flushed.
    """

    def __init__(self) -> None:
        self._pending: list[_Pending] = []
        self._workers: Workers | None = None

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Remove the temporary files of outputs that were not flushed."""
        while self._pending:
            self._pending.pop().close()
        if self._workers:
            self._workers.shutdown()

    def __len__(self) -> int:
        """Number of outputs that are not flushed."""
        return len(self._pending)

    def add(self, output: Output, on_written: OnWritten) -> None:
        """Write an output; raises OutputError, and the errors of files.check_target()."""
        target = output.target
        try:
            if target is None:
                _write_all(sys.stdout.buffer, output.data)
            elif files.is_stream(target):
                _write_through(target, output.data)
            else:
                self._write(output, target, on_written)
                return
        except OSError as error:
            if target is None:
                _drop_stdout()
            raise shortage(error) or OutputError.of(target or "pipe", error) from error
        on_written(None)

    def _write(self, output: Output, target: Path, on_written: OnWritten) -> None:
        try:
            pending = _Pending(output, target, on_written)
        except OSError as error:
            if not (self._pending and error.errno in (errno.EMFILE, errno.ENFILE)):
                raise
            self.flush()  # which closes files
            pending = _Pending(output, target, on_written)
        self._pending.append(pending)

    def flush(self) -> None:
        """Complete all outputs, and tell it."""
        pending, self._pending = self._pending, []
        try:
            self._sync(pending)
            for output in pending:
                output.name()
                output.close()
            for folder in {output.folder for output in pending if not output.error}:
                files.sync_folder(folder)
        except Exception as error:  # any of the names may be lost
            for output in pending:
                output.fail(error)
        finally:
            for output in pending:
                output.close()
        for output in pending:
            output.on_written(output.error)

    def _sync(self, pending: list["_Pending"]) -> None:
        """Flush the bytes of all outputs; in several threads, as file systems combine what comes together."""
        if len(pending) < 2:
            for output in pending:
                output.sync()
            return
        if self._workers is None:
            self._workers = Workers(_FLUSHES)
        self._workers.map(_Pending.sync, pending)


class _Pending:
    """An output whose bytes are in a temporary file; raises OSError."""

    def __init__(self, output: Output, target: Path, on_written: OnWritten) -> None:
        self._output, self._target, self.on_written = output._replace(data=b""), target, on_written
        self.error: JrecompError | None = None
        self._real = target.resolve() if target.is_symlink() else target
        self.folder = self._real.parent
        files.make_folders(self.folder)
        source = output.source
        like = source.stat() if source is not None and not files.is_stream(source) else None
        self._closing = ExitStack()
        with ExitStack() as closing:
            created = temporary.create(self.folder, 0o600 if like else 0o666)
            self._path, self._file = closing.enter_context(created)
            self._file.write(output.data)
            self._file.flush()
            self._like = like
            if not system.WINDOWS:
                self._copy_attributes(self._file.fileno())
            self._closing = closing.pop_all()

    def _copy_attributes(self, target: Path | int) -> None:
        """Give a path or an open file the attributes of the source."""
        if self._output.source is not None and self._like is not None:
            attributes.copy(self._output.source, self._like, target)
            attributes.copy_times(self._like, target)

    def sync(self) -> None:
        """Flush the bytes to disk."""
        try:
            os.fsync(self._file.fileno())
        except Exception as error:
            self.fail(error)

    def name(self) -> None:
        """Give the file its name."""
        output = self._output
        try:
            if not self.error:
                # again, as the target may have been created meanwhile
                files.check_target(self._target, output.source, output.force)
                if system.WINDOWS:
                    self._file.close()
                if output.exclusive:
                    self._link()
                else:
                    self._path.replace(self._real)
                if system.WINDOWS:
                    self._copy_attributes(self._real)
        except Exception as error:
            self.fail(error)

    def _link(self) -> None:
        """Give the file its name, which never replaces another file."""
        try:
            os.link(self._path, self._real)
        except FileExistsError:
            raise files.exists(self._target) from None
        except OSError as error:
            if error.errno in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):
                message = f"{self._target}: the file system has no hard links, which {{}} needs"
                raise OutputError(message, "delete_source") from error
            raise

    def fail(self, error: Exception) -> None:
        """Remember the first error."""
        if isinstance(error, OSError):
            error = shortage(error) or OutputError.of(self._target, error)
        self.error = self.error or (error if isinstance(error, JrecompError) else unexpected(error))

    def close(self) -> None:
        """Close the file, and remove it if it has no other name."""
        with suppress(OSError):
            self._closing.close()


_FLUSHES = 8
"""Files that are flushed at the same time."""


def _write_through(target: Path, data: bytes) -> None:
    with target.open("wb", buffering=0) as stream:
        if stream.isatty():
            raise UsageError(f"{target}: binary data is not written to a terminal (choose another output)")
        _write_all(stream, data)


def _write_all(stream: BinaryIO, data: bytes) -> None:
    """Write all bytes; on an unbuffered stream, one call of write() may write only some of them."""
    left = memoryview(data)
    while left:
        left = left[stream.write(left) :]
    stream.flush()


def _drop_stdout() -> None:
    """Redirect standard output to the null device, so that Python's flush at exit does not fail again."""
    descriptor = os.open(os.devnull, os.O_WRONLY)
    os.dup2(descriptor, sys.stdout.fileno())
    os.close(descriptor)
