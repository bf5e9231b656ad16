"""A mounted archive: files that are opened, read and closed by number, and restored when they are read."""

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock

from jrecomp import files, pipeline
from jrecomp.cache import Cache
from jrecomp.codec import Resources
from jrecomp.errors import InputError, JrecompError, LimitError, shortage, unexpected
from jrecomp.mount.tree import Entry, Tree
from jrecomp.options import Limits
from jrecomp.threads import Workers

Restored = bytes | JrecompError
"""A restored file, or why it cannot be restored."""

OnError = Callable[[str, JrecompError], None]
"""Called with the path of a container that cannot be restored, and with the error."""

_ERROR_BYTES = 1000
"""What an error counts in the cache."""


class Archive:
    """Reads what appears in a mounted archive, see tree.Tree. Any number of threads may use it.

    root: the archive. cache_bytes: for restored files, see cache.Cache. threads: for restoring, 0 for one per
    core; as many files are restored at once. limits: for each file, as for pipeline.decompress(). on_hidden:
    as for Tree. on_error: is told the error of each file once, and each shortage of the machine.

    Paths begin with "/", which is the archive. The methods raise OSError, and errors of shortage().
    """

    def __init__(
        self,
        root: Path,
        *,
        cache_bytes: int,
        threads: int,
        limits: Limits,
        on_hidden: Callable[[str], None],
        on_error: OnError,
    ) -> None:
        self.root = root.resolve()
        self._tree = Tree(self.root, on_hidden)
        self._threads = Resources(threads).workers
        self._limits, self._on_error = limits, on_error
        self._cache = Cache[Restored](cache_bytes, _size)
        self._opened: dict[int, Entry] = {}
        self._pool = Workers(self._threads)
        self._alone = Lock()

    def find(self, path: str, handle: int | None = None) -> Entry:
        """What appears at a path, or what was opened as a handle."""
        entry = None if handle is None else self._opened.get(handle)
        if entry is None or handle is None:
            return self._tree.find(path)
        return entry if entry.head else replace(entry, status=os.fstat(handle))

    def list(self, path: str) -> dict[str, os.DirEntry[str]]:
        """What appears in a folder, see tree.Tree."""
        return self._tree.list(path)

    def open(self, path: str) -> int:
        """Open a file for reading: its handle, which close() takes."""
        handle, entry = self._tree.open(path)
        self._opened[handle] = entry
        head = entry.head
        if head and (head.problem or head.length > self._limits.max_memory):
            try:  # it fails soon; reading might not even begin, or begin with too much memory for the size
                self._restored(handle, entry)
            except BaseException:
                self.close(handle)
                raise
        return handle

    def read(self, handle: int, size: int, offset: int) -> bytes:
        """Bytes of an open file, fewer at its end."""
        entry = self._opened[handle]
        if entry.head is None:
            return os.pread(handle, size, offset)
        return self._restored(handle, entry)[offset : offset + size]

    def close(self, handle: int) -> None:
        """Close a file."""
        del self._opened[handle]
        os.close(handle)

    def shutdown(self) -> None:
        """Restore no more files; those that are being restored are not awaited."""
        self._pool.shutdown()

    def _restored(self, handle: int, entry: Entry) -> bytes:
        restore = partial(self._restore, handle, entry.source)
        restored = self._cache.get(entry.identity, lambda: self._pool.submit(restore).result())
        if isinstance(restored, JrecompError):
            raise as_os_error(restored)
        return restored

    def _restore(self, handle: int, source: str) -> Restored:
        """The restored file, or an error of the container; raises other errors, which may pass."""
        try:
            return self._decompress_twice(handle)
        except Exception as error:
            known = _known(error)
            self._on_error(source, known)
            if isinstance(error, OSError) or shortage(known):
                raise
            return known

    def _decompress_twice(self, handle: int) -> bytes:
        """A restored file. What runs short of memory is repeated with an empty cache, one after the other."""
        try:
            return self._decompress(handle)
        except Exception as error:
            if not shortage(error):
                raise
        with self._alone:
            self._cache.clear()
            return self._decompress(handle)

    def _decompress(self, handle: int) -> bytes:
        with os.fdopen(handle, "rb", closefd=False) as file:
            file.seek(0)
            data = files.read_all(file, self._limits.max_memory)
        threads = max(1, self._threads // self._cache.running)
        return pipeline.decompress(data, threads=threads, limits=self._limits)


def as_os_error(error: Exception) -> OSError:
    """What a program gets that reads a file, for the error of restoring it."""
    number = error.errno if isinstance(error, OSError) else None
    if number is None:
        if shortage(error):
            number = errno.ENOMEM
        else:
            number = errno.EFBIG if isinstance(error, LimitError) else errno.EIO
    return OSError(number, os.strerror(number))


def _known(error: Exception) -> JrecompError:
    if isinstance(error, JrecompError):
        return error
    if isinstance(error, OSError) and not shortage(error):
        return InputError(error.strerror or str(error))
    return unexpected(error)


def _size(restored: Restored) -> int:
    return len(restored) if isinstance(restored, bytes) else _ERROR_BYTES
