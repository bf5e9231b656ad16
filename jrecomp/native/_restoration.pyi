"""Restoration of samples, with the same integers as in Python (jrecomp/restoration)."""

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
