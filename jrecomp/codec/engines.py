"""What codes slices: native for speed, torch for GPUs, NumPy for reading; all give the same bytes.

Not every kind of model has every engine.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from itertools import groupby
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from jrecomp.array_types import Int16, Int32
from jrecomp.codec import blocks, latents
from jrecomp.codec.coders import NumpyCoder
from jrecomp.codec.planes import walk_slices
from jrecomp.coding import BitDecoder, BitEncoder
from jrecomp.errors import CorruptContainerError
from jrecomp.model import BlocksModel, LatentsModel, Model, PlanesModel
from jrecomp.native.engine import Damaged, SliceDecoder, SliceEncoder

Steps = Sequence[Int32]
"""Quantization tables [64] in zig-zag order of each component, at least 1."""

Slice = Sequence[Int16]
"""Coefficients [rows, columns, 64] of each component."""

Shapes = Sequence[tuple[int, int]]
"""Rows and columns in blocks of each component."""

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


class SliceBySlice(Generic[Kind]):
    """Each slice by itself, in threads.

    encode: the bytes of a slice; decode: fills a slice with what its bytes say.
    """

    def __init__(
        self,
        encode: Callable[[Kind, Steps, Slice], bytes],
        decode: Callable[[Kind, Steps, Slice, bytes], None],
    ) -> None:
        self._encode, self._decode = encode, decode

    def encode(self, model: Kind, steps: Steps, slices: Sequence[Slice], threads: int) -> list[bytes]:
        """See Engine."""
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(lambda parts: self._encode(model, steps, parts), slices))

    def decode(
        self, model: Kind, steps: Steps, slices: Sequence[Slice], data: Sequence[bytes], threads: int
    ) -> None:
        """See Engine."""
        with _damage(), ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda parts, data: self._decode(model, steps, parts, data), slices, data))


class TorchEngine:
    """The walk on a device of torch, several slices at once; native coders for their decisions."""

    def __init__(self, device: str) -> None:
        self._device = device

    def encode(self, model: PlanesModel, steps: Steps, slices: Sequence[Slice], threads: int) -> list[bytes]:
        """Batch after batch, each slice with its own coder in threads."""
        result: list[bytes] = []
        with _out_of_memory(), ThreadPoolExecutor(threads) as workers:
            for batch in _batches(slices):
                coders = [SliceEncoder(model.tables.sigmoid) for _ in batch]
                known = [np.stack(parts) for parts in zip(*batch, strict=True)]
                walk_slices(steps, _batch_shapes(batch), _on(model, self._device), coders, known, workers)
                result += [coder.finish() for coder in coders]
        return result

    def decode(
        self, model: PlanesModel, steps: Steps, slices: Sequence[Slice], data: Sequence[bytes], threads: int
    ) -> None:
        """Batch after batch, each slice with its own coder in threads."""
        left = iter(data)
        with _out_of_memory(), _damage(), ThreadPoolExecutor(threads) as workers:
            for batch in _batches(slices):
                coders = [SliceDecoder(model.tables.sigmoid, next(left)) for _ in batch]
                on_device = _on(model, self._device)
                _fill(batch, walk_slices(steps, _batch_shapes(batch), on_device, coders, None, workers))


def _numpy_encode(model: PlanesModel, steps: Steps, parts: Slice) -> bytes:
    bits = BitEncoder()
    coder, known = NumpyCoder(model.tables.sigmoid, bits), [part[None] for part in parts]
    with ThreadPoolExecutor(1) as worker:
        walk_slices(steps, _batch_shapes([parts]), model, [coder], known, worker)
    return bits.finish()


def _numpy_decode(model: PlanesModel, steps: Steps, parts: Slice, data: bytes) -> None:
    coder = NumpyCoder(model.tables.sigmoid, BitDecoder(data))
    with ThreadPoolExecutor(1) as worker:
        _fill([parts], walk_slices(steps, _batch_shapes([parts]), model, [coder], None, worker))


def _native_encode(model: PlanesModel | BlocksModel, steps: Steps, parts: Slice) -> bytes:
    return model.engine.encode(list(zip(_lists(steps), parts, strict=True)))


def _native_decode(model: PlanesModel | BlocksModel, steps: Steps, parts: Slice, data: bytes) -> None:
    model.engine.decode(list(zip(_lists(steps), parts, strict=True)), data)


def _latents_encode(model: LatentsModel, steps: Steps, parts: Slice) -> bytes:
    coder = SliceEncoder(model.tables.sigmoid)
    latents.code_slice(steps, _shapes(parts), model, coder, parts)
    return coder.finish()


def _latents_decode(model: LatentsModel, steps: Steps, parts: Slice, data: bytes) -> None:
    coder = SliceDecoder(model.tables.sigmoid, data)
    _copy(latents.code_slice(steps, _shapes(parts), model, coder, None), parts)


def _blocks_encode(model: BlocksModel, steps: Steps, parts: Slice) -> bytes:
    coder = BitEncoder()
    blocks.code_slice(steps, _shapes(parts), model, coder, parts)
    return coder.finish()


def _blocks_decode(model: BlocksModel, steps: Steps, parts: Slice, data: bytes) -> None:
    _copy(blocks.code_slice(steps, _shapes(parts), model, BitDecoder(data), None), parts)


def _lists(steps: Steps) -> list[list[int]]:
    return [table.tolist() for table in steps]


def _shapes(parts: Slice) -> Shapes:
    return [part.shape[:2] for part in parts]


def _batch_shapes(batch: Sequence[Slice]) -> list[tuple[int, int, int]]:
    """(slices, rows, columns) of each component; all slices are alike."""
    return [(len(batch), *shape) for shape in _shapes(batch[0])]


def _fill(batch: Sequence[Slice], decoded: Sequence[Int16]) -> None:
    """Copies coefficients [slices, rows, columns, 64] of each component into slices."""
    for parts, *values in zip(batch, *decoded, strict=True):
        _copy(values, parts)


def _copy(values: Sequence[Int16], parts: Slice) -> None:
    for part, value in zip(parts, values, strict=True):
        part[:] = value


def _batches(slices: Sequence[Slice]) -> Iterator[list[Slice]]:
    """Neighbouring slices of the same shape, as many as a batch takes."""
    for _, alike in groupby(slices, lambda parts: [part.shape for part in parts]):
        group = list(alike)
        size = max(1, BATCH_BLOCKS // sum(len(part) * part.shape[1] for part in group[0]))
        yield from (group[start : start + size] for start in range(0, len(group), size))


@lru_cache(maxsize=4)
def _on(model: PlanesModel, device: str) -> PlanesModel:
    """The model with its arrays on a device."""
    from jrecomp.features.torch_arrays import TorchArrays

    xp = TorchArrays(device)
    arrays = {name: xp.asarray(array) for name, array in model.arrays.items() if name != "sigmoid"}
    return PlanesModel(model.identifier, model.name, arrays | {"sigmoid": model.arrays["sigmoid"]})


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except Damaged as error:
        raise CorruptContainerError(str(error)) from error


@contextmanager
def _out_of_memory() -> Iterator[None]:
    from jrecomp.features.torch_arrays import OutOfMemory

    try:
        yield
    except OutOfMemory as error:
        raise MemoryError(str(error)) from error


NATIVE = SliceBySlice(_native_encode, _native_decode)
"""C++ (jrecomp/native/engine), without the GIL."""

ENGINES: dict[type[Model], dict[str, Engine[Any]]] = {
    PlanesModel: {
        "native": NATIVE,
        "numpy": SliceBySlice(_numpy_encode, _numpy_decode),
        "torch": TorchEngine("cpu"),
        "cuda": TorchEngine("cuda"),
    },
    LatentsModel: {"native": SliceBySlice(_latents_encode, _latents_decode)},
    BlocksModel: {"native": NATIVE, "numpy": SliceBySlice(_blocks_encode, _blocks_decode)},
}
"""By kind of model and name."""

DEFAULT_ENGINE = "native"
"""The fastest engine; every kind has it."""


def engines_of(model: Model) -> dict[str, Engine[Any]]:
    """The engines for a kind of model, by name."""
    return ENGINES[type(model)]


def encode_slices(
    model: Model, engine: str, steps: Steps, slices: Sequence[Slice], threads: int
) -> list[bytes]:
    """See Engine; engine: its name in ENGINES."""
    return engines_of(model)[engine].encode(model, steps, slices, threads)


def decode_slices(
    model: Model,
    engine: str,
    steps: Steps,
    slices: Sequence[Slice],
    data: Sequence[bytes],
    threads: int,
) -> None:
    """See Engine; engine: its name in ENGINES."""
    engines_of(model)[engine].decode(model, steps, slices, data, threads)
