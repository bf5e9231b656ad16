"""The .jrc container: the code twin of docs/format.md.

`Lossless`, `Lossy` and `Stored` say what a container holds; `pack` and `unpack` turn them into bytes and
back.
"""

from jrecomp.container.boxes import Container, Lossless, Lossy, Original, Stored
from jrecomp.container.envelope import FORMAT_VERSION, pack, unpack
from jrecomp.container.reconstruction import pack_reconstruction, unpack_reconstruction

__all__ = [
    "FORMAT_VERSION",
    "Container",
    "Lossless",
    "Lossy",
    "Original",
    "Stored",
    "pack",
    "pack_reconstruction",
    "unpack",
    "unpack_reconstruction",
]
