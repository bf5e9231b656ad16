"""Limits on the cost of a file, and the values that options accept."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from typing_extensions import Buffer
else:
    Buffer = object

__all__ = [
    "DEFAULT_LIMITS",
    "DEFAULT_TUNE",
    "DEVICES",
    "RESTORERS",
    "TUNES",
    "Buffer",
    "Device",
    "Effort",
    "Limits",
    "Method",
    "Subsampling",
    "Tune",
    "as_bytes",
    "check_type",
]


def as_bytes(data: Buffer) -> bytes:
    """The bytes of a C-contiguous buffer: bytes, bytearray, memoryview, array.array, mmap, NumPy array.

    Raises TypeError for other objects, among them str, numbers, paths and file objects.
    """
    if type(data) is bytes:
        return data
    try:
        view = memoryview(data)
    except (TypeError, ValueError, BufferError):
        raise TypeError(f"a bytes-like object is required, not {type(data).__name__}") from None
    if not view.c_contiguous:
        raise TypeError("a C-contiguous buffer is required")
    if "O" in view.format:
        raise TypeError("a buffer of bytes or numbers is required, not of Python objects")
    return view.tobytes()


_KINDS: dict[object, str] = {
    bool: "True or False",
    str: "a string",
    Integral: "an integer",
    Real: "a number",
    Callable: "a function",
}


def check_type(name: str, value: object, kind: type) -> None:
    """Raise TypeError unless the value of an option is of a kind, such as Integral; bool is no number."""
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        wanted = _KINDS.get(kind, f"of the type {kind.__name__}")
        raise TypeError(f"{name} must be {wanted}, not {type(value).__name__}")


@dataclass(frozen=True)
class Limits:
    """Bounds on the memory and time that a hostile or broken file can take.

    max_pixels: largest width times height of the frame, padded to whole MCUs. 2^28 exceeds the pictures of
        current cameras, and limits the coefficients of a three-component 4:4:4 file to 1.6 GB.
    max_scan_blocks: largest number of blocks coded in all scans, per block of the frame. libjpeg's default
        progressive script codes each luma block 5 times. A file with thousands of scans exceeds the limit
        and is stored.
    max_scans: largest number of scans. It limits the cost of files that consist of scan headers.
    max_segments: largest number of segments decoded in the scans of a picture; each scan may have one in any
        case. It limits the cost of files that consist of restart markers; the rest of such a scan is kept as
        raw bytes.
    max_pictures: largest number of pictures of a file that are modelled.
    max_slice_blocks: largest number of blocks in a slice of several MCU rows, as docs/format/models.md
        requires. It bounds the memory of a decoding thread.
    max_markers: largest number of marker segments in the headers of a JPEG file. It limits the cost of files
        that consist of empty segments.
    max_memory: largest number of bytes that a call may allocate for a file beyond its input, by estimates
        that are made before: coefficients, and the working memory of each thread, of which fewer are used if
        that makes them fit; for containers also the metadata and the file that they claim to restore. The
        command line reads at most as many bytes from an input.

    All are integers. Raises TypeError for other values, and ValueError for negative ones.
    """

    max_pixels: int = 1 << 28
    max_scan_blocks: int = 64
    max_scans: int = 4096
    max_segments: int = 1 << 14
    max_pictures: int = 1 << 14
    max_slice_blocks: int = 1 << 17
    max_markers: int = 1 << 16
    max_memory: int = 1 << 32

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            check_type(field.name, value, Integral)
            if value < 0:
                raise ValueError(f"{field.name} must be 0 or more, not {value}")


DEFAULT_LIMITS = Limits()

Device = Literal["auto", "cpu", "cuda"]
"""A device to compute on. `auto` selects the fastest, which is the CPU."""

Tune = Literal["psnr", "ms-ssim", "ssimulacra2"]
"""A measure that results can be optimized for."""

Subsampling = Literal["auto", "444", "422", "420"]
"""A subsampling of chroma; auto chooses by the picture."""

Effort = Literal["fast", "default", "best"]
"""How much time an encoding may take."""

Method = Literal["expectation", "network"]
"""A method of restoration."""

TUNES: dict[Tune, str] = {"psnr": "mse", "ms-ssim": "ms-ssim", "ssimulacra2": "ms-ssim"}
"""Measures that lossy results can be optimized for, with the rules for their steps."""

DEFAULT_TUNE: Tune = "psnr"

DEVICES: tuple[Device, ...] = get_args(Device)
"""All devices."""

RESTORERS: dict[Method, int] = {"expectation": 1, "network": 2}
"""Methods of restoration, with the permanent numbers that containers have for them (docs/format.md)."""
