"""Lossy recompression end to end: targets are met, files stay standard, nothing grows."""

import io
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from shutil import which
from typing import Any

import jpegio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import jrecomp
from jrecomp import container, jpeg, rate
from jrecomp.codec import slices
from jrecomp.container import Lossy
from jrecomp.errors import (
    CorruptContainerError,
    ExitCode,
    InputError,
    JrecompError,
    TargetError,
    UnknownModelError,
    UsageError,
    VerificationError,
)
from jrecomp.metrics import ms_ssim, pixels, psnr, ssimulacra2
from jrecomp.notes import Note
from jrecomp.options import DEFAULT_TUNE, TUNES, Tune
from jrecomp.pipeline import shrink
from tests.boxes import coded, recoded
from tests.jpeg import builder, samples
from tests.lossy.pictures import ADOBE_RGB, flat

KINDS: dict[str, dict[str, Any]] = {
    "4:2:0": {},
    "4:2:2": {"subsampling": 1},
    "4:4:4": {"subsampling": 0},
    "gray": {"channels": 1},
    "CMYK": {"channels": 4},
    "progressive": {"progressive": True},
    "quality 100": {"quality": 100, "subsampling": 0},
    "quality 1": {"quality": 1},
}

FUNCTIONS: list[Callable[..., bytes]] = [jrecomp.compress, shrink]


@cache
def larger() -> bytes:
    """With enough blocks for targets to be met."""
    return samples.pillow(240, 180, quality=90)


@cache
def picture(kind: str = "4:2:0", width: int = 110, height: int = 75) -> bytes:
    return samples.pillow(width, height, **{"quality": 90} | KINDS[kind])


def decoded(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


@cache
def made(function: Callable[..., bytes], kind: str) -> bytes:
    return restored(function(picture(kind), quality=40))


def restored(result: bytes) -> bytes:
    """The JPEG file of a container, or the one that it is."""
    return result if result.startswith(b"\xff\xd8") else jrecomp.decompress(result)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"quality": 100}])
def test_without_a_target_nothing_changes(kind: str, options: dict[str, Any]) -> None:
    """The same bytes from a container, the same pixels from a shrunk file, which is the same each time."""
    data = picture(kind)
    compressed = jrecomp.compress(data, **options)
    assert jrecomp.inspect(compressed).mode == "lossless"
    assert jrecomp.inspect(compressed).quality is None
    assert jrecomp.decompress(compressed) == data
    for progressive in (False, True):
        shrunk = shrink(data, progressive=progressive, **options)
        assert len(shrunk) <= len(data)
        assert shrunk == shrink(data, progressive=progressive, **options)
        np.testing.assert_array_equal(decoded(shrunk), decoded(data))


@pytest.mark.parametrize(
    ("kind", "tune"), [*((kind, DEFAULT_TUNE) for kind in KINDS), *(("4:2:0", tune) for tune in TUNES)]
)
def test_size_and_similarity_rise_with_quality(kind: str, tune: Tune) -> None:
    data = picture(kind)
    found = [jrecomp.compress(data, quality=q, tune=tune) for q in (0, 30, 55, 80, 100)]
    sizes = [len(f) for f in found]
    similarity = [psnr(pixels(data), pixels(restored(f))) for f in found]
    assert sizes == sorted(sizes)
    assert similarity == sorted(similarity)
    assert similarity[-1] == float("inf")


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_lossy_container_says(kind: str) -> None:
    data = picture(kind)
    compressed = jrecomp.compress(data, quality=12.34)
    info = jrecomp.inspect(compressed)
    if kind == "quality 1":  # whose steps are the largest that there are
        assert (info.mode, info.quality) == ("lossless", None)
        assert compressed == jrecomp.compress(data)
        return
    assert (info.mode, info.quality) == ("lossy", 12.34)
    assert (info.original_bytes, info.compressed_bytes) == (len(data), len(compressed))
    assert info.jpeg is not None and (info.jpeg.width, info.jpeg.height) == (110, 75)
    assert jrecomp.decompress(compressed) != data
    jrecomp.verify(compressed)


