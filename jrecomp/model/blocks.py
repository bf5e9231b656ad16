"""Models of blocks: weights, constants and checks (docs/format/blocks.md).

Coefficients are predicted from adjacent pixels, as in Lepton (Horn et al. 2017). One hidden layer, a sum of
embedding rows selected by context, predicts the scales of their magnitudes. Offsets correct the logits of
decisions as they are coded (jrecomp.model.offsets).
"""

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Float64, Int16, Int64
from jrecomp.features.tables import LOGIT_LIMIT, dct, make
from jrecomp.model.arrays import CLASSES, Arrays, Model
from jrecomp.model.symbols import LAST_OUTPUTS, MODELLED_LENGTHS
from jrecomp.native.engine import BlocksEngine
from jrecomp.t81 import PLACES

Integers = int | Int64
"""One integer, or an array of any shape."""

HIDDEN = 32
"""Number of hidden units."""

HIDDEN_LIMIT = 2047
"""Hidden units are limited to 0 to HIDDEN_LIMIT before the output layers."""

EDGES = 32
"""Number of pixels of a block that predict other blocks: the last two rows and columns."""

VALUES = 41
"""Number of pixels of neighbouring blocks that predict a block."""

SCALE_LIMIT = 511
"""Largest magnitude of a predicted scale, before coded coefficients adjust it."""

CELL_OFFSET = 192
"""Added to logits and scales before their division into cells (jrecomp.model.offsets)."""

NEAR_LEVELS, OWN_LEVELS = (1, 2, 4, 8, 16, 32, 64), (1, 3, 7, 15)
"""Largest magnitude of each level except the last: for coefficients of neighbouring blocks, and for those of
the block itself or of another component.
"""

CONFIDENCES, ENERGIES, STEPS, NEIGHBOURS = 18, 64, 9, 4
"""Numbers of confidence levels, energy levels, quantization steps and neighbouring blocks in the context."""

TRAINED_CONFIDENCES = 12
"""Number of confidence levels that have weights; higher levels have those of the last."""

CELLS = 32
"""Number of ranges of logits or scales; each is half a natural unit wide."""

GROUPS = 13
"""Number of groups of coefficients that share offsets."""

CONTEXT_ROWS = (GROUPS * 144, GROUPS * 48, GROUPS * 49, 64 * 6)
"""Numbers of rows of offsets: for the cell and the confidence, the block's own coefficients, the neighbours'
coefficients, and the index of the coefficient.
"""

FIRST_ROWS = tuple(sum(CONTEXT_ROWS[:i]) for i in range(len(CONTEXT_ROWS)))
"""The first row of each."""

LENGTH_SLOTS = 7
"""Number of offsets of a row for lengths, for each of the two signs; the last has all longer ones."""

SLOTS = 2 + 2 * LENGTH_SLOTS
"""Number of offsets in a row: of being non-zero, of the sign, of lengths."""

SETS = 7
"""Number of sets of gains and intercepts."""

NEAR_LASTS = 17
"""Number of levels of a neighbour's `last`."""

BANDS = ((1, 3), (3, 6), (6, 10), (10, 21), (21, 64))
"""First zig-zag index of each frequency band, and the index after its last."""

TABLES: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
    "sigmoid": (np.uint16, (2 * LOGIT_LIMIT + 1,)),
    "basis": (np.int16, (64, EDGES)),
}
"""dtype and shape of each array that is common to all component classes."""

OFFSETS: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
    "offset": (np.int8, (sum(CONTEXT_ROWS), SLOTS)),
    "bit_offset": (np.int8, (144, 42)),
    "index_bit_offset": (np.int8, (64, 256)),
    "last_offset": (np.int8, (LAST_OUTPUTS, CELLS + NEAR_LASTS**2)),
    "gain": (np.int32, (SETS, SLOTS)),
    "intercept": (np.int32, (SETS, SLOTS)),
    "last_gain": (np.int32, (LAST_OUTPUTS,)),
    "last_intercept": (np.int32, (LAST_OUTPUTS,)),
}
"""The same for the arrays of a component class that the coder changes (jrecomp.model.offsets)."""

NETWORK: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
    "edge": (np.int16, (64, VALUES)),
    "within": (np.int16, (64, 64)),
    "across": (np.int16, (64,)),
    "bias": (np.int32, (HIDDEN,)),
    "step_weight": (np.int16, (STEPS, HIDDEN)),
    "near": (np.int16, (NEIGHBOURS, 63, len(NEAR_LEVELS) + 1, HIDDEN)),
    "near_last": (np.int16, (NEIGHBOURS, 64, HIDDEN)),
    "energy": (np.int16, (len(BANDS), ENERGIES, HIDDEN)),
    "across_near": (np.int16, (63, len(OWN_LEVELS) + 1, HIDDEN)),
    "own_last": (np.int16, (64, HIDDEN)),
    "last_weight": (np.int16, (LAST_OUTPUTS, HIDDEN)),
    "last_bias": (np.int32, (LAST_OUTPUTS,)),
    "scale_weight": (np.int16, (64, HIDDEN)),
    "scale_bias": (np.int32, (64,)),
    "own": (np.int16, (63, len(OWN_LEVELS) + 1, 64)),
    "trust": (np.int16, (TRAINED_CONFIDENCES,)),
    "length_slope": (np.int16, (len(MODELLED_LENGTHS),)),
    "length_trust": (np.int16, (len(MODELLED_LENGTHS), 2, TRAINED_CONFIDENCES)),
    "sign_start": (np.int16, (64, TRAINED_CONFIDENCES)),
}
"""The same for those that it does not change."""

