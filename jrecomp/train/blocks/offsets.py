"""Training of offsets: the coder codes pictures one after the other, and goes on with what it has learned."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Float64
from jrecomp.model.arrays import CLASSES
from jrecomp.model.blocks import OFFSETS, native_engine
from jrecomp.model.offsets import UNIT
from jrecomp.native.engine import BlocksEngine
from jrecomp.train.pictures import Picture
from jrecomp.train.planes.samples import steps_and_blocks

FACTORS = {"factors": ("gain", "intercept"), "last_factors": ("last_gain", "last_intercept")}
"""Pairs of arrays that the engine keeps together."""

Arrays = dict[str, npt.NDArray[Any]]


def start() -> Arrays:
    """The arrays of offsets of all component classes before training: offsets of 0, gains of 1."""
    return {
        f"{name}_{number}": np.full(shape, 1 << 16 if "gain" in name else 0, dtype)
        for number in range(CLASSES)
        for name, (dtype, shape) in OFFSETS.items()
    }


def train(arrays: Mapping[str, npt.NDArray[Any]], pictures: Iterable[Picture], count: int) -> Arrays:
    """The arrays of offsets of all component classes.

    arrays: the other arrays of a weights file. pictures: what to code. count: their number; the result is
    the mean of what offsets are after each of the second half.
    """
    engine = native_engine(dict(arrays) | start())
    sums: dict[str, Float64] = defaultdict(lambda: np.zeros(()))
    states = 0
    for number, picture in enumerate(pictures):
        engine.learn(steps_and_blocks(picture.file))
        if number >= count // 2:
            states += 1
            for name, state in _state(engine).items():
                sums[name] = sums[name] + state
    return {name: _rounded(name[:-2], total / states) for name, total in sums.items()} if states else start()


def _state(engine: BlocksEngine) -> dict[str, Float64]:
    """What the engine has learned, by the names of a weights file, in its own units."""
    found: dict[str, Float64] = {}
    for number in range(CLASSES):
        for name, data in engine.offsets(number).items():
            values = np.frombuffer(data, np.int32).astype(np.float64)
            if name in FACTORS:
                found |= {f"{one}_{number}": values[i::2] for i, one in enumerate(FACTORS[name])}
            else:
                found[f"{name}_{number}"] = values
    return found


def _rounded(name: str, values: Float64) -> npt.NDArray[Any]:
    dtype, shape = OFFSETS[name]
    largest = np.iinfo(np.dtype(dtype)).max
    entries = np.rint(values / UNIT if dtype is np.int8 else values)
    return np.clip(entries, -largest, largest).astype(dtype).reshape(shape)
