"""Parsing of JPEG files to quantized coefficients, and exact writing (docs/format/jpeg.md)."""

from jrecomp.jpeg.damage import damage
from jrecomp.jpeg.ending import oddity, separate
from jrecomp.jpeg.markers import Extent, extent, first_scan, split
from jrecomp.jpeg.read import read
from jrecomp.jpeg.rebuild import rebuild
from jrecomp.jpeg.types import Component, Frame, JpegFile, ScanReconstruction, Segment
from jrecomp.jpeg.write import ScanData, insert, parse_frame, scan_data, write

__all__ = [
    "Component",
    "Extent",
    "Frame",
    "JpegFile",
    "ScanData",
    "ScanReconstruction",
    "Segment",
    "damage",
    "extent",
    "first_scan",
    "insert",
    "oddity",
    "parse_frame",
    "read",
    "rebuild",
    "scan_data",
    "separate",
    "split",
    "write",
]
