"""Checks whether the coefficients of a file determine its decoded picture."""

import numpy as np

from jrecomp.jpeg.markers import Layout, parse, trailer
from jrecomp.jpeg.types import JpegFile
from jrecomp.options import DEFAULT_LIMITS, Limits


def damage(file: JpegFile, limits: Limits = DEFAULT_LIMITS) -> str:
    """Report why a rebuilt file with the same coefficients could decode to another picture.

    file: result of read(). limits: bounds on the headers.

    Returns a phrase, or "" if the picture would be the same. A picture can change because decoders interpret
    damaged data that read() keeps as raw bytes, or smooth progressive pictures whose last scans are missing.
    If EOI is missing, the bytes after the last scan may belong to another picture.
    """
    if any(scan.segments for scan in file.scans):
        return "parts of the picture are damaged or missing"
    if trailer(file.headers) is None:
        return "the end of the picture is missing"
    if file.frame.progressive and not _complete(parse(file.headers, limits)):
        return "scans of the picture are missing"
    return ""


def _complete(layout: Layout) -> bool:
    """Whether the scans code every coefficient of every component down to its last bit."""
    lowest = np.full((len(layout.frame.components), 64), 255)
    for scan in layout.scans:
        for component in scan.components:
            lowest[component, scan.ss : scan.se + 1] = scan.al
    return not lowest.any()
