"""Parsing of the marker segments of a JPEG file (ITU-T T.81, annex B; docs/format/jpeg.md).

A file is split into its headers (all bytes that are not entropy-coded) and the data of its scans. Frame and
scan parameters are parsed from the headers alone, in the same way for reading and for restoring a file.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

import numpy as np

from jrecomp.array_types import Int32
from jrecomp.errors import LimitError, StoredReason, UnsupportedJpegError, check_memory
from jrecomp.jpeg.huffman import is_huffman_table
from jrecomp.jpeg.types import Component, Frame
from jrecomp.options import DEFAULT_LIMITS, Limits
from jrecomp.t81 import (
    DAC,
    DEFAULT_CONDITIONING,
    DHP,
    DHT,
    DNL,
    DQT,
    DRI,
    EOI,
    FRAMES,
    SOF2,
    SOF3,
    SOF5,
    SOF6,
    SOF7,
    SOF9,
    SOF10,
    SOF11,
    SOF13,
    SOF14,
    SOF15,
    SOF55,
    SOI,
    SOS,
    TYPICAL_TABLES,
)

COEFFICIENT_BYTES = 128
"""Bytes of the coefficients of a block."""

START, END = bytes([0xFF, SOI]), bytes([0xFF, EOI])
"""The markers SOI and EOI."""

# Between segments, RSTn, SOI and bytes that are no marker are skipped. In the data of a scan, the reserved
# markers 0xFF01 to 0xFFBF are treated as damage and do not end the scan.
_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd9-\xfe]")
_SCAN_END = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")

_SEGMENT_COST = 256

_UNSUPPORTED_FRAMES = {
    SOF3: StoredReason.LOSSLESS,
    SOF5: StoredReason.HIERARCHICAL,
    SOF6: StoredReason.HIERARCHICAL,
    SOF7: StoredReason.HIERARCHICAL,
    SOF11: StoredReason.LOSSLESS,
    SOF13: StoredReason.HIERARCHICAL,
    SOF14: StoredReason.HIERARCHICAL,
    SOF15: StoredReason.HIERARCHICAL,
}


class ScanHeader(NamedTuple):
    """An SOS marker segment (T.81 B.2.3) with the tables and restart interval in force there.

    offset: position in the headers at which the scan's data is inserted.
    components: indices into Frame.components; empty if the scan cannot be modelled.
    ss, se, ah, al: spectral selection and successive approximation.
    tables: for each component the DC and the AC table, None if undefined: a Huffman table, or for arithmetic
        coding the two bytes of an entry of a DAC segment (T.81 B.2.4.3).
    restart_interval: in MCUs, 0 without restart markers.
    mcu_columns, mcu_rows: size of the scan in MCUs, 0 until the frame's height is known. A scan of one
        component has an MCU per block, and omits blocks that only pad the frame to whole MCUs (T.81 A.2.2).
    """

    offset: int
    components: tuple[int, ...]
    ss: int
    se: int
    ah: int
    al: int
    tables: tuple[tuple[bytes | None, bytes | None], ...]
    restart_interval: int
    mcu_columns: int = 0
    mcu_rows: int = 0

    @property
    def mcus(self) -> int:
        """Number of MCUs in the scan."""
        return self.mcu_columns * self.mcu_rows


class Layout(NamedTuple):
    """The frame and scan parameters in the headers of a file."""

    frame: Frame
    scans: tuple[ScanHeader, ...]


class _Marker(NamedTuple):
    """A marker segment: its code, parameters, end, and the end of the scan data that follows an SOS."""

    code: int
    parameters: bytes
    end: int
    data_end: int


def _walk(
    data: bytes | bytearray, with_scan_data: bool, begin: int = 0, limits: Limits | None = None
) -> Iterator[_Marker]:
    """The marker segments up to EOI, a second frame header, or a truncated segment.

    The segments are the same for a whole file and for its headers. with_scan_data: `data` is a whole file.
    begin: position of SOI. limits: bounds their number; None for headers that were parsed with limits. Raises
    LimitError.
    """
    return takewhile(lambda marker: marker.code != EOI, _walk_to_end(data, with_scan_data, begin, limits))


class Extent(NamedTuple):
    """Where a picture ends, and what finding its end takes.

    end: behind EOI, or behind the last marker segment and its scan data. cost: number of bytes up to the end
    or to the marker at which reading stopped, whichever is later, plus 256 for each marker segment. stop:
    position of that marker; the length of the data if there was none.
    """

    end: int
    cost: int
    stop: int


def extent(data: bytes | bytearray, begin: int = 0, *, with_scan_data: bool = True) -> Extent:
    """The extent of a picture.

    begin: position of its SOI. with_scan_data: whether the data of its scans are in place.
    """
    segments = -1
    for marker in _walk_to_end(data, with_scan_data, begin):
        last, segments = marker, segments + 1
    cost = max(last.data_end, last.end) - begin + _SEGMENT_COST * segments
    return Extent(last.data_end, cost, last.end)


def first_scan(headers: bytes) -> int:
    """Where the data of the first scan are inserted in JpegFile.headers; their end if there is no scan."""
    return next((marker.end for marker in _walk(headers, False) if marker.code == SOS), len(headers))


def _walk_to_end(
    data: bytes | bytearray, with_scan_data: bool, begin: int, limits: Limits | None = None
) -> Iterator[_Marker]:
    """What _walk() yields, and at last a marker EOI.

    Its `end` is where reading stopped, its `data_end` where the picture ends.
    """
    position = last = begin + len(START)
    stop, count = len(data), 0
    framed = False
    while match := _MARKER.search(data, position):
        code = match[0][1]
        start = match.end()
        length = int.from_bytes(data[start : start + 2])
        end = start + length
        if code == EOI or end > len(data) or start + 2 > len(data) or (framed and code in FRAMES):
            stop, last = match.start(), start if code == EOI else last
            break
        count += 1
        if limits and count > limits.max_markers:
            raise LimitError(f"has more than {limits.max_markers:,} marker segments ({{}})", "max_markers")
        position = start
        if length < 2:
            continue
        framed = framed or code in FRAMES
        position = last = _scan_end(data, end) if with_scan_data and code == SOS else end
        yield _Marker(code, bytes(data[start + 2 : end]), end, position)
    yield _Marker(EOI, b"", stop, last)


def _scan_end(data: bytes | bytearray, start: int) -> int:
    """Where the scan data at `start` ends: before the fill bytes of the next marker other than RSTn."""
    match = _SCAN_END.search(data, start)
    if match is None:
        return len(data)
    end = match.start()
    while end > start and data[end - 1] == 0xFF:
        end -= 1
    return end


def split(data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[bytes, list[tuple[int, int]]]:
    """Split a file into its headers and the data of its scans.

    Returns the headers and the range (begin, end) of each scan's data in the file. Raises
    UnsupportedJpegError if the file does not start with SOI, and LimitError if it has too many segments.
    """
    if not data.startswith(START):
        raise UnsupportedJpegError(StoredReason.NOT_JPEG)
    ranges = [(m.end, m.data_end) for m in _walk(data, True, limits=limits) if m.code == SOS]
    pieces = []
    position = 0
    for begin, end in ranges:
        pieces.append(data[position:begin])
        position = end
    pieces.append(data[position:])
    return b"".join(pieces), ranges


def segments(headers: bytes) -> Iterator[tuple[int, bytes]]:
    """Code and parameters of each marker segment that parse() evaluates."""
    return ((code, parameters) for code, _, parameters in located_segments(headers))


def located_segments(headers: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Code, position of the parameters, and parameters of each marker segment that parse() evaluates."""
    return (
        (marker.code, marker.end - len(marker.parameters), marker.parameters)
        for marker in _walk(headers, False)
    )


