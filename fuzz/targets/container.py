"""Bytes of a container: they restore the file that they name, or an error says why not."""

import random
from zlib import crc32

import brotli

from fuzz.mutation import Mutation, mutate_value
from fuzz.targets import LIMITS
from jrecomp.container import Original, pack, unpack
from jrecomp.errors import CorruptContainerError, JrecompError
from jrecomp.pipeline import decompress, inspect


def check(data: bytes) -> None:
    """Inspect and decompress."""
    try:
        inspect(data, limits=LIMITS)
    except JrecompError as error:
        _check_cause(error)
    try:
        restored = decompress(data, threads=1, limits=LIMITS)
    except JrecompError as error:
        _check_cause(error)
    else:
        assert Original.of(restored) == unpack(data).original


def _check_cause(error: BaseException) -> None:
    """A defect must not be called damage."""
    if error.__cause__ and not isinstance(error.__cause__, JrecompError | brotli.error):
        raise error


def mutate(data: bytes, mutation: Mutation) -> bytes:
    """Change any bytes, or a value before it is packed; the checksum is right."""
    try:
        if random.random() < 0.3:
            raise CorruptContainerError
        return pack(mutate_value(unpack(data), mutation))
    except (JrecompError, OverflowError, ValueError):  # what is no container, or cannot be packed
        body = mutation(data[:-4])
        return body + crc32(body).to_bytes(4, "little")
