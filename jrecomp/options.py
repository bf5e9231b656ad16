"""Limits on the cost of a file, and the values that options accept."""

from dataclasses import dataclass

Buffer = bytes | bytearray | memoryview
"""Types that functions accept for the bytes of a file."""


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
    """

    max_pixels: int = 1 << 28
    max_scan_blocks: int = 64
    max_scans: int = 4096
    max_segments: int = 1 << 14
    max_pictures: int = 1 << 14
    max_slice_blocks: int = 1 << 17


DEFAULT_LIMITS = Limits()

RULES = ("mse", "ms-ssim")
"""Quality metrics that lossy results can be optimized for. The first is the default."""

DEVICES = ("auto", "cpu", "cuda")
"""Devices to compute on. `auto` selects the fastest, which is the CPU."""
