"""Scan extras to bytes and back; docs/format/jpeg.md is the specification."""

from collections.abc import Iterable

from jrecomp.errors import CorruptContainerError
from jrecomp.jpeg.types import MAX_EOB_RUN, MAX_SCANS, ScanExtras, Segment

_SEGMENTS, _PADDING_ZERO, _PADDING, _ZERO_RUNS, _MAX_RUN, _SWITCHES = 1, 2, 4, 8, 16, 32
_ALL = 63

# Indices and lengths stay far below; a larger number in a container is damage.
_MAX_VARINT_BITS = 42


def pack_extras(scans: list[ScanExtras]) -> bytes:
    """Pack the extras of all scans: 2 bytes in all where every scan is as libjpeg writes it."""
    out = bytearray()
    _put(out, len(scans))
    special = [i for i, scan in enumerate(scans) if scan != ScanExtras()]
    _put(out, len(special))
    previous = 0
    for i in special:
        _put(out, i - previous)
        previous = i
        _put_scan(out, scans[i])
    return bytes(out)


def unpack_extras(data: bytes) -> list[ScanExtras]:
    """The inverse; raises CorruptContainerError for anything that pack_extras() does not write."""
    source = _Source(data)
    scans = [ScanExtras() for _ in range(source.count(MAX_SCANS))]
    index = 0
    for i in range(source.count(len(data))):
        step = source.number()
        index += step
        if index >= len(scans) or (i > 0 and step == 0):
            raise CorruptContainerError("scan extras: bad scan index")
        scans[index] = _take_scan(source)
    source.finish()
    return scans


def _put(out: bytearray, value: int) -> None:
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


def _put_scan(out: bytearray, scan: ScanExtras) -> None:
    flags = (
        (_SEGMENTS if scan.segments else 0)
        | (0 if scan.padding_bit else _PADDING_ZERO)
        | (_PADDING if scan.padding else 0)
        | (_ZERO_RUNS if scan.zero_runs else 0)
        | (_MAX_RUN if scan.max_eob_run != MAX_EOB_RUN else 0)
        | (_SWITCHES if scan.eob_switches else 0)
    )
    out.append(flags)
    if scan.segments:
        _put(out, len(scan.segments))
        for s in scan.segments:
            for value in (s.first_mcu, s.mcus, s.restart_interval, s.first_restart, len(s.tail)):
                _put(out, value)
            out += s.tail
    for exceptions in (scan.padding, scan.zero_runs):
        if exceptions:
            _put_increasing(out, (index for index, _ in exceptions), len(exceptions))
            out += bytes(value for _, value in exceptions)
    if scan.max_eob_run != MAX_EOB_RUN:
        _put(out, scan.max_eob_run)
    if scan.eob_switches:
        _put_increasing(out, scan.eob_switches, len(scan.eob_switches))


def _put_increasing(out: bytearray, values: Iterable[int], count: int) -> None:
    _put(out, count)
    previous = 0
    for value in values:
        _put(out, value - previous)
        previous = value


class _Source:
    """Reads what _put() and its companions wrote."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def number(self) -> int:
        value = 0
        for shift in range(0, _MAX_VARINT_BITS, 7):
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise CorruptContainerError("scan extras: number too large")

    def count(self, limit: int) -> int:
        value = self.number()
        if value > limit:
            raise CorruptContainerError("scan extras: count too large")
        return value

    def take(self, length: int) -> bytes:
        end = self._position + length
        if end > len(self._data):
            raise CorruptContainerError("scan extras: truncated")
        taken = self._data[self._position : end]
        self._position = end
        return taken

    def increasing(self) -> list[int]:
        values = []
        value = 0
        for _ in range(self.count(len(self._data))):
            value += self.number()
            values.append(value)
        return values

    def exceptions(self) -> list[tuple[int, int]]:
        indices = self.increasing()
        return list(zip(indices, self.take(len(indices)), strict=True))

    def finish(self) -> None:
        if self._position != len(self._data):
            raise CorruptContainerError("scan extras: bytes left over")


def _take_scan(source: _Source) -> ScanExtras:
    flags = source.take(1)[0]
    if flags & ~_ALL:
        raise CorruptContainerError("scan extras: unknown flags")
    scan = ScanExtras()
    if flags & _SEGMENTS:
        for _ in range(source.number()):
            first_mcu, mcus, interval, restart, length = (source.number() for _ in range(5))
            scan.segments.append(Segment(first_mcu, mcus, interval, restart, source.take(length)))
    scan.padding_bit = 0 if flags & _PADDING_ZERO else 1
    if flags & _PADDING:
        scan.padding = source.exceptions()
    if flags & _ZERO_RUNS:
        scan.zero_runs = source.exceptions()
    if flags & _MAX_RUN:
        scan.max_eob_run = source.number()
    if flags & _SWITCHES:
        scan.eob_switches = source.increasing()
    return scan
