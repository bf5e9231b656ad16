"""Restoration of samples, with the same integers as in Python (jrecomp/restoration)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

def shrink(
    gains: npt.NDArray[np.int32],
    weights: npt.NDArray[np.int32],
    radius: npt.NDArray[np.int32],
    padded: npt.NDArray[np.int16],
    out: npt.NDArray[np.int16],
) -> None:
    """Shrinks the coefficients of a plane at all shifts; the arguments are those of shifts.Shrinkage.

    Releases the GIL. Raises ValueError for arrays of wrong sizes or values.
    """

class Network:
    """The convolutions of a network (restoration/network.py), int8 [outputs, inputs, 3, 3].

    Raises ValueError for arrays that do not fit together, and for more than 256 channels.
    """

    def __init__(self, convolutions: Sequence[npt.NDArray[np.int8]]) -> None: ...
    def correct(
        self,
        gains: npt.NDArray[np.int16],
        offsets: npt.NDArray[np.int32],
        shifts: npt.NDArray[np.int32],
        factors: npt.NDArray[np.int32],
        halved: tuple[bool, bool],
        restored: npt.NDArray[np.int16],
        decoded: npt.NDArray[np.int16],
        first: int,
        end: int,
        out: npt.NDArray[np.int16],
    ) -> None:
        """Writes the corrections of the rows of cells `first` to `end` - 1 of a picture.

        gains, offsets: those of network.Controls, one group after the other. shifts: of Hadamard
        coefficients, [48]. factors: of differences, [3], 2^7 to 2^17. halved: chroma in width and in height.
        restored, decoded, out: all of the picture, [3, rows, columns].

        Releases the GIL. Raises ValueError for arrays of wrong sizes or values.
        """
