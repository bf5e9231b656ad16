"""Binary decisions with given probabilities to range-coded bytes and back; knows nothing of JPEG.

Both coders have one method, `code(ones, decisions)`, so that a single walk serves encoding and
decoding. Probabilities are exact multiples of 2^-16, so that no float rounding can reach the bytes
(docs/format/model.md states the coder to the bit).
"""

from jrecomp.coding.range_coder import BitDecoder, BitEncoder

__all__ = ["BitDecoder", "BitEncoder"]
