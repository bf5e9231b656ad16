"""The weights and tables of a model of planes on a device."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from jrecomp.array_types import Int8, Int32
from jrecomp.errors import UsageError
from jrecomp.features import ac
from jrecomp.features.schedule import SLOTS, pyramid
from jrecomp.features.store import AC_INPUTS, AROUND, DIFFERENCE, cross, nearest_known
from jrecomp.model.arrays import CLASSES
from jrecomp.model.network import ACTIVATION_LIMIT, split
from jrecomp.model.planes import NETWORKS, PlanesModel, linear_shape, shapes
from jrecomp.t81 import INDEX

Tensor = Any  # torch.Tensor; torch is optional for type checking

OUTPUTS = 64
"""Outputs of a network as they are stored, of which the last ones are unused."""

SHIFT = (ACTIVATION_LIMIT + 1) // 2
"""Activations less this are signed 8-bit integers."""

MOST_SECOND = 256
"""Widest second layer whose sums fit the registers of a kernel."""

UNITS = 64
"""Units of the first layer that are computed together."""

NEAREST = [len(nearest_known(k, ac.ENERGY_PLANES)) for k in range(64)]
"""Number of planes whose energies are inputs, for each plane."""


@dataclass(frozen=True)
class Network:
    """Where a network is in the arrays of its class.

    width: inputs, padded to a power of 2. units, second: widths of the hidden layers, padded. outputs: that
    are used. weights, biases: index of the first element of each layer.
    """

    width: int
    units: int
    second: int
    outputs: int
    weights: tuple[int, ...]
    biases: tuple[int, ...]


@dataclass(frozen=True)
class ClassOnDevice:
    """The weights of a component class; networks: those of planes 0 to 63 and LAST.

    weights: int8. biases: int32. linear: int32, weights of linear predictions. starts: for each plane the
    index of its first linear weight.
    """

    networks: list[Network]
    weights: Tensor
    biases: Tensor
    linear: Tensor
    starts: list[int]


class ModelOnDevice:
    """A model of planes on a device.

    log, tanh, log2: tables. matrices: int32 [5, 64], that combine coefficients, by ratio. zigzag: int32 [64],
    indices of frequencies. known: int32 [64, 128, 4], the plane, the plane of the step, dy and dx of known
    values. near: int32 [64, 3], planes of energies. cross: int32 [64, 5], planes of references. offsets: for
    each phase of a pyramid int32 [16, 2]. shown_steps: int32 [8], steps that are inputs of `last`.
    """

    def __init__(self, model: PlanesModel, device: str) -> None:
        def put(array: Any, dtype: type = np.int32) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array, dtype)).to(device)

        arrays = model.arrays
        self.sigmoid = arrays["sigmoid"]
        self.log = put(arrays["log"].view(np.int8), np.int8)
        self.tanh, self.log2 = put(arrays["tanh"], np.int8), put(arrays["log2_mantissa"], np.int8)
        matrices = np.zeros((5, 64), np.int32)
        for ratio, matrix in ((1, 4096 * np.eye(8)), (2, arrays["half"]), (4, arrays["quarter"])):
            matrices[ratio] = matrix.ravel()
        self.matrices = put(matrices)
        self.zigzag = put([INDEX[row, column] for row in range(8) for column in range(8)])
        self.known, self.near = put(_known()), put(_near())
        self.cross = put([cross(k) for k in range(64)])
        self.offsets = [put(_offsets(phase.offsets)) for phase in pyramid(1, 1)]
        self.shown_steps = put([1, 2, 5, 9, 14, 20, 35, 60])
        self.classes = [_class(model, number, put) for number in range(CLASSES)]


def _known() -> Int32:
    table = np.zeros((64, 128, 4), np.int32)
    for k, inputs in enumerate(AC_INPUTS):
        around = np.array([*AROUND, (0, 0)])[inputs.side]
        steps = np.where(inputs.plane < DIFFERENCE, inputs.plane, 0)
        table[k, : len(steps)] = np.column_stack([inputs.plane, steps, around])
    return table


def _near() -> Int32:
    table = np.zeros((64, ac.ENERGY_PLANES), np.int32)
    for k, count in enumerate(NEAREST):
        table[k, :count] = nearest_known(k, ac.ENERGY_PLANES)
    return table


def _offsets(offsets: Any) -> Int32:
    table = np.zeros((SLOTS, 2), np.int32)
    table[: len(offsets)] = np.reshape(offsets, (-1, 2))
    return table


def _class(model: PlanesModel, number: int, put: Any) -> ClassOnDevice:
    arrays = model.unshared
    hidden = (int(arrays["hidden"][0]), int(arrays["hidden"][1]))
    layout = [shape for plane in range(NETWORKS) for shape in shapes(number, hidden, plane)]
    weights = split(arrays[f"weight_{number}"], list(layout))
    biases = split(arrays[f"bias_{number}"], [(outputs,) for outputs, _ in layout])
    packed = _Packed()
    networks = [packed.add(weights[3 * n : 3 * n + 3], biases[3 * n : 3 * n + 3]) for n in range(NETWORKS)]
    sizes = [int(np.prod(linear_shape(plane))) for plane in range(64)]
    starts = np.cumsum([0, *sizes])[:-1].tolist()
    return ClassOnDevice(
        networks,
        put(np.concatenate(packed.weights), np.int8),
        put(np.concatenate(packed.biases)),
        put(arrays[f"linear_{number}"]),
        starts,
    )


class _Packed:
    """The networks of a class, one after the other; raises UsageError if a layer is too wide."""

    def __init__(self) -> None:
        self.weights: list[Int8] = []
        self.biases: list[Int32] = []
        self._weights = self._biases = 0

    def add(self, weights: list[Any], biases: list[Any]) -> Network:
        """Append the layers of a network."""
        (units, inputs), (second, _), (outputs, _) = (weight.shape for weight in weights)
        if second > MOST_SECOND:
            raise UsageError(
                f"device 'cuda' supports at most {MOST_SECOND} units in the second layer of a model"
            )
        width, padded = _power(inputs), -(-units // UNITS) * UNITS
        sizes = [(padded, width), (_power(second), padded), (OUTPUTS, _power(second))]
        places: list[tuple[int, int]] = []
        for layer, (weight, bias, (rows, columns)) in enumerate(zip(weights, biases, sizes, strict=True)):
            places.append((self._weights, self._biases))
            full = np.zeros((rows, columns), np.int8)
            full[: weight.shape[0], : weight.shape[1]] = weight
            shifted = np.zeros(rows, np.int32)
            shifted[: len(bias)] = bias + (SHIFT * weight.sum(1, dtype=np.int32) if layer else 0)
            self.weights.append(full.ravel())
            self.biases.append(shifted)
            self._weights, self._biases = self._weights + full.size, self._biases + rows
        return Network(width, padded, _power(second), outputs, *zip(*places, strict=True))


def _power(count: int) -> int:
    """The least power of 2 from 32 on that is not below a number."""
    return max(32, 1 << (count - 1).bit_length())