def trailer(headers: bytes) -> bytes | None:
    """The bytes after EOI in JpegFile.headers, None if EOI is missing."""
    position = 2
    for marker in _walk(headers, False):
        position = marker.end
    match = _MARKER.search(headers, position)
    return headers[match.end() :] if match and match[0][1] == EOI else None


def without(headers: bytes, is_unwanted: Callable[[int, bytes], bool]) -> bytes:
    """JpegFile.headers without some marker segments; is_unwanted: gets their code and their parameters.

    Bytes between such a segment and the next marker go with it. They would become data of the scan before.
    """
    kept, position, removing = [], 0, False
    for marker in _walk_to_end(headers, False, 0):
        is_end = marker.code == EOI
        start = marker.end if is_end else marker.end - len(marker.parameters) - 4
        if removing:
            position = start
        removing = not is_end and is_unwanted(marker.code, marker.parameters)
        if removing:
            kept.append(headers[position:start])
            position = marker.end
    return b"".join(kept) + headers[position:]


def segment(code: int, parameters: bytes) -> bytes:
    """The bytes of a marker segment with its marker and length (T.81 B.1.1.4)."""
    return bytes([0xFF, code]) + (len(parameters) + 2).to_bytes(2) + parameters


@dataclass
class _FrameParameters:
    """The parameters of an SOF marker segment (T.81 B.2.2); components are (identifier, H, V, Tq)."""

    arithmetic: bool
    progressive: bool
    precision: int
    height: int
    width: int
    components: list[tuple[int, int, int, int]]


