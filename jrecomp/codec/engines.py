"""Engines, which code slices with models. All engines of a kind of model give the same bytes.

The native engine is the fastest on CPUs, the CUDA engine serves GPUs, and the NumPy engines are references.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from jrecomp.array_types import Int16, Int32
from jrecomp.codec.coefficients import HIGHEST
from jrecomp.errors import CorruptContainerError
from jrecomp.model import Model
from jrecomp.native.engine import Damaged
from jrecomp.threads import Workers, cancellable

if TYPE_CHECKING:  # the module of a kind is imported with the first model of it
    from jrecomp.model.blocks import BlocksModel
    from jrecomp.model.planes import PlanesModel

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
    context: what slices are coded in.
    """

    def __init__(
        self,
        encode: Callable[[Kind, Steps, Slice], bytes],
        decode: Callable[[Kind, Steps, Slice, bytes, int], None],
        context: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._encode, self._decode, self._context = encode, decode, context

    def encode(self, model: Kind, steps: Steps, slices: Sequence[Slice], threads: int) -> list[bytes]:
        """See Engine."""
        with self._context():
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

        with self._context(), _damage():
            _spread(decode_slice, threads, slices, data)


def _spread(
    function: Callable[..., T], threads: int, slices: Sequence[Slice], *data: Sequence[bytes]
) -> list[T]:
    """The results for all slices, computed on up to this number of threads, or on one if memory is short."""
    if min(threads, len(slices)) > 1:
        with suppress(MemoryError), Workers(min(threads, len(slices))) as pool:
            return pool.map(function, slices, *data)
    return list(map(cancellable(function), slices, *data))


def _native_encode(model: "PlanesModel | BlocksModel", steps: Steps, parts: Slice) -> bytes:
    return model.engine.encode(list(zip(_lists(steps), parts, strict=True)))


def _native_decode(model: "PlanesModel", steps: Steps, parts: Slice, data: bytes, highest: int) -> None:
    model.engine.decode(list(zip(_lists(steps), parts, strict=True)), data, highest)


def _native_decode_blocks(model: "BlocksModel", steps: Steps, parts: Slice, data: bytes, _: int) -> None:
    model.engine.decode(list(zip(_lists(steps), parts, strict=True)), data)


def _lists(steps: Steps) -> list[list[int]]:
    return [table.tolist() for table in steps]


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except Damaged as error:
        raise CorruptContainerError(str(error)) from error


class Imported:
    """An engine in another module, which is imported when the engine is first used.

    module: its name in this package. name: of the engine in it.
    """

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    @property
    def encode(self) -> Callable[..., list[bytes]]:
        """See Engine."""
        return self._engine().encode

    @property
    def decode(self) -> Callable[..., None]:
        """See Engine."""
        return self._engine().decode

    def _engine(self) -> Engine[Any]:
        engine: Engine[Any] = getattr(import_module(f"jrecomp.codec.{self._module}"), self._name)
        return engine


ENGINES: dict[str, dict[str, Engine[Any]]] = {
    "planes": {
        "native": SliceBySlice(_native_encode, _native_decode),
        "numpy": Imported("array_engines", "PLANES"),
        "cuda": Imported("gpu.engine", "CUDA"),
    },
    "latents": {"native": Imported("array_engines", "LATENTS")},
    "blocks": {
        "native": SliceBySlice(_native_encode, _native_decode_blocks),
        "numpy": Imported("array_engines", "BLOCKS"),
    },
}
"""The engines of each kind of model, by name. The native ones are in C++ (jrecomp/native/engine) and release
the GIL."""

DEFAULT_ENGINE = "native"
"""Name of the fastest engine on CPUs, which every kind of model has."""


def encode_slices(
    model: Model, engine: str, steps: Steps, slices: Sequence[Slice], threads: int
) -> list[bytes]:
    """Encode slices as Engine.encode() does; engine: a name in ENGINES."""
    return ENGINES[model.kind][engine].encode(model, steps, slices, threads)


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
    ENGINES[model.kind][engine].decode(model, steps, slices, data, threads, highest)
