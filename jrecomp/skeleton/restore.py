"""Putting pictures back into a skeleton, from right to left (docs/format.md, "Steps")."""

from base64 import b64encode
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise, zip_longest
from typing import NamedTuple, Union

from jrecomp import jpeg
from jrecomp.errors import CorruptContainerError
from jrecomp.skeleton.steps import LARGEST_HEADERS, Base64, Join, Picture, Step

Piece = Union[memoryview, "_Zeros"]
"""Some bytes."""

Decode = Callable[[Picture, bytes], Sequence[Piece]]
"""Gives a picture in pieces from its headers."""

_WINDOW = 1 << 17
"""Bytes in which the end of the headers of a picture is looked for at first."""

_LONGEST_SEGMENT = 2 + 65535


class Found(NamedTuple):
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


def _blank(picture: Picture, headers: bytes) -> list[Piece]:
    """A picture with zeros for its scan data."""
    begin = jpeg.first_scan(headers)
    return [memoryview(headers)[:begin], _Zeros(picture.removed), memoryview(headers)[begin:]]


@dataclass(frozen=True)
class _Zeros:
    """Zeros, which take no memory until they are used."""

    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, part: slice) -> "_Zeros":
        return _Zeros(len(range(self.count)[part]))

    def __bytes__(self) -> bytes:
        return bytes(self.count)


class _Rest:
    """The bytes from a position on; they grow at the front."""

    def __init__(self) -> None:
        self.length = 0
        self._pieces: list[Piece] = []  # the first one is the last of the list

    def push(self, piece: Piece) -> None:
        """Add bytes at the front."""
        if len(piece):
            self._pieces.append(piece)
            self.length += len(piece)

    def take(self, size: int) -> bytes:
        """Remove bytes from the front; raises CorruptContainerError if there are fewer."""
        if size > self.length:
            raise CorruptContainerError("damaged container: a step refers to bytes beyond the end")
        taken, left = list[Piece](), size
        while left:
            piece = self._pieces.pop()
            taken.append(piece[:left])
            if len(piece) > left:
                self._pieces.append(piece[left:])
            left -= len(taken[-1])
        self.length -= size
        return b"".join(piece if isinstance(piece, memoryview) else bytes(piece) for piece in taken)

    def take_headers(self) -> tuple[bytes, int]:
        """Remove the headers of the picture at the front. Returns them and their cost (jpeg.Extent)."""
        window = _WINDOW
        while True:
            front = self.take(min(window, self.length))
            extent = jpeg.extent(front, with_scan_data=False)
            if self.length == 0 or extent.stop + _LONGEST_SEGMENT <= len(front):
                self.push(memoryview(front)[extent.end :])
                return front[: extent.end], extent.cost
            self.push(memoryview(front))
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
        headers, cost = self.rest.take_headers()
        self._spend(cost)
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
        self._put(text.length, [memoryview(encoded)], lambda offset: offset // 3 * 4)

    def _put(self, taken: int, pieces: Sequence[Piece], place: Callable[[int], int]) -> None:
        """Put pieces in place of bytes taken from the front; place: gives new offsets of pictures in them."""
        before = self.rest.length + taken
        for piece in reversed(pieces):
            self.rest.push(piece)
        for index in range(len(self.found) - 1, -1, -1):
            picture, headers, distance = self.found[index]
            if before - distance >= taken:
                break
            self.found[index] = picture, headers, self.rest.length - place(before - distance)
