"""docs/format/jpeg.md: from headers, reconstruction data and coefficients to the bytes of the JPEG file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from tests.specification.conventions import TYPICAL_TABLES, DamagedError, Ints, Reader, ceil_div, need, sign

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
    has_steps: bool = False


@dataclass
class Frame:
    """Sections "Headers", "Sizes"."""

    progressive: bool
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
class ScanComponent:
    """A component in a scan. number: in the frame."""

    number: int
    dc: Table
    ac: Table


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
    """What is read from the headers. scans: the end of each SOS segment; the scan, None if not modelled."""

    data: bytes
    frame: Frame
    scans: list[tuple[int, Scan | None]]


def read_headers(data: bytes) -> Headers:
    """Section "Headers"."""
    reader = HeaderReader()
    need(data.startswith(b"\xff\xd8"), "headers begin with FF D8")
    for code, start, end in segments(data):
        if is_frame(code) and reader.frame is not None:
            break
        reader.process(code, data[start:end], end)
    frame = reader.frame
    need(len(reader.scans) >= 1, "no SOS segment")
    if frame is None or frame.width == 0 or frame.height == 0:
        raise DamagedError("no frame with samples")
    need(len(reader.scans) <= 4096, "number of scans")
    return Headers(data, frame, reader.scans)


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Section "Headers", steps 1 to 4: second byte of the marker, and start and end of the parameters."""
    at = 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        code = data[at + 1]
        if not (0xC0 <= code <= 0xCF or 0xD9 <= code <= 0xFE):
            at += 1
            continue
        length = big_endian(data[at + 2 : at + 4])
        end = at + 2 + length
        if code == 0xD9 or at + 4 > len(data) or end > len(data):
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
                    dc, ac = self.huffman.get((0, tables >> 4)), self.huffman.get((1, tables & 15))
                    found.append(ScanComponent(number, dc, ac))
                    break
        return found

    def use_steps(self, part: FrameComponent) -> None:
        """The table in force at the first modelled scan at which it is defined."""
        if not part.has_steps and part.table in self.quantization:
            part.steps, part.has_steps = self.quantization[part.table], True


def has_tables(frame: Frame, scan: Scan, component: ScanComponent) -> bool:
    """Section "Scans that are not modelled": whether the tables that a scan needs are defined."""
    needs_dc = not frame.progressive or (scan.ss == 0 and scan.ah == 0)
    needs_ac = not frame.progressive or scan.ss > 0
    return not (needs_dc and component.dc is None) and not (needs_ac and component.ac is None)


def read_frame(code: int, data: bytes) -> Frame:
    """SOF0, SOF1, SOF2, T.81 B.2.2."""
    need(code in (0xC0, 0xC1, 0xC2), "a process that is not modelled")
    need(len(data) >= 6 and len(data) >= 6 + 3 * data[5], "a short frame header")
    need(data[0] == 8 and 1 <= data[5] <= 4, "a frame that is not modelled")
    places = range(6, 6 + 3 * data[5], 3)
    parts = [FrameComponent(data[i], data[i + 1] >> 4, data[i + 1] & 15, data[i + 2]) for i in places]
    need(all(1 <= part.h <= 4 and 1 <= part.v <= 4 for part in parts), "sampling factors")
    return Frame(code == 0xC2, big_endian(data[1:3]), big_endian(data[3:5]), parts)


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


@dataclass(frozen=True)
class Segment:
    """Section "Reconstruction data": a segment of the data of a scan."""

    first_mcu: int
    mcus: int
    restart_interval: int
    first_restart: int
    tail: bytes


@dataclass
class Special:
    """Section "Reconstruction data": what is special about a scan; the defaults. padding: by MCU index."""

    segments: list[Segment] | None = None
    padding_bit: int = 1
    padding: dict[int, int] = field(default_factory=dict)
    zero_runs: dict[int, int] = field(default_factory=dict)
    longest_eob_run: int = 32767
    eob_switches: set[int] = field(default_factory=set)


