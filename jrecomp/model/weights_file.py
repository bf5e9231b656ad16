"""Weights files: the format "safetensors" (docs/format/models.md, "Weights files").

Arrays are used where they lie in the file's data, so that reading takes no time.
"""

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import UInt8

_TYPES = {"I8": "i1", "U8": "u1", "I16": "<i2", "U16": "<u2", "I32": "<i4"}
"""NumPy's names of the types of elements."""

_LENGTH = 8
"""Bytes of the length of the header."""

_ALIGNMENT = 64
"""The arrays begin at a multiple of so many bytes."""


def unpack(data: UInt8) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a weights file by name, as views; data: of the file, whose checksum is right."""
    start = _LENGTH + int.from_bytes(data[:_LENGTH].tobytes(), "little")
    header = json.loads(data[_LENGTH:start].tobytes())
    arrays = {}
    for name, entry in header.items():
        first, end = entry["data_offsets"]
        arrays[name] = data[start + first : start + end].view(_TYPES[entry["dtype"]]).reshape(entry["shape"])
    return arrays


def pack(arrays: dict[str, npt.NDArray[Any]]) -> bytes:
    """The bytes of a weights file; raises KeyError for a type of elements that is not in it."""
    names = {np.dtype(numpy_name): name for name, numpy_name in _TYPES.items()}
    header, parts, end = dict[str, Any](), list[bytes](), 0
    for name, array in sorted(arrays.items(), key=lambda item: -item[1].itemsize):  # each at its alignment
        first, end = end, end + array.nbytes
        header[name] = {"dtype": names[array.dtype], "shape": array.shape, "data_offsets": [first, end]}
        parts.append(array.tobytes())
    text = json.dumps(header).encode()
    text += b" " * (-(_LENGTH + len(text)) % _ALIGNMENT)
    return b"".join([len(text).to_bytes(_LENGTH, "little"), text, *parts])
