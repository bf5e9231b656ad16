"""Range coder for binary decisions (Martin 1979), from the library constriction (Bamler 2022)."""

import constriction
import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Bool, Float64, UInt16
from jrecomp.errors import CorruptContainerError

_FAMILY = constriction.stream.model.Bernoulli(perfect=False)


def _as_fractions(probabilities: UInt16) -> Float64:
    return np.multiply(probabilities, 2.0**-16, dtype=np.float64)


class BitEncoder:
    """Encodes binary decisions."""

    def __init__(self) -> None:
        self._coder = constriction.stream.queue.RangeEncoder()

    def code(self, probabilities: UInt16, decisions: Bool | None) -> Bool:
        """Encode decisions.

        probabilities: uint16 [n], 1 to 65535, the probability of True in units of 2^-16. decisions: bool [n].
        Returns the decisions.
        """
        assert decisions is not None
        if len(decisions):
            self._coder.encode(decisions.astype(np.int32), _FAMILY, _as_fractions(probabilities))
        return decisions

    def finish(self) -> bytes:
        """The encoded bytes: little-endian 32-bit words without trailing zero bytes."""
        words: npt.NDArray[np.uint32] = self._coder.get_compressed()
        return words.astype("<u4").tobytes().rstrip(b"\0")


class BitDecoder:
    """Decodes the bytes of a BitEncoder, given the same probabilities."""

    def __init__(self, data: bytes) -> None:
        words = np.frombuffer(data + bytes(-len(data) % 4), "<u4").astype(np.uint32)
        self._coder = constriction.stream.queue.RangeDecoder(words)

    def code(self, probabilities: UInt16, decisions: Bool | None) -> Bool:
        """Decode decisions.

        probabilities: uint16 [n], as given to the encoder. decisions: not used.
        Returns bool [n]. Raises CorruptContainerError.
        """
        if not len(probabilities):
            return np.zeros(0, np.bool_)
        try:
            symbols = self._coder.decode(_FAMILY, _as_fractions(probabilities))
        except AssertionError as error:  # raised by constriction for words that no encoder writes
            raise CorruptContainerError("damaged container: its range-coded data is invalid") from error
        return np.asarray(symbols, np.bool_)