def read_reconstruction(data: bytes, scans: int) -> dict[int, Special]:
    """Section "Reconstruction data": the special scans by index. scans: number of SOS segments."""
    fields = Reader(data)
    need(fields.varint() == scans, "number of scans")
    found: dict[int, Special] = {}
    index = 0
    for number in range(fields.varint()):
        gap = fields.varint()
        need(gap > 0 or number == 0, "indices of special scans increase")
        index += gap
        need(index < scans, "index of a special scan")
        found[index] = read_special(fields)
    fields.end()
    return found


def read_special(fields: Reader) -> Special:
    """Section "Reconstruction data": from the flags of a special scan on."""
    flags, special = fields.byte(), Special()
    need(flags < 64, "flags")
    special.padding_bit = 0 if flags & 2 else 1
    if flags & 1:
        special.segments = [read_segment(fields) for _ in range(fields.varint())] or None
    if flags & 4:
        special.padding = read_bytes_by_index(fields, 0, 127)
    if flags & 8:
        special.zero_runs = read_bytes_by_index(fields, 1, 4)
    if flags & 16:
        special.longest_eob_run = fields.varint()
        need(1 <= special.longest_eob_run <= 32767, "longest EOB run")
    if flags & 32:
        special.eob_switches = set(read_list(fields))
    return special


def read_segment(fields: Reader) -> Segment:
    """Section "Reconstruction data": a segment."""
    first, mcus, interval, restart = (fields.varint() for _ in range(4))
    need(interval <= 65535 and restart <= 7, "restarts of a segment")
    return Segment(first, mcus, interval, restart, fields.blob())


def read_list(fields: Reader) -> list[int]:
    """Section "Reconstruction data": a list of numbers in ascending order."""
    found: list[int] = []
    for _ in range(fields.varint()):
        found.append(fields.varint() + (found[-1] if found else 0))
    return found


def read_bytes_by_index(fields: Reader, least: int, most: int) -> dict[int, int]:
    """A list, then one byte for each of its items; the first one counts of an item that is there twice."""
    found: dict[int, int] = {}
    items = read_list(fields)
    for item, byte in zip(items, fields.take(len(items)), strict=True):
        need(least <= byte <= most, "a byte of a list")
        found.setdefault(item, byte)
    return found


def write(headers: Headers, reconstruction: bytes, coefficients: Sequence[Ints]) -> bytes:
    """The JPEG file. coefficients: [64, rows, columns] of each component."""
    special = read_reconstruction(reconstruction, len(headers.scans))
    blocks = [array.transpose(1, 2, 0).tolist() for array in coefficients]
    written, at = b"", 0
    for index, (end, scan) in enumerate(headers.scans):
        written += headers.data[at:end]
        written += scan_data(headers.frame, scan, special.get(index, Special()), blocks)
        at = end
    return written + headers.data[at:]


Blocks = list[list[list[list[int]]]]
"""Coefficients by component, row, column and index."""


def scan_data(frame: Frame, scan: Scan | None, special: Special, blocks: Blocks) -> bytes:
    """Section "Reconstruction data": the data of a scan."""
    segments = special.segments
    if scan is None:
        need(segments is not None and all(s.mcus == 0 for s in segments), "a scan that is not modelled")
        return b"".join(segment.tail for segment in segments or [])
    mcus, written, next_mcu = layout(frame, scan).mcus, b"", 0
    if segments is None:
        segments = [Segment(0, mcus, scan.restart_interval, 0, b"")]
    for segment in segments:
        if segment.mcus:
            need(next_mcu <= segment.first_mcu <= mcus - segment.mcus, "MCUs of a segment")
            next_mcu = segment.first_mcu + segment.mcus
            written += SegmentWriter(frame, scan, special, blocks).write(segment)
        written += segment.tail
    return written


def size(v: int) -> int:
    """Section "Coding of a block"."""
    return abs(v).bit_length()


