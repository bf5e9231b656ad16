"""Range coding of binary decisions with given probabilities.

The encoder and the decoder have the same method, code(probabilities, decisions), so that models are written
once for both directions. Probabilities are multiples of 2^-16, which are exact in floating point.
docs/format/models.md, "Range coder", specifies the bytes.
"""

from jrecomp.coding.range_coder import BitDecoder, BitEncoder

__all__ = ["BitDecoder", "BitEncoder"]
