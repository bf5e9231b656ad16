"""Bytes of a container: they restore the file that they name, or an error says why not."""

import random
from contextlib import suppress
from zlib import crc32

from fuzz.mutation import Mutation, mutate_value
from fuzz.targets import LIMITS
from jrecomp.container import Original, pack, unpack
from jrecomp.errors import CorruptContainerError, ExitCode, JrecompError
from jrecomp.pipeline import decompress, inspect, salvage


def check(data: bytes) -> None:
    """Inspect, decompress, and salvage what is damaged."""
    with suppress(JrecompError):
        inspect(data, limits=LIMITS)
    try:
        restored = decompress(data, threads=1, limits=LIMITS)
    except JrecompError as error:
        assert error.exit_code != ExitCode.INTERNAL
        with suppress(JrecompError):
            salvage(data, threads=1, limits=LIMITS)
    else:
        assert Original.of(restored) == unpack(data).original


def mutate(data: bytes, mutation: Mutation) -> bytes:
    """Change any bytes, or a value before it is packed; the checksum is right."""
    try:
        if random.random() < 0.3:
            raise CorruptContainerError
        return pack(mutate_value(unpack(data), mutation))
    except (JrecompError, OverflowError, ValueError):  # what is no container, or cannot be packed
        body = mutation(data[:-4])
        return body + crc32(body).to_bytes(4, "little")
