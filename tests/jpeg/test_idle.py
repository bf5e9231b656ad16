"""Repeated bytes at the end of scans, which take the place of lost data."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

import jrecomp
from jrecomp import jpeg
from jrecomp.jpeg.scans import idle_from

OPTIONS: dict[str, dict[str, Any]] = {
    "typical": {"subsampling": 2},
    "optimised": {"subsampling": 0, "optimize": True},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 5},
}
FILLS = [b"\0", b"\x55", b"\xff\0", b"\x33\xcc\x5a\xa5"]


def picture(name: str) -> bytes:
    rng = np.random.default_rng(2)
    small = Image.fromarray(rng.integers(0, 256, (24, 32, 3), np.uint8))
    output = io.BytesIO()
    small.resize((384, 256), Image.Resampling.BICUBIC).save(output, "jpeg", quality=85, **OPTIONS[name])
    return output.getvalue()


def cut_and_filled(data: bytes, percent: int, fill: bytes) -> tuple[bytes, bytes]:
    """The file up to somewhere, and with the rest of the file replaced, both with EOI."""
    at = len(data) * percent // 100
    while data[at - 1] in fill:
        at -= 1
    rest = len(data) - 2 - at
    return data[:at] + b"\xff\xd9", data[:at] + (fill * rest)[:rest] + b"\xff\xd9"


@pytest.mark.parametrize(
    ("data", "idle"),
    [
        (bytes(range(256)) + bytes(300), 300),
        (bytes(range(256)) + bytes(255), 0),
        (bytes(range(256)) + bytes(256), 256),
        (b"\1" + b"\xff\0" * 150, 300),
        (b"ab" + b"xyzt" * 100 + b"xy", 402),
        (b"\0" * 300, 300),
        (b"\0" * 300 + b"\1", 0),
        (b"abc" * 200, 0),
        (b"", 0),
    ],
    ids=range(9),
)
def test_where_they_begin(data: bytes, idle: int) -> None:
    for before, after in ((b"", b""), (b"..", b"\0\0")):
        end = len(before) + len(data)
        assert idle_from(before + data + after, len(before), end) == end - idle


@pytest.mark.parametrize("fill", FILLS, ids=bytes.hex)
@pytest.mark.parametrize("name", OPTIONS)
def test_files_without_them_are_exact(name: str, fill: bytes) -> None:
    whole = picture(name)
    for percent in (15, 60, 90):
        cut, filled = cut_and_filled(whole, percent, fill)
        short, less = jpeg.read(cut), jpeg.read(filled, idle=False)
        assert jpeg.write(less) == filled
        assert all(map(np.array_equal, less.coefficients, short.coefficients))


@pytest.mark.parametrize("name", OPTIONS)
def test_undamaged_files_have_none(name: str) -> None:
    assert jpeg.read(picture(name), idle=False).scans == jpeg.read(picture(name)).scans


@pytest.mark.parametrize("model", ["default", "fast"])
@pytest.mark.parametrize("fill", FILLS, ids=bytes.hex)
@pytest.mark.parametrize("name", OPTIONS)
def test_they_cost_nearly_nothing(name: str, fill: bytes, model: str) -> None:
    """The container is hardly larger than that of the file cut where they begin."""
    cut, filled = cut_and_filled(picture(name), 60, fill)
    sizes = [len(jrecomp.compress(data, model=model)) for data in (cut, filled)]
    assert sizes[1] <= sizes[0] + max(80, len(filled) // 100)
