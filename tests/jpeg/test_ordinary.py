"""Files of common encoders: exact, with the coefficients and tables that libjpeg reads."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from jrecomp.jpeg import read, write
from tests.jpeg import samples
from tests.jpeg.checks import check

PILLOW_FILES: dict[str, dict[str, Any]] = {
    "444": {"subsampling": 0},
    "422": {"subsampling": 1},
    "420": {"subsampling": 2},
    "quality-1": {"quality": 1},
    "quality-100": {"quality": 100, "subsampling": 0},
    "optimized": {"optimize": True},
    "progressive": {"progressive": True},
    "progressive-420-quality-95": {"progressive": True, "quality": 95, "subsampling": 2},
    "gray": {"channels": 1},
    "gray-progressive": {"channels": 1, "progressive": True},
    "cmyk": {"channels": 4},
    "cmyk-progressive": {"channels": 4, "progressive": True},
    "restart-blocks": {"restart_marker_blocks": 3},
    "restart-rows-progressive": {"restart_marker_rows": 1, "progressive": True},
    "one-pixel": {"width": 1, "height": 1},
    "one-row": {"width": 200, "height": 1},
    "whole-mcus": {"width": 64, "height": 64, "subsampling": 2},
    "metadata": {"icc_profile": bytes(1000), "exif": b"Exif\0\0" + bytes(50), "comment": b"hello"},
    "wide": {"width": 2000, "height": 9, "quality": 20},
}

CJPEG_FILES: dict[str, tuple[list[str], str | None]] = {
    "440": (["-sample", "1x2"], None),
    "411": (["-sample", "4x1"], None),
    "410": (["-sample", "4x2"], None),
    "chroma-larger": (["-sample", "1x1,2x2,1x2"], None),
    "separate": ([], samples.SEPARATE_SCRIPT),
    "separate-420": (["-sample", "2x2"], samples.SEPARATE_SCRIPT),
    "partly-interleaved": (["-sample", "2x2"], samples.PARTIAL_SCRIPT),
    "partly-interleaved-restarts": (["-restart", "2B", "-sample", "2x1"], samples.PARTIAL_SCRIPT),
    "deep-progressive": (["-quality", "98"], samples.DEEP_SCRIPT),
    "deep-progressive-restarts": (["-quality", "90", "-restart", "5B"], samples.DEEP_SCRIPT),
    "16-bit-tables": (["-quality", "2"], None),
    "rgb": (["-rgb"], None),
    "optimized-restarts": (["-optimize", "-restart", "1"], None),
}


@pytest.mark.parametrize("name", PILLOW_FILES)
def test_pillow(name: str, tmp_path: Path) -> None:
    check(samples.pillow(**PILLOW_FILES[name]), tmp_path)


@pytest.mark.parametrize("name", CJPEG_FILES)
def test_cjpeg(name: str, tmp_path: Path) -> None:
    arguments, script = CJPEG_FILES[name]
    check(samples.cjpeg(tmp_path, *arguments, script=script), tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        ["-progressive"],
        ["-optimize", "-transpose"],
        ["-grayscale"],
        ["-progressive", "-restart", "1"],
        ["-crop", "32x16+16+16"],
    ],
    ids=" ".join,
)
def test_jpegtran(arguments: list[str], tmp_path: Path) -> None:
    check(samples.run_tool(tmp_path, "jpegtran", *arguments, source=samples.pillow()), tmp_path)


def test_a_gray_file_with_sampling_factors(tmp_path: Path) -> None:
    """A single component is not interleaved, whatever its factors say (T.81 A.2.2)."""
    data = samples.run_tool(
        tmp_path, "jpegtran", "-grayscale", source=samples.pillow(width=61, height=45, subsampling=2)
    )
    at = data.index(b"\xff\xc0") + 11
    data = data[:at] + b"\x22" + data[at + 1 :]
    check(data, tmp_path)


def test_the_longest_eob_runs(tmp_path: Path) -> None:
    """51200 blocks without AC coefficients: more than the 32767 of one run."""
    output = io.BytesIO()
    Image.new("L", (2048, 1600), 90).save(output, "JPEG", progressive=True)
    check(output.getvalue(), tmp_path)


def test_read_only_coefficients_can_be_written() -> None:
    data = samples.pillow()
    jpeg = read(data)
    for blocks in jpeg.coefficients:
        blocks.flags.writeable = False
    assert write(jpeg) == data


def test_adobe_marker_does_not_matter(tmp_path: Path) -> None:
    """YCCK, CMYK and four components without an Adobe marker are all the same to the core."""
    data = samples.pillow(channels=4)
    at = data.index(b"\xff\xee")
    length = int.from_bytes(data[at + 2 : at + 4]) + 2
    check(data[:at] + data[at + length :], tmp_path)
    transform = at + length - 1
    check(data[:transform] + b"\x02" + data[transform + 1 :], tmp_path)
