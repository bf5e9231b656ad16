"""Serialization of the reconstruction data of scans (docs/format/jpeg.md, "Reconstruction data")."""

from collections.abc import Sequence
from itertools import accumulate, chain, pairwise, repeat

from jrecomp.container.fields import FieldReader, Fields, FieldWriter, blob, repeated
from jrecomp.errors import CorruptContainerError
from jrecomp.jpeg.types import ScanReconstruction, Segment
from jrecomp.options import DEFAULT_LIMITS, Limits
from jrecomp.t81 import LARGEST_EOB_RUN

_SEGMENTS, _PADDING_ZERO, _PADDING, _ZERO_RUNS, _EOB_RUNS, _SWITCHES, _EXTRANEOUS = 1, 2, 4, 8, 16, 32, 64
_ALL = 127


def pack_reconstruction(scans: Sequence[ScanReconstruction]) -> bytes:
    """The reconstruction data of all scans as bytes; 2 bytes if all scans are regular."""
    writer = FieldWriter()
    _scans(writer, scans, None)
    return bytes(writer.data)


def unpack_reconstruction(data: bytes, limits: Limits = DEFAULT_LIMITS) -> list[ScanReconstruction]:
    """The inverse of pack_reconstruction().

    limits: bounds the numbers of scans and segments. Raises CorruptContainerError if the data is malformed.
    """
    reader = FieldReader(data)
    scans = _scans(reader, (), limits)
    reader.finish()
    return scans


def _scans(
    fields: Fields, scans: Sequence[ScanReconstruction], limits: Limits | None
) -> list[ScanReconstruction]:
    """The number of scans, then the index and data of each scan that differs from ScanReconstruction()."""
    count = fields.varint(len(scans))
    if limits and count > limits.max_scans:
        raise CorruptContainerError(
            f"the container has {count:,} scans, but at most {limits.max_scans:,} are allowed"
        )
    segments = limits.max_segments + limits.max_scans if limits else None
    result = [ScanReconstruction() for _ in range(count)]
    special = [index for index, scan in enumerate(scans) if scan != ScanReconstruction()]
    index = 0
    for number, difference in enumerate(repeated(fields, _differences(special), 0)):
        step = fields.varint(difference)
        index += step
        if index >= count or (number > 0 and step == 0):
            raise CorruptContainerError("damaged container: the index of a scan is wrong")
        result[index] = _scan(fields, scans[index] if scans else ScanReconstruction(), segments)
        segments = segments - len(result[index].segments) if segments is not None else None
    return result


def _scan(fields: Fields, scan: ScanReconstruction, limit: int | None) -> ScanReconstruction:
    """The data of a scan; limit: largest number of segments that a reader accepts."""
    flags = fields.byte(_flags(scan))
    if flags & ~_ALL:
        raise CorruptContainerError("damaged container: its reconstruction data has unknown flags")
    result = ScanReconstruction(padding_bit=0 if flags & _PADDING_ZERO else 1)
    if flags & _SEGMENTS:
        segments = repeated(fields, scan.segments, Segment(0, 0, 0), limit)
        result.segments = [_segment(fields, segment) for segment in segments]
    if flags & _PADDING:
        result.padding = _exceptions(fields, scan.padding)
    if flags & _ZERO_RUNS:
        result.zero_runs = _exceptions(fields, scan.zero_runs)
    if flags & _EOB_RUNS:
        result.max_eob_run = fields.varint(scan.max_eob_run)
        result.last_eob_run = fields.varint(scan.last_eob_run)
    if flags & _SWITCHES:
        result.eob_switches = _increasing(fields, scan.eob_switches)
    if flags & _EXTRANEOUS:
        result.extraneous = _extraneous(fields, scan.extraneous)
    return result


def _flags(scan: ScanReconstruction) -> int:
    return (
        (_SEGMENTS if scan.segments else 0)
        | (0 if scan.padding_bit else _PADDING_ZERO)
        | (_PADDING if scan.padding else 0)
        | (_ZERO_RUNS if scan.zero_runs else 0)
        | (_EOB_RUNS if (scan.max_eob_run, scan.last_eob_run) != (LARGEST_EOB_RUN, 0) else 0)
        | (_SWITCHES if scan.eob_switches else 0)
        | (_EXTRANEOUS if scan.extraneous else 0)
    )


def _segment(fields: Fields, segment: Segment) -> Segment:
    return Segment(
        fields.varint(segment.first_mcu),
        fields.varint(segment.mcus),
        fields.varint(segment.restart_interval),
        fields.varint(segment.first_restart),
        blob(fields, segment.tail),
    )


def _exceptions(fields: Fields, exceptions: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pairs of an index and a value of one byte; all indices precede all values."""
    indices = _increasing(fields, [index for index, _ in exceptions])
    values = fields.raw(bytes(value for _, value in exceptions), len(indices))
    return list(zip(indices, values, strict=True))


def _extraneous(fields: Fields, extraneous: Sequence[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Pairs of an index and bytes; all indices precede all bytes."""
    indices = _increasing(fields, [index for index, _ in extraneous])
    contents = chain((content for _, content in extraneous), repeat(b""))
    return [(index, blob(fields, content)) for index, content in zip(indices, contents, strict=False)]


def _increasing(fields: Fields, values: Sequence[int]) -> list[int]:
    """A non-decreasing sequence, coded as differences."""
    return list(accumulate(fields.varint(step) for step in repeated(fields, _differences(values), 0)))


def _differences(values: Sequence[int]) -> list[int]:
    return [b - a for a, b in pairwise([0, *values])]
