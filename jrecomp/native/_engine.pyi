"""The native engines, which code slices with models and give the same bytes as the engines in Python."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

class Damaged(ValueError):
    """The data of a slice is not from an encoder."""

class _SliceCoder:
    """Codes a slice with logits that are computed elsewhere. Methods release the GIL.

    logits: int16 [outputs, n] within +-767; those of an output must be contiguous.
    """

    def select(self, component: int) -> None:
        """Codes a component, 0 to 254, from now on, with the adaptation to what was coded of it."""

    def values(
        self,
        plane: int,
        logits: npt.NDArray[np.int16],
        truth: npt.NDArray[np.int64] | None,
        known_nonzero: npt.NDArray[np.bool_],
    ) -> npt.NDArray[np.int64]:
        """Codes and returns the values [n] of a phase of a plane. truth: what to encode, None to decode.

        known_nonzero: where zero is impossible. Raises Damaged.
        """

    def last(
        self, logits: npt.NDArray[np.int16], truth: npt.NDArray[np.int64] | None
    ) -> npt.NDArray[np.int64]:
        """Codes and returns indices [n] of last non-zero coefficients. Raises Damaged."""

    @property
    def damaged(self) -> bool:
        """Whether code_phase() found that the data are damaged."""

class Team:
    """Threads that help callers of code_phase(), several of which may use a team at once."""

    def __init__(self, helpers: int) -> None:
        """helpers: number of threads besides those of the callers; the machine may allow fewer."""

def code_phase(
    coders: Sequence[_SliceCoder],
    component: int,
    plane: int,
    logits: npt.NDArray[np.int16],
    values: npt.NDArray[np.int32],
    starts: Sequence[int],
    team: Team,
) -> None:
    """Codes a phase of several slices, each with its coder, all of which encode or all of which decode.

    component: 0 to 254. plane: 0 to 63, or 64 for `last`. logits: [outputs, n]. values: [n], on entry
    2 v + z, where v is the value to encode, and z is 1 where zero is impossible; on return the values.
    starts: where the values of each slice begin, and where those of the last one end. team: helps. Values of
    damaged slices are 0 or any. Releases the GIL.
    """

class SliceEncoder(_SliceCoder):
    """Encodes."""

    def __init__(self, sigmoid: npt.NDArray[np.uint16]) -> None: ...
    def finish(self) -> bytes:
        """The bytes of the slice."""

class SliceDecoder(_SliceCoder):
    """Decodes the bytes of a slice."""

    def __init__(self, sigmoid: npt.NDArray[np.uint16], data: bytes) -> None: ...

class Engine:
    """A model of planes, ready to code slices. Methods release the GIL; threads may call them at once."""

    def __init__(
        self,
        log: npt.NDArray[np.uint8],
        tanh: npt.NDArray[np.int8],
        log2_mantissa: npt.NDArray[np.int8],
        sigmoid: npt.NDArray[np.uint16],
        half: npt.NDArray[np.int16],
        quarter: npt.NDArray[np.int16],
        selections: list[tuple[list[int], list[int], list[int], tuple[int, int, int, int, int]]],
    ) -> None:
        """The tables of the weights file (docs/format/models.md).

        selections: per plane the planes and sides of the known values that are inputs (side: index of a
        neighbour, -1 for the block itself), planes that energies sum up, and planes of references.
        """

    def add_class(
        self,
        number: int,
        first_width: int,
        second_width: int,
        networks: npt.NDArray[np.uint8],
        weights: npt.NDArray[np.int8],
        biases: npt.NDArray[np.int32],
        linear: npt.NDArray[np.int16],
    ) -> None:
        """Sets the weights of a component class, as they are in the weights file. Raises ValueError."""

    def encode(self, components: list[tuple[list[int], npt.NDArray[np.int16]]]) -> bytes:
        """Encodes a slice. components: quantization steps [64] and coefficients [rows, columns, 64]."""

    def decode(
        self, components: list[tuple[list[int], npt.NDArray[np.int16]]], data: bytes, highest: int = 63
    ) -> None:
        """Decodes a slice into the coefficients [rows, columns, 64] of components. Raises Damaged.

        highest: coefficients of the first component above this index, and below 63 the AC coefficients of
        others, are left 0.
        """

    def collect(
        self,
        components: list[tuple[list[int], npt.NDArray[np.int16]]],
        shares: list[list[float]],
        seed: int,
    ) -> list[list[tuple[npt.NDArray[np.int8], npt.NDArray[np.int32], npt.NDArray[np.uint8]]]]:
        """Collects inputs and targets of networks at a random share of the blocks, for training.

        shares: per component class and network (planes 0 to 63, `last`). Returns for each component and
        network inputs int8 [n, width], targets int32 [n], and 1 where zero is impossible [n].
        """

class BlocksEngine:
    """A model of blocks, ready to code slices. Methods release the GIL; threads may call them at once."""

    def __init__(self, sigmoid: npt.NDArray[np.uint16], basis: npt.NDArray[np.int16]) -> None:
        """The arrays of the weights file (docs/format/blocks.md)."""

    def add_class(self, number: int, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Sets the weights of a component class. arrays: by name (docs/format/blocks.md), without `_c`."""

    def encode(self, components: list[tuple[list[int], npt.NDArray[np.int16]]]) -> bytes:
        """Encodes a slice. components: quantization steps [64] and coefficients [rows, columns, 64]."""

    def learn(self, components: list[tuple[list[int], npt.NDArray[np.int16]]]) -> bytes:
        """The same as encode(), but what offsets learn is kept: the next slices begin with it, for training.

        No other thread may use the engine.
        """

    def offsets(self, number: int) -> dict[str, bytes]:
        """The offsets of a component class as int32 in units of 2^-16.

        By name (docs/format/blocks.md); pairs of a gain and an intercept are in `factors` and `last_factors`.
        """

    def decode(self, components: list[tuple[list[int], npt.NDArray[np.int16]]], data: bytes) -> None:
        """Decodes a slice into the coefficients [rows, columns, 64] of components. Raises Damaged."""
