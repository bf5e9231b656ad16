"""Any bytes: a JPEG file is written as it was read, and what is compressed is restored."""

from dataclasses import replace
from zlib import crc32

from fuzz.mutation import mutate_segments as mutate
from fuzz.targets import LIMITS
from jrecomp import jpeg
from jrecomp.container import Stored, pack_reconstruction, unpack, unpack_reconstruction
from jrecomp.errors import StoredReason, UnsupportedJpegError
from jrecomp.pipeline import compress, decompress

__all__ = ["check", "mutate"]

COMPRESSED = 8
"""One input in so many is compressed, which takes longer."""


def check(data: bytes) -> None:
    """Read and write, or compress and decompress."""
    if crc32(data) % COMPRESSED == 0:
        container = compress(data, model="fast", threads=1, limits=LIMITS)
        assert decompress(container, threads=1, limits=LIMITS) == data
        box = unpack(container)
        assert not isinstance(box, Stored) or box.reason != StoredReason.VERIFICATION
        return
    try:
        file = jpeg.read(data, LIMITS)
    except UnsupportedJpegError:
        return
    scans = unpack_reconstruction(pack_reconstruction(file.scans), LIMITS)
    assert scans == file.scans
    assert jpeg.write(replace(file, scans=scans), LIMITS) == data
