"""Parsing of JPEG files to quantized coefficients, and exact writing (docs/format/jpeg.md)."""

from jrecomp.jpeg.damage import damage
from jrecomp.jpeg.ending import oddity, separate
from jrecomp.jpeg.read import read
from jrecomp.jpeg.rebuild import rebuild
from jrecomp.jpeg.types import Component, Frame, JpegFile, ScanReconstruction, Segment
from jrecomp.jpeg.write import assemble, parse_frame, write

__all__ = [
    "Component",
    "Frame",
    "JpegFile",
    "ScanReconstruction",
    "Segment",
    "assemble",
    "damage",
    "oddity",
    "parse_frame",
    "read",
    "rebuild",
    "separate",
    "write",
]
