"""Engines of array operations: the references in NumPy, and the engine of models with latents.

Modules of a kind of model are large, so that jrecomp.codec.engines imports this one when an engine is used.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from threadpoolctl import threadpool_limits

from jrecomp.array_types import Int16
from jrecomp.codec import blocks, latents, planes
from jrecomp.codec.coders import NumpyCoder
from jrecomp.codec.engines import Shapes, Slice, SliceBySlice, Steps
from jrecomp.coding import BitDecoder, BitEncoder
from jrecomp.model.blocks import BlocksModel
from jrecomp.model.latents import LatentsModel
from jrecomp.model.planes import PlanesModel
from jrecomp.native.engine import SliceDecoder, SliceEncoder


def _one_thread() -> AbstractContextManager[object]:
    """Each array operation runs on one thread of BLAS, as slices have threads already."""
    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits


def _numpy_encode(model: PlanesModel, steps: Steps, parts: Slice) -> bytes:
    bits = BitEncoder()
    planes.code_slice(steps, _shapes(parts), model, NumpyCoder(model.tables.sigmoid, bits), parts)
    return bits.finish()


def _numpy_decode(model: PlanesModel, steps: Steps, parts: Slice, data: bytes, highest: int) -> None:
    coder = NumpyCoder(model.tables.sigmoid, BitDecoder(data))
    _copy(planes.code_slice(steps, _shapes(parts), model, coder, None, highest), parts)


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


def _shapes(parts: Slice) -> Shapes:
    return [part.shape[:2] for part in parts]


def _copy(values: Sequence[Int16], parts: Slice) -> None:
    for part, value in zip(parts, values, strict=True):
        part[:] = value


PLANES = SliceBySlice(_numpy_encode, _numpy_decode, _one_thread)
BLOCKS = SliceBySlice(_blocks_encode, _blocks_decode, _one_thread)
"""The references in NumPy."""

LATENTS = SliceBySlice(_latents_encode, _latents_decode, _one_thread)
"""Networks in NumPy, with the native coder of values."""
