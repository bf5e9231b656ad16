"""One slice: engines agree, whatever they decode, and what they encode decodes to the same coefficients."""

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from fuzz.reader import Reader
from jrecomp.array_types import Int16, Int32
from jrecomp.codec.engines import DEFAULT_ENGINE, ENGINES
from jrecomp.errors import CorruptContainerError
from jrecomp.model import Model, blocks, latents, load, planes, weights
from jrecomp.model.latents import LatentsModel
from jrecomp.model.planes import PlanesModel
from jrecomp.native.builds import runnable
from jrecomp.native.engine import FORMS
from tests.models import extreme_block_arrays, random_arrays, random_block_arrays, random_latents_arrays

Slice = Sequence[Int16]

TRAINED = weights.names()
RANDOM: list[Callable[[], Model]] = [
    lambda: planes.build(9, "random", random_arrays()),
    lambda: planes.build(9, "wide", random_arrays(3, (50, 30))),
    lambda: blocks.build(6, "random", random_block_arrays()),
    lambda: blocks.build(6, "extreme", extreme_block_arrays()),
    lambda: latents.build(5, "random", random_latents_arrays()),
]
"""Models of every kind, whose sums come closer to their limits than those of trained ones."""

FACTORS = [1, 1, 1, 2, 2, 3, 4, 4]
"""Sampling factors; smaller slices are coded faster."""

REFERENCE_BLOCKS = 6
"""Largest number of blocks that the slow reference codes."""

STEPS = np.array([1, 2, 3, 16, 99, 255, 32767, 65535], np.int32)


class Codec:
    """An engine with a model, for one slice at a time."""

    def __init__(self, model: Model, engine: str) -> None:
        self._model, self._engine = model, ENGINES[model.kind][engine]

    def encode(self, steps: Sequence[Int32], parts: Slice) -> bytes:
        """The bytes of a slice."""
        return self._engine.encode(self._model, steps, [parts], 1)[0]

    def decode(self, steps: Sequence[Int32], parts: Slice, data: bytes) -> None:
        """Fill a slice; raises CorruptContainerError."""
        self._engine.decode(self._model, steps, [parts], [data], 1)


class Form:
    """A build of the native engine with a model, for one slice at a time."""

    def __init__(self, engine: Any, damaged: type[Exception]) -> None:
        self._engine, self._damaged = engine, damaged

    def encode(self, steps: Sequence[Int32], parts: Slice) -> bytes:
        """The bytes of a slice."""
        return bytes(self._engine.encode([(s.tolist(), part) for s, part in zip(steps, parts, strict=True)]))

    def decode(self, steps: Sequence[Int32], parts: Slice, data: bytes) -> None:
        """Fill a slice; raises CorruptContainerError."""
        try:
            self._engine.decode([(s.tolist(), part) for s, part in zip(steps, parts, strict=True)], data)
        except self._damaged as error:
            raise CorruptContainerError(str(error)) from error


def check(data: bytes) -> None:
    """Decode bytes, or encode coefficients."""
    reader = Reader(data)
    fast, slow = _codecs(reader.below(len(TRAINED) + len(RANDOM)))
    rows, columns = 1 + reader.below(2), 1 + reader.below(3)
    shapes = [
        (rows * reader.choose(FACTORS), columns * reader.choose(FACTORS), 64)
        for _ in range(reader.choose([1, 3, 3, 2, 4]))
    ]
    steps = [_steps(reader) for _ in shapes]
    if reader.below(4) == 0 and sum(shape[0] * shape[1] for shape in shapes) <= REFERENCE_BLOCKS:
        fast = fast + slow
    if reader.below(2):
        data = reader.rest()
        decoded = [_decoded(codec, steps, shapes, data) for codec in fast]
        assert all(result == decoded[0] for result in decoded)
    else:
        parts = [reader.coefficients(reader.below(256), shape) for shape in shapes]
        first, *others = [codec.encode(steps, parts) for codec in fast]
        assert all(coded == first for coded in others)
        wanted = [part.tobytes() for part in parts]
        assert all(_decoded(codec, steps, shapes, first) == wanted for codec in fast)


def _decoded(
    codec: Codec | Form, steps: Sequence[Int32], shapes: Sequence[tuple[int, int, int]], data: bytes
) -> list[bytes]:
    """The coefficients of each component as bytes, [] for damage."""
    parts = [np.full(shape, 7, np.int16) for shape in shapes]
    try:
        codec.decode(steps, parts, data)
    except CorruptContainerError:
        return []
    return [part.tobytes() for part in parts]


def _steps(reader: Reader) -> Int32:
    kind = reader.below(4)
    return STEPS[np.frombuffer(reader.take(64), np.uint8) % 8] if kind == 3 else np.full(64, STEPS[3 * kind])


@cache
def _codecs(number: int) -> tuple[list[Codec | Form], list[Codec | Form]]:
    """The native engines of a model in every build, and its reference if it has one."""
    model = load(TRAINED[number]) if number < len(TRAINED) else RANDOM[number - len(TRAINED)]()
    slow: list[Codec | Form] = [Codec(model, "numpy")] if "numpy" in ENGINES[model.kind] else []
    if isinstance(model, LatentsModel):
        return [Codec(model, DEFAULT_ENGINE)], slow
    kind, name = (planes, "Engine") if isinstance(model, PlanesModel) else (blocks, "BlocksEngine")
    modules = [import_module(f"jrecomp.native.{form}") for form in runnable(FORMS)]
    return [Form(kind.native_engine(model.arrays, getattr(m, name)), m.Damaged) for m in modules], slow