@dataclass
class _State:
    """Tables and restart interval in force during parsing."""

    quantization: dict[int, Int32]
    huffman: dict[tuple[int, int], bytes | None]
    conditioning: dict[tuple[int, int], bytes | None]
    restart_interval: int = 0


def parse(headers: bytes, limits: Limits = DEFAULT_LIMITS) -> Layout:
    """Parse the frame and scan parameters.

    headers: as returned by split(). limits: bounds on the size of the picture and on scans.

    Raises UnsupportedJpegError for coding processes that are not supported and malformed frame headers, and
    LimitError for files beyond the limits. A malformed scan header or table only makes its scans unmodelled.
    """
    if not headers.startswith(START):
        raise UnsupportedJpegError(StoredReason.NOT_JPEG)
    state = _State({}, dict(TYPICAL_TABLES), dict(DEFAULT_CONDITIONING))
    frame: _FrameParameters | None = None
    quantization: dict[int, Int32 | None] = {}
    scans: list[ScanHeader] = []
    for marker in _walk(headers, False, limits=limits):
        if marker.code == DQT:
            _parse_quantization(marker.parameters, state)
        elif marker.code == DHT:
            _parse_huffman(marker.parameters, state)
        elif marker.code == DAC:
            _parse_conditioning(marker.parameters, state)
        elif marker.code == DRI and len(marker.parameters) >= 2:
            state.restart_interval = int.from_bytes(marker.parameters[:2])
        elif marker.code == DNL and len(marker.parameters) >= 2:
            if frame is not None and scans and frame.height == 0:
                frame.height = int.from_bytes(marker.parameters[:2])
        elif marker.code == DHP:
            raise UnsupportedJpegError(StoredReason.HIERARCHICAL)
        elif marker.code == SOF55:
            raise UnsupportedJpegError(StoredReason.LOSSLESS, "JPEG-LS")
        elif marker.code in FRAMES:
            frame = _parse_frame(marker)
        elif marker.code == SOS:
            scan = _parse_scan(marker, frame, state)
            scans.append(scan)
            if len(scans) > limits.max_scans:
                raise LimitError(f"has more than {limits.max_scans:,} scans ({{}})", "max_scans")
            for index in scan.components:
                assert frame is not None
                quantization.setdefault(index, state.quantization.get(frame.components[index][3]))
    if frame is None or not scans:
        raise UnsupportedJpegError(StoredReason.MALFORMED, f"no {'scan' if frame else 'frame'} header")
    return _lay_out(frame, quantization, scans, limits)


def _parse_quantization(data: bytes, state: _State) -> None:
    """DQT (T.81 B.2.4.1)."""
    position = 0
    while position < len(data):
        precision, identifier = data[position] >> 4, data[position] & 15
        end = position + 1 + (128 if precision else 64)
        if precision > 1 or identifier > 3 or end > len(data):
            return
        dtype = ">u2" if precision else "u1"
        state.quantization[identifier] = np.frombuffer(data[position + 1 : end], dtype).astype(np.int32)
        position = end


def _parse_huffman(data: bytes, state: _State) -> None:
    """DHT (T.81 B.2.4.2)."""
    position = 0
    while position < len(data):
        kind, identifier = data[position] >> 4, data[position] & 15
        end = position + 17 + sum(data[position + 1 : position + 17])
        if kind > 1 or identifier > 3 or end > len(data):
            return
        table = data[position + 1 : end]
        state.huffman[kind, identifier] = table if is_huffman_table(table) else None
        position = end


def _parse_conditioning(data: bytes, state: _State) -> None:
    """DAC (T.81 B.2.4.3)."""
    for place, value in zip(data[::2], data[1::2], strict=False):
        kind, identifier = place >> 4, place & 15
        if kind > 1 or identifier > 3:
            return
        valid = 1 <= value <= 63 if kind else value & 15 <= value >> 4
        state.conditioning[kind, identifier] = bytes([place, value]) if valid else None


def _parse_frame(marker: _Marker) -> _FrameParameters:
    """SOFn (T.81 B.2.2)."""
    if marker.code in _UNSUPPORTED_FRAMES:
        raise UnsupportedJpegError(_UNSUPPORTED_FRAMES[marker.code])
    data = marker.parameters
    if len(data) < 6 or len(data) < 6 + 3 * data[5]:
        raise UnsupportedJpegError(StoredReason.MALFORMED, "short frame header")
    if data[0] not in (8, 12):
        raise UnsupportedJpegError(StoredReason.PRECISION, f"{data[0]} bits")
    if not 1 <= data[5] <= 4:
        raise UnsupportedJpegError(StoredReason.MALFORMED, f"{data[5]} components")
    components = [
        (data[i], data[i + 1] >> 4, data[i + 1] & 15, data[i + 2]) for i in range(6, 6 + 3 * data[5], 3)
    ]
    if not all(1 <= h <= 4 and 1 <= v <= 4 for _, h, v, _ in components):
        raise UnsupportedJpegError(StoredReason.MALFORMED, "invalid sampling factors")
    height, width = int.from_bytes(data[1:3]), int.from_bytes(data[3:5])
    arithmetic, progressive = marker.code in (SOF9, SOF10), marker.code in (SOF2, SOF10)
    return _FrameParameters(arithmetic, progressive, data[0], height, width, components)


