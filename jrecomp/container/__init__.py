"""Reading and writing of .jrc containers, as specified in docs/format.md.

`Stored`, `Lossless`, `Lossy` and `Restorable` are the contents of the four modes. `pack` writes and `unpack`
reads them. `salvage` reads what is left of a damaged container.
"""

from jrecomp.container.boxes import Container, Lossless, Lossy, Original, Restorable, Stored
from jrecomp.container.envelope import (
    FORMAT_VERSION,
    HEAD_BYTES,
    is_container,
    pack,
    restored_length,
    unpack,
)
from jrecomp.container.reconstruction import pack_reconstruction, unpack_reconstruction
from jrecomp.container.salvage import Remains, salvage

__all__ = [
    "FORMAT_VERSION",
    "HEAD_BYTES",
    "Container",
    "Lossless",
    "Lossy",
    "Original",
    "Remains",
    "Restorable",
    "Stored",
    "is_container",
    "pack",
    "pack_reconstruction",
    "restored_length",
    "salvage",
    "unpack",
    "unpack_reconstruction",
]
