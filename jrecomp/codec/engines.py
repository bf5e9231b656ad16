"""What codes slices: native for speed, torch for GPUs, NumPy for reading; all give the same bytes.

Models of the hierarchical kind have one engine.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from itertools import groupby
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from jrecomp.codec.coders import NumpyCoder
from jrecomp.codec.hierarchical import code_slice
from jrecomp.codec.walk import walk_slices
from jrecomp.coding import BitDecoder, BitEncoder
from jrecomp.errors import CorruptContainerError
from jrecomp.model import AnyModel, HierarchicalModel, Model
from jrecomp.native.engine import Damaged, SliceDecoder, SliceEncoder

Int16 = npt.NDArray[np.int16]
Steps = Sequence[npt.NDArray[np.int32]]
Slice = Sequence[Int16]
"""Coefficients [rows, columns, 64] of each component."""

Kind = TypeVar("Kind", contravariant=True)


BATCH_BLOCKS = 1 << 19
"""Blocks of the slices that a GPU works on at once; an estimated 2 GB of its memory."""


class Engine(Protocol[Kind]):
    """Codes slices of components that have quantization steps int32 [64] in zig-zag order."""

    def encode(self, model: Kind, steps: Steps, slices: Sequence[Slice], threads: int) -> list[bytes]:
        """The bytes of each slice."""
        ...

    def decode(
        self, model: Kind, steps: Steps, slices: Sequence[Slice], data: Sequence[bytes], threads: int
    ) -> None:
        """Fills the slices with what the bytes of each say; raises CorruptContainerError."""
        ...


class NumpyEngine:
    """The reference."""

    def encode(self, model: Model, steps: Steps, slices: Sequence[Slice], threads: int) -> list[bytes]:
        """Each slice by itself, in threads."""
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(partial(self._encode, model, steps), slices))

    def decode(
        self, model: Model, steps: Steps, slices: Sequence[Slice], data: Sequence[bytes], threads: int
    ) -> None:
        """Each slice by itself, in threads."""
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(partial(self._decode, model, steps), slices, data))

    def _encode(self, model: Model, steps: Steps, parts: Slice) -> bytes:
        bits = BitEncoder()
        coder, known = NumpyCoder(model.tables.sigmoid, bits), [part[None] for part in parts]
        with ThreadPoolExecutor(1) as worker:
            walk_slices(steps, _shapes([parts]), model, [coder], known, worker)
        return bits.finish()

    def _decode(self, model: Model, steps: Steps, parts: Slice, data: bytes) -> None:
        coder = NumpyCoder(model.tables.sigmoid, BitDecoder(data))
        with ThreadPoolExecutor(1) as worker:
            _fill([parts], walk_slices(steps, _shapes([parts]), model, [coder], None, worker))


class TorchEngine:
    """The walk on a device of torch, several slices at once; native coders for their decisions."""

    def __init__(self, device: str) -> None:
        self._device = device

    def encode(self, model: Model, steps: Steps, slices: Sequence[Slice], threads: int) -> list[bytes]:
        """Batch after batch, each slice with its own coder in threads."""
        result: list[bytes] = []
        with _out_of_memory(), ThreadPoolExecutor(threads) as workers:
            for batch in _batches(slices):
                coders = [SliceEncoder(model.tables.sigmoid) for _ in batch]
                known = [np.stack(parts) for parts in zip(*batch, strict=True)]
                walk_slices(steps, _shapes(batch), _on(model, self._device), coders, known, workers)
                result += [coder.finish() for coder in coders]
        return result

    def decode(
        self, model: Model, steps: Steps, slices: Sequence[Slice], data: Sequence[bytes], threads: int
    ) -> None:
        """Batch after batch, each slice with its own coder in threads."""
        left = iter(data)
        with _out_of_memory(), _damage(), ThreadPoolExecutor(threads) as workers:
            for batch in _batches(slices):
                coders = [SliceDecoder(model.tables.sigmoid, next(left)) for _ in batch]
                on_device = _on(model, self._device)
                _fill(batch, walk_slices(steps, _shapes(batch), on_device, coders, None, workers))


class NativeEngine:
    """C++ on 8-bit operands (jrecomp/native/engine)."""

    def encode(self, model: Model, steps: Steps, slices: Sequence[Slice], threads: int) -> list[bytes]:
        """All in native code, without the GIL, in threads."""

        def one(parts: Slice) -> bytes:
            arrays = [np.ascontiguousarray(part) for part in parts]
            return model.engine.encode(list(zip(_positive(steps), arrays, strict=True)))

        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(one, slices))

    def decode(
        self, model: Model, steps: Steps, slices: Sequence[Slice], data: Sequence[bytes], threads: int
    ) -> None:
        """All in native code, without the GIL, in threads."""

        def one(parts: Slice, data: bytes) -> None:
            shapes = [part.shape[:2] for part in parts]
            components = [(q, *shape) for q, shape in zip(_positive(steps), shapes, strict=True)]
            _fill([parts], [part[None] for part in model.engine.decode(components, data)])

        with _damage(), ThreadPoolExecutor(threads) as pool:
            list(pool.map(one, slices, data))


class HierarchicalEngine:
    """Networks in NumPy, native coders for their decisions."""

    def encode(
        self, model: HierarchicalModel, steps: Steps, slices: Sequence[Slice], threads: int
    ) -> list[bytes]:
        """Each slice by itself, in threads."""

        def one(parts: Slice) -> bytes:
            coder = SliceEncoder(model.tables.sigmoid)
            code_slice(steps, [part.shape[:2] for part in parts], model, coder, parts)
            return coder.finish()

        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(one, slices))

    def decode(
        self,
        model: HierarchicalModel,
        steps: Steps,
        slices: Sequence[Slice],
        data: Sequence[bytes],
        threads: int,
    ) -> None:
        """Each slice by itself, in threads."""

        def one(parts: Slice, data: bytes) -> None:
            coder = SliceDecoder(model.tables.sigmoid, data)
            decoded = code_slice(steps, [part.shape[:2] for part in parts], model, coder, None)
            _fill([parts], [part[None] for part in decoded])

        with _damage(), ThreadPoolExecutor(threads) as pool:
            list(pool.map(one, slices, data))


def _positive(steps: Steps) -> list[list[int]]:
    return [np.maximum(quantization, 1).tolist() for quantization in steps]


def _shapes(batch: Sequence[Slice]) -> list[tuple[int, int, int]]:
    """(slices, rows, columns) of each component; all slices are alike."""
    return [(len(batch), *part.shape[:2]) for part in batch[0]]


def _fill(batch: Sequence[Slice], decoded: Sequence[Int16]) -> None:
    """Copies coefficients [slices, rows, columns, 64] of each component into slices."""
    for parts, *values in zip(batch, *decoded, strict=True):
        for part, value in zip(parts, values, strict=True):
            part[:] = value


def _batches(slices: Sequence[Slice]) -> Iterator[list[Slice]]:
    """Neighbouring slices of the same shape, as many as a batch takes."""
    for _, alike in groupby(slices, lambda parts: [part.shape for part in parts]):
        group = list(alike)
        size = max(1, BATCH_BLOCKS // sum(len(part) * part.shape[1] for part in group[0]))
        yield from (group[start : start + size] for start in range(0, len(group), size))


@lru_cache(maxsize=4)
def _on(model: Model, device: str) -> Model:
    """The model with its arrays on a device."""
    from jrecomp.planes.torch_arrays import TorchArrays

    xp = TorchArrays(device)
    arrays = {name: xp.asarray(array) for name, array in model.arrays.items() if name != "sigmoid"}
    return Model(model.identifier, model.name, arrays | {"sigmoid": model.arrays["sigmoid"]})


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except Damaged as error:
        raise CorruptContainerError(str(error)) from error


@contextmanager
def _out_of_memory() -> Iterator[None]:
    from jrecomp.planes.torch_arrays import OutOfMemory

    try:
        yield
    except OutOfMemory as error:
        raise MemoryError(str(error)) from error


ENGINES: dict[str, Engine[Model]] = {
    "native": NativeEngine(),
    "numpy": NumpyEngine(),
    "torch": TorchEngine("cpu"),
    "cuda": TorchEngine("cuda"),
}
DEFAULT_ENGINE = "native"
HIERARCHICAL = HierarchicalEngine()


def encode_slices(
    model: AnyModel, engine: str, steps: Steps, slices: Sequence[Slice], threads: int
) -> list[bytes]:
    """See Engine; engine: of ENGINES, for models of planes."""
    if isinstance(model, HierarchicalModel):
        return HIERARCHICAL.encode(model, steps, slices, threads)
    return ENGINES[engine].encode(model, steps, slices, threads)


def decode_slices(
    model: AnyModel,
    engine: str,
    steps: Steps,
    slices: Sequence[Slice],
    data: Sequence[bytes],
    threads: int,
) -> None:
    """See Engine; engine: of ENGINES, for models of planes."""
    if isinstance(model, HierarchicalModel):
        HIERARCHICAL.decode(model, steps, slices, data, threads)
    else:
        ENGINES[engine].decode(model, steps, slices, data, threads)
