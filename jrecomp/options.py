"""Limits and presets, each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What a hostile or broken file may cost.

    max_pixels: width times height of the frame, padded to whole MCUs; 2^28 is more than any camera
        makes and bounds the coefficients of a three-component 4:4:4 file to 1.6 GB.
    max_scan_blocks: blocks visited over all scans, per block of the frame; libjpeg's largest standard
        progressive script visits each luma block 5 times, so 64 leaves room for any sane script
        while a bomb of thousands of empty scans ends as a stored file.
    """

    max_pixels: int = 1 << 28
    max_scan_blocks: int = 64


DEFAULT_LIMITS = Limits()

RULES = ("mse", "ms-ssim")
"""What lossy results can be good in; the first is the default."""

DEVICES = ("auto", "cpu", "cuda")
"""Where to compute; `auto` takes a GPU where there is one that torch can use."""
