"""Engines, which code slices with models. All engines of a kind of model give the same bytes.

The native engine is the fastest on CPUs, the CUDA engine serves GPUs, and the NumPy engines are references.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Generic, Protocol, TypeVar

from jrecomp.array_types import Int16, Int32
from jrecomp.codec import blocks, latents, planes
from jrecomp.codec.coders import NumpyCoder
from jrecomp.codec.gpu.engine import GpuEngine
from jrecomp.codec.planes import HIGHEST
from jrecomp.coding import BitDecoder, BitEncoder
from jrecomp.errors import CorruptContainerError
from jrecomp.model import BlocksModel, LatentsModel, Model, PlanesModel
from jrecomp.native.engine import Damaged, SliceDecoder, SliceEncoder
from jrecomp.threads import Workers, cancellable

Steps = Sequence[Int32]
"""The quantization table of each component, int32 [64] in zig-zag order, at least 1."""

Slice = Sequence[Int16]
"""The coefficients of each component, int16 [rows, columns, 64]."""

Shapes = Sequence[tuple[int, int]]
"""Rows and columns of each component, in blocks."""

Kind = TypeVar("Kind", contravariant=True)
"""A kind of model."""

T = TypeVar("T")


class Engine(Protocol[Kind]):
    """Codes slices with models of a kind."""

    def encode(self, model: Kind, steps: Steps, slices: Sequence[Slice], threads: int) -> list[bytes]:
        """The range-coded bytes of each slice, computed on up to this number of threads."""
        ...

    def decode(
        self,
        model: Kind,
        steps: Steps,
        slices: Sequence[Slice],
        data: Sequence[bytes],
        threads: int,
        highest: int = HIGHEST,
    ) -> None:
        """Decode the bytes of each slice into the arrays of `slices`; raises CorruptContainerError.

        highest: coefficients of the first component above this index, and below HIGHEST the AC coefficients
        of others, may be left 0.
        """
        ...


class SliceBySlice(Generic[Kind]):
    """An engine that codes each slice independently, on several threads.

    encode: returns the bytes of a slice. decode: decodes bytes into the arrays of a slice, up to an index.
    """

    def __init__(
        self,
        encode: Callable[[Kind, Steps, Slice], bytes],
        decode: Callable[[Kind, Steps, Slice, bytes, int], None],
    ) -> None:
        self._encode, self._decode = encode, decode

    def encode(self, model: Kind, steps: Steps, slices: Sequence[Slice], threads: int) -> list[bytes]:
        """See Engine."""
        return _spread(lambda parts: self._encode(model, steps, parts), threads, slices)

    def decode(
        self,
        model: Kind,
        steps: Steps,
        slices: Sequence[Slice],
        data: Sequence[bytes],
        threads: int,
        highest: int = HIGHEST,
    ) -> None:
        """See Engine."""

        def decode_slice(parts: Slice, data: bytes) -> None:
            self._decode(model, steps, parts, data, highest)

        with _damage():
            _spread(decode_slice, threads, slices, data)


class ArraysBySlice(SliceBySlice[Kind]):
    """A SliceBySlice of array operations, each of which runs on one thread of BLAS."""

    def encode(self, model: Kind, steps: Steps, slices: Sequence[Slice], threads: int) -> list[bytes]:
        """See Engine."""
        with _one_thread():
            return super().encode(model, steps, slices, threads)

    def decode(
        self,
        model: Kind,
        steps: Steps,
        slices: Sequence[Slice],
        data: Sequence[bytes],
        threads: int,
        highest: int = HIGHEST,
    ) -> None:
        """See Engine."""
        with _one_thread():
            super().decode(model, steps, slices, data, threads, highest)


def _one_thread() -> AbstractContextManager[object]:
    from threadpoolctl import threadpool_limits  # which takes a while, and the native engines do without

    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits


def _spread(
    function: Callable[..., T], threads: int, slices: Sequence[Slice], *data: Sequence[bytes]
) -> list[T]:
    """The results for all slices, computed on up to this number of threads, or on one if memory is short."""
    if min(threads, len(slices)) > 1:
        with suppress(MemoryError), Workers(min(threads, len(slices))) as pool:
            return pool.map(function, slices, *data)
    return list(map(cancellable(function), slices, *data))


def _numpy_encode(model: PlanesModel, steps: Steps, parts: Slice) -> bytes:
    bits = BitEncoder()
    planes.code_slice(steps, _shapes(parts), model, NumpyCoder(model.tables.sigmoid, bits), parts)
    return bits.finish()


def _numpy_decode(model: PlanesModel, steps: Steps, parts: Slice, data: bytes, highest: int) -> None:
    coder = NumpyCoder(model.tables.sigmoid, BitDecoder(data))
    _copy(planes.code_slice(steps, _shapes(parts), model, coder, None, highest), parts)


def _native_encode(model: PlanesModel | BlocksModel, steps: Steps, parts: Slice) -> bytes:
    return model.engine.encode(list(zip(_lists(steps), parts, strict=True)))


def _native_decode(model: PlanesModel, steps: Steps, parts: Slice, data: bytes, highest: int) -> None:
    model.engine.decode(list(zip(_lists(steps), parts, strict=True)), data, highest)


def _native_decode_blocks(model: BlocksModel, steps: Steps, parts: Slice, data: bytes, _: int) -> None:
    model.engine.decode(list(zip(_lists(steps), parts, strict=True)), data)


def _latents_encode(model: LatentsModel, steps: Steps, parts: Slice) -> bytes:
    coder = SliceEncoder(model.tables.sigmoid)
    latents.code_slice(steps, _shapes(parts), model, coder, parts)
    return coder.finish()


def _latents_decode(model: LatentsModel, steps: Steps, parts: Slice, data: bytes, _: int) -> None:
    coder = SliceDecoder(model.tables.sigmoid, data)
    _copy(latents.code_slice(steps, _shapes(parts), model, coder, None), parts)


def _blocks_encode(model: BlocksModel, steps: Steps, parts: Slice) -> bytes:
    coder = BitEncoder()
    blocks.code_slice(steps, _shapes(parts), model, coder, parts)
    return coder.finish()


def _blocks_decode(model: BlocksModel, steps: Steps, parts: Slice, data: bytes, _: int) -> None:
    _copy(blocks.code_slice(steps, _shapes(parts), model, BitDecoder(data), None), parts)


def _lists(steps: Steps) -> list[list[int]]:
    return [table.tolist() for table in steps]


def _shapes(parts: Slice) -> Shapes:
    return [part.shape[:2] for part in parts]


def _copy(values: Sequence[Int16], parts: Slice) -> None:
    for part, value in zip(parts, values, strict=True):
        part[:] = value


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except Damaged as error:
        raise CorruptContainerError(str(error)) from error


ENGINES: dict[type[Model], dict[str, Engine[Any]]] = {
    PlanesModel: {
        "native": SliceBySlice(_native_encode, _native_decode),
        "numpy": ArraysBySlice(_numpy_encode, _numpy_decode),
        "cuda": GpuEngine("cuda"),
    },
    LatentsModel: {"native": ArraysBySlice(_latents_encode, _latents_decode)},
    BlocksModel: {
        "native": SliceBySlice(_native_encode, _native_decode_blocks),
        "numpy": ArraysBySlice(_blocks_encode, _blocks_decode),
    },
}
"""The engines of each kind of model, by name. The native ones are in C++ (jrecomp/native/engine) and release
the GIL."""

DEFAULT_ENGINE = "native"
"""Name of the fastest engine on CPUs, which every kind of model has."""


def engines_of(model: Model) -> dict[str, Engine[Any]]:
    """The engines for the kind of a model, by name."""
    return ENGINES[type(model)]


def encode_slices(
    model: Model, engine: str, steps: Steps, slices: Sequence[Slice], threads: int
) -> list[bytes]:
    """Encode slices as Engine.encode() does; engine: a name in ENGINES."""
    return engines_of(model)[engine].encode(model, steps, slices, threads)


def decode_slices(
    model: Model,
    engine: str,
    steps: Steps,
    slices: Sequence[Slice],
    data: Sequence[bytes],
    threads: int,
    highest: int = HIGHEST,
) -> None:
    """Decode slices as Engine.decode() does; engine: a name in ENGINES."""
    engines_of(model)[engine].decode(model, steps, slices, data, threads, highest)
