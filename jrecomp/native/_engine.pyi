"""The native engines: code a whole slice with a model, as jrecomp.codec does in Python, byte for byte."""

from typing import Any

import numpy as np
import numpy.typing as npt

class Damaged(ValueError):
    """The data of a slice is damaged."""

class _SliceCoder:
    """Codes a slice whose logits are computed elsewhere; see jrecomp.codec.coders.SliceCoder.

    logits: int16 [outputs, n] within +-767, of an output side by side. Without the GIL.
    """

    def start_component(self) -> None:
        """Forgets what was learned of the component before."""

    def values(
        self,
        plane: int,
        logits: npt.NDArray[np.int16],
        truth: npt.NDArray[np.int64] | None,
        sure: npt.NDArray[np.bool_],
    ) -> npt.NDArray[np.int64]:
        """Values [n] of a phase of a plane; truth is what to encode. Raises Damaged."""

    def last(
        self, logits: npt.NDArray[np.int16], truth: npt.NDArray[np.int64] | None
    ) -> npt.NDArray[np.int64]:
        """Indices [n] of last non-zero coefficients. Raises Damaged."""

class SliceEncoder(_SliceCoder):
    """Encodes."""

    def __init__(self, sigmoid: npt.NDArray[np.uint16]) -> None: ...
    def finish(self) -> bytes:
        """The bytes of the slice."""

class SliceDecoder(_SliceCoder):
    """Decodes the bytes of a slice."""

    def __init__(self, sigmoid: npt.NDArray[np.uint16], data: bytes) -> None: ...

class Engine:
    """A model, ready to code slices. Methods release the GIL and may run in several threads at once."""

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
        """Tables of jrecomp.features.tables; per plane: input planes, sides, planes of energies, cross."""

    def add_class(
        self,
        number: int,
        first_width: int,
        second_width: int,
        weights: npt.NDArray[np.int8],
        biases: npt.NDArray[np.int32],
        linear: npt.NDArray[np.int16],
    ) -> None:
        """Weights of a component class as they are in the weights file; raises ValueError."""

    def encode(self, components: list[tuple[list[int], npt.NDArray[np.int16]]]) -> bytes:
        """Codes quantization steps [64] and coefficients [rows, columns, 64] of each component."""

    def decode(self, components: list[tuple[list[int], npt.NDArray[np.int16]]], data: bytes) -> None:
        """Fills the coefficients [rows, columns, 64] of components with these steps; raises Damaged."""

    def collect(
        self,
        components: list[tuple[list[int], npt.NDArray[np.int16]]],
        shares: list[list[float]],
        seed: int,
    ) -> list[list[tuple[npt.NDArray[np.int8], npt.NDArray[np.int32], npt.NDArray[np.uint8]]]]:
        """What networks see of a share of the blocks, for training.

        shares: per component class and network (planes 0 to 63, `last`). Returns for each component and
        network inputs int8 [n, width], targets int32 [n], and 1 where zero is impossible [n].
        """

class BlocksEngine:
    """A model of blocks, ready to code slices as jrecomp.codec.blocks does; threads as with Engine."""

    def __init__(self, sigmoid: npt.NDArray[np.uint16], basis: npt.NDArray[np.int16]) -> None:
        """Tables of jrecomp.model.blocks."""

    def add_class(self, number: int, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Weights of a component class by name in jrecomp.model.blocks.LAYOUT."""

    def encode(self, components: list[tuple[list[int], npt.NDArray[np.int16]]]) -> bytes:
        """Codes quantization steps [64] and coefficients [rows, columns, 64] of each component."""

    def decode(self, components: list[tuple[list[int], npt.NDArray[np.int16]]], data: bytes) -> None:
        """Fills the coefficients [rows, columns, 64] of components with these steps; raises Damaged."""
