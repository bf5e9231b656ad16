"""Slices: bands of whole MCU rows that are coded independently, and thus in parallel.

docs/format/models.md, "Slices", specifies them.
"""

from collections.abc import Sequence
from itertools import compress
from typing import NamedTuple

import numpy as np

from jrecomp.array_types import Bool, Int16, Int32
from jrecomp.codec import copies
from jrecomp.codec.coefficients import HIGHEST
from jrecomp.codec.engines import DEFAULT_ENGINE, decode_slices, encode_slices
from jrecomp.errors import CorruptContainerError, check_memory
from jrecomp.features.store import BORDER
from jrecomp.jpeg.markers import COEFFICIENT_BYTES
from jrecomp.jpeg.types import Frame, JpegFile
from jrecomp.model import Model
from jrecomp.options import DEFAULT_LIMITS, Limits

WORKING_BYTES = {"planes": 640, "blocks": 128, "latents": 3200}
"""Memory of a thread of the native engine by kind of model, as measured, in bytes per block of a slice and of
its border."""

SLICE_BLOCKS = 1 << 15
"""Target size of slices in blocks of all components; a slice has at least one MCU row."""


class EncodedSlices(NamedTuple):
    """The coded coefficients of a frame.

    mcu_rows: MCU rows of each slice except the last, which may have fewer. data: the bytes of each slice.
    copies: the MCUs that are in no slice, as copies.pack() gives them.
    """

    mcu_rows: int
    data: list[bytes]
    copies: bytes = b""


def encode(
    jpeg: JpegFile,
    model: Model,
    threads: int = 1,
    engine: str = DEFAULT_ENGINE,
    limits: Limits = DEFAULT_LIMITS,
) -> EncodedSlices:
    """Encode the coefficients of a file as slices.

    jpeg: the file. model: predicts the coefficients. threads: number of threads. engine: name of an engine
    for the model. Neither threads nor engine change the bytes. limits: bounds the memory, of which fewer
    threads need less. Raises LimitError.
    """
    frame, coefficients, held = jpeg.frame, jpeg.coefficients, _coefficient_bytes(jpeg.frame)
    repeated = copies.find(frame, coefficients)
    if repeated:
        mask = copies.covered(repeated, frame)
        coefficients = copies.reduced(mask, frame, coefficients)
        frame = _coded(frame, mask)
        held += _coefficient_bytes(frame)
    mcu_rows = _slice_rows(frame)
    threads = _affordable_threads(held, frame, mcu_rows, model, threads, limits)
    slices = _cut(frame, coefficients, mcu_rows)
    full = [any(part.any() for part in parts) for parts in slices]
    data = iter(encode_slices(model, engine, _steps(frame), list(compress(slices, full)), threads))
    parts = [next(data) or b"\0" if nonzero else b"" for nonzero in full]
    return EncodedSlices(mcu_rows, parts, copies.pack(repeated))


def decode(
    frame: Frame,
    slices: EncodedSlices,
    model: Model,
    threads: int = 1,
    engine: str = DEFAULT_ENGINE,
    limits: Limits = DEFAULT_LIMITS,
    highest: int = HIGHEST,
) -> list[Int16]:
    """Decode slices.

    frame: of the file. slices: its coded slices. model: the model that they were coded with. threads: number
    of threads. engine: name of an engine for the model. limits: bounds the size of slices and the memory, of
    which fewer threads need less. highest: see engines.Engine.decode().
    Returns for each component int16 [block rows, block columns, 64]. Raises CorruptContainerError and
    LimitError.
    """
    repeated = copies.unpack(slices.copies, frame)
    coded = _coded(frame, copies.covered(repeated, frame))
    starts = range(0, coded.mcu_rows, max(1, slices.mcu_rows))
    if slices.mcu_rows < 1 or len(starts) != len(slices.data):
        raise CorruptContainerError("damaged container: the slices do not cover the frame")
    blocks = min(slices.mcu_rows, coded.mcu_rows) * _row_blocks(frame)
    if slices.mcu_rows > 1 and blocks > limits.max_slice_blocks:
        raise CorruptContainerError("damaged container: a slice is too large")
    held = _coefficient_bytes(frame)
    threads = _affordable_threads(held, coded, slices.mcu_rows, model, threads, limits)
    coefficients = [np.zeros((c.block_rows, c.block_columns, 64), np.int16) for c in frame.components]
    cut = _cut(coded, coefficients, slices.mcu_rows)
    full = list(compress(cut, slices.data))
    data = list(filter(None, slices.data))
    decode_slices(model, engine, _steps(frame), full, data, threads, highest)
    copies.restore(repeated, frame, coefficients)
    return coefficients


def mcu_rows_of_slices(frame: Frame, slices: EncodedSlices) -> list[tuple[int, int]]:
    """The first MCU row of each slice, and the row after its last one. Rows of copies may be among them."""
    covered = copies.covered(copies.unpack(slices.copies, frame), frame)
    rows = np.flatnonzero(~covered.all(1)).tolist()
    parts = [rows[begin : begin + slices.mcu_rows] for begin in range(0, len(rows), slices.mcu_rows)]
    return [(part[0], part[-1] + 1) for part in parts]


def _coefficient_bytes(frame: Frame) -> int:
    return COEFFICIENT_BYTES * frame.mcu_rows * _row_blocks(frame)


def _affordable_threads(
    held: int, frame: Frame, mcu_rows: int, model: Model, threads: int, limits: Limits
) -> int:
    """At most `threads`: as many as have memory to work in; raises LimitError if not even one has.

    held: bytes of coefficients. frame: without the MCU rows that are not coded.
    """
    rows = min(mcu_rows, frame.mcu_rows)
    bordered = [(rows * c.vertical + 2 * BORDER) * (c.block_columns + 2 * BORDER) for c in frame.components]
    each = WORKING_BYTES[model.kind] * sum(bordered)
    check_memory(held + each, limits.max_memory)
    return min(threads, (limits.max_memory - held) // each)


def _coded(frame: Frame, mask: Bool) -> Frame:
    """The frame without the MCU rows that consist of copies; mask: from copies.covered()."""
    return frame._replace(mcu_rows=int(np.count_nonzero(~mask.all(1))))


def _cut(frame: Frame, coefficients: Sequence[Int16], mcu_rows: int) -> list[list[Int16]]:
    """Views of the coefficients of each component in each slice."""
    starts = range(0, frame.mcu_rows, mcu_rows)
    return [_rows(frame, coefficients, start, min(start + mcu_rows, frame.mcu_rows)) for start in starts]


def _rows(frame: Frame, coefficients: Sequence[Int16], start: int, stop: int) -> list[Int16]:
    """Views of the coefficients of each component in a range of MCU rows."""
    pairs = zip(coefficients, frame.components, strict=True)
    return [array[start * c.vertical : stop * c.vertical] for array, c in pairs]


def _steps(frame: Frame) -> list[Int32]:
    return [c.steps for c in frame.components]


def _row_blocks(frame: Frame) -> int:
    return frame.mcu_columns * sum(c.horizontal * c.vertical for c in frame.components)


def _slice_rows(frame: Frame) -> int:
    count = -(-frame.mcu_rows * _row_blocks(frame) // SLICE_BLOCKS)
    return max(1, -(-frame.mcu_rows // max(1, count)))
