"""What a JPEG file says (ITU-T T.81), and apart from it what exists only for byte-exactness."""

from dataclasses import dataclass, field

import numpy as np

from jrecomp.array_types import Int16, Int32
from jrecomp.t81 import LARGEST_EOB_RUN


@dataclass(frozen=True)
class Component:
    """One component of the frame header (T.81 B.2.2).

    quantization: its table as int32 [64] in zig-zag order, as in force at the component's first scan;
        0 to 65535 as the file has it, all ones where the file defines none.
    block_rows, block_columns: stored blocks, padded to whole MCUs of an interleaved scan.
    """

    identifier: int
    horizontal: int
    vertical: int
    quantization: Int32
    block_rows: int
    block_columns: int

    @property
    def steps(self) -> Int32:
        """The quantization table with steps of at least 1: decoders of some files meet steps of 0."""
        return np.maximum(self.quantization, 1)


@dataclass(frozen=True)
class Frame:
    """The frame: size in pixels, coding process and components.

    mcu_rows, mcu_columns: of an interleaved scan over all components. A component's block_rows is
    mcu_rows times its vertical sampling factor, likewise its block_columns.
    """

    width: int
    height: int
    progressive: bool
    mcu_rows: int
    mcu_columns: int
    components: tuple[Component, ...]


@dataclass
class Segment:
    """A stretch of a scan's entropy-coded data that one regular encoder could have written.

    first_mcu: index of the MCU that it begins with; the DC predictions start from zero there.
    mcus: MCUs coded in it, with a restart marker between the intervals.
    restart_interval: MCUs between restart markers, 0 where there are none.
    first_restart: number (0 to 7) of the first restart marker inside it.
    tail: bytes that follow in the file before the next segment (or the end of the scan), as they are:
        irregular restart markers, damaged data, a cut block. Where there is a tail and the segment does
        not end on a byte boundary, the tail's first byte holds the segment's last bits too.
    """

    first_mcu: int
    mcus: int
    restart_interval: int
    first_restart: int = 0
    tail: bytes = b""


@dataclass
class ScanReconstruction:
    """What one scan's bytes say beyond the coefficients; all default for what libjpeg writes.

    Belongs to the JPEG core (jrecomp.jpeg); nothing else looks inside. Blocks and MCUs are counted in
    the scan's coding order, lists are sorted, and docs/format/jpeg.md says what each field does.

    segments: none where the whole scan is one regular segment without a tail.
    padding_bit: what fills the last byte before a restart marker and at the end.
    padding: (MCU index after the interval, the bits) where the padding is another.
    zero_runs: (block index, number of ZRL symbols that no coefficient follows).
    max_eob_run: EOB runs of this length end.
    eob_switches: blocks after which the rule for ending an EOB run is reversed.
    """

    segments: list[Segment] = field(default_factory=list)
    padding_bit: int = 1
    padding: list[tuple[int, int]] = field(default_factory=list)
    zero_runs: list[tuple[int, int]] = field(default_factory=list)
    max_eob_run: int = LARGEST_EOB_RUN
    eob_switches: list[int] = field(default_factory=list)


@dataclass
class JpegFile:
    """A whole JPEG file.

    frame: parsed from `headers` (never stored apart from them).
    coefficients: per component int16 [block row, block column, zig-zag index], quantized, -32767 to
        32767 (a sound 8-bit file stays within 2047); zero where no scan codes them.
    headers: every byte of the file that is not entropy-coded data of a modelled scan, in order:
        markers, tables, metadata, garbage, what follows EOI.
    scans: byte-exactness only, one per SOS marker segment modelled.
    """

    frame: Frame
    coefficients: list[Int16]
    headers: bytes
    scans: list[ScanReconstruction]
