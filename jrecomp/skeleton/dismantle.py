"""Taking pictures out of a file, from left to right (docs/format.md, "Steps").

Pictures are found by content: after EOI of another picture, in its headers, in Base64 text, and in files that
are no JPEG files. The cost is linear in the length of the file, whatever it contains.
"""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from jrecomp import jpeg
from jrecomp.errors import StoredReason, UnsupportedJpegError
from jrecomp.options import DEFAULT_LIMITS, Limits
from jrecomp.skeleton.steps import (
    LARGEST_FRONT,
    LARGEST_HEADERS,
    MOST_RANGES,
    MOST_SLICES,
    Base64,
    Coded,
    Join,
    Picture,
    Step,
)
from jrecomp.skeleton.text import PART, TEXT, Encoded, Range, encoded_at, parts_at

_EFFORT, _LEAST_EFFORT = 16, 1 << 20
"""Cost of a search, see jpeg.Extent: per byte of the file, and what is allowed in addition."""

_CANDIDATES_PER_PICTURE = 4
"""Candidates that a search may look at, per picture of the limits."""

_PICTURE = rb"\xff\xd8\xff[\xc0-\xfe]"
_START = re.compile(rb"%s|%s|%s" % (_PICTURE, PART, TEXT), re.DOTALL)

Encode = Callable[[bytes, bool], tuple[bytes, Coded]]
"""Encodes a picture; returns its headers and what restores its scan data.

The second argument is true for the first picture, which is taken out even if it does not become smaller, as
its headers do. Raises UnsupportedJpegError if the picture is left in the file.
"""


class Dismantled(NamedTuple):
    """A file without the scan data of its pictures.

    front: the skeleton up to the end of what the steps refer to. back: the rest of the skeleton. steps: what
    was taken out, in order. reason: why the first picture is not modelled, None if it is.
    """

    front: bytes
    back: bytes
    steps: tuple[Step, ...]
    reason: UnsupportedJpegError | None


def dismantle(data: bytes, encode: Encode, limits: Limits = DEFAULT_LIMITS) -> Dismantled:
    """Take the scan data of all pictures out of a file.

    data: the file. encode: encodes one picture. limits: bounds the number of pictures.
    """
    search = _Search(data, encode, limits)
    search.run()
    return search.result()


class _Search:
    """A search from left to right over bytes that shrink.

    The bytes before `_start` are done and do not change any more; `_done` has what is left of them.
    """

    def __init__(self, data: bytes, encode: Encode, limits: Limits) -> None:
        self._rest, self._start, self._done = bytearray(data), 0, bytearray()
        self._encode = encode
        self._pictures = limits.max_pictures
        self._candidates = _CANDIDATES_PER_PICTURE * limits.max_pictures
        self._effort = _EFFORT * len(data) + _LEAST_EFFORT
        self._headers, self._ranges, self._slices = LARGEST_HEADERS, MOST_RANGES, MOST_SLICES
        self._steps: list[Step] = []
        self._behind = len(data)
        self._first: UnsupportedJpegError | None = UnsupportedJpegError(StoredReason.NOT_JPEG)
        self._seen = False

    def run(self) -> None:
        """Search to the end, or until a bound is reached."""
        if self._rest.startswith(b"\xff\xd8"):
            self._take_picture()
        while self._candidates > 0 and self._pictures > 0 and self._effort > 0 and self._headers > 0:
            match = _START.search(self._rest, self._start, self._start + LARGEST_FRONT - len(self._done))
            if match is None:
                return
            first = match[0][:2]
            self._advance(match.start())
            del match  # which locks the buffer
            self._candidates -= 1
            found = True
            if first == b"\xff\xd8":
                self._take_picture()
            elif first == b"/9":
                found = self._decode(encoded_at(self._rest, self._start))
            else:
                found = self._join(parts_at(self._rest, self._start))
            if not found:
                self._advance(self._start + 2)

    def result(self) -> Dismantled:
        """What was found."""
        skeleton = bytes(self._done + self._rest[self._start :])
        front = len(skeleton) - self._behind if self._steps else 0
        return Dismantled(skeleton[:front], skeleton[front:], tuple(self._steps), self._first)

    def _advance(self, begin: int) -> None:
        self._done += self._rest[self._start : begin]
        self._start = begin

    def _fits(self, length: int) -> bool:
        """Whether a step may refer to this number of bytes from the start."""
        return length <= min(self._headers, LARGEST_FRONT - len(self._done))

    def _replace(self, end: int, shorter: bytes, step: Step) -> None:
        """Replace the bytes from the start to `end`, which `step` restores."""
        self._start = end - len(shorter)
        self._rest[self._start : end] = shorter
        self._behind = min(self._behind, len(self._rest) - end)
        self._headers -= len(shorter)
        self._steps.append(step)

    def _take_picture(self) -> None:
        begin, extent = self._start, jpeg.extent(self._rest, self._start)
        self._effort -= extent.cost
        reason = None
        try:
            headers, coded = self._encode(bytes(self._rest[begin : extent.end]), not self._seen)
            removed = extent.end - begin - len(headers)
            if not self._fits(extent.cost - removed) or len(coded.slices) > self._slices:
                raise UnsupportedJpegError(StoredReason.TOO_LARGE)
            self._replace(extent.end, headers, Picture(len(self._done), removed, coded))
            self._headers -= extent.cost - removed - len(headers)
            self._slices -= len(coded.slices)
            self._pictures -= 1
        except UnsupportedJpegError as error:
            reason = error
        if not self._seen:
            self._first, self._seen = reason, True
        self._advance(self._start + 2)

    def _join(self, ranges: list[Range]) -> bool:
        """Move ranges together that begin at or after the start; false if they have to be left alone."""
        self._effort -= ranges[-1][1] - self._start if ranges else 0
        if not 1 < len(ranges) <= self._ranges or not self._fits(ranges[-1][1] - self._start):
            return False
        self._advance(ranges[0][0])
        gaps = [(end, begin) for (_, end), (begin, _) in pairwise(ranges)]
        moved = b"".join(bytes(self._rest[begin:end]) for begin, end in ranges + gaps)
        step = Join(len(self._done), tuple(map(_length, ranges)), tuple(map(_length, gaps)))
        self._ranges -= len(ranges)
        self._replace(ranges[-1][1], moved, step)
        return True

    def _decode(self, text: Encoded | None) -> bool:
        """Decode Base64 text at the start, of which lines are moved together first; false if it is left."""
        if text is None:
            return False
        self._effort -= text.length
        if (len(text.lines) > 1 and not self._join(text.lines)) or not self._fits(len(text.decoded)):
            return False
        self._replace(self._start + text.length, text.decoded, Base64(len(self._done), len(text.decoded)))
        return True


def _length(part: Range) -> int:
    return part[1] - part[0]
