"""jrecomp recompresses JPEG files losslessly, with entropy models that are integer neural networks.

The public functions and types are in jrecomp.pipeline, jrecomp.encoding, jrecomp.restoring,
jrecomp.thumbnails, jrecomp.dct, jrecomp.access, jrecomp.info, jrecomp.options and jrecomp.errors;
docs/format.md specifies the containers that they write. jrecomp.pillow, jrecomp.fsspec and jrecomp.torch
connect them to these libraries.
"""

from typing import TYPE_CHECKING

from jrecomp.errors import (
    CancelledError,
    CorruptContainerError,
    InputError,
    JrecompError,
    LimitError,
    OutputError,
    ShortageError,
    TargetError,
    UnknownModelError,
    UsageError,
    VerificationError,
)

if TYPE_CHECKING:
    from jrecomp.access import compress_file, decompress_file, open
    from jrecomp.dct import Coefficients, coefficients
    from jrecomp.encoding import encode
    from jrecomp.info import Info, JpegInfo
    from jrecomp.notes import Note
    from jrecomp.options import Limits
    from jrecomp.pipeline import compress, decompress, inspect, salvage, shrink, verify
    from jrecomp.restoring import restore
    from jrecomp.threads import cancellation
    from jrecomp.thumbnails import thumbnail

__all__ = [
    "CancelledError",
    "Coefficients",
    "CorruptContainerError",
    "Info",
    "InputError",
    "JpegInfo",
    "JrecompError",
    "LimitError",
    "Limits",
    "Note",
    "OutputError",
    "ShortageError",
    "TargetError",
    "UnknownModelError",
    "UsageError",
    "VerificationError",
    "cancellation",
    "coefficients",
    "compress",
    "compress_file",
    "decompress",
    "decompress_file",
    "encode",
    "inspect",
    "open",
    "restore",
    "salvage",
    "shrink",
    "thumbnail",
    "verify",
]
__version__ = "0.1.0"

_HOMES = {
    "Coefficients": "jrecomp.dct",
    "Info": "jrecomp.info",
    "JpegInfo": "jrecomp.info",
    "Limits": "jrecomp.options",
    "Note": "jrecomp.notes",
    "cancellation": "jrecomp.threads",
    "coefficients": "jrecomp.dct",
    "compress": "jrecomp.pipeline",
    "compress_file": "jrecomp.access",
    "decompress": "jrecomp.pipeline",
    "decompress_file": "jrecomp.access",
    "encode": "jrecomp.encoding",
    "inspect": "jrecomp.pipeline",
    "open": "jrecomp.access",
    "restore": "jrecomp.restoring",
    "salvage": "jrecomp.pipeline",
    "shrink": "jrecomp.pipeline",
    "thumbnail": "jrecomp.thumbnails",
    "verify": "jrecomp.pipeline",
}


def __getattr__(name: str) -> object:
    """Import NumPy and the coder on first use, so that `import jrecomp` stays fast."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'jrecomp' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Also what is not imported yet."""
    return [*__all__, "__version__"]