def _parse_scan(marker: _Marker, frame: _FrameParameters | None, state: _State) -> ScanHeader:
    """SOS (T.81 B.2.3); a scan that cannot be modelled has no components."""
    unmodelled = ScanHeader(marker.end, (), 0, 0, 0, 0, (), 0)
    data = marker.parameters
    if frame is None or not data or not 1 <= data[0] <= 4 or len(data) < 4 + 2 * data[0]:
        return unmodelled
    ss, se, approximation = data[1 + 2 * data[0] :][:3]
    ah, al = approximation >> 4, approximation & 15
    needs_dc = needs_ac = True
    if frame.progressive:
        if ss > se or se > 63 or al > 13 or (ss == 0) != (se == 0) or (ss and data[0] > 1):
            return unmodelled
        needs_dc, needs_ac = ss == 0 and ah == 0, ss > 0
    defined = state.conditioning if frame.arithmetic else state.huffman
    components: list[int] = []
    tables = []
    for i in range(1, 1 + 2 * data[0], 2):
        matching = [j for j, c in enumerate(frame.components) if c[0] == data[i] and j not in components]
        dc = defined.get((0, data[i + 1] >> 4))
        ac = defined.get((1, data[i + 1] & 15))
        if not matching or (needs_dc and dc is None) or (needs_ac and ac is None):
            return unmodelled
        components.append(matching[0])
        tables.append((dc, ac))
    bands = (ss, se, ah, al) if frame.progressive else (0, 63, 0, 0)
    return ScanHeader(marker.end, tuple(components), *bands, tuple(tables), state.restart_interval)


def _ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def _lay_out(
    frame: _FrameParameters,
    quantization: dict[int, Int32 | None],
    scans: list[ScanHeader],
    limits: Limits,
) -> Layout:
    """The frame and scans with their sizes in blocks and MCUs (T.81 A.1.1, A.2)."""
    if frame.width == 0 or frame.height == 0:
        raise UnsupportedJpegError(StoredReason.MALFORMED, "the width or height is 0")
    h_max = max(c[1] for c in frame.components)
    v_max = max(c[2] for c in frame.components)
    mcu_columns = _ceil_div(frame.width, 8 * h_max)
    mcu_rows = _ceil_div(frame.height, 8 * v_max)
    if mcu_columns * h_max * mcu_rows * v_max * 64 > limits.max_pixels:
        raise LimitError(
            f"has {frame.width} x {frame.height} pixels, more than the limit of {limits.max_pixels:,} ({{}})",
            "max_pixels",
        )
    tables = [quantization.get(i) for i in range(len(frame.components))]
    components = tuple(
        Component(
            identifier,
            h,
            v,
            np.ones(64, np.int32) if table is None else table,
            mcu_rows * v,
            mcu_columns * h,
            table is not None,
        )
        for (identifier, h, v, _), table in zip(frame.components, tables, strict=True)
    )
    blocks = sum(c.block_rows * c.block_columns for c in components)
    check_memory(COEFFICIENT_BYTES * blocks, limits.max_memory)
    headers = []
    coded_blocks = 0
    for scan in scans:
        columns, rows, per_mcu = mcu_columns, mcu_rows, 0
        if len(scan.components) == 1:
            _, h, v, _ = frame.components[scan.components[0]]
            columns = _ceil_div(_ceil_div(frame.width * h, h_max), 8)
            rows = _ceil_div(_ceil_div(frame.height * v, v_max), 8)
            per_mcu = 1
        elif scan.components:
            per_mcu = sum(components[i].horizontal * components[i].vertical for i in scan.components)
        coded_blocks += columns * rows * per_mcu
        headers.append(scan._replace(mcu_columns=columns, mcu_rows=rows))
    if coded_blocks > limits.max_scan_blocks * blocks:
        raise LimitError(
            f"codes each block more than {limits.max_scan_blocks} times in {len(scans):,} scans ({{}})",
            "max_scan_blocks",
        )
    size = frame.width, frame.height, frame.progressive, mcu_rows, mcu_columns
    return Layout(Frame(*size, components, frame.precision, frame.arithmetic), tuple(headers))
