"""General compression of bytes (brotli, RFC 7932), bounded when it is undone."""

import brotli

from jrecomp.errors import CorruptContainerError

_SLOW_BYTES = 1 << 20  # quality 11 runs at about 1 MB/s, quality 9 at 30: above this it would dominate
_STEP_BYTES = 1 << 20


def squeeze(data: bytes) -> bytes:
    """Compress bytes."""
    compressed: bytes = brotli.compress(data, quality=11 if len(data) <= _SLOW_BYTES else 9, lgwin=24)
    return compressed


def expand(squeezed: bytes, length: int) -> bytes:
    """Undo `squeeze`, holding at most one step more than `length` bytes.

    Raises CorruptContainerError where the result has another length or `squeezed` is damaged.
    """
    decoder = brotli.Decompressor()
    result = bytearray()
    step = squeezed
    try:
        while len(result) <= length and not decoder.is_finished():
            produced = decoder.process(step, output_buffer_limit=_STEP_BYTES)
            result += produced
            if not produced and decoder.can_accept_more_data():
                break  # the stream ends before it should
            step = b""
    except brotli.error as error:
        raise CorruptContainerError("damaged container: not a brotli stream") from error
    if not decoder.is_finished() or len(result) != length:
        raise CorruptContainerError("damaged container: a compressed part has the wrong length")
    return bytes(result)
