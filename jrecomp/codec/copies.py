"""Copies: runs of MCUs that repeat earlier MCUs and are not coded (docs/format/models.md, "Copies").

Blank pictures, tiles, and files of which a part was overwritten with zeros have them.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from jrecomp.array_types import Bool, Index, Int16
from jrecomp.codec.coefficients import VALUE_LIMIT
from jrecomp.container.fields import FieldReader, FieldWriter
from jrecomp.errors import CorruptContainerError
from jrecomp.jpeg.types import Frame

SHORTEST = 16
"""Least number of MCUs in a copy."""

NEAREST = 8
"""The encoder looks for copies at distances of 1 to NEAREST MCUs, and of 1 to NEAREST MCU rows."""

LEAST_GAIN = 128
"""Least number of bits that a copy of the encoder saves by its estimate; a copy takes 3 to 15 bytes."""

AC_GAIN, BLOCK_GAIN = 1 / 4, 1 / 64
"""Estimate of the bits saved for each non-zero AC coefficient, and for each block in rows left out."""

CHUNK = 1 << 10
"""Number of MCUs that are copied at once, to limit memory."""


class Copy(NamedTuple):
    """A run of MCUs, in raster order, each of which repeats the MCU at a distance before it.

    start: the first MCU. stop: the MCU after the last. distance: 1 to `start`. steps: for each component,
    what is added to each DC coefficient, modulo 2^16; -2^15 to 2^15 - 1.
    """

    start: int
    stop: int
    distance: int
    steps: tuple[int, ...]


class Mcus:
    """The coefficients of a frame by MCU.

    frame: the frame. coefficients: of each component, int16 [block rows, block columns, 64].
    parts: views of them, int16 [MCU rows, MCU columns, V, H, 64].
    """

    def __init__(self, frame: Frame, coefficients: Sequence[Int16]) -> None:
        self.columns, self.count = frame.mcu_columns, frame.mcu_rows * frame.mcu_columns
        self.parts = [
            array.reshape(frame.mcu_rows, c.vertical, frame.mcu_columns, c.horizontal, 64).swapaxes(1, 2)
            for array, c in zip(coefficients, frame.components, strict=True)
        ]

    def places(self, mcus: Index) -> tuple[Index, Index]:
        """Rows and columns of MCUs with these numbers in raster order."""
        row, column = np.divmod(mcus, self.columns)
        return row, column


def pack(copies: Sequence[Copy]) -> bytes:
    """The bytes of copies, which are in ascending order."""
    fields, end = FieldWriter(), 0
    for copy in copies:
        fields.varint(copy.start - end)
        fields.varint(copy.stop - copy.start)
        fields.varint(2 * copy.distance + any(copy.steps))
        for step in copy.steps if any(copy.steps) else ():
            fields.varint(2 * step if step >= 0 else -2 * step - 1)
        end = copy.stop
    return bytes(fields.data)


def unpack(data: bytes, frame: Frame) -> list[Copy]:
    """The inverse of pack(); frame: the frame. Raises CorruptContainerError."""
    fields, end, copies = FieldReader(data), 0, []
    while fields.left:
        start = end + fields.varint()
        end = start + fields.varint()
        distance, has_steps = divmod(fields.varint(), 2)
        steps = [fields.varint() if has_steps else 0 for _ in frame.components]
        if end - start < SHORTEST or end > frame.mcu_rows * frame.mcu_columns or not 0 < distance <= start:
            raise CorruptContainerError("damaged container: a copy is outside the frame")
        if max(steps) >= 1 << 16:
            raise CorruptContainerError("damaged container: a difference of DC coefficients is out of range")
        copies.append(Copy(start, end, distance, tuple(-(n + 1 >> 1) if n % 2 else n >> 1 for n in steps)))
    return copies


def covered(copies: Sequence[Copy], frame: Frame) -> Bool:
    """Whether each MCU is in a copy, bool [MCU rows, MCU columns]."""
    result = np.zeros(frame.mcu_rows * frame.mcu_columns, np.bool_)
    for copy in copies:
        result[copy.start : copy.stop] = True
    return result.reshape(frame.mcu_rows, frame.mcu_columns)


def reduced(mask: Bool, frame: Frame, coefficients: Sequence[Int16]) -> list[Int16]:
    """The MCU rows that have MCUs outside copies, with little to code for those inside.

    mask: from covered(). frame: the frame. coefficients: of each component, int16 [block rows, block
    columns, 64].
    Returns such arrays of the remaining MCU rows. MCUs in copies have the DC of the last MCU before them that
    is in none.
    """
    kept = ~mask.all(1)
    mask = mask[kept]
    before = np.maximum.accumulate(np.where(mask, 0, np.arange(mask.size).reshape(mask.shape)).ravel())
    result = []
    for part in Mcus(frame, coefficients).parts:
        less = part[kept]
        dc = less[..., 0].reshape(mask.size, -1)[before]
        less[mask] = 0
        less[..., 0] = dc.reshape(less.shape[:-1])
        result.append(
            np.ascontiguousarray(less.swapaxes(1, 2)).reshape(-1, part.shape[1] * part.shape[3], 64)
        )
    return result


def restore(copies: Sequence[Copy], frame: Frame, coefficients: Sequence[Int16]) -> None:
    """Put rows that were left out back, and write the copies.

    copies: in ascending order. frame: the frame. coefficients: of each component, int16 [block rows, block
    columns, 64], changed in place; the first rows are those that were coded.
    Raises CorruptContainerError if a coefficient is out of range.
    """
    kept = np.flatnonzero(~covered(copies, frame).all(1)).tolist()
    for array in coefficients:
        rows = array.reshape(frame.mcu_rows, -1)
        for coded in range(len(kept) - 1, -1, -1):
            rows[kept[coded]] = rows[coded]
    mcus = Mcus(frame, coefficients)
    for copy in copies:
        for start in range(copy.start, copy.stop, CHUNK):
            _write(mcus, copy, np.arange(start, min(start + CHUNK, copy.stop)))


def _write(mcus: Mcus, copy: Copy, target: Index) -> None:
    turns, phases = np.divmod(target - copy.start, copy.distance)
    source = mcus.places(copy.start - copy.distance + phases)
    for part, step in zip(mcus.parts, copy.steps, strict=True):
        values = part[source]
        if step:
            values[..., 0] += (step * (turns[:, None, None] + 1)).astype(np.int16)  # modulo 2^16
            if values[..., 0].min() < -VALUE_LIMIT:
                raise CorruptContainerError("damaged container: a coefficient is out of range")
        part[mcus.places(target)] = values


def find(frame: Frame, coefficients: Sequence[Int16]) -> list[Copy]:
    """Copies that make the coded frame smaller, in ascending order.

    frame: the frame. coefficients: of each component, int16 [block rows, block columns, 64].
    """
    mcus = Mcus(frame, coefficients)
    free, chosen = np.ones(mcus.count, np.bool_), []
    for copy in sorted(_candidates(mcus), key=lambda copy: copy.start - copy.stop):
        inside = copy.start + np.flatnonzero(free[copy.start : copy.stop])  # longer copies overlap ends only
        if len(inside) >= SHORTEST:
            chosen.append(Copy(int(inside[0]), int(inside[-1]) + 1, copy.distance, copy.steps))
            free[inside] = False
    whole = np.asarray(covered(chosen, frame).all(1))
    useful = (copy for copy in chosen if _gain(mcus, copy, whole) >= LEAST_GAIN)
    return sorted(useful, key=lambda copy: copy.start)


def _candidates(mcus: Mcus) -> Iterator[Copy]:
    """The longest copies at each distance, except for those that are blank and shorter than a row."""
    first = mcus.parts[0][:, :, 0, 0, :4].reshape(mcus.count, 4)
    dc, ac = first[:, 0], first[:, 1:] @ np.array([1, 1 << 16, 1 << 32])  # rule most MCUs out
    near = range(1, NEAREST + 1)
    for distance in sorted({*near, *(mcus.columns * n for n in near)}):
        same = ac[distance:] == ac[:-distance]
        eights = same[: len(same) // 8 * 8].view(np.uint64)
        if (eights == 0x0101010101010101).any():  # as in any run of SHORTEST
            for start, stop in _runs(same, (dc[distance:] - dc[:-distance])[:, None]):
                if stop - start >= mcus.columns or ac[start:stop].any():
                    yield from _exact(mcus, start + distance, stop + distance, distance)


def _exact(mcus: Mcus, start: int, stop: int, distance: int) -> Iterator[Copy]:
    """The longest copies in a range of MCUs."""
    target = np.arange(start, stop)
    to, source = mcus.places(target), mcus.places(target - distance)
    same, steps = np.ones(len(target), np.bool_), []
    for part in mcus.parts:
        change = part[to] - part[source]  # modulo 2^16
        step = change[:, 0, 0, 0]
        same &= (change[..., 0] == step[:, None, None]).all((1, 2)) & ~change[..., 1:].any((1, 2, 3))
        steps.append(step)
    table = np.stack(steps, 1)
    for first, end in _runs(same, table):
        yield Copy(start + first, start + end, distance, tuple(table[first].tolist()))


def _runs(same: Bool, steps: Int16) -> Iterator[tuple[int, int]]:
    """The longest ranges (start, stop) of at least SHORTEST, in which `same` holds and steps do not change.

    same: [n]. steps: [n, m].
    """
    joined = same[1:] & same[:-1] & (steps[1:] == steps[:-1]).all(1)
    ends = np.concatenate([[0], np.flatnonzero(~joined) + 1, [len(same)]])
    for i in np.flatnonzero(np.diff(ends) >= SHORTEST).tolist():
        yield int(ends[i]), int(ends[i + 1])


def _gain(mcus: Mcus, copy: Copy, whole: Bool) -> float:
    """Estimate of the bits that a copy saves; whole: which MCU rows consist of copies, bool [MCU rows]."""
    rows, columns = mcus.places(np.arange(copy.start, copy.stop))
    blocks = np.count_nonzero(whole[rows]) * sum(part[0, 0, ..., 0].size for part in mcus.parts)
    values = sum(np.count_nonzero(part[rows, columns, ..., 1:]) for part in mcus.parts)
    return AC_GAIN * values + BLOCK_GAIN * blocks
