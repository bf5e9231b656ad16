"""Putting pictures back into a skeleton, from right to left (docs/format.md, "Steps")."""

from base64 import b64encode
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise, zip_longest

from jrecomp import jpeg
from jrecomp.errors import CorruptContainerError
from jrecomp.skeleton.steps import LARGEST_HEADERS, Base64, Join, Picture, Step

Decode = Callable[[Picture, bytes], Sequence[bytes]]
"""Gives the bytes of a picture, in pieces, from its headers."""

_WINDOW = 1 << 17
"""Bytes in which the end of the headers of a picture is looked for at first."""

_LONGEST_SEGMENT = 2 + 65535


@dataclass(frozen=True)
class Found:
    """A picture of a file, as far as its skeleton tells.

    offset: of its SOI, or of the Base64 text that encodes it, in the file. It is approximate for pictures
    between the scans of another one. headers: every byte of the picture that is not scan data; scan data of
    pictures inside are zeros. removed: number of bytes of its scan data.
    """

    offset: int
    headers: bytes
    removed: int


def restore(skeleton: bytes, steps: Sequence[Step], decode: Decode) -> bytes:
    """Undo the steps, the last one first.

    decode: called for each picture. Raises CorruptContainerError if a step does not fit.
    """
    undoing = _Undoing(skeleton, decode)
    undoing.run(steps)
    return undoing.rest.take(undoing.rest.length)


def describe(skeleton: bytes, steps: Sequence[Step]) -> list[Found]:
    """The pictures of a file, in the order of the steps. Nothing is decoded.

    skeleton: may end behind what the steps refer to. Raises CorruptContainerError if a step does not fit.
    """
    undoing = _Undoing(skeleton, _blank)
    undoing.run(steps)
    length = undoing.rest.length
    return [Found(length - at, headers, picture.removed) for picture, headers, at in reversed(undoing.found)]


def _blank(picture: Picture, headers: bytes) -> list[bytes]:
    """A picture with zeros for its scan data; the memory of zeros is not used until they are read."""
    begin = jpeg.first_scan(headers)
    return [headers[:begin], bytes(picture.removed), headers[begin:]]


class _Rest:
    """The bytes from a position on; they grow at the front."""

    def __init__(self) -> None:
        self.length = 0
        self._pieces: list[memoryview] = []  # the first one is the last of the list

    def push(self, piece: bytes | memoryview) -> None:
        """Add bytes at the front."""
        if piece:
            self._pieces.append(memoryview(piece))
            self.length += len(piece)

    def take(self, size: int) -> bytes:
        """Remove bytes from the front; raises CorruptContainerError if there are fewer."""
        if size > self.length:
            raise CorruptContainerError("damaged container: a step refers to bytes beyond the end")
        taken, left = [], size
        while left:
            piece = self._pieces.pop()
            taken.append(piece[:left])
            if len(piece) > left:
                self._pieces.append(piece[left:])
            left -= len(taken[-1])
        self.length -= size
        return b"".join(taken)

    def take_headers(self) -> tuple[bytes, int]:
        """Remove the headers of the picture at the front. Returns them, and how many bytes that read."""
        window = _WINDOW
        while True:
            front = self.take(min(window, self.length))
            end, stop = jpeg.extent(front, with_scan_data=False)
            if self.length == 0 or stop + _LONGEST_SEGMENT <= len(front):
                self.push(memoryview(front)[end:])
                return front[:end], max(end, stop)
            self.push(front)
            window *= 2


class _Undoing:
    """The undoing of steps.

    rest: the bytes from the position of the last undone step on. found: of each picture the step, its
    headers, and the distance of its offset from the end of the file, the last picture first.
    """

    def __init__(self, skeleton: bytes, decode: Decode) -> None:
        self._skeleton, self._decode = memoryview(skeleton), decode
        self._budget = LARGEST_HEADERS
        self.rest = _Rest()
        self.found: list[tuple[Picture, bytes, int]] = []

    def run(self, steps: Sequence[Step]) -> None:
        """Undo all steps."""
        end = len(self._skeleton)
        for step in reversed(steps):
            if step.position > end:
                raise CorruptContainerError("damaged container: a step is beyond the end")
            self.rest.push(self._skeleton[step.position : end])
            end = step.position
            if isinstance(step, Picture):
                self._insert(step)
            elif isinstance(step, Join):
                self._separate(step)
            else:
                self._encode(step)
        self.rest.push(self._skeleton[:end])

    def _spend(self, size: int) -> None:
        self._budget -= size
        if self._budget < 0:
            raise CorruptContainerError("damaged container: its pictures have too many bytes of headers")

    def _insert(self, picture: Picture) -> None:
        headers, read = self.rest.take_headers()
        self._spend(read)
        pieces = self._decode(picture, headers)
        if sum(map(len, pieces)) != len(headers) + picture.removed:
            raise CorruptContainerError("damaged container: a picture has another length")
        scan = jpeg.first_scan(headers)
        self._put(len(headers), pieces, lambda offset: offset + (picture.removed if offset >= scan else 0))
        self.found.append((picture, headers, self.rest.length))

    def _separate(self, join: Join) -> None:
        size = sum(join.lengths) + sum(join.gaps)
        self._spend(size)
        joined = memoryview(self.rest.take(size))
        begins = list(accumulate(join.lengths + join.gaps, initial=0))
        parts = [joined[begin:end] for begin, end in pairwise(begins)]
        count = len(join.lengths)
        order = [index for pair in zip_longest(range(count), range(count, len(parts))) for index in pair][:-1]
        places = dict(zip(order, accumulate((len(parts[index]) for index in order), initial=0), strict=False))

        def place(offset: int) -> int:
            index = bisect_right(begins, offset) - 1
            return places[index] + offset - begins[index]

        self._put(size, [parts[index] for index in order], place)

    def _encode(self, text: Base64) -> None:
        self._spend(text.length)
        encoded = b64encode(self.rest.take(text.length))
        self._put(text.length, [encoded], lambda offset: offset // 3 * 4)

    def _put(self, taken: int, pieces: Sequence[bytes | memoryview], place: Callable[[int], int]) -> None:
        """Put pieces in place of bytes taken from the front; place: gives new offsets of pictures in them."""
        before = self.rest.length + taken
        for piece in reversed(pieces):
            self.rest.push(piece)
        for index in range(len(self.found) - 1, -1, -1):
            picture, headers, distance = self.found[index]
            if before - distance >= taken:
                break
            self.found[index] = picture, headers, self.rest.length - place(before - distance)
