"""NumPy or torch: planes, inputs and networks are written once, with functions that mean the same in both.

Types are written as NumPy's; on a GPU the arrays are tensors of the same type and shape.
"""

from typing import Any

import numpy as np
import numpy.typing as npt


def namespace(array: Any) -> Any:
    """What has the functions for an array: NumPy, or for a tensor its twin, on the tensor's device."""
    if isinstance(array, np.ndarray):
        return np
    from jrecomp.features.torch_arrays import TorchArrays

    return TorchArrays(array.device)


def to_numpy(array: Any) -> npt.NDArray[Any]:
    """An array as NumPy's; waits for the device of a tensor."""
    return array if isinstance(array, np.ndarray) else array.cpu().numpy()
