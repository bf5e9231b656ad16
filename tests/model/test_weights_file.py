"""The format of weights files."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from jrecomp.model.weights_file import pack, unpack

HEADER = (
    b'{"wide": {"dtype": "I32", "shape": [1, 2], "data_offsets": [0, 8]}, '
    b'"narrow": {"dtype": "U8", "shape": [3], "data_offsets": [8, 11]}, '
    b'"empty": {"dtype": "I8", "shape": [0], "data_offsets": [11, 11]}}'
)
HEADER += b" " * (-(8 + len(HEADER)) % 64)
DATA = len(HEADER).to_bytes(8, "little") + HEADER + b"\xfe\xff\xff\xff\x00\x01\x00\x00" + b"\x07\xff\x00"


def test_bytes() -> None:
    """Widest elements first, from a multiple of 64 bytes on."""
    arrays: dict[str, npt.NDArray[Any]] = {
        "narrow": np.array([7, 255, 0], np.uint8),
        "wide": np.array([[-2, 256]], np.int32),
        "empty": np.zeros(0, np.int8),
    }
    assert pack(arrays) == DATA
    found = unpack(np.frombuffer(DATA, np.uint8))
    assert list(found) == ["wide", "narrow", "empty"]
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype and found[name].tolist() == array.tolist()


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16, np.uint16, np.int32])
def test_arrays_of_any_order_in_memory(kind: type) -> None:
    array: npt.NDArray[Any] = np.asfortranarray(np.arange(6, dtype=kind).reshape(2, 3))
    found = unpack(np.frombuffer(pack({"a": array}), np.uint8))["a"]
    assert found.dtype == kind and found.flags.c_contiguous and (found == array).all()


def test_other_elements_are_refused() -> None:
    with pytest.raises(KeyError, match="float64"):
        pack({"a": np.ones(1)})
