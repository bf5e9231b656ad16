"""Rebuilding of JPEG files with new coefficients, tables and scans, and the metadata of the source."""

from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Literal

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Bool, Int16, Int64
from jrecomp.errors import StoredReason, UnsupportedJpegError
from jrecomp.jpeg import script as scripts
from jrecomp.jpeg.ending import separate
from jrecomp.jpeg.huffman import coded_bits, shortest_table
from jrecomp.jpeg.markers import END, START, Layout, parse, segment
from jrecomp.jpeg.metadata import late_metadata, metadata, table_numbers, unlinked
from jrecomp.jpeg.scans import native_scan
from jrecomp.jpeg.script import Scan
from jrecomp.jpeg.types import Frame, JpegFile, ScanReconstruction
from jrecomp.options import DEFAULT_LIMITS, Limits
from jrecomp.t81 import (
    DHT,
    DQT,
    LARGEST_CATEGORIES,
    SOF0,
    SOF1,
    SOF2,
    SOS,
    TYPICAL_TABLES,
)


def rebuild(
    file: JpegFile,
    steps: Sequence[npt.NDArray[np.integer]],
    coefficients: Sequence[Int16],
    *,
    huffman: Literal["typical", "optimal"],
    progressive: bool = False,
    searched: bool = False,
    strip: bool = False,
    strip_trailer: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> JpegFile:
    """Make a JpegFile with the same frame and other steps and coefficients, in a regular form.

    The new file is Huffman-coded. It keeps picture size, sample precision, sampling factors, component
    identifiers, metadata, and the bytes after the picture, see separate(). Repeated identifiers become 1, 2,
    and so on. Metadata before the first scan moves to the beginning, later metadata to the end; offsets in
    them stay. The new file has no restart markers and no bytes between segments. Parts that damage() reports
    are lost. Coefficients of blocks that only pad the frame to whole MCUs become 0 if scans of one component
    omit them (T.81 A.2.2). If the source defines no quantization tables, the new file does not either.

    file: provides the frame and headers.
    steps: for each component the quantization table, [64] in zig-zag order, 0 to 65535. T.81 does not allow
        steps of 0, but files with them exist. Such steps become 1 and their coefficients 0, which decodes
        to the same picture.
    coefficients: for each component int16 [block rows, block columns, 64], shaped as in `file`.
    huffman: "typical" for the tables of T.81 K.3.3, "optimal" for the tables of the smallest file.
        Progressive scans and files of 12 bits always have optimal tables.
    progressive: use libjpeg's progressive scan script instead of sequential scans.
    searched: use the progressive scans that script.smallest() finds instead of libjpeg's.
    strip: keep only metadata that affects the display, see metadata().
    strip_trailer: omit the bytes after the picture, and what leads to pictures in them, see unlinked().
    limits: bounds on the size of the picture and on scans.

    Returns the new file for write(). Raises ValueError if arrays do not fit the frame, UnsupportedJpegError
    for coefficients beyond the range of the sample precision, scans beyond the limits, and files that lack
    the quantization tables of only some components.
    """
    _check(file.frame, steps, coefficients)
    coefficients = [_without(c, s == 0) for c, s in zip(coefficients, steps, strict=True)]
    tables = [np.maximum(s, 1) for s in steps]
    identifiers = _identifiers(file.frame)
    picture, after = separate(file, limits)
    if strip_trailer and after:
        picture, after = replace(picture, headers=unlinked(picture.headers)), b""
    numbers, dqt = _quantization(file, tables)
    head = START + metadata(picture.headers, strip, bool(after)) + dqt
    wide = file.frame.precision > 8 or any(table.max() > 255 for table in tables)
    script = scripts.sequential(file.frame)
    sof = _frame_header(file.frame, identifiers, numbers, SOF1 if wide else SOF0)
    layout, counts = _count(head + sof, script, identifiers, coefficients, limits)
    if progressive:
        # The sequential count above raises the same errors with and without `progressive`.
        sof = _frame_header(file.frame, identifiers, numbers, SOF2)
        script = scripts.progressive(file.frame)
        if searched:
            start, tables = head + sof, coefficients
            script = scripts.smallest(
                file.frame, coefficients, lambda scans: _count(start, scans, identifiers, tables, limits)[1]
            )
        layout, counts = _count(head + sof, script, identifiers, coefficients, limits)
    coefficients = [_coded(c, i, file.frame, script) for i, c in enumerate(coefficients)]
    typical = huffman == "typical" and not progressive and file.frame.precision == 8
    scans = [_scan_headers(s, identifiers, c, typical) for s, c in zip(script, counts, strict=True)]
    late = b"" if strip else late_metadata(picture.headers)
    headers = head + sof + b"".join(scans) + late + END + after
    return JpegFile(layout.frame, coefficients, headers, [ScanReconstruction() for _ in script])


def _check(frame: Frame, steps: Sequence[npt.NDArray[np.integer]], coefficients: Sequence[Int16]) -> None:
    expected = [(c.block_rows, c.block_columns, 64) for c in frame.components]
    if [c.shape for c in coefficients] != expected or any(c.dtype != np.int16 for c in coefficients):
        raise ValueError("the coefficients do not fit the frame")
    if [s.shape for s in steps] != [(64,)] * len(expected) or any(
        s.min() < 0 or s.max() > 65535 for s in steps
    ):
        raise ValueError("the quantization tables do not fit the frame")


def _without(blocks: Int16, excluded: Bool) -> Int16:
    """The blocks in the layout of the native codec, with 0 at the excluded zig-zag indices."""
    if excluded.any():
        blocks = np.where(excluded, np.int16(0), blocks)
    return np.require(blocks, np.int16, ["C", "W"])


def _coded(blocks: Int16, number: int, frame: Frame, script: Sequence[Scan]) -> Int16:
    """The coefficients of a component that the scans code; scans of one component omit padding blocks."""
    component, everywhere = frame.components[number], np.zeros(64, np.bool_)
    for scan in script:
        if len(scan.components) > 1 and number in scan.components:
            everywhere[scan.ss : scan.se + 1] = True
    highest = max(c.vertical for c in frame.components), max(c.horizontal for c in frame.components)
    rows = _ceil_div(_ceil_div(frame.height * component.vertical, highest[0]), 8)
    columns = _ceil_div(_ceil_div(frame.width * component.horizontal, highest[1]), 8)
    inside = np.zeros((*blocks.shape[:2], 1), np.bool_)
    inside[:rows, :columns] = True
    if everywhere.all() or inside.all():
        return blocks
    return np.where(inside | everywhere, blocks, np.int16(0))


def _ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def _identifiers(frame: Frame) -> list[int]:
    identifiers = [c.identifier for c in frame.components]
    return identifiers if len(set(identifiers)) == len(identifiers) else list(range(1, len(identifiers) + 1))


def _numbers(tables: Sequence[bytes]) -> dict[bytes, int]:
    """The distinct tables with their numbers, in order of first occurrence."""
    return {table: number for number, table in enumerate(dict.fromkeys(tables))}


def _packed(step: npt.NDArray[np.integer]) -> bytes:
    return step.astype("u1" if step.max() <= 255 else ">u2").tobytes()


def _quantization(file: JpegFile, steps: Sequence[npt.NDArray[np.integer]]) -> tuple[list[int], bytes]:
    """The number of each component's table, and DQT (T.81 B.2.4.1), with a segment for each table.

    The numbers are those of the source if each table has one. Without tables in the source there are no
    segments.
    """
    if not any(c.has_table for c in file.frame.components):
        return table_numbers(file.headers), b""
    if not all(c.has_table for c in file.frame.components):
        raise UnsupportedJpegError(StoredReason.MALFORMED, "a quantization table is missing")
    packed = [_packed(s) for s in steps]
    tables: dict[bytes, int] = {}
    for table, number in zip(packed, table_numbers(file.headers), strict=True):
        tables.setdefault(table, number)
    if len(set(tables.values())) < len(tables):  # a table was replaced between scans
        tables = _numbers(packed)
    dqt = [segment(DQT, bytes([(len(t) > 64) << 4 | number]) + t) for t, number in tables.items()]
    return [tables[p] for p in packed], b"".join(dqt)


def _frame_header(frame: Frame, identifiers: Sequence[int], numbers: Sequence[int], code: int) -> bytes:
    """SOFn (T.81 B.2.2); numbers: of the quantization tables."""
    parameters = bytes([frame.precision]) + frame.height.to_bytes(2) + frame.width.to_bytes(2)
    parameters += bytes([len(identifiers)])
    for identifier, c, number in zip(identifiers, frame.components, numbers, strict=True):
        parameters += bytes([identifier, c.horizontal << 4 | c.vertical, number])
    return segment(code, parameters)


def _scan_header(scan: Scan, identifiers: Sequence[int], dc: Sequence[int], ac: Sequence[int]) -> bytes:
    """SOS (T.81 B.2.3); dc, ac: table numbers of each component."""
    parameters = bytes([len(scan.components)])
    for i, dc_number, ac_number in zip(scan.components, dc, ac, strict=True):
        parameters += bytes([identifiers[i], dc_number << 4 | ac_number])
    return segment(SOS, parameters + bytes([scan.ss, scan.se, scan.ah << 4 | scan.al]))


def _count(
    head: bytes,
    script: Sequence[Scan],
    identifiers: Sequence[int],
    coefficients: Sequence[Int16],
    limits: Limits,
) -> tuple[Layout, list[Int64]]:
    """The layout of a file with these scans, and the symbol counts of each scan.

    The counts do not depend on Huffman tables. Without DHT segments the typical tables are in force.
    """
    zeros = [[0] * len(scan.components) for scan in script]
    headers = [_scan_header(scan, identifiers, z, z) for scan, z in zip(script, zeros, strict=True)]
    layout = parse(head + b"".join(headers), limits)
    return layout, [_counts_of(layout, index, coefficients) for index in range(len(script))]


def _counts_of(layout: Layout, index: int, coefficients: Sequence[Int16]) -> Int64:
    scan = native_scan(layout, layout.scans[index], coefficients)
    assert scan is not None
    try:
        counts = np.array(scan.symbol_counts(), np.int64)
    except ValueError:
        raise UnsupportedJpegError(StoredReason.OUT_OF_RANGE) from None
    categories = np.arange(256) & 15
    pairs = zip(counts.sum(0), LARGEST_CATEGORIES[layout.frame.precision], strict=True)
    if any(kind[categories > largest].any() for kind, largest in pairs):
        raise UnsupportedJpegError(StoredReason.OUT_OF_RANGE)
    return counts


def _scan_headers(scan: Scan, identifiers: Sequence[int], counts: Int64, typical: bool) -> bytes:
    """DHT (T.81 B.2.4.2), with a segment for each table in libjpeg's order, and SOS."""
    segments = []
    numbers = []
    for kind in (0, 1):
        tables = _typical(kind, len(counts)) if typical else _shortest(counts[:, kind])
        known = _numbers(tables)
        segments += [(number, kind, table) for table, number in known.items()]
        numbers.append([known[table] for table in tables] or [0] * len(counts))
    dht = [segment(DHT, bytes([kind << 4 | number]) + table) for number, kind, table in sorted(segments)]
    return b"".join(dht) + _scan_header(scan, identifiers, *numbers)


def _typical(kind: int, components: int) -> list[bytes]:
    """The typical table of each component of a scan; it has every symbol that _counts_of() accepts."""
    return [TYPICAL_TABLES[kind, 1 if components == 3 and i > 0 else 0] for i in range(components)]


def _shortest(counts: Int64) -> list[bytes]:
    """The table of each component for the smallest file, from counts [component, symbol]; [] if all are 0.

    A baseline file has at most two tables of a kind, so components share one or two. All assignments are
    compared.
    """
    if not counts.any():
        return []
    components = range(len(counts))
    assignments = []
    for second in range(0, 1 << len(counts), 2):  # bit i is set if component i has the second table
        groups = [[i for i in components if second >> i & 1 == group] for group in (0, 1)]
        sums = [counts[group].sum(0).tolist() for group in groups if group]
        tables = [shortest_table(s) for s in sums]
        bits = sum(coded_bits(t, s) + 8 * (5 + len(t)) for t, s in zip(tables, sums, strict=True))
        assignments.append((bits, [tables[second >> i & 1] for i in components]))
    return min(assignments, key=itemgetter(0))[1]
