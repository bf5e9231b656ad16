"""Coefficients to range-coded slices and back: the walk over the planes, its engines, and slices."""

from jrecomp.codec.devices import Resources
from jrecomp.codec.slices import EncodedSlices, decode, encode

__all__ = ["EncodedSlices", "Resources", "decode", "encode"]
