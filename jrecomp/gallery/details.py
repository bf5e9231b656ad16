"""What is known about a picture without decoding it, as names and values to read."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from typing import Any

from PIL import ExifTags, Image

import jrecomp.pillow
from jrecomp.encoder.source import DAMAGED, opened
from jrecomp.errors import LimitError, printable, shortage
from jrecomp.info import Info
from jrecomp.options import Limits

Rows = list[tuple[str, str]]

_LONGEST = 200
"""Longer texts of metadata are cut."""

_TURNED = ("5", "6", "7", "8")
"""Orientations of Exif that exchange width and height."""


@dataclass(frozen=True)
class Details:
    """What headers tell.

    size: width and height in pixels as the picture is shown, None if it is none. rows: names and values.
    """

    size: tuple[int, int] | None
    rows: Rows


def of_container(info: Info) -> Rows:
    """What a container tells."""
    rows = [("Original", size_text(info.original_bytes))]
    if info.mode == "lossy":
        rows.append(("JPEG file", size_text(info.restored_bytes)))
    rows += [
        ("Container", f"{size_text(info.compressed_bytes)}, {_saving(info.saving)}"),
        ("Compression", _compression(info)),
    ]
    if picture := info.jpeg:
        process = "progressive" if picture.progressive else "sequential"
        quality = "" if picture.quality is None else f", quality about {picture.quality}"
        rows.append(("JPEG", f"{picture.sampling}, {process}, {picture.precision} bits{quality}"))
    if len(info.pictures) > 1:
        rows.append(("Further pictures", str(len(info.pictures) - 1)))
    return rows


def of_picture(data: bytes, rows: Rows, limits: Limits) -> Details:
    """What the headers of the picture in a JPEG file or container tell, behind other rows.

    Raises LimitError if it has too many pixels, and errors of shortage().
    """
    try:
        image = opened(data, limits, ("JPEG", jrecomp.pillow.FORMAT))
    except LimitError:
        raise
    except (OSError, ValueError) as error:
        if shortage(error):
            raise
        return Details(None, rows)
    width, height = image.size
    found = dict(_exif(image))
    size = (height, width) if found.pop(_ORIENTATION, "") in _TURNED else (width, height)
    return Details(size, [*rows, ("Size", f"{size[0]:,} x {size[1]:,} pixels"), *found.items()])


def size_text(count: int) -> str:
    """A number of bytes to read."""
    units = ((1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB"))
    rounded = next((f" ({count / unit:.1f} {name})" for unit, name in units if count >= unit), "")
    return f"{count:,} bytes{rounded}"


def _saving(saving: float) -> str:
    return f"{saving:.1%} smaller" if saving >= 0 else f"{-saving:.1%} larger"


def _compression(info: Info) -> str:
    if info.mode == "stored":
        return f"stored: {info.stored_reason}"
    model = info.model or f"unknown model {info.model_id}"
    quality = "" if info.quality is None else f", quality {info.quality:g}"
    return f"{info.mode}, model {model}{quality}"


_ORIENTATION = "Orientation"


def _finite(value: Any) -> float:
    number = float(value)
    if not isfinite(number):
        raise ValueError(number)
    return number


def _number(form: str) -> Callable[[Any], str]:
    return lambda value: form.format(_finite(value))


def _exposure(value: Any) -> str:
    seconds = _finite(value)
    return f"1/{1 / seconds:.0f} s" if 0 < seconds < 0.5 else f"{seconds:g} s"


_MAIN: dict[int, tuple[str, Callable[[Any], str]]] = {
    ExifTags.Base.Orientation: (_ORIENTATION, str),
    ExifTags.Base.ImageDescription: ("Description", str),
    ExifTags.Base.Make: ("Make", str),
    ExifTags.Base.Model: ("Camera", str),
    ExifTags.Base.Software: ("Software", str),
    ExifTags.Base.Artist: ("Artist", str),
    ExifTags.Base.Copyright: ("Copyright", str),
}
_CAMERA: dict[int, tuple[str, Callable[[Any], str]]] = {
    ExifTags.Base.DateTimeOriginal: ("Taken", str),
    ExifTags.Base.LensModel: ("Lens", str),
    ExifTags.Base.ExposureTime: ("Exposure", _exposure),
    ExifTags.Base.FNumber: ("Aperture", _number("f/{:g}")),
    ExifTags.Base.ISOSpeedRatings: ("ISO", _number("{:g}")),
    ExifTags.Base.FocalLength: ("Focal length", _number("{:g} mm")),
}
"""Tags of Exif directories that are shown: their names, and what writes their values."""


def _exif(image: Image.Image) -> Iterator[tuple[str, str]]:
    """Names and values of Exif data; what is damaged is left out, also values of other types."""
    with suppress(*DAMAGED):
        exif = image.getexif()
        yield from _shown(exif, _MAIN)
        yield from _shown(exif.get_ifd(ExifTags.IFD.Exif), _CAMERA)
        position = exif.get_ifd(ExifTags.IFD.GPSInfo)
        latitude = _degrees(position, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef)
        longitude = _degrees(position, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef)
        yield "Location", f"{latitude}, {longitude}"


def _shown(directory: Any, tags: dict[int, tuple[str, Callable[[Any], str]]]) -> Iterator[tuple[str, str]]:
    for tag, (name, write) in tags.items():
        with suppress(*DAMAGED):
            text = printable(write(directory[tag]).strip("\0 "))
            if text:
                yield name, text[:_LONGEST]


def _degrees(position: Any, tag: int, reference: int) -> str:
    degrees, minutes, seconds = map(_finite, position[tag])
    return f"{degrees + minutes / 60 + seconds / 3600:.5f}° {printable(str(position[reference]))[:1]}"
