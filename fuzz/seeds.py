"""Inputs to begin with."""

import os
import random
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from itertools import product
from pathlib import Path

from jrecomp import compress
from jrecomp.errors import TargetError
from jrecomp.model import weights
from tests.jpeg.builder import (
    EOI,
    SOI,
    Whimsical,
    dnl,
    dqt,
    dri,
    gray_file,
    gray_intervals,
    progressive,
    rst,
    segment,
    sequential,
)
from tests.jpeg.samples import arithmetic, pillow, random_blocks
from tests.skeleton.samples import boxes, extended_xmp, flashpix, lines, with_segments, with_thumbnail

LARGEST = 8192
"""Largest input in bytes. Small ones are found faster."""


def write(folder: Path) -> None:
    """Write the seeds of each target to a folder of its name."""
    pictures = [data for data in (*_made(), *_found()) if len(data) <= LARGEST]
    inputs = {"jpeg": pictures, "shrink": pictures, "container": list(_containers(pictures))}
    inputs |= {"scan": list(_random()), "engine": list(_random())}
    for target, files in inputs.items():
        place = folder / target
        place.mkdir(parents=True, exist_ok=True)
        for data in files:
            (place / sha256(data).hexdigest()[:16]).write_bytes(data)


def _made() -> Iterator[bytes]:
    """JPEG files of all kinds, also damaged ones."""
    ordinary = list(_ordinary())
    yield from ordinary
    yield from (arithmetic(data) for data in ordinary)
    yield from _nested()
    yield from _odd()
    for data in ordinary[::3]:
        scan = data.rindex(b"\xff\xda") + 20
        middle = (scan + len(data)) // 2
        yield data[:middle]
        yield data[:-2]
        yield data[:middle] + bytes(9) + data[middle:]
        yield data[:middle] + rst(3) + data[middle + 5 :]
        yield data + b"trailer" + data
        yield data[:-2] + bytes(12) + EOI


def _ordinary() -> Iterator[bytes]:
    for channels, progression in product((1, 3, 4), (False, True)):
        for sampling in range(3) if channels == 3 else [0]:
            yield pillow(33, 25, channels, quality=60, subsampling=sampling, progressive=progression)
            yield pillow(17, 41, channels, quality=97, subsampling=sampling, progressive=progression)
    yield pillow(40, 40, restart_marker_blocks=1)
    yield pillow(40, 24, restart_marker_rows=1, progressive=True)
    yield pillow(24, 24, quality=40, exif=b"Exif\0\0MM\0*\0\0\0\x08" + bytes(6), comment=b"a comment")


def _odd() -> Iterator[bytes]:
    blocks = random_blocks(12)
    intervals = gray_intervals(blocks, 3)
    for markers in ([0, 1, 2], [0, 2, 1], [7, 7, 7], [1, 2, 3]):
        data = b"".join(part + rst(n) for part, n in zip(intervals, markers, strict=False)) + intervals[-1]
        yield gray_file(data, before_sos=dri(3))
    yield gray_file(sequential(blocks, "0000000"))
    yield gray_file(sequential(blocks) + dnl(24), height=0)
    yield gray_file(sequential(blocks), before_sos=dqt(0, [40000] * 64, wide=True) + segment(0xE1, b"Exif"))
    yield gray_file(sequential(random_blocks(12, largest=2000)))
    yield SOI + gray_file(sequential(blocks))[2:].replace(EOI, b"\xff\xff" + EOI)
    for seed in range(4):
        yield progressive(random_blocks(9, seed), Whimsical(seed))


def _nested() -> Iterator[bytes]:
    """Pictures inside pictures, next to each other, and as text."""
    small, main = pillow(9, 9), pillow(17, 17, progressive=True)
    yield with_thumbnail(main, small)
    yield with_thumbnail(with_thumbnail(main, small), with_thumbnail(main, small))
    yield main + bytes(40) + small + small
    yield b"text before " + main
    text = b"<xmp>" + lines(small, b"\n") + b"</xmp>" + lines(main, b"&#10;")
    for segments in (extended_xmp(text, 300), flashpix(small, 100), boxes(small, 100)):
        yield with_segments(main, *segments)


def _found() -> Iterator[bytes]:
    """Small files in $JRECOMP_DATA/odd and in the folders of $FUZZ_SEEDS."""
    folders = [Path(place) for place in os.environ.get("FUZZ_SEEDS", "").split(os.pathsep) if place]
    if data := os.environ.get("JRECOMP_DATA"):
        folders.append(Path(data, "odd"))
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        if path.is_file() and path.stat().st_size <= LARGEST:
            yield path.read_bytes()


def _containers(pictures: list[bytes]) -> Iterator[bytes]:
    for number, data in enumerate(pictures):
        yield compress(data, model="fast", threads=1)
        if number % 8 == 0:
            for model in weights.names():
                yield compress(data, model=model, threads=1)
        if number % 5 == 0:
            with suppress(TargetError):
                yield compress(data, model="fast", threads=1, quality=60)


def _random() -> Iterator[bytes]:
    chance = random.Random(1)
    for length in (0, 20, 50, 100, 200, 400):
        yield from (chance.randbytes(length) for _ in range(20))
