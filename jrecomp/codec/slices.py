"""Slices of whole MCU rows, each with its own coder, so that threads can work side by side."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from jrecomp.codec.engines import DEFAULT_ENGINE, decode_slice, encode_slice
from jrecomp.errors import CorruptContainerError
from jrecomp.jpeg.types import Frame, JpegFile
from jrecomp.model import AnyModel

Int16 = npt.NDArray[np.int16]

SLICE_BLOCKS = 1 << 15
"""Blocks of all components that a slice holds at most, where it has more than one MCU row."""

LARGEST_SLICE = 1 << 17
"""Blocks that a decoder takes in a slice of more than one MCU row: it bounds the memory of a thread."""


@dataclass(frozen=True)
class EncodedSlices:
    """mcu_rows: MCU rows of each slice but the last, which may have fewer. data: one item per slice."""

    mcu_rows: int
    data: list[bytes]


def encode(jpeg: JpegFile, model: AnyModel, threads: int = 1, engine: str = DEFAULT_ENGINE) -> EncodedSlices:
    """The coefficients of a file as range-coded slices; neither threads nor engine change the bytes."""
    frame, mcu_rows = jpeg.frame, _slice_rows(jpeg.frame)

    def one(start: int) -> bytes:
        parts = _rows(frame, jpeg.coefficients, start, min(start + mcu_rows, frame.mcu_rows))
        if not any(part.any() for part in parts):
            return b""
        return encode_slice(model, engine, _steps(frame), parts) or b"\0"

    with ThreadPoolExecutor(threads) as pool, threadpool_limits(1):
        return EncodedSlices(mcu_rows, list(pool.map(one, range(0, frame.mcu_rows, mcu_rows))))


def decode(
    frame: Frame, slices: EncodedSlices, model: AnyModel, threads: int = 1, engine: str = DEFAULT_ENGINE
) -> list[Int16]:
    """Coefficients per component, int16 [block row, block column, 64]; raises CorruptContainerError."""
    starts = range(0, frame.mcu_rows, max(1, slices.mcu_rows))
    if slices.mcu_rows < 1 or len(starts) != len(slices.data):
        raise CorruptContainerError("the slices do not cover the frame")
    if slices.mcu_rows > 1 and min(slices.mcu_rows, frame.mcu_rows) * _row_blocks(frame) > LARGEST_SLICE:
        raise CorruptContainerError("a slice is too large")
    coefficients = [np.zeros((c.block_rows, c.block_columns, 64), np.int16) for c in frame.components]

    def one(start: int, data: bytes) -> None:
        if not data:
            return
        stop = min(start + slices.mcu_rows, frame.mcu_rows)
        parts = _rows(frame, coefficients, start, stop)
        shapes = [(len(part), part.shape[1]) for part in parts]
        decoded = decode_slice(model, engine, _steps(frame), shapes, data)
        for part, values in zip(parts, decoded, strict=True):
            part[:] = values

    with ThreadPoolExecutor(threads) as pool, threadpool_limits(1):
        list(pool.map(one, starts, slices.data))
    return coefficients


def _rows(frame: Frame, coefficients: Sequence[Int16], start: int, stop: int) -> list[Int16]:
    """Views of each component's coefficients in some MCU rows."""
    pairs = zip(coefficients, frame.components, strict=True)
    return [array[start * c.vertical : stop * c.vertical] for array, c in pairs]


def _steps(frame: Frame) -> list[npt.NDArray[np.int32]]:
    return [c.quantization for c in frame.components]


def _row_blocks(frame: Frame) -> int:
    return frame.mcu_columns * sum(c.horizontal * c.vertical for c in frame.components)


def _slice_rows(frame: Frame) -> int:
    count = -(-frame.mcu_rows * _row_blocks(frame) // SLICE_BLOCKS)
    return max(1, -(-frame.mcu_rows // max(1, count)))
