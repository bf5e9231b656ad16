"""Compression of bytes with brotli (RFC 7932); decompression with a bound on the result."""

import mmap

import brotli

from jrecomp.errors import CorruptContainerError

_SLOW_BYTES = 1 << 20  # larger data is compressed at quality 9 (about 30 MB/s) instead of 11 (1 MB/s)
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
    reserve(_WORKING_BYTES + min(640 * len(data), _MOST_WORKING_BYTES))
    compressed: bytes = brotli.compress(data, quality=11 if len(data) <= _SLOW_BYTES else 9, lgwin=24)
    return compressed


def expand(squeezed: bytes, length: int) -> bytes:
    """The inverse of squeeze().

    squeezed: a brotli stream. length: the expected number of bytes; memory use is bounded by it plus 1 MiB.
    Raises CorruptContainerError if the stream is damaged or has another length.
    """
    working = _WORKING_BYTES + 2 * min(length, 1 << 24)
    reserve(working)
    decoder = brotli.Decompressor()
    result = bytearray()
    step = squeezed
    try:
        while len(result) <= length and not decoder.is_finished():
            produced = decoder.process(step, output_buffer_limit=_STEP_BYTES)
            result += produced
            if not produced and decoder.can_accept_more_data():
                break  # the stream is truncated
            step = b""
    except brotli.error as error:
        reserve(working)  # the memory may have gone to another thread
        raise CorruptContainerError("damaged container: a brotli stream is invalid") from error
    if not decoder.is_finished() or len(result) != length:
        raise CorruptContainerError("damaged container: a compressed field has the wrong length")
    return bytes(result)
