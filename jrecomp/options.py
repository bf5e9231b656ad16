"""Limits and presets, each with its reason."""

from dataclasses import dataclass

Buffer = bytes | bytearray | memoryview
"""What functions take for the bytes of a file."""


@dataclass(frozen=True)
class Limits:
    """What a hostile or broken file may cost.

    max_pixels: width times height of the frame, padded to whole MCUs; 2^28 is more than any camera
        makes and bounds the coefficients of a three-component 4:4:4 file to 1.6 GB.
    max_scan_blocks: blocks visited over all scans, per block of the frame; libjpeg's largest standard
        progressive script visits each luma block 5 times, so 64 leaves room for any sane script
        while a bomb of thousands of empty scans ends as a stored file.
    max_scans: scans of a file; a file of nothing but scan headers must not cost much.
    max_segments: attempts to go on after irregular bytes in a scan; a bomb of restart markers ends as raw
        bytes.
    max_slice_blocks: blocks of a slice of more than one MCU row, as docs/format/models.md demands; it bounds
        the memory of a decoding thread.
    """

    max_pixels: int = 1 << 28
    max_scan_blocks: int = 64
    max_scans: int = 4096
    max_segments: int = 1 << 14
    max_slice_blocks: int = 1 << 17


DEFAULT_LIMITS = Limits()

RULES = ("mse", "ms-ssim")
"""Measures that lossy results can be tuned for; the first is the default."""

DEVICES = ("auto", "cpu", "cuda")
"""Where to compute; `auto` takes the device that is fastest, which is the CPU."""
