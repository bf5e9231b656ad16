"""docs/format/jpeg.md, "Headers": the frame, the scans and their tables."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from tests.specification.conventions import TYPICAL_TABLES, DamagedError, Ints, ceil_div, need

Codes = dict[int, tuple[int, int]]
"""Code and its number of bits, by symbol."""

Table = Codes | None
"""A Huffman table; None where it is undefined."""


def big_endian(data: bytes) -> int:
    return int.from_bytes(data, "big")


@dataclass
class FrameComponent:
    """Section "Headers": a component of the frame. steps: q_0 to q_63."""

    identifier: int
    h: int
    v: int
    table: int
    steps: Ints = field(default_factory=lambda: np.ones(64, np.int64))
    is_used: bool = False


@dataclass
class Frame:
    """Sections "Headers", "Sizes"."""

    progressive: bool
    arithmetic: bool
    height: int
    width: int
    components: list[FrameComponent]

    @property
    def h_max(self) -> int:
        return max(component.h for component in self.components)

    @property
    def v_max(self) -> int:
        return max(component.v for component in self.components)

    @property
    def mcu_columns(self) -> int:
        return ceil_div(self.width, 8 * self.h_max)

    @property
    def mcu_rows(self) -> int:
        return ceil_div(self.height, 8 * self.v_max)


@dataclass(frozen=True)
class Conditioning:
    """Section "Headers", DAC: a destination and its value."""

    destination: int
    value: int


@dataclass(frozen=True)
class ScanComponent:
    """A component in a scan. number: in the frame. What is undefined is None."""

    number: int
    dc: Table
    ac: Table
    dc_conditioning: Conditioning | None
    ac_conditioning: Conditioning | None


@dataclass(frozen=True)
class Scan:
    """Sections "Headers", "Scans that are not modelled": a modelled scan."""

    components: list[ScanComponent]
    ss: int
    se: int
    ah: int
    al: int
    restart_interval: int


@dataclass(frozen=True)
class Layout:
    """Section "Sizes": the MCUs of a scan. shape: columns and rows of blocks of each component in an MCU."""

    columns: int
    rows: int
    shape: list[tuple[int, int]]

    @property
    def mcus(self) -> int:
        return self.columns * self.rows

    @property
    def blocks_per_mcu(self) -> int:
        return sum(h * v for h, v in self.shape)


def layout(frame: Frame, scan: Scan) -> Layout:
    """Section "Sizes"."""
    parts = [frame.components[component.number] for component in scan.components]
    if len(parts) > 1:
        return Layout(frame.mcu_columns, frame.mcu_rows, [(part.h, part.v) for part in parts])
    columns = ceil_div(ceil_div(frame.width * parts[0].h, frame.h_max), 8)
    rows = ceil_div(ceil_div(frame.height * parts[0].v, frame.v_max), 8)
    return Layout(columns, rows, [(1, 1)])


@dataclass(frozen=True)
class Headers:
    """What is read from the headers, which are `data`.

    scans: the end of each SOS segment; the scan, None if not modelled.
    """

    data: bytes
    frame: Frame
    scans: list[tuple[int, Scan | None]]


def read_headers(data: bytes) -> Headers:
    """Section "Headers"; their end: docs/format.md, "Steps". data: bytes that begin with the headers."""
    reader, last = HeaderReader(), 2
    need(data.startswith(b"\xff\xd8"), "headers begin with FF D8")
    for code, start, end in segments(data):
        if code == 0xD9:
            last = end
        if code == 0xD9 or (is_frame(code) and reader.frame is not None):
            break
        reader.process(code, data[start:end], end)
        last = end
    frame = reader.frame
    need(len(reader.scans) >= 1, "no SOS segment")
    if frame is None or frame.width == 0 or frame.height == 0:
        raise DamagedError("no frame with samples")
    need(len(reader.scans) <= 4096, "number of scans")
    return Headers(data[:last], frame, reader.scans)


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Section "Headers", steps 1 to 4: second byte of the marker, and start and end of the parameters.

    `FF D9` is the last one and has no parameters.
    """
    at = 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        code = data[at + 1]
        if not (0xC0 <= code <= 0xCF or 0xD9 <= code <= 0xFE):
            at += 1
            continue
        length = big_endian(data[at + 2 : at + 4])
        end = at + 2 + length
        if code == 0xD9:
            yield code, at + 2, at + 2
            return
        if at + 4 > len(data) or end > len(data):
            return
        if length >= 2:
            yield code, at + 4, end
        at = end if length >= 2 else at + 2


def is_frame(code: int) -> bool:
    """Section "Headers": a frame header of any process."""
    return 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC)


