"""docs/format/models.md, "Copies": MCUs that repeat earlier ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.specification.conventions import Ints, Reader, need
from tests.specification.headers import Frame


@dataclass(frozen=True)
class Copy:
    """A run of MCUs. steps: of each component."""

    start: int
    count: int
    distance: int
    steps: list[int]


def read(data: bytes, frame: Frame) -> list[Copy]:
    """The field `copies`."""
    fields, end, copies = Reader(data), 0, []
    while fields.left:
        start, count, reference = end + fields.varint(), fields.varint(), fields.varint()
        coded = [fields.varint() if reference % 2 else 0 for _ in frame.components]
        steps = [v // 2 if v % 2 == 0 else -(v + 1) // 2 for v in coded]
        copies.append(Copy(start, count, reference // 2, steps))
        end = start + count
        need(count >= 16 and 1 <= reference // 2 <= start, "the length or distance of a copy")
        need(end <= frame.mcu_rows * frame.mcu_columns, "a copy beyond the frame")
        need(all(-(2**15) <= step < 2**15 for step in steps), "a step of a copy")
    return copies


def coded_rows(copies: Sequence[Copy], frame: Frame) -> list[int]:
    """The MCU rows of the coded frame."""
    inside = {n for copy in copies for n in range(copy.start, copy.start + copy.count)}
    rows = range(frame.mcu_rows)
    return [y for y in rows if any(y * frame.mcu_columns + x not in inside for x in range(frame.mcu_columns))]


def restore(copies: Sequence[Copy], rows: Sequence[int], coded: Sequence[Ints], frame: Frame) -> list[Ints]:
    """The coefficients [64, rows, columns] of the frame, given those of the coded frame.

    rows: the MCU rows of the coded frame.
    """
    restored = []
    for i, (part, component) in enumerate(zip(coded, frame.components, strict=True)):
        h, v = component.h, component.v
        whole = np.zeros((64, frame.mcu_rows * v, part.shape[2]), np.int64)
        for n, y in enumerate(rows):
            whole[:, y * v : (y + 1) * v] = part[:, n * v : (n + 1) * v]
        for copy in copies:
            for n in range(copy.start, copy.start + copy.count):
                values = mcu(whole, n - copy.distance, h, v, frame.mcu_columns).copy()
                values[0] = (values[0] + copy.steps[i] + 2**15) % 2**16 - 2**15
                need(bool((values[0] > -(2**15)).all()), "a DC coefficient of a copy")
                mcu(whole, n, h, v, frame.mcu_columns)[:] = values
        restored.append(whole)
    return restored


def mcu(coefficients: Ints, n: int, h: int, v: int, columns: int) -> Ints:
    """A view [64, v, h] of MCU n."""
    y, x = divmod(n, columns)
    return coefficients[:, y * v : (y + 1) * v, x * h : (x + 1) * h]