def additional_bits(v: int) -> tuple[int, int]:
    """Section "Coding of a block": the bits and their number."""
    return (v if v >= 0 else v - 1) & ((1 << size(v)) - 1), size(v)


class BitWriter:
    """Section "Regular data of a segment": bits, stuffing and padding."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.bits, self.count = 0, 0

    def put(self, bits: int, count: int) -> None:
        """Writes the lowest bits of a number."""
        self.bits, self.count = self.bits << count | bits, self.count + count
        while self.count >= 8:
            self.count -= 8
            byte, self.bits = self.bits >> self.count, self.bits & ((1 << self.count) - 1)
            self.written += b"\xff\0" if byte == 0xFF else bytes([byte])

    def pad(self, bits: int) -> None:
        """Fills an incomplete byte with the low bits of a number."""
        unused = -self.count % 8
        self.put(bits & ((1 << unused) - 1), unused)


ZRL = 0xF0
LONGEST_EOB_RUN = 32767
WAITING_BITS = 937


class SegmentWriter:
    """Sections "Regular data of a segment", "Coding of a block"."""

    def __init__(self, frame: Frame, scan: Scan, special: Special, blocks: Blocks) -> None:
        self.frame, self.scan, self.special, self.blocks = frame, scan, special, blocks
        self.layout = layout(frame, scan)
        self.output = BitWriter()
        self.predictions = [0] * len(scan.components)
        self.eob_run = 0
        self.waiting: list[int] = []

    def write(self, segment: Segment) -> bytes:
        """Section "Regular data of a segment"."""
        end = segment.first_mcu + segment.mcus
        for mcu in range(segment.first_mcu, end):
            restarts, left = divmod(mcu - segment.first_mcu, segment.restart_interval or segment.mcus)
            if restarts and left == 0:
                self.restart(mcu, (segment.first_restart + restarts - 1) % 8)
            self.write_mcu(mcu)
        self.write_eob_run()
        if not segment.tail:
            self.pad(end)
        return bytes(self.output.written)

    def restart(self, mcu: int, r: int) -> None:
        """A restart before an MCU."""
        self.write_eob_run()
        self.pad(mcu)
        self.output.written += bytes([0xFF, 0xD0 + r])
        self.predictions = [0] * len(self.predictions)

    def pad(self, mcu: int) -> None:
        """Padding before an MCU."""
        self.output.pad(self.special.padding.get(mcu, 255 * self.special.padding_bit))

    def write_mcu(self, mcu: int) -> None:
        """Section "Sizes": the blocks of an MCU in coding order."""
        y, x = divmod(mcu, self.layout.columns)
        index = mcu * self.layout.blocks_per_mcu
        for n, (h, v) in enumerate(self.layout.shape):
            rows = self.blocks[self.scan.components[n].number]
            for row in rows[y * v : (y + 1) * v]:
                for block in row[x * h : (x + 1) * h]:
                    self.write_block(n, block, index)
                    index += 1

    def write_block(self, n: int, block: list[int], index: int) -> None:
        """Section "Coding of a block". n: the component in the scan. index: of the block in the scan."""
        scan, zero_runs = self.scan, self.special.zero_runs.get(index, 0)
        if not self.frame.progressive:
            self.write_sequential(n, block, zero_runs)
        elif scan.ss == 0 and scan.ah == 0:
            self.write_dc(n, block[0] >> scan.al)
        elif scan.ss == 0:
            self.output.put(block[0] >> scan.al & 1, 1)
        elif scan.ah == 0:
            self.write_first(block, zero_runs, index)
        else:
            self.write_refinement(block, zero_runs, index)

    def symbol(self, table: Table, symbol: int, bits: tuple[int, int] = (0, 0)) -> None:
        """A symbol, then the bits that belong to it."""
        if table is None or symbol not in table:
            raise DamagedError("a symbol without a code")
        self.output.put(*table[symbol])
        self.output.put(*bits)

    def write_sequential(self, n: int, block: list[int], zero_runs: int) -> None:
        """Section "Sequential scans"."""
        self.write_dc(n, block[0])
        ac = self.scan.components[n].ac
        if self.write_ac(ac, block, 1, 63, zero_runs) < 63:
            self.symbol(ac, 0)

    def write_dc(self, n: int, value: int) -> None:
        """Section "Sequential scans", DC."""
        d = (value - self.predictions[n] + 32768) % 65536 - 32768
        self.predictions[n] = value
        need(size(d) <= 15, "size of a DC difference")
        self.symbol(self.scan.components[n].dc, size(d), additional_bits(d))

    def write_ac(self, table: Table, block: list[int], start: int, end: int, zero_runs: int) -> int:
        """Section "Sequential scans", AC, and "zero runs" after it. Returns the last coded position."""
        last = start - 1
        for k in range(start, end + 1):
            if block[k]:
                zero_count = k - last - 1
                for _ in range(zero_count // 16):
                    self.symbol(table, ZRL)
                self.symbol(table, zero_count % 16 * 16 + size(block[k]), additional_bits(block[k]))
                last = k
        for _ in range(zero_runs):
            self.symbol(table, ZRL)
            last += 16
        need(last <= end, "zero runs")
        return last

    def write_first(self, block: list[int], zero_runs: int, index: int) -> None:
        """Section "Progressive scans of AC, first scan"."""
        scan = self.scan
        values = [sign(v) * (abs(v) >> scan.al) for v in block]
        if any(values[scan.ss : scan.se + 1]) or zero_runs:
            self.write_eob_run()
        if self.write_ac(scan.components[0].ac, values, scan.ss, scan.se, zero_runs) != scan.se:
            self.extend_eob_run(index, [])

    def extend_eob_run(self, index: int, bits: list[int]) -> None:
        """Section "Progressive scans of AC, first scan": adds a block with its correction bits to the run."""
        before = len(self.waiting)
        self.eob_run += 1
        self.waiting += bits
        ends = self.eob_run == self.special.longest_eob_run
        ends = ends or before <= WAITING_BITS < len(self.waiting)
        if index in self.special.eob_switches:
            ends = not ends
        if ends or self.eob_run == LONGEST_EOB_RUN:
            self.write_eob_run()

    def write_eob_run(self) -> None:
        """Section "Progressive scans of AC, first scan": the run, then the waiting bits."""
        if self.eob_run:
            n = self.eob_run.bit_length() - 1
            self.symbol(self.scan.components[0].ac, 16 * n, (self.eob_run - (1 << n), n))
            self.put_bits(self.waiting)
        self.eob_run, self.waiting = 0, []

    def put_bits(self, bits: list[int]) -> None:
        for bit in bits:
            self.output.put(bit, 1)

    def write_refinement(self, block: list[int], zero_runs: int, index: int) -> None:
        """Section "Progressive scans of AC, refinement scan"."""
        scan, table = self.scan, self.scan.components[0].ac
        m = {k: abs(block[k]) >> scan.al for k in range(scan.ss, scan.se + 1)}
        last_new = max((k for k in m if m[k] == 1), default=-1)
        if last_new >= 0 or zero_runs:
            self.write_eob_run()
        zeros, kept = 0, list[int]()
        for k in m:
            if m[k] == 0:
                zeros += 1
            while zeros >= 16 and ((m[k] and k <= last_new) or (k > last_new and zero_runs)):
                self.symbol(table, ZRL)
                self.put_bits(kept)
                zeros, kept = zeros - 16, []
                zero_runs -= k > last_new
            if m[k] > 1:
                kept.append(m[k] & 1)
            elif m[k] == 1:
                self.symbol(table, zeros * 16 + 1, (int(block[k] > 0), 1))
                self.put_bits(kept)
                zeros, kept = 0, []
        need(zero_runs == 0, "zero runs")
        if zeros or kept:
            self.extend_eob_run(index, kept)
