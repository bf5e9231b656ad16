"""docs/format/jpeg.md: from headers, reconstruction data and coefficients to the bytes of the JPEG file."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from tests.specification.arithmetic import IntervalWriter
from tests.specification.conventions import DamagedError, Ints, Reader, need, sign
from tests.specification.headers import Frame, Headers, Scan, Table, layout


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
    """Section "Reconstruction data": what is special about a scan; the defaults.

    padding, extraneous: by MCU index.
    """

    segments: list[Segment] | None = None
    padding_bit: int = 1
    padding: dict[int, int] = field(default_factory=dict)
    zero_runs: dict[int, int] = field(default_factory=dict)
    longest_eob_run: int = 32767
    last_eob_run: int = 0
    eob_switches: set[int] = field(default_factory=set)
    extraneous: dict[int, bytes] = field(default_factory=dict)


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
    need(flags < 128, "flags")
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
        special.last_eob_run = fields.varint()
        need(special.last_eob_run <= 32767, "last EOB run")
    if flags & 32:
        special.eob_switches = set(read_list(fields))
    if flags & 64:
        for item in read_list(fields):
            special.extraneous.setdefault(item, fields.blob())
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
            writer = ArithmeticSegmentWriter if frame.arithmetic else HuffmanSegmentWriter
            written += writer(frame, scan, special, blocks).write(segment)
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


class SegmentWriter(ABC):
    """Section "Regular data of a segment"."""

    def __init__(self, frame: Frame, scan: Scan, special: Special, blocks: Blocks) -> None:
        self.frame, self.scan, self.special, self.blocks = frame, scan, special, blocks
        self.layout = layout(frame, scan)

    @abstractmethod
    def write(self, segment: Segment) -> bytes:
        """The regular data of a segment."""

    @abstractmethod
    def write_block(self, n: int, block: list[int], index: int) -> None:
        """A block. n: the component in the scan. index: of the block in the scan."""

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


class ArithmeticSegmentWriter(SegmentWriter):
    """Section "Arithmetic-coded frames"."""

    def write(self, segment: Segment) -> bytes:
        """See SegmentWriter."""
        written, mcu, end = b"", segment.first_mcu, segment.first_mcu + segment.mcus
        for restart in count(segment.first_restart):
            self.interval = IntervalWriter(self.scan, self.frame.progressive)
            for _ in range(min(segment.restart_interval or segment.mcus, end - mcu)):
                self.write_mcu(mcu)
                mcu += 1
            if mcu == end and segment.tail:
                return written + self.interval.coder.certain()
            written += self.interval.coder.finished() + self.special.extraneous.get(mcu, b"")
            if mcu == end:
                break
            written += bytes([0xFF, 0xD0 + restart % 8])
        return written

    def write_block(self, n: int, block: list[int], index: int) -> None:
        """See SegmentWriter."""
        self.interval.write_block(n, block)


class HuffmanSegmentWriter(SegmentWriter):
    """Sections "Regular data of a segment", "Coding of a block"."""

    def __init__(self, frame: Frame, scan: Scan, special: Special, blocks: Blocks) -> None:
        super().__init__(frame, scan, special, blocks)
        self.output = BitWriter()
        self.predictions = [0] * len(scan.components)
        self.eob_run = 0
        self.waiting: list[int] = []

    def write(self, segment: Segment) -> bytes:
        """See SegmentWriter."""
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
        """Padding and extraneous bytes before an MCU."""
        self.output.pad(self.special.padding.get(mcu, 255 * self.special.padding_bit))
        self.output.written += self.special.extraneous.get(mcu, b"")

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
        if index + 1 == self.layout.mcus:
            self.eob_run = max(self.eob_run, self.special.last_eob_run)
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
