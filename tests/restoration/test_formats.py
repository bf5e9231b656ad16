"""Picture files: pixels and metadata as other programs read them."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from jrecomp.errors import InputError, UsageError
from jrecomp.jpeg.metadata import Attachments, attachments
from jrecomp.jpeg.read import read
from jrecomp.restoration import FORMATS, Picture
from jrecomp.restoration import picture as picture_module
from jrecomp.restoring import RestoreOptions, restored_file
from jrecomp.threads import Workers
from tests.jpeg import samples

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
NOTHING = Attachments()
XMP = "<x:xmpmeta>\u00e9</x:xmpmeta>".encode()


def exif(order: str = "<") -> bytes:
    """With an orientation of 6, a text, a directory of Exif, and a thumbnail's directory that is left out."""
    start = b"II*\0" if order == "<" else b"MM\0*"
    entries = [(271, 2, 6, 62), (274, 3, 1, 6 if order == "<" else 6 << 16), (34665, 4, 1, 68)]
    directory = struct.pack(f"{order}H", 3) + b"".join(struct.pack(f"{order}HHII", *e) for e in entries)
    inner = struct.pack(f"{order}HHHII", 1, 36867, 2, 20, 86) + bytes(4)
    blob = start + struct.pack(f"{order}I", 8) + directory + struct.pack(f"{order}I", 9999)
    blob = blob.ljust(62, b"\0") + b"Maker\0" + inner
    return blob.ljust(86, b"\0") + b"2020:01:01 00:00:00\0"


