"""Whether coefficients say all that decoders see."""

import numpy as np

from jrecomp.jpeg.markers import Layout, parse, trailer
from jrecomp.jpeg.types import JpegFile
from jrecomp.options import DEFAULT_LIMITS, Limits


def damage(file: JpegFile, limits: Limits = DEFAULT_LIMITS) -> str:
    """Why a new file with the same coefficients would not look the same; empty where it does.

    Decoders make something of stretches that read() keeps as bytes, and smooth progressive pictures whose
    last scans are missing; without an end, what follows may be another picture.
    """
    if any(scan.segments for scan in file.scans):
        return "parts of the picture are damaged or missing"
    if trailer(file.headers) is None:
        return "the end of the picture is missing"
    if file.frame.progressive and not _complete(parse(file.headers, limits)):
        return "scans of the picture are missing"
    return ""


def _complete(layout: Layout) -> bool:
    """Whether scans bring every coefficient of every component to its last bit."""
    lowest = np.full((len(layout.frame.components), 64), 255)
    for scan in layout.scans:
        for component in scan.components:
            lowest[component, scan.ss : scan.se + 1] = scan.al
    return not lowest.any()
