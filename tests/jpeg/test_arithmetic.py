"""Arithmetic-coded files: as libjpeg and an independent encoder write them, cut, damaged, and odd ones."""

from pathlib import Path

import numpy as np
import pytest

import jrecomp
from jrecomp.errors import StoredReason, UnsupportedJpegError
from jrecomp.jpeg import JpegFile, ScanReconstruction, read, rebuild, write
from tests.jpeg import builder, samples
from tests.jpeg.builder import EOI, rst, segment
from tests.jpeg.checks import check_cuts, exact

SOURCES = {
    "4:2:0": samples.pillow(subsampling=2),
    "4:4:4": samples.pillow(subsampling=0, quality=95),
    "gray": samples.pillow(channels=1),
    "CMYK": samples.pillow(channels=4, quality=30),
    "coarse": samples.pillow(quality=1),
    "finest": samples.pillow(quality=100, subsampling=0),
}


def jpegtran(tmp_path: Path, data: bytes, *arguments: str, script: str | None = None) -> bytes:
    return samples.run_tool(tmp_path, "jpegtran", "-copy", "all", *arguments, source=data, script=script)


def same_picture(a: JpegFile, b: JpegFile) -> None:
    """Coefficients and tables."""
    assert len(a.coefficients) == len(b.coefficients)
    for got, expected in zip(a.coefficients, b.coefficients, strict=True):
        np.testing.assert_array_equal(got, expected)
    for own, other in zip(a.frame.components, b.frame.components, strict=True):
        np.testing.assert_array_equal(own.quantization, other.quantization)


def check_plain(data: bytes, source: JpegFile) -> None:
    """Exact, with no reconstruction data, and with the coefficients of the source."""
    jpeg = exact(data)
    assert jpeg.frame.arithmetic
    assert jpeg.scans == [ScanReconstruction()] * len(jpeg.scans)
    same_picture(jpeg, source)


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("restart", [[], ["-restart", "1"], ["-restart", "3B"]], ids=["", "rows", "MCUs"])
@pytest.mark.parametrize("process", ["sequential", "progressive"])
def test_files_of_libjpeg(name: str, restart: list[str], process: str, tmp_path: Path) -> None:
    """jpegtran copies the coefficients of a Huffman-coded file, in which it clears what only pads MCUs."""
    options = [*restart, *(["-progressive"] if process == "progressive" else [])]
    data = jpegtran(tmp_path, SOURCES[name], "-arithmetic", *options)
    check_plain(data, read(jpegtran(tmp_path, SOURCES[name], "-optimize", *options)))
    assert read(data).frame.progressive == (process == "progressive")


@pytest.mark.parametrize("script", [samples.SEPARATE_SCRIPT, samples.PARTIAL_SCRIPT, samples.DEEP_SCRIPT])
def test_scan_scripts_of_libjpeg(script: str, tmp_path: Path) -> None:
    source = SOURCES["4:2:0"]
    data = jpegtran(tmp_path, source, "-arithmetic", script=script)
    check_plain(data, read(jpegtran(tmp_path, source, "-optimize", script=script)))


