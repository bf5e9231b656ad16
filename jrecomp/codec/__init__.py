"""Coding of coefficients as range-coded slices: division, engines, and reference implementations."""

from jrecomp.codec.coefficients import HIGHEST
from jrecomp.codec.devices import Resources
from jrecomp.codec.slices import EncodedSlices, decode, encode, mcu_rows_of_slices

__all__ = ["HIGHEST", "EncodedSlices", "Resources", "decode", "encode", "mcu_rows_of_slices"]
