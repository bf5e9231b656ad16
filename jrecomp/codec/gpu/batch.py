"""A batch of slices on a device: coefficients in, bytes out, and the other way round."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from threading import Lock, local
from typing import Any

import numpy as np
import torch

from jrecomp.array_types import Int16
from jrecomp.codec.coefficients import HIGHEST
from jrecomp.codec.gpu import kernels
from jrecomp.codec.gpu.coders import Coders
from jrecomp.codec.gpu.engine import Item, Kind
from jrecomp.codec.gpu.planes import PYRAMID, Component
from jrecomp.codec.gpu.walk import Scratch, Walk
from jrecomp.codec.gpu.weights import ModelOnDevice
from jrecomp.errors import CorruptContainerError
from jrecomp.model.planes import PlanesModel
from jrecomp.model.symbols import LAST_OUTPUTS
from jrecomp.native.engine import SliceDecoder, SliceEncoder, Team
from jrecomp.threads import Workers

Tensor = Any  # torch.Tensor; torch is optional for type checking

PORTION = 1 << 15
"""Fewest blocks that are copied at once, 4 MB, from memory that is not pinned."""

has_cuda = torch.cuda.is_available


def code(device: str, kind: Kind, items: Sequence[Item]) -> None:
    """Encode or decode slices.

    device: name of a device in torch. kind: of all slices. Damage of a slice is told in its item. Raises
    MemoryError.
    """
    threads = max(item.threads for item in items)
    with _memory(), _stream(device), Workers(1) as worker:
        _code(_on_device(kind.model, device), device, kind, items, _team(threads - 1), worker)


def _code(
    model: ModelOnDevice, device: str, kind: Kind, items: Sequence[Item], team: Team, worker: Workers
) -> None:
    decode, highest = kind.decode, kind.highest
    components = _components(items, device)
    coders: Any = (
        [SliceDecoder(model.sigmoid, item.data or b"") for item in items]
        if decode
        else [SliceEncoder(model.sigmoid) for _ in items]
    )
    largest = max(places.count for c in components for places in c.lists[PYRAMID:])
    shared = Coders(coders, team, worker, largest, LAST_OUTPUTS, device)
    scratch = Scratch(max(component.size for component in components), largest, device)
    damaged = torch.zeros(len(items), dtype=torch.int32, device=device)
    walks = []
    for number, component in enumerate(components):
        truth = None if decode else _upload(component, [item.parts[number] for item in items])
        walks.append(Walk(number, component, model, shared, scratch, truth, damaged))
    for number, walk in enumerate(walks):
        shared.component = number
        walk.refer(components)
        walk.dc()
    count = 0 if highest == 0 else 1 if highest < HIGHEST else len(walks)
    for number, walk in enumerate(walks[:count]):
        shared.component = number
        walk.refer(components)
        walk.rest(highest)
    shared.finish()
    if not decode:
        for item, coder in zip(items, coders, strict=True):
            item.data = coder.finish()
        return
    for number, component in enumerate(components):
        _download(component, [item.parts[number] for item in items])
    for item, coder, out_of_range in zip(items, coders, damaged.tolist(), strict=True):
        if coder.damaged or out_of_range:
            item.error = CorruptContainerError("damaged container: a slice has damaged data")


def _components(items: Sequence[Item], device: str) -> list[Component]:
    """The components of slices, without coefficients."""
    return [
        Component(
            np.stack([item.steps[number] for item in items]).astype(np.int32),
            [item.parts[number].shape[:2] for item in items],
            device,
        )
        for number in range(len(items[0].parts))
    ]


def _upload(component: Component, parts: Sequence[Int16]) -> Tensor:
    """The coefficients of all slices as planes, int16 [64, size]."""
    blocks = torch.empty((component.count, 64), dtype=torch.int16, device=component.device)
    for begin, end, some in _portions(parts):
        blocks[begin:end].copy_(torch.from_numpy(np.concatenate([part.reshape(-1, 64) for part in some])))
    planes = torch.zeros((64, component.size), dtype=torch.int16, device=component.device)
    _move(kernels.spread, component, blocks, planes)
    return planes


def _download(component: Component, parts: Sequence[Int16]) -> None:
    """Copy the coefficients of all slices into arrays."""
    blocks = torch.empty((component.count, 64), dtype=torch.int16, device=component.device)
    _move(kernels.collect, component, blocks, component.values)
    for begin, end, some in _portions(parts):
        host = blocks[begin:end].cpu().numpy()
        for part in some:
            count = part.shape[0] * part.shape[1]
            part[:] = host[:count].reshape(part.shape)
            host = host[count:]


def _portions(parts: Sequence[Int16]) -> Iterator[tuple[int, int, list[Int16]]]:
    """First block, end and slices of portions that are large enough for a copy, and not too large."""
    begin, end, some = 0, 0, list[Int16]()
    for number, part in enumerate(parts, 1):
        some.append(part)
        end += part.shape[0] * part.shape[1]
        if end - begin >= PORTION or number == len(parts):
            yield begin, end, some
            begin, some = end, []


def _move(kernel: Any, component: Component, blocks: Tensor, planes: Tensor) -> None:
    programs = -(-component.count // kernels.TILE)
    kernel[(programs,)](blocks, component.places, planes, component.size, component.count, TILE=kernels.TILE)


_loading = Lock()


def _on_device(model: PlanesModel, device: str) -> ModelOnDevice:
    with _loading:
        return _loaded(model, device)


@lru_cache(maxsize=4)
def _loaded(model: PlanesModel, device: str) -> ModelOnDevice:
    return ModelOnDevice(model, device)


_team = lru_cache(maxsize=1)(Team)
"""The threads that run coders. All batches share them, so that one after the other gets all of them."""

_lane = local()
"""Has the stream of a thread. Memory that is free is kept for the stream that used it."""


def _stream(device: str) -> AbstractContextManager[Any]:
    """The stream of this thread, so that batches overlap."""
    return nullcontext() if device == "cpu" else _own_stream()


@contextmanager
def _own_stream() -> Iterator[None]:
    if not hasattr(_lane, "stream"):
        new_stream: Any = torch.cuda.Stream
        _lane.stream = new_stream()
    with torch.cuda.stream(_lane.stream):
        try:
            yield
        finally:
            _lane.stream.synchronize()


@contextmanager
def _memory() -> Iterator[None]:
    """A device without memory raises MemoryError."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise MemoryError(str(error)) from error
