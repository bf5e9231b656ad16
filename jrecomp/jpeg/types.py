"""Data of a parsed JPEG file (ITU-T T.81), and the data that is kept only to restore it exactly."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from jrecomp.array_types import Int16, Int32
from jrecomp.t81 import LARGEST_EOB_RUN


class Component(NamedTuple):
    """A component of the frame header (T.81 B.2.2).

    identifier: 0 to 255. horizontal, vertical: sampling factors, 1 to 4.
    quantization: its quantization table at its first scan, int32 [64] in zig-zag order, 0 to 65535; all 1 if
        it has none.
    block_rows, block_columns: number of blocks, padded to whole MCUs of an interleaved scan.
    has_table: whether the file defines the quantization table before the component's first scan. Abbreviated
        files (T.81 B.4) do not, as the tiles of TIFF files. The steps are then unknown.
    """

    identifier: int
    horizontal: int
    vertical: int
    quantization: Int32
    block_rows: int
    block_columns: int
    has_table: bool = True

    @property
    def steps(self) -> Int32:
        """The quantization table, int32 [64], with steps of 0 (which some files have) replaced by 1."""
        return np.maximum(self.quantization, 1)


class Frame(NamedTuple):
    """The frame (T.81 B.2.2).

    width, height: in pixels. progressive: whether the coding process is progressive rather than sequential.
    mcu_rows, mcu_columns: size in MCUs of an interleaved scan over all components. A component has
    mcu_rows times its vertical sampling factor block rows, and likewise block columns.
    precision: bits per sample, 8 or 12. arithmetic: whether entropy coding is arithmetic rather than Huffman.
    """

    width: int
    height: int
    progressive: bool
    mcu_rows: int
    mcu_columns: int
    components: tuple[Component, ...]
    precision: int = 8
    arithmetic: bool = False


@dataclass
class Segment:
    """A part of a scan's data that a regular encoder could have written, and irregular bytes after it.

    first_mcu: index of its first MCU; DC predictions start from zero there.
    mcus: number of coded MCUs, with restart markers between the intervals.
    restart_interval: MCUs between restart markers, 0 without restart markers.
    first_restart: number (0 to 7) of the first restart marker inside the segment.
    tail: raw bytes up to the next segment or the end of the scan: irregular restart markers, damaged data or
        a truncated block. If the segment does not end on a byte boundary, the first byte of a tail also holds
        the last bits of the segment.
    """

    first_mcu: int
    mcus: int
    restart_interval: int
    first_restart: int = 0
    tail: bytes = b""


@dataclass
class ScanReconstruction:
    """Data of a scan that its coefficients do not determine; the defaults describe the scans of libjpeg.

    Indices of blocks and MCUs are in the scan's coding order, and lists are sorted. docs/format/jpeg.md,
    "Reconstruction data", specifies the fields.

    segments: empty if the whole scan is one regular segment without a tail.
    padding_bit: fills the last byte before each restart marker and at the end.
    padding: (index of the MCU after the interval, padding bits) where the padding differs from that.
    zero_runs: (block index, number of ZRL symbols after the last coefficient).
    max_eob_run: length at which EOB runs are written.
    last_eob_run: length of an EOB run that goes on after the last block of the scan, 0 if none does.
    eob_switches: indices of blocks after which the rule for writing an EOB run is reversed.
    extraneous: (index of the MCU after the interval, bytes between the two or after the last one), such
        as fill bytes. A restart marker follows, or the end of the scan. They are no part of the picture.
    """

    segments: list[Segment] = field(default_factory=list)
    padding_bit: int = 1
    padding: list[tuple[int, int]] = field(default_factory=list)
    zero_runs: list[tuple[int, int]] = field(default_factory=list)
    max_eob_run: int = LARGEST_EOB_RUN
    last_eob_run: int = 0
    eob_switches: list[int] = field(default_factory=list)
    extraneous: list[tuple[int, bytes]] = field(default_factory=list)


@dataclass
class JpegFile:
    """A parsed JPEG file.

    frame: as parsed from `headers`.
    coefficients: for each component the quantized coefficients, int16 [block rows, block columns, 64] in
        zig-zag order, -32767 to 32767 (valid 8-bit files stay within 2047); 0 where
        no scan codes them.
    headers: every byte of the file that is not entropy-coded data of a scan, in order: marker segments,
        bytes between them, and bytes after EOI.
    scans: reconstruction data of each SOS marker segment.
    """

    frame: Frame
    coefficients: list[Int16]
    headers: bytes
    scans: list[ScanReconstruction]
