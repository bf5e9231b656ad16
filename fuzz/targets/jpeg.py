"""Any bytes: a JPEG file is written as it was read, and what is compressed is restored."""

from fuzz.mutation import mutate_segments as mutate
from fuzz.targets import LIMITS
from jrecomp import jpeg
from jrecomp.container import Stored, pack_reconstruction, unpack, unpack_reconstruction
from jrecomp.errors import StoredReason, UnsupportedJpegError
from jrecomp.pipeline import compress, decompress

__all__ = ["check", "mutate"]


def check(data: bytes) -> None:
    """Read and write; compress and decompress."""
    try:
        file = jpeg.read(data, LIMITS)
    except UnsupportedJpegError:
        pass
    else:
        scans = unpack_reconstruction(pack_reconstruction(file.scans), LIMITS)
        assert scans == file.scans
        assert jpeg.write(jpeg.assemble(file.headers, scans, file.coefficients, LIMITS), LIMITS) == data
    container = compress(data, model="fast", threads=1, limits=LIMITS)
    assert decompress(container, threads=1, limits=LIMITS) == data
    box = unpack(container)
    assert not isinstance(box, Stored) or box.reason != StoredReason.VERIFICATION
