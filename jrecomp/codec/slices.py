"""Slices of whole MCU rows, each with its own coder, so that threads can work side by side."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from jrecomp.codec.engines import DEFAULT_ENGINE, ENGINES, Engine
from jrecomp.errors import CorruptContainerError
from jrecomp.jpeg.types import Frame, JpegFile
from jrecomp.model import Model

Int16 = npt.NDArray[np.int16]

SLICE_BLOCKS = 1 << 15
"""Blocks of all components that a slice holds at most, where it has more than one MCU row."""


@dataclass(frozen=True)
class EncodedSlices:
    """mcu_rows: MCU rows of each slice but the last, which may have fewer. data: one item per slice."""

    mcu_rows: int
    data: list[bytes]


def encode(jpeg: JpegFile, model: Model, threads: int = 1, engine: str = DEFAULT_ENGINE) -> EncodedSlices:
    """The coefficients of a file as range-coded slices; neither threads nor engine change the bytes."""
    frame, mcu_rows = jpeg.frame, _slice_rows(jpeg.frame)

    def one(start: int) -> bytes:
        stop = min(start + mcu_rows, frame.mcu_rows)
        rows = [slice(start * c.vertical, stop * c.vertical) for c in frame.components]
        parts = [array[r] for array, r in zip(jpeg.coefficients, rows, strict=True)]
        return _encode_slice(frame, model, ENGINES[engine], parts)

    with ThreadPoolExecutor(threads) as pool, threadpool_limits(1):
        return EncodedSlices(mcu_rows, list(pool.map(one, range(0, frame.mcu_rows, mcu_rows))))


def decode(
    frame: Frame, slices: EncodedSlices, model: Model, threads: int = 1, engine: str = DEFAULT_ENGINE
) -> list[Int16]:
    """Coefficients per component, int16 [block row, block column, 64]; raises CorruptContainerError."""
    starts = range(0, frame.mcu_rows, max(1, slices.mcu_rows))
    if slices.mcu_rows < 1 or len(starts) != len(slices.data):
        raise CorruptContainerError("the slices do not cover the frame")

    def one(start: int, data: bytes) -> list[Int16]:
        height = min(slices.mcu_rows, frame.mcu_rows - start)
        return _decode_slice(frame, height, model, ENGINES[engine], data)

    with ThreadPoolExecutor(threads) as pool, threadpool_limits(1):
        parts = list(pool.map(one, starts, slices.data))
    return [np.concatenate(rows) for rows in zip(*parts, strict=True)]


def _encode_slice(frame: Frame, model: Model, engine: Engine, parts: list[Int16]) -> bytes:
    if not any(part.any() for part in parts):
        return b""
    return engine.encode(model, [c.quantization for c in frame.components], parts) or b"\0"


def _decode_slice(frame: Frame, mcu_rows: int, model: Model, engine: Engine, data: bytes) -> list[Int16]:
    shapes = [(mcu_rows * c.vertical, c.block_columns) for c in frame.components]
    if not data:
        return [np.zeros((*shape, 64), np.int16) for shape in shapes]
    return engine.decode(model, [c.quantization for c in frame.components], shapes, data)


def _slice_rows(frame: Frame) -> int:
    per_row = frame.mcu_columns * sum(c.horizontal * c.vertical for c in frame.components)
    count = -(-frame.mcu_rows * per_row // SLICE_BLOCKS)
    return max(1, -(-frame.mcu_rows // max(1, count)))
