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
import numpy.typing as npt

from jrecomp.codec import blocks, hierarchical
from jrecomp.codec.coders import NumpyCoder
from jrecomp.codec.walk import walk_slices
from jrecomp.coding import BitDecoder, BitEncoder
from jrecomp.errors import CorruptContainerError
from jrecomp.model import AnyModel, BlocksModel, HierarchicalModel, Model
from jrecomp.native.engine import Damaged, SliceDecoder, SliceEncoder

Int16 = npt.NDArray[np.int16]
Steps = Sequence[npt.NDArray[np.int32]]
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

    def encode(self, model: Model, steps: Steps, slices: Sequence[Slice], threads: int) -> list[bytes]:
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
        self, model: Model, steps: Steps, slices: Sequence[Slice], data: Sequence[bytes], threads: int
    ) -> None:
        """Batch after batch, each slice with its own coder in threads."""
        left = iter(data)
        with _out_of_memory(), _damage(), ThreadPoolExecutor(threads) as workers:
            for batch in _batches(slices):
                coders = [SliceDecoder(model.tables.sigmoid, next(left)) for _ in batch]
                on_device = _on(model, self._device)
                _fill(batch, walk_slices(steps, _batch_shapes(batch), on_device, coders, None, workers))


def _numpy_encode(model: Model, steps: Steps, parts: Slice) -> bytes:
    bits = BitEncoder()
    coder, known = NumpyCoder(model.tables.sigmoid, bits), [part[None] for part in parts]
    with ThreadPoolExecutor(1) as worker:
        walk_slices(steps, _batch_shapes([parts]), model, [coder], known, worker)
    return bits.finish()


def _numpy_decode(model: Model, steps: Steps, parts: Slice, data: bytes) -> None:
    coder = NumpyCoder(model.tables.sigmoid, BitDecoder(data))
    with ThreadPoolExecutor(1) as worker:
        _fill([parts], walk_slices(steps, _batch_shapes([parts]), model, [coder], None, worker))


def _native_encode(model: Model | BlocksModel, steps: Steps, parts: Slice) -> bytes:
    return model.engine.encode(list(zip(_positive(steps), parts, strict=True)))


def _native_decode(model: Model | BlocksModel, steps: Steps, parts: Slice, data: bytes) -> None:
    model.engine.decode(list(zip(_positive(steps), parts, strict=True)), data)


def _hierarchical_encode(model: HierarchicalModel, steps: Steps, parts: Slice) -> bytes:
    coder = SliceEncoder(model.tables.sigmoid)
    hierarchical.code_slice(steps, _shapes(parts), model, coder, parts)
    return coder.finish()


def _hierarchical_decode(model: HierarchicalModel, steps: Steps, parts: Slice, data: bytes) -> None:
    coder = SliceDecoder(model.tables.sigmoid, data)
    _copy(hierarchical.code_slice(steps, _shapes(parts), model, coder, None), parts)


def _blocks_encode(model: BlocksModel, steps: Steps, parts: Slice) -> bytes:
    coder = BitEncoder()
    blocks.code_slice(steps, _shapes(parts), model, coder, parts)
    return coder.finish()


def _blocks_decode(model: BlocksModel, steps: Steps, parts: Slice, data: bytes) -> None:
    _copy(blocks.code_slice(steps, _shapes(parts), model, BitDecoder(data), None), parts)


def _positive(steps: Steps) -> list[list[int]]:
    return [np.maximum(quantization, 1).tolist() for quantization in steps]


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


NATIVE = SliceBySlice(_native_encode, _native_decode)
"""C++ (jrecomp/native/engine), without the GIL."""

ENGINES: dict[type[AnyModel], dict[str, Engine[Any]]] = {
    Model: {
        "native": NATIVE,
        "numpy": SliceBySlice(_numpy_encode, _numpy_decode),
        "torch": TorchEngine("cpu"),
        "cuda": TorchEngine("cuda"),
    },
    HierarchicalModel: {"native": SliceBySlice(_hierarchical_encode, _hierarchical_decode)},
    BlocksModel: {"native": NATIVE, "numpy": SliceBySlice(_blocks_encode, _blocks_decode)},
}
"""By kind of model and name."""

DEFAULT_ENGINE = "native"
"""Every kind has it; it takes the place of engines that a kind does not have."""


def _engine(model: AnyModel, name: str) -> Engine[Any]:
    engines = ENGINES[type(model)]
    return engines.get(name, engines[DEFAULT_ENGINE])


def encode_slices(
    model: AnyModel, engine: str, steps: Steps, slices: Sequence[Slice], threads: int
) -> list[bytes]:
    """See Engine; engine: its name in ENGINES."""
    return _engine(model, engine).encode(model, steps, slices, threads)


def decode_slices(
    model: AnyModel,
    engine: str,
    steps: Steps,
    slices: Sequence[Slice],
    data: Sequence[bytes],
    threads: int,
) -> None:
    """See Engine; engine: its name in ENGINES."""
    _engine(model, engine).decode(model, steps, slices, data, threads)
