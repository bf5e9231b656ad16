"""Range coding of binary decisions with constriction (Martin 1979; Bamler 2022)."""

import constriction
import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Bool, Float64, UInt16
from jrecomp.errors import CorruptContainerError

_FAMILY = constriction.stream.model.Bernoulli(perfect=False)


def _probabilities(ones: UInt16) -> Float64:
    return np.multiply(ones, 2.0**-16, dtype=np.float64)


class BitEncoder:
    """Takes decisions in and gives bytes out."""

    def __init__(self) -> None:
        self._coder = constriction.stream.queue.RangeEncoder()

    def code(self, ones: UInt16, decisions: Bool | None) -> Bool:
        """Encodes decisions (bool [n]); ones (uint16 [n], 1 to 65535) is P(True) in units of 2^-16."""
        assert decisions is not None
        if len(decisions):
            self._coder.encode(decisions.astype(np.int32), _FAMILY, _probabilities(ones))
        return decisions

    def finish(self) -> bytes:
        """All that was coded, as little-endian 32-bit words without trailing zero bytes."""
        words: npt.NDArray[np.uint32] = self._coder.get_compressed()
        return words.astype("<u4").tobytes().rstrip(b"\0")


class BitDecoder:
    """Gives back the decisions that went into BitEncoder when asked with the same probabilities."""

    def __init__(self, data: bytes) -> None:
        words = np.frombuffer(data + bytes(-len(data) % 4), "<u4").astype(np.uint32)
        self._coder = constriction.stream.queue.RangeDecoder(words)

    def code(self, ones: UInt16, decisions: Bool | None) -> Bool:
        """Decodes len(ones) decisions; `decisions` is ignored. Raises CorruptContainerError."""
        if not len(ones):
            return np.zeros(0, np.bool_)
        try:
            symbols = self._coder.decode(_FAMILY, _probabilities(ones))
        except AssertionError as error:  # constriction raises it on words that no encoder wrote
            raise CorruptContainerError("range-coded data is damaged") from error
        return np.asarray(symbols, np.bool_)
