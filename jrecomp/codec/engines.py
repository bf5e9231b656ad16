"""The engines that code a slice: native for speed, NumPy for reading. Both give the same bytes.

Models of the hierarchical kind have the NumPy engine alone.
"""

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from jrecomp.codec.hierarchical import code_slice
from jrecomp.codec.walk import walk_slice
from jrecomp.coding import BitDecoder, BitEncoder
from jrecomp.errors import CorruptContainerError
from jrecomp.model import AnyModel, HierarchicalModel, Model
from jrecomp.model.adaptation import Coder
from jrecomp.native._engine import Damaged

Int16 = npt.NDArray[np.int16]
Steps = Sequence[npt.NDArray[np.int32]]
Shapes = Sequence[tuple[int, int]]
Kind = TypeVar("Kind", contravariant=True)


class Engine(Protocol[Kind]):
    """Codes the components of a slice, given by quantization steps int32 [64] in zig-zag order."""

    def encode(self, model: Kind, steps: Steps, parts: Sequence[Int16]) -> bytes:
        """Coefficients [rows, columns, 64] of each component to bytes."""
        ...

    def decode(self, model: Kind, steps: Steps, shapes: Shapes, data: bytes) -> list[Int16]:
        """The coefficients again; shapes: (rows, columns) in blocks. Raises CorruptContainerError."""
        ...


class NumpyEngine(Generic[Kind]):
    """The reference: a walk that encodes or decodes."""

    def __init__(
        self, walk: Callable[[Steps, Shapes, Kind, Coder, Sequence[Int16] | None], list[Int16]]
    ) -> None:
        self._walk = walk

    def encode(self, model: Kind, steps: Steps, parts: Sequence[Int16]) -> bytes:
        """Runs the walk with an encoder."""
        coder = BitEncoder()
        self._walk(steps, [(len(part), part.shape[1]) for part in parts], model, coder, parts)
        return coder.finish()

    def decode(self, model: Kind, steps: Steps, shapes: Shapes, data: bytes) -> list[Int16]:
        """Runs the walk with a decoder."""
        return self._walk(steps, shapes, model, BitDecoder(data), None)


class NativeEngine:
    """C++ on 8-bit operands (jrecomp/native/engine)."""

    def encode(self, model: Model, steps: Steps, parts: Sequence[Int16]) -> bytes:
        """All in native code, without the GIL."""
        arrays = [np.ascontiguousarray(part) for part in parts]
        return model.engine.encode(list(zip(_positive(steps), arrays, strict=True)))

    def decode(self, model: Model, steps: Steps, shapes: Shapes, data: bytes) -> list[Int16]:
        """All in native code, without the GIL."""
        components = [(q, *shape) for q, shape in zip(_positive(steps), shapes, strict=True)]
        try:
            return model.engine.decode(components, data)
        except Damaged as error:
            raise CorruptContainerError(str(error)) from error


def _positive(steps: Steps) -> list[list[int]]:
    return [np.maximum(quantization, 1).tolist() for quantization in steps]


ENGINES: dict[str, Engine[Model]] = {"native": NativeEngine(), "numpy": NumpyEngine(walk_slice)}
DEFAULT_ENGINE = "native"
HIERARCHICAL: Engine[HierarchicalModel] = NumpyEngine(code_slice)


def encode_slice(model: AnyModel, engine: str, steps: Steps, parts: Sequence[Int16]) -> bytes:
    """See Engine.encode; engine: of ENGINES, for models of planes."""
    if isinstance(model, HierarchicalModel):
        return HIERARCHICAL.encode(model, steps, parts)
    return ENGINES[engine].encode(model, steps, parts)


def decode_slice(model: AnyModel, engine: str, steps: Steps, shapes: Shapes, data: bytes) -> list[Int16]:
    """See Engine.decode."""
    if isinstance(model, HierarchicalModel):
        return HIERARCHICAL.decode(model, steps, shapes, data)
    return ENGINES[engine].decode(model, steps, shapes, data)