LAYOUT = NETWORK | OFFSETS
"""All arrays of a component class. In weights files, _ and the class are appended."""


def clamp(x: int, low: int, high: int) -> int:
    """x, limited to the range from low to high."""
    return min(max(x, low), high)


def make_tables() -> dict[str, npt.NDArray[Any]]:
    """The arrays of TABLES, computed in float64; only training calls this.

    basis holds the pixels at the edges for each dequantized coefficient of 1, in units of 2^-17.
    """
    return {"sigmoid": make().sigmoid, "basis": _basis()}


def _basis() -> Int16:
    pixels = [(i, x) for x in (7, 6) for i in range(8)] + [(y, i) for y in (7, 6) for i in range(8)]
    wave = dct(8)
    values = [[wave[v, y] * wave[u, x] for y, x in pixels] for v, u in PLACES]
    basis: Float64 = np.rint((4 << 15) * np.array(values))
    return basis.astype(np.int16)


class BlocksModel(Model):
    """A model of blocks. Its weights file has the arrays of TABLES instead of features.tables.Tables."""

    kind = "blocks"

    @cached_property
    def engine(self) -> BlocksEngine:
        """The native engine with these weights."""
        return native_engine(self.arrays)

    @cached_property
    def classes(self) -> list[dict[str, Int64]]:
        """The arrays of each component class by their names in LAYOUT, widened to int64."""
        parts = [class_arrays(self.arrays, c) for c in range(CLASSES)]
        return [{name: array.astype(np.int64) for name, array in part.items()} for part in parts]


def eighths_of_octaves(x: Integers) -> Int64:
    """Approximately 8 log2(x) for x >= 1, of any shape; -1016 for x = 0."""
    exponent = np.maximum(np.frexp(x)[1].astype(np.int64) - 1, 0)
    return np.where(np.asarray(x) > 0, 8 * exponent + (8 * x >> exponent) - 8, -1016)


def class_arrays(arrays: Arrays, number: int) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a component class, by their names in LAYOUT."""
    return {name: arrays[f"{name}_{number}"] for name in LAYOUT}


def native_engine(arrays: Arrays, form: type[BlocksEngine] = BlocksEngine) -> BlocksEngine:
    """The native engine for a weights file; form: its class in a build of jrecomp.native.engine."""
    engine = form(**{name: arrays[name] for name in TABLES})
    for c in range(CLASSES):
        engine.add_class(c, class_arrays(arrays, c))
    return engine


def build(identifier: int, name: str, arrays: Arrays) -> BlocksModel:
    """Make a model from the arrays of a weights file.

    Raises ValueError if an array is missing, has a wrong dtype or shape, or if sums could overflow.
    """
    expected = TABLES | {f"{key}_{c}": kind for c in range(CLASSES) for key, kind in LAYOUT.items()}
    for key, (dtype, shape) in expected.items():
        if key not in arrays or arrays[key].dtype != dtype or arrays[key].shape != shape:
            raise ValueError(f"the weights do not fit: {key} is not {dtype.__name__} {list(shape)}")
    for c in range(CLASSES):
        _check_sums(class_arrays(arrays, c))
    return BlocksModel(identifier, name, arrays)


def _check_sums(arrays: Arrays) -> None:
    """Raises ValueError if a sum that the native engine computes in 16 or 32 bits could overflow."""
    m = {name: np.abs(array.astype(np.int64)) for name, array in arrays.items()}
    near = m["near"].max(2).sum((0, 1)) + m["near_last"].max(1).sum(0)
    others = m["energy"].max(1).sum(0) + m["across_near"].max(1).sum(0)
    sums = {
        "hidden": (m["bias"] + m["step_weight"].sum(0) + near + others + m["own_last"].max(0), 15),
        "last": (m["last_bias"] + HIDDEN_LIMIT * m["last_weight"].sum(1), 31),
        "scale": (m["scale_bias"] + HIDDEN_LIMIT * m["scale_weight"].sum(1), 31),
        "scale after coefficients": (SCALE_LIMIT + CELL_OFFSET + m["own"].max(1).sum(0), 15),
    }
    for name, (largest, bits) in sums.items():
        if (largest >= 1 << bits).any():
            raise ValueError(f"the weights do not fit: sums of {name} could reach 2^{bits}")
