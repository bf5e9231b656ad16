"""Compression of bytes with brotli (RFC 7932); decompression with a bound on the result."""

import brotli

from jrecomp.errors import CorruptContainerError

_SLOW_BYTES = 1 << 20  # larger data is compressed at quality 9 (about 30 MB/s) instead of 11 (1 MB/s)
_STEP_BYTES = 1 << 20


def squeeze(data: bytes) -> bytes:
    """The bytes as a brotli stream."""
    compressed: bytes = brotli.compress(data, quality=11 if len(data) <= _SLOW_BYTES else 9, lgwin=24)
    return compressed


def expand(squeezed: bytes, length: int) -> bytes:
    """The inverse of squeeze().

    squeezed: a brotli stream. length: the expected number of bytes; memory use is bounded by it plus 1 MiB.
    Raises CorruptContainerError if the stream is damaged or has another length.
    """
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
        raise CorruptContainerError("damaged container: a brotli stream is invalid") from error
    if not decoder.is_finished() or len(result) != length:
        raise CorruptContainerError("damaged container: a compressed field has the wrong length")
    return bytes(result)
