"""Decoding and encoding of the data of a scan: regular segments natively, other data as raw bytes.

docs/format/jpeg.md, "Reconstruction data" and the sections after it, specifies the segments.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jrecomp.array_types import Int16
from jrecomp.errors import CorruptContainerError
from jrecomp.jpeg.markers import Layout, ScanHeader
from jrecomp.jpeg.types import ScanReconstruction, Segment
from jrecomp.native._scan import Scan

_RESTART = re.compile(rb"\xff[\xd0-\xd7]")

LEAST_IDLE, IDLE_PERIODS = 256, (1, 2, 4)
"""Least length of repeated bytes that idle_from() finds, and the lengths of the pattern that repeats."""


def idle_from(data: bytes, begin: int, end: int) -> int:
    """Where the repeated bytes at the end of a scan's data begin; `end` if there are none.

    data: the file. begin, end: range of the scan's data in it.
    """
    scan = np.frombuffer(data, np.uint8, end - begin, begin)
    if len(scan) < LEAST_IDLE:
        return end
    starts = []
    for period in IDLE_PERIODS:
        different = np.flatnonzero(scan[period:] != scan[:-period])
        starts.append(int(different[-1]) + 1 if len(different) else 0)
    return begin + min(starts) if len(scan) - min(starts) >= LEAST_IDLE else end


def native_scan(layout: Layout, header: ScanHeader, coefficients: Sequence[Int16]) -> Scan | None:
    """The native codec for a scan, None if the scan cannot be modelled.

    coefficients: arrays of all components, int16 [block rows, block columns, 64], which it reads and writes.
    """
    if not header.components:
        return None
    components = []
    for index, (dc, ac) in zip(header.components, header.tables, strict=True):
        component = layout.frame.components[index]
        single = len(header.components) == 1
        horizontal, vertical = (1, 1) if single else (component.horizontal, component.vertical)
        components.append((coefficients[index], horizontal, vertical, dc, ac))
    bands = header.ss, header.se, header.ah, header.al
    frame = layout.frame
    return Scan(frame.arithmetic, frame.progressive, bands, header.mcu_columns, header.mcu_rows, components)


@dataclass
class _Piece:
    """A segment and the range of its coded bytes in the file; its tail begins at `stop`."""

    segment: Segment
    begin: int
    stop: int


class ScanReader:
    """Decodes one scan of a file.

    Call decode() of all scans, then reconstruction() of each. header: the scan's header. scan: its native
    codec, or None. data: the file. begin, end: range of the scan's data in it. stop: the end of what is
    decoded.
    """

    def __init__(
        self, header: ScanHeader, scan: Scan | None, data: bytes, begin: int, end: int, stop: int
    ) -> None:
        self._header = header
        self._scan = scan
        self._data = data
        self._begin = begin
        self._end = end
        self._stop = stop
        self._pieces: list[_Piece] = []

    def decode(self, max_segments: int) -> int:
        """Decode the data into the coefficient arrays; returns the number of segments."""
        if self._scan is None:
            return 0
        interval = self._header.restart_interval
        if interval and _RESTART.search(self._data, self._begin, self._stop) is None:
            interval = 0 if self._header.mcus > interval else interval
        position, mcu, number = self._begin, 0, 0
        for _ in range(max_segments):
            mcus, stop = self._scan.decode(self._data, position, self._stop, mcu, interval, number)
            segment = Segment(mcu, mcus, interval, number)
            if mcus > 0 or not self._pieces:
                self._pieces.append(_Piece(segment, position, stop))
            match = _RESTART.search(self._data, stop, self._stop)
            if match is None:
                break
            marker = self._data[match.end() - 1] & 7
            mcu = _resume(segment, marker, match.start() - stop)
            if mcu >= self._header.mcus:
                break
            position, number = match.end(), (marker + 1) & 7
        self._scan.finish()
        last = self._pieces[-1]
        reached = last.segment.first_mcu + last.segment.mcus
        if last.stop == self._stop < self._end and reached == self._header.mcus:
            self._append_extraneous(self._data[self._stop : self._end])
            last.stop = self._end
        return len(self._pieces)

    def _append_extraneous(self, content: bytes) -> None:
        """Add to the bytes after the last MCU."""
        assert self._scan is not None
        bit, padding, zero_runs, longest, last, switches, extraneous = self._scan.choices()
        mcus = self._header.mcus
        if extraneous and extraneous[-1][0] == mcus:
            content = extraneous.pop()[1] + content
        extraneous.append((mcus, content))
        self._scan.set_choices(bit, padding, zero_runs, longest, last, switches, extraneous)

    def reconstruction(self, exact: bool = True) -> ScanReconstruction:
        """The data that encode_scan() needs besides the coefficients to give the identical bytes.

        A segment that would not be reproduced exactly is kept as raw bytes. An example is a scan script that
        codes the same bits twice. exact: encode the segments to find these.
        """
        segments = []
        for i, piece in enumerate(self._pieces):
            last = i + 1 == len(self._pieces)
            next_begin = self._end if last else self._pieces[i + 1].begin
            segment = piece.segment
            segment.tail = self._data[piece.stop : next_begin]
            if exact and not self._is_exact(piece):
                segment.mcus = 0
                segment.tail = self._data[piece.begin : next_begin]
            segments.append(segment)
        if self._scan is None or not any(segment.mcus for segment in segments):
            return ScanReconstruction([Segment(0, 0, 0, 0, self._data[self._begin : self._end])])
        if segments == [Segment(0, self._header.mcus, self._header.restart_interval)]:
            segments = []
        return ScanReconstruction(segments, *self._scan.choices())

    def _is_exact(self, piece: _Piece) -> bool:
        assert self._scan is not None
        s = piece.segment
        try:
            coded = self._scan.encode(s.first_mcu, s.mcus, s.restart_interval, s.first_restart, not s.tail)
        except ValueError:
            return False
        return coded == self._data[piece.begin : piece.stop]


def _resume(segment: Segment, marker: int, distance: int) -> int:
    """The MCU at which to resume after a restart marker, `distance` bytes after the segment's regular data.

    If the marker's number means that at most two intervals were lost, they are skipped, as in libjpeg.
    """
    reached = segment.first_mcu + segment.mcus
    if segment.restart_interval == 0:
        return reached
    intervals, inside = divmod(segment.mcus, segment.restart_interval)
    complete = segment.mcus > 0 and inside == 0
    expected = segment.first_restart + intervals - (1 if complete else 0)
    lost = (marker - expected) & 7
    following = reached if complete else reached - inside + segment.restart_interval
    if complete and distance <= 2:
        return following  # at the expected position, with any number
    if segment.mcus == 0 and distance == 0 and lost != 0:
        return reached  # a second marker in a row
    return following + (lost * segment.restart_interval if lost <= 2 else 0)


def encode_scan(header: ScanHeader, scan: Scan | None, data: ScanReconstruction) -> bytes:
    """The data of a scan as bytes, the inverse of ScanReader.

    header: the scan's header. scan: its native codec, or None. data: the reconstruction data.
    Raises CorruptContainerError if reconstruction data, headers and coefficients do not fit together.
    """
    segments = data.segments or [Segment(0, header.mcus, header.restart_interval)]
    pieces = []
    reached = 0
    try:
        if scan is not None:
            scan.set_choices(
                data.padding_bit,
                data.padding,
                data.zero_runs,
                data.max_eob_run,
                data.last_eob_run,
                data.eob_switches,
                data.extraneous,
            )
        for s in segments:
            if s.mcus > 0:
                if scan is None or s.first_mcu < reached:
                    raise CorruptContainerError("damaged container: the segments of a scan do not fit it")
                pieces.append(
                    scan.encode(s.first_mcu, s.mcus, s.restart_interval, s.first_restart, not s.tail)
                )
                reached = s.first_mcu + s.mcus
            pieces.append(s.tail)
    except (ValueError, TypeError) as error:
        raise CorruptContainerError(f"damaged container: a scan cannot be written: {error}") from error
    return b"".join(pieces)