KINDS = {
    "sequential": samples.pillow(40, 24, subsampling=2),
    "restarts": samples.pillow(40, 24, restart_marker_blocks=2, subsampling=2),
    "progressive": samples.pillow(40, 24, progressive=True),
    "progressive restarts": samples.pillow(40, 24, progressive=True, restart_marker_blocks=2),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("dac", ["", "0000110a", "00ff013002f31001113f", "0041103f"])
def test_files_of_an_independent_encoder(name: str, dac: str) -> None:
    """With several conditionings; libjpeg has no option for them."""
    check_plain(samples.arithmetic(KINDS[name], bytes.fromhex(dac)), read(KINDS[name]))


@pytest.mark.parametrize("name", KINDS)
def test_components_that_share_statistics(name: str) -> None:
    data, apart = (samples.arithmetic(KINDS[name], bytes.fromhex("02201303"), d) for d in (0x23, None))
    assert data[data.index(sos_of(data)) + 14 :] != apart[apart.index(sos_of(apart)) + 14 :]
    check_plain(data, read(KINDS[name]))


@pytest.mark.parametrize("largest", [1, 40, 1000, 32767])
@pytest.mark.parametrize("process", ["sequential", "progressive"])
def test_blocks_at_random(largest: int, process: str) -> None:
    blocks = samples.random_blocks(40, seed=largest, largest=largest)
    source = builder.gray_file(builder.sequential([[v // 3 for v in b] for b in blocks]), 40, 64)
    if process == "progressive":
        source = builder.progressive(blocks, builder.LikeLibjpeg())
    check_plain(samples.arithmetic(source), read(source))


def test_many_blocks_in_three_bytes() -> None:
    """The decoder reads zeros for most MCUs, as libjpeg drops them at the end of the data."""
    source = builder.gray_file(builder.sequential([[0] * 64] * 1200), 320, 240)
    data = samples.arithmetic(source)
    assert len(data) - data.index(sos_of(data)) == len(sos_of(data)) + 3 + len(EOI)
    check_plain(data, read(source))


@pytest.mark.parametrize("dc", [0, 4])
def test_a_refinement_scan_that_is_dropped(dc: int) -> None:
    """All its bits are zeros, more than 64 bytes of them."""
    source = builder.progressive([[dc] + [0] * 63] * 1200, builder.LikeLibjpeg())
    data = samples.arithmetic(source)
    assert len(data.split(b"\xff\xda")[-1]) < 20
    check_plain(data, read(source))


def sos_of(data: bytes) -> bytes:
    at = data.index(b"\xff\xda")
    return data[at : at + 2 + int.from_bytes(data[at + 2 : at + 4])]


@pytest.mark.parametrize("name", KINDS)
def test_cut_anywhere(name: str) -> None:
    data = samples.arithmetic(KINDS[name])
    jpeg = check_cuts(data, data.index(sos_of(data)) + len(sos_of(data)))
    same_picture(jpeg, read(KINDS[name]))


BLOCKS = samples.random_blocks(12)
PLAIN = samples.arithmetic(builder.gray_file(builder.sequential(BLOCKS)))
RESTARTS = samples.arithmetic(
    builder.gray_file(
        b"".join(part + rst(i) for i, part in enumerate(builder.gray_intervals(BLOCKS, 3)))[:-2],
        before_sos=builder.dri(3),
    )
)


@pytest.mark.parametrize("zeros", [1, 2, 5000])
def test_zeros_that_libjpeg_drops(zeros: int) -> None:
    """T.81 D.1.8 allows an encoder to keep them."""
    jpeg = exact(PLAIN[:-2] + bytes(zeros) + EOI)
    assert jpeg.scans == [ScanReconstruction(extraneous=[(12, bytes(zeros))])]
    at = RESTARTS.index(rst(1))
    jpeg = exact(RESTARTS[:at] + bytes(zeros) + RESTARTS[at:])
    assert jpeg.scans == [ScanReconstruction(extraneous=[(6, bytes(zeros))])]
    same_picture(jpeg, read(RESTARTS))


def test_fill_and_other_bytes_before_markers() -> None:
    for extra in (b"\xff\xff", b"\0\xff", b"\0\0\x12\xff\0", b"\xff\x01"):
        at = RESTARTS.index(rst(1))
        jpeg = exact(RESTARTS[:at] + extra + RESTARTS[at:-2] + extra + b"\0" + EOI)
        same_picture(jpeg, read(RESTARTS))
        assert jpeg.scans == [ScanReconstruction(extraneous=[(6, extra), (12, extra + b"\0")])]


@pytest.mark.parametrize(
    ("old", "new", "expected_segments"),
    [
        ([0, 1, 2], [5, 6, 7], 2),
        ([0, 1, 2], [0, 0, 0], 3),
        ([0, 1, 2], [0, 3, 2], 3),
    ],
)
def test_irregular_restart_markers(old: list[int], new: list[int], expected_segments: int) -> None:
    data, at = RESTARTS, 0
    for a, b in zip(old, new, strict=True):
        at = data.index(rst(a), at)
        data = data[:at] + rst(b) + data[at + 2 :]
        at += 2
    jpeg = exact(data)
    same_picture(jpeg, read(RESTARTS))
    assert len(jpeg.scans[0].segments) == expected_segments


def test_data_after_the_last_mcu() -> None:
    jpeg = exact(PLAIN[:-2] + b"more" + EOI)
    same_picture(jpeg, read(PLAIN))
    assert jpeg.scans == [ScanReconstruction(extraneous=[(12, b"more")])]


def test_a_damaged_interval_leaves_the_others() -> None:
    begin, end = RESTARTS.index(rst(0)) + 2, RESTARTS.index(rst(1))
    data = (
        RESTARTS[:begin] + bytes(255 - b for b in RESTARTS[begin:end]).replace(b"\xff", b"") + RESTARTS[end:]
    )
    jpeg, good = exact(data).coefficients[0].reshape(-1, 64), read(RESTARTS).coefficients[0].reshape(-1, 64)
    intact = [i for i in range(12) if i // 3 != 1]
    np.testing.assert_array_equal(jpeg[intact], good[intact])


@pytest.mark.parametrize("dac", ["0001", "1000", "1040", "0540"])
def test_conditioning_that_is_not_allowed(dac: str) -> None:
    """L above U, Kx of 0 and above 63: the scan stays as bytes. A wrong destination changes nothing."""
    data = PLAIN.replace(b"\xff\xc9", segment(0xCC, bytes.fromhex(dac)) + b"\xff\xc9")
    if dac == "0540":
        same_picture(exact(data), read(PLAIN))
        return
    with pytest.raises(UnsupportedJpegError) as caught:
        read(data)
    assert caught.value.reason is StoredReason.MALFORMED
    more = data[:-2] + segment(0xCC, bytes.fromhex("00101005")) + PLAIN[PLAIN.index(b"\xff\xda") :]
    same_picture(exact(more), read(PLAIN))


@pytest.mark.parametrize("name", SOURCES)
def test_rebuilding_makes_huffman_coded_files(name: str) -> None:
    source = read(samples.arithmetic(SOURCES[name]))
    for progressive in (False, True):
        new = rebuild(
            source,
            [c.quantization for c in source.frame.components],
            source.coefficients,
            huffman="optimal",
            progressive=progressive,
        )
        again = read(write(new))
        assert not again.frame.arithmetic
        same_picture(again, source)


@pytest.mark.parametrize("model", ["default", "fast"])
def test_compressing(model: str) -> None:
    data = samples.arithmetic(samples.pillow(200, 160))
    compressed = jrecomp.compress(data, model=model)
    assert jrecomp.decompress(compressed) == data
    info = jrecomp.inspect(compressed)
    assert info.mode == "lossless"
    assert info.jpeg is not None and info.jpeg.arithmetic and info.jpeg.precision == 8


def test_shrinking() -> None:
    """Without a target the smaller file wins, here the source; with a target it is Huffman-coded."""
    data = samples.arithmetic(samples.pillow(200, 160))
    assert jrecomp.shrink(data) == data
    shrunk = read(jrecomp.shrink(data, quality=60))
    assert not shrunk.frame.arithmetic
