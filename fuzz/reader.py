"""Numbers and arrays from the bytes of an input."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from jrecomp.array_types import Int16

T = TypeVar("T")


class Reader:
    """Reads an input from its beginning; zeros follow its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def below(self, limit: int) -> int:
        """An integer from 0 to limit - 1; limit: at most 65536."""
        return int.from_bytes(self.take(1 if limit <= 256 else 2)) % limit

    def choose(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.below(len(options))]

    def take(self, count: int) -> bytes:
        """The next bytes."""
        start, self._position = self._position, self._position + count
        return self._data[start : self._position].ljust(count, b"\0")

    def rest(self) -> bytes:
        """All bytes that are left."""
        start, self._position = self._position, max(self._position, len(self._data))
        return self._data[start:]

    def coefficients(self, count: int, shape: tuple[int, ...]) -> Int16:
        """Sparse coefficients within +-32767 from pairs of a gap and a value; count: of the pairs."""
        pairs = np.frombuffer(self.take(3 * count), [("gap", "u1"), ("value", "<i2")])
        values = np.zeros(int(np.prod(shape)), np.int16)
        places = np.cumsum(pairs["gap"].astype(np.int64) + 1) - 1
        inside = places < len(values)
        values[places[inside]] = np.maximum(pairs["value"][inside], -32767)
        return values.reshape(shape)
