"""Checks whether the coefficients of a file determine its decoded picture."""

import re

import numpy as np

from jrecomp.jpeg.ending import scans_of_picture
from jrecomp.jpeg.markers import Layout, ScanHeader, parse
from jrecomp.jpeg.types import JpegFile, ScanReconstruction, Segment
from jrecomp.options import DEFAULT_LIMITS, Limits

_RESTART = re.compile(rb"\xff[\xd0-\xd7]")

_ACCEPTED = frozenset({0, 3, 4, 5})
"""Differences modulo 8 of the number of a restart marker from the expected one at which libjpeg decodes on
(jdmarker.c, jpeg_resync_to_restart). At other differences it skips an interval.
"""


def damage(file: JpegFile, limits: Limits = DEFAULT_LIMITS) -> str:
    """Report why a rebuilt file with the same coefficients could decode to another picture.

    file: result of read(). limits: bounds on the headers.

    Returns a phrase, or "" if the picture would be the same. A picture is the same if every coefficient was
    coded, and decoders decode every MCU of every scan as read() does, whatever bytes there are besides.
    Otherwise decoders conceal what is missing or damaged, or smooth progressive pictures whose last scans
    are missing.
    """
    layout = parse(file.headers, limits)
    count = scans_of_picture(file)
    scans = list(zip(layout.scans, file.scans, strict=True))[:count]
    if not all(_is_decoded(header, scan) for header, scan in scans):
        return "parts of the picture are damaged or missing"
    return "" if _is_complete(layout, count) else "scans of the picture are missing"


def _is_decoded(header: ScanHeader, scan: ScanReconstruction) -> bool:
    """Whether decoders decode every MCU of a scan, and as read() does."""
    segments = scan.segments or [Segment(0, header.mcus, header.restart_interval)]
    reached = 0
    for segment in segments:
        if segment.first_mcu != reached or not segment.mcus or not _is_expected(header, segment):
            return False
        reached += segment.mcus
        if reached < header.mcus and not _continues(header, segment):
            return False
    return reached == header.mcus


def _is_expected(header: ScanHeader, segment: Segment) -> bool:
    """Whether restart markers stand where the headers announce them, with numbers that are accepted."""
    interval = header.restart_interval
    if segment.restart_interval != interval:
        return False
    return not interval or (segment.first_restart - segment.first_mcu // interval) % 8 in _ACCEPTED


def _continues(header: ScanHeader, segment: Segment) -> bool:
    """Whether a segment consists of whole intervals, with one restart marker after them."""
    whole = header.restart_interval and segment.mcus % header.restart_interval == 0
    return bool(whole) and len(_RESTART.findall(segment.tail)) == 1


def _is_complete(layout: Layout, count: int) -> bool:
    """Whether the first `count` scans code every coefficient of every component down to its last bit."""
    lowest = np.full((len(layout.frame.components), 64), 255)
    for scan in layout.scans[:count]:
        for component in scan.components:
            lowest[component, scan.ss : scan.se + 1] = scan.al
    return not lowest.any()
