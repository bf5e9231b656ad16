"""Selection of NumPy or torch, so that the code of planes, inputs and networks serves both.

Annotations name NumPy's types. On a GPU the arrays are tensors of the same element type and shape.
"""

from typing import Any

import numpy as np
import numpy.typing as npt


def namespace(array: Any) -> Any:
    """The functions for an array: NumPy, or for a tensor a TorchArrays on the tensor's device."""
    if isinstance(array, np.ndarray):
        return np
    from jrecomp.features.torch_arrays import TorchArrays

    return TorchArrays(array.device)


def to_numpy(array: Any) -> npt.NDArray[Any]:
    """The array in NumPy; a tensor is copied from its device."""
    return array if isinstance(array, np.ndarray) else array.cpu().numpy()
