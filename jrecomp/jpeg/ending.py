"""The end of a picture, and what follows it in the file."""

from collections.abc import Sequence
from dataclasses import replace

from jrecomp.jpeg.markers import END, ScanHeader, located_segments, parse, trailer
from jrecomp.jpeg.read import read
from jrecomp.jpeg.types import JpegFile, ScanReconstruction
from jrecomp.jpeg.write import write
from jrecomp.options import DEFAULT_LIMITS, Limits


def scans_of_picture(file: JpegFile) -> int:
    """Number of scans up to the last one from which MCUs were decoded.

    Bytes after a picture without EOI can look like further scans; no MCUs are decoded from those.
    """
    decoded = [not scan.segments or any(segment.mcus for segment in scan.segments) for scan in file.scans]
    return len(decoded) - decoded[::-1].index(True) if any(decoded) else 0


def separate(file: JpegFile, limits: Limits = DEFAULT_LIMITS) -> tuple[JpegFile, bytes]:
    """Separate a file into its picture and the bytes after the picture.

    file: result of read(). limits: bounds on the headers.

    Returns the picture from SOI to EOI, and the bytes that follow. If EOI is missing, it is added after the
    last MCU, and everything after that MCU follows the picture. This is also the case if other bytes than
    fill stand between the last MCU and EOI, and more bytes follow: that EOI may be part of them. If the last
    MCU was not decoded and EOI is missing, the whole file is taken as the picture.
    """
    count = scans_of_picture(file)
    headers = parse(file.headers, limits).scans
    end = headers[count - 1]
    after = trailer(file.headers) if count == len(file.scans) else None
    unused = _unused(file.scans[count - 1], end.mcus)
    if after is not None and (len(set(unused)) < 2 or not after):
        return replace(file, headers=file.headers[: len(file.headers) - len(after)]), after
    if not _reaches(file.scans[count - 1], end.mcus):
        return file, b""
    scans = list(file.scans[:count])
    scans[-1] = replace(scans[-1], extraneous=[e for e in scans[-1].extraneous if e[0] != end.mcus])
    picture = replace(file, headers=file.headers[: end.offset] + END, scans=scans)
    after = unused + _remainder(file, headers, count)
    if count < len(file.scans):  # the others may have left parts of an MCU among the coefficients
        picture = read(write(picture, limits), limits)
    return picture, after


def _unused(scan: ScanReconstruction, mcus: int) -> bytes:
    """The bytes between the last MCU of a scan and the marker that ends the scan."""
    return next((content for mcu, content in scan.extraneous if mcu == mcus), b"")


def _reaches(scan: ScanReconstruction, mcus: int) -> bool:
    """Whether the data of a scan is decoded to its last MCU."""
    if not scan.segments:
        return True
    last = scan.segments[-1]
    return not last.tail and last.first_mcu + last.mcus == mcus


def _remainder(file: JpegFile, headers: Sequence[ScanHeader], count: int) -> bytes:
    """The bytes of a file after the data of its first `count` scans; no MCUs are decoded from other scans."""
    pieces, position = [], headers[count - 1].offset
    for header, scan in zip(headers[count:], file.scans[count:], strict=True):
        pieces += [file.headers[position : header.offset], *(segment.tail for segment in scan.segments)]
        position = header.offset
    return b"".join([*pieces, file.headers[position:]])


def oddity(file: JpegFile, limits: Limits = DEFAULT_LIMITS) -> str:
    """What rebuild() changes in a file without damage besides its coding, as a phrase; mostly "".

    Fill bytes (T.81 B.1.1.2), and zeros at the end of arithmetic-coded data (D.1.8), are not counted.
    """
    regular = b"\xff\0" if file.frame.arithmetic else b"\xff"
    picture, _ = separate(file, limits)
    end = parse(picture.headers, limits).scans[-1].mcus
    before_end = len(_unused(picture.scans[-1], end).rstrip(regular))
    omitted = sum(len(content.rstrip(regular)) for scan in picture.scans for _, content in scan.extraneous)
    between = omitted - before_end + _between_segments(picture.headers)
    phrases = []
    if between:
        phrases.append(f"{_bytes(between)} omitted between the parts of the picture")
    if before_end:
        phrases.append(f"{_bytes(before_end)} omitted before the end of the picture")
    if trailer(file.headers[: len(picture.headers)]) is None:
        phrases.append("the missing end of the picture was added")
    return " and ".join(phrases)


def _bytes(count: int) -> str:
    return "1 byte was" if count == 1 else f"{count:,} bytes were"


def _between_segments(headers: bytes) -> int:
    """The number of bytes between marker segments that are no fill bytes."""
    count, position = 0, 2
    for _, begin, parameters in located_segments(headers):
        count += len(headers[position : begin - 4].rstrip(b"\xff"))
        position = begin + len(parameters)
    return count + len(headers[position : -len(END)].rstrip(b"\xff"))
