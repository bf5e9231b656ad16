"""Compression of bytes with brotli (RFC 7932); decompression with a bound on the result."""

import mmap
from contextlib import suppress

import brotli

from jrecomp.errors import CorruptContainerError

_FAST, _BEST = 9, 10
"""Qualities of brotli with about 40 and 1.5 MB/s. Quality 11 takes twice the time of 10, for 1 % less."""

_SMALL, _MEDIUM, _LARGE = 1 << 14, 1 << 16, 1 << 20
"""Sizes in bytes that select the quality, see _quality()."""

_STEP_BYTES = 1 << 20

_WORKING_BYTES, _MOST_WORKING_BYTES = 2 << 20, 190 << 20
"""Memory that brotli needs for few bytes, and for many, as measured."""


def reserve(count: int) -> None:
    """Raise MemoryError unless this many bytes can be allocated, none of which is used.

    Without memory brotli's encoder ends the process, and its decoder reports damage.
    """
    try:
        mmap.mmap(-1, count).close()
    except OSError as error:
        raise MemoryError from error


def squeeze(data: bytes) -> bytes:
    """The bytes as a brotli stream."""
    return _compress(data, _quality(data))


def _quality(data: bytes) -> int:
    """The best quality for few bytes, and for more bytes where a sample from their middle gains by it."""
    if len(data) <= _SMALL:
        return _BEST
    if not _MEDIUM <= len(data) <= _LARGE:
        return _FAST
    begin = (len(data) - _SMALL) // 2
    sample = data[begin : begin + _SMALL]
    gains = len(_compress(sample, _BEST)) < 0.92 * len(_compress(sample, _FAST))
    return _BEST if gains else _FAST


def _compress(data: bytes, quality: int) -> bytes:
    """A brotli stream with a window that holds all data, up to 16 MiB; larger windows take time."""
    window = min(24, max(16, (len(data) + 16).bit_length()))
    reserve(_WORKING_BYTES + min(640 * len(data), _MOST_WORKING_BYTES))
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
