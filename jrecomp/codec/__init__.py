"""Coefficients to range-coded slices and back: the walk over the planes, its engines, and slices."""

from jrecomp.codec.devices import engine_for
from jrecomp.codec.engines import DEFAULT_ENGINE
from jrecomp.codec.slices import EncodedSlices, decode, encode

__all__ = ["DEFAULT_ENGINE", "EncodedSlices", "decode", "encode", "engine_for"]