@pytest.mark.parametrize("opener", ["pillow", "jpegio", "djpeg", "djxl"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_results_are_standard_files(
    function: Callable[..., bytes], kind: str, opener: str, tmp_path: Path
) -> None:
    """Other decoders open them without warnings and read the same size."""
    data = made(function, kind)
    path = tmp_path / "file.jpg"
    path.write_bytes(data)
    if opener == "pillow":
        assert decoded(data).shape[:2] == (75, 110)
    elif opener == "jpegio":
        oracle = jpegio.read(str(path))
        assert (oracle.image_width, oracle.image_height) == (110, 75)
    elif which(opener) is None:
        pytest.skip(f"{opener} is not installed")
    elif opener == "djpeg":
        result = subprocess.run(["djpeg", path], capture_output=True, check=True)
        assert result.stderr == b""
        assert b"\n110 75\n" in result.stdout[:20]
    elif kind == "CMYK" or which("cjxl") is None:
        pytest.skip("cjxl is not installed, or does not take CMYK")
    else:
        again, packed = tmp_path / "again.jpg", tmp_path / "x.jxl"
        subprocess.run(["cjxl", "--lossless_jpeg=1", path, packed], capture_output=True, check=True)
        subprocess.run(["djxl", packed, again], capture_output=True, check=True)
        assert again.read_bytes() == data


@pytest.mark.parametrize("share", [0.97, 0.9, 0.8, 0.6, 0.4])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_sizes_are_met(function: Callable[..., bytes], share: float) -> None:
    wanted, notes = int(share * len(function(larger()))), list[Note]()
    assert 0.99 * wanted <= len(function(larger(), max_bytes=wanted, on_note=notes.append)) <= wanted
    bpp = 8 * wanted / (240 * 180)
    assert 0.99 * bpp <= 8 * len(function(larger(), bpp=bpp, on_note=notes.append)) / (240 * 180) <= bpp
    assert [note.text for note in notes] == ["", ""]
    assert all(note.quality and 0 < note.quality < 100 for note in notes)


@pytest.mark.parametrize("wanted", [30, 34, 38, 42, 46])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_psnr_is_met(function: Callable[..., bytes], wanted: float) -> None:
    result = decoded(restored(function(larger(), min_psnr=wanted))).astype(float)
    measured = 10 * np.log10(255**2 / ((result - decoded(larger())) ** 2).mean())
    assert wanted <= measured <= wanted + 0.05


@pytest.mark.parametrize("wanted", [0.97, 0.99, 0.998])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_ms_ssim_is_met(function: Callable[..., bytes], wanted: float) -> None:
    made = pixels(restored(function(larger(), min_ms_ssim=wanted)))
    assert wanted <= ms_ssim(pixels(larger()), made) <= wanted + 0.0005


@pytest.mark.parametrize("wanted", [60, 75, 85])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_ssimulacra2_is_met(function: Callable[..., bytes], wanted: float) -> None:
    made = pixels(restored(function(larger(), min_ssimulacra2=wanted)))
    assert wanted <= ssimulacra2(pixels(larger()), made) <= wanted + 0.4


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    "options", [{"max_bytes": 2950}, {"min_psnr": 36}, {"min_ms_ssim": 0.98}, {"min_ssimulacra2": 60}]
)
def test_what_is_missed_is_told(
    function: Callable[..., bytes], options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If not even the nearest result is within the tolerance, the note has the results on both sides."""
    notes = list[Note]()
    function(larger(), **options, on_note=notes.append)
    monkeypatch.setattr(rate, "SIZE_TOLERANCE", 1e-9)
    monkeypatch.setattr(rate, "DISTANCE_TOLERANCE", 1e-9)
    function(larger(), **options, on_note=notes.append)
    assert notes[0].text == "" and notes[1].text.startswith("no result was found ")


def test_even_quality_0_may_be_better() -> None:
    notes = list[Note]()
    jrecomp.compress(picture(), min_psnr=5, on_note=notes.append)
    assert notes[0].quality == 0 and notes[0].text.startswith("quality 0 already has ")


@pytest.mark.parametrize(
    "options",
    [
        {"min_psnr": 90},
        {"min_psnr": 10**400},
        {"min_ms_ssim": 1},
        {"min_ssimulacra2": 100},
        {"max_bytes": 10**7},
        {"bpp": 30},
    ],
)
def test_what_the_source_meets_best_is_the_source(options: dict[str, Any]) -> None:
    data = picture()
    assert jrecomp.compress(data, **options) == jrecomp.compress(data)
    assert shrink(data, **options) == shrink(data)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("options", [{"max_bytes": 1}, {"bpp": 0.05}])
def test_sizes_that_cannot_be_met(function: Callable[..., bytes], options: dict[str, Any]) -> None:
    """The message has the smallest size, which can be had."""
    with pytest.raises(TargetError, match=r"cannot be as small as [\d,]+ bytes, only as ") as caught:
        function(picture(), **options)
    assert caught.value.exit_code == ExitCode.TARGET
    assert "\n" not in str(caught.value)
    found = re.search(r"only as ([\d,]+) bytes", str(caught.value))
    assert found is not None
    least = int(found[1].replace(",", ""))
    assert len(function(picture(), quality=0)) == least
    assert len(function(picture(), max_bytes=least)) <= least


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_the_bytes_are_that_are_too_many(function: Callable[..., bytes]) -> None:
    """Sizes of the parts of the JPEG file, and what options would leave of them."""
    data = picture()[:2] + builder.segment(0xFE, bytes(3000)) + picture()[2:] + bytes(range(256)) * 20
    with pytest.raises(TargetError) as caught:
        function(data, max_bytes=100)
    pattern = (
        r"cannot be as small as 100 bytes, only as ([\d,]+) bytes; the JPEG file has ([\d,]+) bytes of the "
        r"picture, 3,022 of metadata \(18 with strip\) and 5,120 after the picture "
        r"\(0 with strip_trailer\)"
    )
    found = re.fullmatch(pattern, str(caught.value))
    assert found is not None
    file = restored(function(data, max_bytes=int(found[1].replace(",", ""))))
    assert len(file) == int(found[2].replace(",", "")) + 3022 + 5120
    with pytest.raises(TargetError, match=r"of the picture and 18 of metadata$"):
        function(data, max_bytes=100, strip=True, strip_trailer=True)


def test_small_pictures_are_not_progressive_where_that_is_larger() -> None:
    small, large = samples.pillow(24, 16), samples.pillow(400, 300)
    for data in (small, large):
        results = [shrink(data, progressive=progressive) for progressive in (False, True)]
        assert len(results[1]) <= len(results[0])
        assert jpeg.read(results[1]).frame.progressive == (data == large)


def test_what_is_no_jpeg() -> None:
    for data in (b"", b"text", b"\xff\xd8\xff\xd9", bytes(2000)):
        compressed = jrecomp.compress(data, quality=50)
        assert jrecomp.inspect(compressed).stored_reason
        assert jrecomp.decompress(compressed) == data
        with pytest.raises(InputError, match="cannot be shrunk"):
            shrink(data)
    sizes: list[dict[str, Any]] = [{"max_bytes": 100}, {"bpp": 1000}]
    for options in sizes:
        with pytest.raises(TargetError, match="not a JPEG file"):
            jrecomp.compress(bytes(range(256)) * 4, **options)


OPTIONS: list[tuple[bytes, dict[str, Any], str]] = [
    (b"text", {"quality": 50}, "nothing was changed"),
    (b"text", {"strip": True}, "nothing was changed"),
    (b"text", {}, ""),
    (picture(), {"quality": 50}, ""),
    (picture(), {"quality": 100}, ""),
    (picture(), {"max_bytes": 10**6}, ""),
    (picture("quality 1"), {"quality": 99}, "lossless, as nothing would change"),
    (picture(), {"min_ms_ssim": 1}, "lossless, as no lossy result was found that is similar enough"),
]


@pytest.mark.parametrize(("data", "options", "text"), OPTIONS)
def test_notes(data: bytes, options: dict[str, Any], text: str) -> None:
    notes = list[Note]()
    jrecomp.compress(data, **options, on_note=notes.append)
    assert notes == [Note(50 if options == {"quality": 50} and not text else None, text)]


def test_pictures_that_cannot_be_changed() -> None:
    """Coefficients that no baseline file has: the note has the reason."""
    blocks = [[0, i % 2] + [0] * 61 + [9001] for i in range(12)]
    head = (
        builder.dqt(0, [1] * 64) + builder.dht(0, 0, builder.DC_TABLE) + builder.dht(1, 0, builder.AC_TABLE)
    )
    frame = builder.sof(0xC1, 32, 24, [(1, 1)]) + builder.sos([0])
    data = builder.SOI + head + frame + builder.sequential(blocks) + builder.EOI
    notes = list[Note]()
    jrecomp.compress(data, quality=95, on_note=notes.append)
    assert notes == [Note(None, "lossless, as the picture cannot be changed: coefficients out of range")]
    assert shrink(data, quality=95) == data


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("size", [(1, 1), (9, 1), (1, 300)])
def test_small_and_narrow_pictures(function: Callable[..., bytes], size: tuple[int, int]) -> None:
    data = samples.pillow(*size, quality=95)
    for options in ({"quality": 30}, {"min_psnr": 30}):
        result = function(data, **options)
        assert len(result) <= len(function(data))
        assert pixels(restored(result)).shape == (size[1], size[0], 3)


def tagged() -> tuple[bytes, bytes]:
    """A file with everything that cameras write, and its ICC profile of several segments."""
    profile = bytes(range(256)) * 500
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    output = io.BytesIO()
    samples.picture(64, 48).save(
        output, "JPEG", quality=90, exif=exif, icc_profile=profile, comment=b"a comment", dpi=(300, 300)
    )
    return output.getvalue(), profile


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    "options", [{}, {"quality": 100}, {"quality": 50}, {"quality": 50, "strip": True}, {"strip": True}]
)
def test_metadata(function: Callable[..., bytes], options: dict[str, Any]) -> None:
    """All of it stays, or what the looks depend on."""
    data, profile = tagged()
    with Image.open(io.BytesIO(restored(function(data, **options)))) as image:
        assert image.info["icc_profile"] == profile
        assert image.info["dpi"] == (300, 300)
        assert image.getexif()[0x0112] == 6
        kept = "strip" not in options
        assert (0x010F in image.getexif()) == kept
        assert ("comment" in image.info) == kept
        assert image.size == (64, 48)


@pytest.mark.parametrize("kind", [*KINDS, "tagged"])
def test_stripped_files(kind: str) -> None:
    """Never larger than what is not stripped."""
    data = tagged()[0] if kind == "tagged" else picture(kind)
    cases: list[dict[str, Any]] = [{}, {"quality": 60}]
    for options in cases:
        assert len(shrink(data, strip=True, **options)) <= len(shrink(data, **options))
        assert len(jrecomp.compress(data, strip=True, **options)) <= len(jrecomp.compress(data, **options))
    np.testing.assert_array_equal(decoded(shrink(data, strip=True)), decoded(data))


@pytest.mark.parametrize("process", ["sequential", "progressive"])
def test_shrink_never_makes_larger(process: str) -> None:
    data = samples.pillow(110, 75, progressive=process == "progressive", optimize=True)
    for options in ({}, {"strip": True}, {"progressive": True}, {"quality": 99}, {"min_psnr": 55}):
        assert len(shrink(data, **options)) <= len(data)
        assert len(shrink(shrink(data, **options))) <= len(data)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("options", [{}, {"quality": 50}, {"max_bytes": 2000}])
def test_only_strip_trailer_leaves_out_what_follows_the_picture(
    function: Callable[..., bytes], options: dict[str, Any]
) -> None:
    """The note says what was removed."""
    exif = Image.Exif()
    exif[0x010F] = "maker"
    data, notes = samples.pillow(110, 75, exif=exif, comment=b"words") + b"trailer" * 20, list[Note]()
    for strip, strip_trailer in product((False, True), repeat=2):
        stripping = {"strip": strip, "strip_trailer": strip_trailer}
        result = restored(function(data, **options, **stripping, on_note=notes.append))
        assert result.endswith(b"\xff\xd9" if strip_trailer else b"\xff\xd9" + b"trailer" * 20)
        assert (b"maker" in result) != strip
    after, texts = "140 bytes after the picture", [note.text for note in notes]
    assert [text.split(" (")[0] for text in texts[:2]] == ["", f"removed {after}"]
    assert re.fullmatch(r"removed \d+ bytes of metadata \(Exif, comments\)", texts[2])
    assert texts[3] == f"{texts[2]} and {after}"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_nothing_to_strip(function: Callable[..., bytes]) -> None:
    """An ICC profile may hold what looks like the end of a picture."""
    output = io.BytesIO()
    samples.picture(64, 48).save(output, "JPEG", icc_profile=b"profile \xff\xd9 profile")
    assert function(output.getvalue(), strip=True) == function(output.getvalue())


def test_stripping_keeps_the_scans() -> None:
    """A picture that could not be written anew, too: no coefficients are touched."""
    data = DAMAGED["half"]
    tagged = data[:2] + builder.segment(0xFE, b"comment") + data[2:]
    stripped = jrecomp.compress(tagged, strip=True)
    assert jrecomp.decompress(stripped) == data == shrink(tagged, strip=True)
    assert jrecomp.inspect(stripped).mode == "lossy"
    assert jrecomp.inspect(stripped).restored_bytes == len(data)


@pytest.mark.parametrize("options", [{"strip": True}, {"strip": True, "progressive": True}])
def test_truncated_files_are_not_made_larger(options: dict[str, Any]) -> None:
    data = samples.pillow(48, 40)[:-300]
    assert len(shrink(data, **options)) <= len(data)


def test_attempts_are_told() -> None:
    lines: list[str] = []
    jrecomp.compress(picture(), max_bytes=1200, on_progress=lines.append)
    assert 1 < len(lines) <= 9
    assert all(text.startswith("quality ") and text.endswith(" bytes") for text in lines)
    jrecomp.compress(picture(), on_progress=lambda text: pytest.fail(text))


def test_tunes_differ() -> None:
    made = {tune: jrecomp.compress(picture(), quality=50, tune=tune) for tune in TUNES}
    assert len(set(made.values())) == len(TUNES)
    for function in FUNCTIONS:
        with pytest.raises(UsageError, match="tune 'nonesuch' is not one of psnr, ms-ssim, ssimulacra2"):
            function(picture(), quality=50, tune="nonesuch")


def test_threads_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several slices."""
    monkeypatch.setattr(slices, "SLICE_BLOCKS", 100)
    found = {jrecomp.compress(picture(), max_bytes=1800, threads=n) for n in (1, 2, 3, 0)}
    assert len(found) == 1
    box = container.unpack(found.pop())
    assert isinstance(box, Lossy) and len(coded(box).slices) == 3


def test_16_bit_tables() -> None:
    """Gray, with steps beyond 255: they stay, and the result is no baseline file."""
    table = [300, *range(2, 65)]
    blocks = samples.random_blocks(12, largest=20)
    head = builder.dqt(0, table, wide=True) + builder.tables()[builder.tables().index(b"\xff\xc4") :]
    frame = builder.sof(0xC1, 32, 24, [(1, 1)]) + builder.sos([0])
    data = builder.SOI + head + frame + builder.sequential(blocks) + builder.EOI
    for function in FUNCTIONS:
        result = restored(function(data, quality=30))
        assert jpeg.read(result).frame.components[0].quantization[0] == 300
        assert decoded(result).shape == (24, 32)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_three_tables(function: Callable[..., bytes]) -> None:
    """Cb and Cr with steps of their own."""
    data = picture("4:4:4")
    frame = data.index(b"\xff\xc0")
    data = data[:frame] + builder.dqt(2, [3, *range(5, 68)]) + data[frame:]
    length = data.index(b"\xff\xc0") + 2
    end = length + int.from_bytes(data[length : length + 2])
    data = data[: end - 1] + b"\2" + data[end:]
    sources = [c.quantization for c in jpeg.read(data).frame.components]
    assert not np.array_equal(sources[1], sources[2])
    result = restored(function(data, quality=60))
    steps = [c.quantization for c in jpeg.read(result).frame.components]
    assert all((new >= old).all() and (new > old).any() for new, old in zip(steps, sources, strict=True))
    assert not np.array_equal(steps[1], steps[2])
    assert 25 < psnr(pixels(data), pixels(result)) < 50
    assert len(function(data, quality=60)) < len(function(data))


def flipped(data: bytes, place: float, bit: int) -> bytes:
    """With one bit of its scan changed."""
    scan = data.index(b"\xff\xda") + 14
    changed = bytearray(data)
    changed[scan + int(place * (len(data) - 2 - scan))] ^= 1 << bit
    return bytes(changed)


def damaged_restart_marker() -> bytes:
    data = bytearray(samples.pillow(110, 75, restart_marker_blocks=2))
    markers = [i for i in range(len(data) - 1) if data[i] == 0xFF and 0xD0 <= data[i + 1] <= 0xD7]
    data[markers[len(markers) // 2] + 1] ^= 1
    return bytes(data)


def without_last_scans() -> bytes:
    data = samples.pillow(110, 75, progressive=True)
    return data[: data.rindex(b"\xff\xda", 0, data.rindex(b"\xff\xda"))] + b"\xff\xd9"


DAMAGED = {
    "half": picture()[: len(picture()) // 2],
    "nearly whole": picture()[:-4],
    "restart marker": damaged_restart_marker(),
    "scans missing": without_last_scans(),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_pictures_are_not_changed(kind: str) -> None:
    """Decoders may decode them to pictures that the coefficients do not determine."""
    data = DAMAGED[kind]
    wishes: list[dict[str, Any]] = [{"quality": 40}, {"min_psnr": 40}]
    for options in wishes:
        notes = list[Note]()
        assert jrecomp.compress(data, **options, on_note=notes.append) == jrecomp.compress(data)
        assert shrink(data, **options, on_note=notes.append) == data
        assert all(note.text.startswith("lossless, as the picture cannot be changed: ") for note in notes)
    notes = list[Note]()
    assert shrink(data, on_note=notes.append) == data
    assert notes[0].text.startswith("unchanged: ")
    for function in FUNCTIONS:
        with pytest.raises(TargetError, match=r"cannot be changed: .*missing"):
            function(data, max_bytes=len(data) // 2)


@pytest.mark.parametrize("options", [{}, {"restart_marker_rows": 1}, {"progressive": True}])
@settings(max_examples=20)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_pixels_stay_whatever_bits_are_wrong(options: dict[str, Any], place: float, bit: int) -> None:
    data = flipped(samples.pillow(110, 75, **options), place, bit)
    try:
        source, shrunk = decoded(data), shrink(data)
    except (OSError, InputError):
        return
    np.testing.assert_array_equal(decoded(shrunk), source)
    assert psnr(pixels(data), pixels(shrink(data, min_psnr=40))) >= 40


def test_what_cannot_be_compared() -> None:
    """Two components, which Pillow does not take."""
    data, notes = flat([(1, 1), (1, 1)]), list[Note]()
    assert jrecomp.compress(data, min_psnr=30, on_note=notes.append) == jrecomp.compress(data)
    assert notes[0].text.startswith("lossless, as the source cannot be decoded to compare: ")


def without_jfif(data: bytes) -> bytes:
    return data[:2] + data[20:]


@pytest.mark.parametrize("options", [{}, {"strip": True}, {"progressive": True}, {"quality": 60}])
def test_metadata_behind_scans_has_no_effect(options: dict[str, Any]) -> None:
    """Decoders choose colours, orientation and profile where the first scan begins."""
    plain = without_jfif(picture("4:4:4"))
    exif = Image.Exif()
    exif[0x0112] = 6
    late = ADOBE_RGB + builder.segment(0xE1, exif.tobytes())
    result, same = shrink(plain[:-2] + late + plain[-2:], **options), shrink(plain, **options)
    np.testing.assert_array_equal(decoded(result), decoded(same))
    with Image.open(io.BytesIO(result)) as image:
        assert image.getexif().get(0x0112, 1) == 1
    assert (late in result) == (not options.get("strip"))


@pytest.mark.parametrize("options", [{}, {"quality": 60}, {"strip": True}])
def test_what_follows_a_picture_without_end_stays(options: dict[str, Any]) -> None:
    second = without_jfif(picture("4:4:4"))[:2] + ADOBE_RGB + without_jfif(picture("4:4:4"))[2:]
    data = without_jfif(picture())[:-2] + second
    for function in FUNCTIONS:
        result = restored(function(data, **options))
        assert result.endswith(second)
        if function is jrecomp.compress and "quality" not in options:  # there is nothing to strip
            assert result == data
            continue
        np.testing.assert_array_equal(decoded(result), decoded(restored(function(picture(), **options))))


@cache
def lossy_box() -> Lossy:
    box = container.unpack(jrecomp.compress(picture(), quality=40))
    assert isinstance(box, Lossy)
    return box


class TestForgedContainers:
    """Contents that no encoder writes, under a fitting checksum."""

    @pytest.fixture
    def box(self) -> Lossy:
        return lossy_box()

    def test_slices(self, box: Lossy) -> None:
        first, *others = coded(box).slices
        for position in range(0, len(first), 37):
            damaged = bytearray(first)
            damaged[position] ^= 0x10
            with pytest.raises((CorruptContainerError, VerificationError)):
                jrecomp.decompress(container.pack(recoded(box, slices=(bytes(damaged), *others))))

    @settings(max_examples=60)
    @given(data=st.data())
    def test_headers_and_reconstruction(self, data: st.DataObject) -> None:
        """Never other bytes than those of the checksum, and no other errors."""
        box = lossy_box()
        field = data.draw(st.sampled_from(["front", "reconstruction"]))
        forged = bytearray(box.front if field == "front" else coded(box).reconstruction)
        for _ in range(data.draw(st.integers(1, 3))):
            forged[data.draw(st.integers(0, len(forged) - 1))] = data.draw(st.integers(0, 255))
        changes: dict[str, Any] = {field: bytes(forged)}
        packed = container.pack(replace(box, **changes) if field == "front" else recoded(box, **changes))
        with suppress(JrecompError):
            assert jrecomp.decompress(packed) == jrecomp.decompress(container.pack(box))
        with suppress(JrecompError):
            jrecomp.inspect(packed)

    @pytest.mark.parametrize("changes", [{"mcu_rows": 0}, {"mcu_rows": 1}, {"slices": ()}])
    def test_fields(self, box: Lossy, changes: dict[str, Any]) -> None:
        with pytest.raises((CorruptContainerError, VerificationError)):
            jrecomp.decompress(container.pack(recoded(box, **changes)))

    def test_model(self, box: Lossy) -> None:
        with pytest.raises(UnknownModelError):
            jrecomp.decompress(container.pack(replace(box, model=99)))

    def test_source_and_quality_are_for_people(self, box: Lossy) -> None:
        forged = container.pack(replace(box, source=1 << 50, quality=1))
        assert jrecomp.decompress(forged) == jrecomp.decompress(container.pack(box))
        assert jrecomp.inspect(forged).original_bytes == 1 << 50
        assert jrecomp.inspect(forged).quality == 0.01


def test_pillows_limit_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's warnings about large pictures are suppressed, as jrecomp has its own limits."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    for function in FUNCTIONS:
        assert psnr(pixels(picture()), pixels(restored(function(picture(), min_psnr=34)))) >= 34


def test_without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Similarity needs it, and says so; nothing else does."""
    monkeypatch.setitem(sys.modules, "PIL.JpegImagePlugin", None)
    for function in FUNCTIONS:
        assert function(picture(), quality=50)
        with pytest.raises(UsageError, match="pillow"):
            function(picture(), min_psnr=40)