def pixels(channels: int, bits: int, rows: int = 37, columns: int = 53) -> Any:
    y, x = np.mgrid[:rows, :columns]
    smooth = np.stack([(x * (3 + c) + y * 5) % 256 for c in range(channels)], -1)
    noise = np.random.default_rng(1).integers(0, 256, smooth.shape)
    values = np.where((y > rows // 2)[..., None], noise, smooth)
    return values.astype(np.uint8) if bits == 8 else (values * 257 ^ noise).astype(np.uint16)


def written(form: str, array: Any, attached: Attachments = NOTHING) -> bytes:
    with Workers(2) as workers:
        return FORMATS[form].write(Picture(array, attached), workers)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("strip", [1, 3000, 1 << 20])
def test_pixels_of_8_bits(form: str, channels: int, strip: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one strip and in many."""
    monkeypatch.setattr(picture_module, "_STRIP_BYTES", strip)
    array = pixels(channels, 8)
    if channels == 4 and form != "tiff":
        with pytest.raises(InputError, match="CMYK"):
            written(form, array)
        return
    with Image.open(io.BytesIO(written(form, array))) as image:
        image.load()
        assert image.mode == ("RGB" if form == "webp" else {1: "L", 3: "RGB", 4: "CMYK"}[channels])
        assert (np.asarray(image).reshape(37, 53, -1) == array).all()


def test_gray_of_16_bits() -> None:
    """As Pillow reads it."""
    for form in ("png", "tiff"):
        with Image.open(io.BytesIO(written(form, pixels(1, 16)))) as image:
            assert (np.asarray(image) == pixels(1, 16)[:, :, 0]).all()


@pytest.mark.parametrize("strip", [1, 3000, 1 << 20])
def test_colours_of_16_bits_png(strip: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoded here, straight from ISO/IEC 15948."""
    monkeypatch.setattr(picture_module, "_STRIP_BYTES", strip)
    array = pixels(3, 16)
    assert (unpacked_png(written("png", array)) == array).all()


def unpacked_png(data: bytes) -> Any:
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    place, packed, names = 8, b"", []
    while place < len(data):
        (length,) = struct.unpack_from(">I", data, place)
        name, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        assert struct.unpack_from(">I", data, place + 8 + length)[0] == zlib.crc32(name + body)
        names.append(name)
        if name == b"IHDR":
            width, height, bits, kind, *rest = struct.unpack(">IIBBBBB", body)
            assert (bits, kind, rest) == (16, 2, [0, 0, 0])
        packed += body if name == b"IDAT" else b""
        place += 12 + length
    assert names[0] == b"IHDR" and names[-1] == b"IEND"
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + 6 * width)
    out = np.zeros((height + 1, 6 + 6 * width), int)
    for y, row in enumerate(rows):
        for x, value in enumerate(map(int, row[1:]), 6):
            a, b, c = out[y + 1, x - 6], out[y, x], out[y, x - 6]
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            out[y + 1, x] = (value + [0, a, b, (a + b) // 2, paeth][row[0]]) % 256
    return out[1:, 6:].astype(np.uint8).view(">u2").reshape(height, width, 3)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("order", ["<", ">"])
def test_colours_of_16_bits_tiff(channels: int, order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoded here, straight from TIFF 6.0."""
    monkeypatch.setattr(picture_module, "_STRIP_BYTES", 3000)
    array = pixels(channels, 16)
    data = written("tiff", array, Attachments(exif=exif(order)))
    (place,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, place)
    found = {}
    for i in range(count):
        tag, kind, number = struct.unpack_from(f"{order}HHI", data, place + 2 + 12 * i)
        code, size = {1: ("B", 1), 2: ("B", 1), 3: ("H", 2), 4: ("I", 4)}[kind]
        at = place + 2 + 12 * i + 8
        if number * size > 4:
            (at,) = struct.unpack_from(f"{order}I", data, at)
        found[tag] = struct.unpack_from(f"{order}{number}{code}", data, at)
    assert list(found) == sorted(found)
    assert found[258] == (16,) * channels and found[277] == (channels,)
    strips = [zlib.decompress(data[o : o + n]) for o, n in zip(found[273], found[279], strict=True)]
    rows = np.frombuffer(b"".join(strips), f"{order}u2").reshape(37, 53, channels)
    assert (np.cumsum(rows, 1, dtype=np.uint16) == array).all()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("order", ["<", ">"])
def test_metadata(form: str, order: str) -> None:
    data = samples.pillow(40, 24, icc_profile=ICC, exif=b"Exif\0\0" + exif(order), xmp=XMP)
    picture, info, _ = restored_file(data, form, RestoreOptions())
    assert (info.width, info.height, info.picture_bytes) == (40, 24, len(picture))
    with Image.open(io.BytesIO(picture)) as image:
        assert image.info["icc_profile"] == ICC
        assert image.info["xmp"] == XMP
        found = image.getexif()
        assert (found[274], found[271]) == (6, "Maker")
        assert found.get_ifd(34665) == {36867: "2020:01:01 00:00:00"}
        assert 513 not in found


@pytest.mark.parametrize("length", range(0, 110, 7))
def test_damaged_exif(length: int) -> None:
    """Cut anywhere, or full of bytes 0xFF: the picture is readable."""
    for blob in (exif()[:length], exif()[:8] + b"\xff" * length, exif()[:10] + b"\xff" * length):
        for form in FORMATS:
            data = samples.pillow(16, 8, exif=b"Exif\0\0" + blob)
            picture, _, _ = restored_file(data, form, RestoreOptions())
            with Image.open(io.BytesIO(picture)) as image:
                assert sorted(image.size) == [8, 16]  # Pillow rotates TIFF files


def test_attachments() -> None:
    headers = read(samples.pillow(icc_profile=bytes(200_000), xmp=b"\xff", exif=b"Exif\0\0bad")).headers
    assert attachments(headers) == Attachments(icc=bytes(200_000))
    second = headers.index(b"ICC_PROFILE\0\2")
    assert attachments(headers[: second + 12] + b"\7" + headers[second + 13 :]) == Attachments()


def test_what_a_format_cannot_hold() -> None:
    with pytest.raises(UsageError, match="webp has no pixels of 16 bits"):
        restored_file(samples.pillow(), "webp", RestoreOptions(bits=16))
    with pytest.raises(InputError, match="16383"):
        written("webp", np.zeros((1, 16384, 3), np.uint8))