class HeaderReader:
    """Section "Headers": the effects of the segments."""

    def __init__(self) -> None:
        self.frame: Frame | None = None
        self.huffman: dict[tuple[int, int], Table] = {
            place: codes(table) for place, table in TYPICAL_TABLES.items()
        }
        self.conditioning: dict[tuple[int, int], Conditioning | None] = {
            (kind, i): Conditioning(i, 5 if kind else 16) for kind in (0, 1) for i in range(4)
        }
        self.quantization: dict[int, Ints] = {}
        self.restart_interval = 0
        self.scans: list[tuple[int, Scan | None]] = []

    def process(self, code: int, data: bytes, end: int) -> None:
        """A segment. data: its parameters. end: where it ends in the headers."""
        need(code not in (0xDE, 0xF7), "a process that is not modelled")
        if is_frame(code):
            self.frame = read_frame(code, data)
        elif code == 0xC4:
            self.read_huffman(data)
        elif code == 0xCC:
            self.read_conditioning(data)
        elif code == 0xDB:
            self.read_quantization(data)
        elif code == 0xDD and len(data) >= 2:
            self.restart_interval = big_endian(data[:2])
        elif code == 0xDC and len(data) >= 2:
            if self.frame is not None and self.scans and self.frame.height == 0:
                self.frame.height = big_endian(data[:2])
        elif code == 0xDA:
            self.scans.append((end, self.read_scan(data)))

    def read_huffman(self, data: bytes) -> None:
        """DHT, T.81 B.2.4.2."""
        while data:
            place = data[0] >> 4, data[0] & 15
            size = 17 + sum(data[1:17])
            if place[0] > 1 or place[1] > 3 or size > len(data):
                return
            table, data = data[1:size], data[size:]
            self.huffman[place] = codes(table) if is_valid(table) else None

    def read_conditioning(self, data: bytes) -> None:
        """DAC, T.81 B.2.4.3."""
        for i in range(0, len(data) - 1, 2):
            kind, identifier, value = data[i] >> 4, data[i] & 15, data[i + 1]
            if kind > 1 or identifier > 3:
                return
            defined = 1 <= value <= 63 if kind == 1 else value % 16 <= value // 16
            self.conditioning[kind, identifier] = Conditioning(identifier, value) if defined else None

    def read_quantization(self, data: bytes) -> None:
        """DQT, T.81 B.2.4.1."""
        while data:
            precision, identifier = data[0] >> 4, data[0] & 15
            size = 1 + 64 * (1 + precision)
            if precision > 1 or identifier > 3 or size > len(data):
                return
            table, data = data[1:size], data[size:]
            steps = np.frombuffer(table, ">u2" if precision else "u1")
            self.quantization[identifier] = steps.astype(np.int64)

    def read_scan(self, data: bytes) -> Scan | None:
        """SOS, T.81 B.2.3; None if the scan is not modelled, see "Scans that are not modelled"."""
        frame = self.frame
        if frame is None or not data or not 1 <= data[0] <= 4 or len(data) < 4 + 2 * data[0]:
            return None
        n = data[0]
        ss, se, ah, al = data[1 + 2 * n], data[2 + 2 * n], data[3 + 2 * n] >> 4, data[3 + 2 * n] & 15
        if not frame.progressive:
            ss, se, ah, al = 0, 63, 0, 0
        elif ss > se or se > 63 or (ss == 0) != (se == 0) or al > 13 or (ss > 0 and n > 1):
            return None
        components = self.read_scan_components(frame, data[1 : 1 + 2 * n])
        scan = Scan(components, ss, se, ah, al, self.restart_interval)
        if len(components) < n or not all(has_tables(frame, scan, c) for c in components):
            return None
        for component in components:
            self.use_steps(frame.components[component.number])
        return scan

    def read_scan_components(self, frame: Frame, data: bytes) -> list[ScanComponent]:
        """The components of a scan that the frame has, with the tables they name."""
        found: list[ScanComponent] = []
        for identifier, tables in zip(data[::2], data[1::2], strict=True):
            taken = [component.number for component in found]
            for number, part in enumerate(frame.components):
                if part.identifier == identifier and number not in taken:
                    dc, ac = (0, tables >> 4), (1, tables & 15)
                    huffman = self.huffman.get(dc), self.huffman.get(ac)
                    conditioning = self.conditioning.get(dc), self.conditioning.get(ac)
                    found.append(ScanComponent(number, *huffman, *conditioning))
                    break
        return found

    def use_steps(self, part: FrameComponent) -> None:
        """The table in force at the first modelled scan."""
        if not part.is_used:
            part.steps, part.is_used = self.quantization.get(part.table, part.steps), True


def has_tables(frame: Frame, scan: Scan, component: ScanComponent) -> bool:
    """Section "Scans that are not modelled": whether the tables that a scan needs are defined."""
    needs_dc = not frame.progressive or (scan.ss == 0 and scan.ah == 0)
    needs_ac = not frame.progressive or scan.ss > 0
    dc, ac = component.dc is not None, component.ac is not None
    if frame.arithmetic:
        dc, ac = component.dc_conditioning is not None, component.ac_conditioning is not None
    return (dc or not needs_dc) and (ac or not needs_ac)


def read_frame(code: int, data: bytes) -> Frame:
    """SOF0, SOF1, SOF2, SOF9, SOF10, T.81 B.2.2."""
    need(code in (0xC0, 0xC1, 0xC2, 0xC9, 0xCA), "a process that is not modelled")
    need(len(data) >= 6 and len(data) >= 6 + 3 * data[5], "a short frame header")
    need(data[0] in (8, 12) and 1 <= data[5] <= 4, "a frame that is not modelled")
    places = range(6, 6 + 3 * data[5], 3)
    parts = [FrameComponent(data[i], data[i + 1] >> 4, data[i + 1] & 15, data[i + 2]) for i in places]
    need(all(1 <= part.h <= 4 and 1 <= part.v <= 4 for part in parts), "sampling factors")
    return Frame(code in (0xC2, 0xCA), code >= 0xC9, big_endian(data[1:3]), big_endian(data[3:5]), parts)


def is_valid(table: bytes) -> bool:
    """Section "Headers", DHT: room for the codes of each length, and at most 256 symbols."""
    code = 0
    for length in range(1, 17):
        code += table[length - 1]
        if code > 1 << length:
            return False
        code <<= 1
    return sum(table[:16]) <= 256


def codes(table: bytes) -> Codes:
    """T.81 C.2; of several codes of a symbol the first one counts."""
    found: Codes = {}
    code, symbols = 0, iter(table[16:])
    for length in range(1, 17):
        for _ in range(table[length - 1]):
            found.setdefault(next(symbols), (code, length))
            code += 1
        code <<= 1
    return found
