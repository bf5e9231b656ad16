"""Compression of bytes with brotli (RFC 7932); decompression with a bound on the result."""

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock

import brotli

from jrecomp.errors import CorruptContainerError

_QUICK, _FAST, _BEST = 5, 9, 10
"""Qualities of brotli with about 90, 40 and 1.5 MB/s. Quality 11 takes twice the time of 10, for 1 % less."""

_TINY, _SMALL, _MEDIUM, _LARGE = 1 << 10, 1 << 14, 1 << 16, 1 << 20
"""Sizes in bytes that select the quality, see squeeze()."""

_SHARE = 16
"""Where the other bytes of a container are more than this many times as many, _BEST gains 0.2 % at most."""

_STEP_BYTES = 1 << 20

_WORKING_BYTES, _MOST_WORKING_BYTES = 2 << 20, 190 << 20
"""Memory that brotli needs for few bytes, and for many, as measured."""

_MARGIN_BYTES = 8 << 20
"""Memory that must be left beside it, as other threads allocate meanwhile."""


_promised, _promising = 0, Lock()
"""Memory in bytes that the calls of brotli in all threads may take, and have not all taken yet."""


def _after_fork() -> None:
    """Promise nothing in a child process, as the other threads exist in the parent only."""
    global _promised, _promising
    _promised, _promising = 0, Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def reserve(count: int) -> None:
    """Raise MemoryError unless this many bytes can be allocated, none of which is used.

    Without memory brotli's encoder ends the process, and its decoder reports damage.
    """
    try:
        mmap.mmap(-1, count).close()
    except OSError as error:
        raise MemoryError from error


@contextmanager
def _promise(count: int) -> Iterator[None]:
    """Let brotli allocate this many bytes; raises MemoryError unless they are left beside those of others."""
    global _promised
    with _promising:
        reserve(_MARGIN_BYTES + _promised + count)
        _promised += count
    try:
        yield
    finally:
        with _promising:
            _promised -= count


def squeeze(data: bytes, beside: int = 0) -> bytes:
    """The bytes as a brotli stream.

    beside: number of other bytes in the container. Where they are many, less time is spent on few bytes.
    """
    if len(data) <= _TINY:  # the best quality is larger here, as often as not
        return min((_compress(data, quality) for quality in (_QUICK, _FAST)), key=len)
    if len(data) <= _SMALL:
        return _compress(data, _FAST if beside > _SHARE * len(data) else _BEST)
    return _compress(data, _BEST if _gains(data) else _FAST)


def _gains(data: bytes) -> bool:
    """Whether the best quality is worth its time: a sample from the middle gains much by it."""
    if not _MEDIUM <= len(data) <= _LARGE:
        return False
    begin = (len(data) - _SMALL) // 2
    sample = data[begin : begin + _SMALL]
    return len(_compress(sample, _BEST)) < 0.92 * len(_compress(sample, _FAST))


def _compress(data: bytes, quality: int) -> bytes:
    """A brotli stream with a window that holds all data, up to 16 MiB; larger windows take time."""
    window = min(24, max(16, (len(data) + 16).bit_length()))
    with _promise(_WORKING_BYTES + min(640 * len(data), _MOST_WORKING_BYTES)):
        compressed: bytes = brotli.compress(data, quality=quality, lgwin=window)
        return compressed


class Expander:
    """The inverse of squeeze(), which decompresses as far as the bytes are used.

    squeezed: a brotli stream. length: the expected number of bytes. Memory use is bounded by the bytes that
    are used plus 1 MiB. Slices raise CorruptContainerError if the stream is damaged or has another length.
    """

    def __init__(self, squeezed: bytes, length: int) -> None:
        self._working = _WORKING_BYTES + 2 * min(length, 1 << 24)
        reserve(self._working)
        self._decoder, self._step = brotli.Decompressor(), squeezed
        self._data, self._length = bytearray(), length

    def __len__(self) -> int:
        """The expected number of bytes."""
        return self._length

    def __getitem__(self, part: slice) -> bytes:
        """Consecutive bytes."""
        start, stop, _ = part.indices(self._length)
        try:
            self._expand(stop)
        except brotli.error as error:
            reserve(self._working)  # the memory may have gone to another thread
            raise CorruptContainerError("damaged container: a brotli stream is invalid") from error
        complete = self._decoder.is_finished() and len(self._data) == self._length
        if len(self._data) < stop or (stop == self._length and not complete):
            raise CorruptContainerError("damaged container: a compressed field has the wrong length")
        return self._copy(start, stop)

    def salvaged(self) -> bytes:
        """The bytes before the place where a damaged stream cannot be decompressed any more."""
        with suppress(brotli.error):
            self._expand(self._length)
        return self._copy(0, self._length)

    def _copy(self, start: int, stop: int) -> bytes:
        """Bytes that were decompressed, copied once."""
        with memoryview(self._data) as data:
            return bytes(data[start:stop])

    def _expand(self, stop: int) -> None:
        """Decompress up to this byte, and at the end whatever the stream has."""
        while not self._decoder.is_finished() and (
            len(self._data) < stop or len(self._data) == stop == self._length
        ):
            produced = self._decoder.process(self._step, output_buffer_limit=_STEP_BYTES)
            self._step = b""
            self._data += produced
            if not produced and self._decoder.can_accept_more_data():
                return  # the stream is truncated
