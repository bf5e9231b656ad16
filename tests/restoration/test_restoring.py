"""Restored pictures of every kind of file: the promise by other compressors, and what is refused."""

import io
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

import jrecomp
from jrecomp import container, jpeg
from jrecomp.container import Lossless, Restorable
from jrecomp.errors import InputError, LimitError, UsageError
from jrecomp.jpeg.markers import segments, without
from jrecomp.notes import Note
from jrecomp.options import RESTORERS, Limits
from jrecomp.restoration import METHODS, expectation
from jrecomp.restoring import DEFAULT_METHOD
from jrecomp.t81 import DQT
from tests.jpeg import builder, samples
from tests.jpeg.samples import picture
from tests.jpeg.test_twelve_bits import PICTURE as TWELVE_BITS
from tests.jpeg.test_twelve_bits import file_of
from tests.jpeg.test_twelve_bits import picture as blocks_of_12_bits
from tests.restoration import oracle


def restored(data: bytes, **options: Any) -> tuple[Any, str]:
    notes = list[Note]()
    pixels = jrecomp.restore(data, **options, on_note=notes.append)
    assert len(notes) == 1
    return pixels, notes[0].text


def plain(data: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(data))).astype(np.float64)


KINDS: dict[str, dict[str, Any]] = {
    "4:2:0": {"subsampling": "4:2:0"},
    "4:2:2": {"subsampling": "4:2:2"},
    "4:4:4": {"subsampling": "4:4:4"},
    "gray": {"channels": 1},
    "progressive": {"progressive": True},
    "coarse": {"quality": 20},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bits", [8, 16])
def test_the_promise(kind: str, bits: int) -> None:
    """The coefficients come back as told, by a plain DCT for 16 bits and by libjpeg for 8 bits."""
    data = samples.pillow(77, 59, **{"quality": 75} | KINDS[kind])
    file = jpeg.read(data)
    pixels, note = restored(data, bits=bits)
    assert pixels.dtype == (np.uint8 if bits == 8 else np.uint16)
    if bits == 8:
        changed, number = oracle.compressed_again(file, pixels)
        told = int(note.split("changes ")[1].split()[0]) if note else 0
        assert changed <= told <= max(2 * changed, number // 1000)
        return
    channels = pixels.reshape(59, 77, -1) / 257
    changed, number = oracle.changed(file, channels, channels.shape[2] == 3)
    assert (f"{changed:,} of {number:,} coefficients" in note) if changed else not note


@pytest.mark.parametrize("quality", [10, 50, 75, 90, 95])
def test_pixels_are_better(quality: int) -> None:
    """Than those of libjpeg, for a picture with edges, waves and a flat part."""
    truth = np.asarray(picture(160, 120, noise=2))
    data = samples_of(truth, quality)
    pixels, _ = restored(data)
    assert oracle.psnr(pixels, truth) > oracle.psnr(plain(data), truth)


def samples_of(pixels: Any, quality: int) -> bytes:
    output = io.BytesIO()
    Image.fromarray(pixels).save(output, "JPEG", quality=quality)
    return output.getvalue()


def test_strength() -> None:
    """0 is plain decoding, up to rounding; between 0 and 1 is between."""
    data = samples.pillow(64, 48, 1, quality=30)
    none, half, full = (jrecomp.restore(data, bits=16, strength=s).astype(int) for s in (0, 0.5, 1))
    assert np.abs(none / 257 - plain(data)).max() <= 1
    assert np.abs(none + full - 2 * half).max() <= 40
    assert np.abs(full - none).max() > 257


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_colours_are_those_of_pillow(channels: int) -> None:
    data = samples.pillow(64, 48, channels, quality=92)
    pixels, _ = restored(data)
    assert pixels.shape == ((48, 64) if channels == 1 else (48, 64, channels))
    assert np.abs(pixels - plain(data)).mean() < 4


def test_odd_factors() -> None:
    """Of 3 and 4, and such that no component has all samples; fractions of pixels are refused."""
    blocks = samples.random_blocks(40, seed=1, largest=12)
    kinds = [[(1, 1)] * 3, [(4, 1), (1, 1), (1, 1)], [(1, 3), (1, 1), (1, 1)], [(2, 2), (2, 1), (1, 2)]]
    for factors in kinds:
        width, height = 8 * max(h for h, _ in factors) * 2, 8 * max(v for _, v in factors) * 2
        data = (
            builder.SOI
            + builder.tables()
            + builder.sof(0xC0, width, height, factors)
            + builder.sos([0, 1, 2])
        )
        data += interleaved(blocks, factors) + builder.EOI
        pixels, note = restored(data, bits=16)
        assert pixels.shape == (height, width, 3)
        changed, number = oracle.changed(jpeg.read(data), pixels / 257, True)
        assert (f"{changed:,} of {number:,}" in note) if changed else not note
    data = builder.SOI + builder.tables() + builder.sof(0xC0, 48, 16, [(3, 1), (2, 1), (1, 1)])
    data += builder.sos([0, 1, 2]) + interleaved(blocks, [(3, 1), (2, 1), (1, 1)]) + builder.EOI
    with pytest.raises(InputError, match="sampling factors"):
        jrecomp.restore(data)


def test_rgb() -> None:
    """The identifiers of the components tell it; then there is no transform, and 8-bit pixels are samples."""
    image = picture(64, 48)
    data = cjpeg_rgb(image)
    file = jpeg.read(data)
    pixels, note = restored(data, bits=16)
    changed, number = oracle.changed(file, pixels / 257, False)
    assert (f"{changed:,} of {number:,}" in note) if changed else not note
    assert np.abs(jrecomp.restore(data) - plain(data)).mean() < 3


def cjpeg_rgb(image: Image.Image) -> bytes:
    output = io.BytesIO()
    image.save(output, "JPEG", quality=80, keep_rgb=True)
    return output.getvalue()


def test_twelve_bits() -> None:
    """Also with values beyond the range of samples."""
    mild = file_of([[v // 8 for v in block] for block in blocks_of_12_bits()], 96, 64, range(1, 65))
    for data in (mild, TWELVE_BITS):
        pixels, note = restored(data, bits=16)
        assert pixels.shape == (64, 96)
        scaled = pixels.reshape(64, 96, 1) * (4095 / 65535)
        changed, number = oracle.changed(jpeg.read(data), scaled, False)
        assert (f"{changed:,} of {number:,}" in note) if changed else not note
    rounded, note = restored(mild)
    assert np.abs(rounded - jrecomp.restore(mild, bits=16) / 257).max() < 2
    assert note == "8-bit pixels do not keep the coefficients of 12-bit files (16-bit pixels do)"


def test_containers_and_threads() -> None:
    data = samples.pillow(200, 150)
    expected = jrecomp.restore(data)
    assert (jrecomp.restore(jrecomp.compress(data), threads=1) == expected).all()
    assert (jrecomp.restore(samples.arithmetic(data)) == expected).all()
    assert (jrecomp.restore(samples.pillow(200, 150, progressive=True), threads=3) == expected).all()


def test_methods_have_numbers() -> None:
    assert sorted(RESTORERS) == sorted(METHODS)
    assert len(set(RESTORERS.values())) == len(RESTORERS)


def named(data: bytes, restorer: int) -> bytes:
    """A container of a JPEG file that names a restorer."""
    box = container.unpack(jrecomp.compress(data))
    assert isinstance(box, Lossless)
    return container.pack(Restorable(**vars(box), restorer=restorer))


def test_containers_name_the_method(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is used if no other is asked for; an unknown one is told, and the default is used."""
    data = samples.pillow()
    expected = restored(data)
    plain = {"plain": expectation.centres, **METHODS}
    monkeypatch.setattr("jrecomp.restoration.decode.METHODS", plain)
    monkeypatch.setattr("jrecomp.restoring.METHODS", plain)
    monkeypatch.setitem(cast(dict[str, int], RESTORERS), "plain", 77)
    for restorer, options, wanted in (
        (77, {}, {"method": "plain"}),
        (77, {"method": DEFAULT_METHOD}, {}),
        (RESTORERS[DEFAULT_METHOD], {}, {}),
    ):
        pixels, note = restored(named(data, restorer), **options)
        same, same_note = restored(data, **wanted)
        assert (pixels == same).all() and note == same_note
    assert (restored(data, method="plain")[0] != expected[0]).any()
    pixels, note = restored(named(data, 78))
    assert (pixels == expected[0]).all()
    assert note.startswith(f"restored by {DEFAULT_METHOD}, as its likeness was measured by restorer 78,")
    assert jrecomp.inspect(named(data, 77)).restorer == "plain"
    assert jrecomp.decompress(named(data, 78)) == jrecomp.salvage(named(data, 78)) == data


def test_damaged_pictures_are_decoded_only() -> None:
    data = samples.pillow(200, 150)
    pixels, note = restored(data[: len(data) * 2 // 3])
    assert note == "decoded only, as parts of the picture are damaged or missing"
    assert (pixels[:16] == jrecomp.restore(data, strength=0)[:16]).all()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a JPEG file"),
        (b"text", "not a JPEG file"),
        (jrecomp.compress(b"text"), "not a JPEG file"),
        (samples.pillow()[:300], "cannot be restored"),
    ],
)
def test_what_is_no_picture(data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        jrecomp.restore(data)


def test_missing_tables() -> None:
    data = samples.pillow()
    tables = [code for code, _ in segments(jpeg.read(data).headers) if code == DQT]
    assert tables
    headers = jpeg.read(data).headers
    scan = data[len(headers) - 2 : -2]
    with pytest.raises(InputError, match="no quantization tables"):
        jrecomp.restore(without(headers[:-2], lambda code, _: code == DQT) + scan + b"\xff\xd9")


@pytest.mark.parametrize(
    "options", [{"method": "magic"}, {"bits": 12}, {"strength": 1.1}, {"strength": -1}, {"threads": -1}]
)
def test_wrong_options(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        jrecomp.restore(samples.pillow(), **options)
    wrong: dict[str, Any] = dict.fromkeys(options, b"")
    with pytest.raises(TypeError):
        jrecomp.restore(samples.pillow(), **wrong)


@pytest.mark.parametrize("limits", [Limits(max_pixels=1000), Limits(max_memory=50_000)])
def test_limits(limits: Limits) -> None:
    with pytest.raises(LimitError):
        jrecomp.restore(samples.pillow(), limits=limits)


@pytest.mark.parametrize("seed", range(6))
def test_hostile_levels_and_steps(seed: int) -> None:
    """The largest that a file can hold: no error, and what cannot come back is told."""
    rng = np.random.default_rng(seed)
    blocks = [[int(v) for v in rng.integers(-1023, 1024, 64)] for _ in range(12)]
    steps = [int(v) for v in rng.integers(1, 65536, 64)]
    data = builder.SOI + builder.dqt(0, steps, wide=True) + builder.dht(0, 0, builder.DC_TABLE)
    data += builder.dht(1, 0, builder.AC_TABLE) + builder.sof(0xC1, 32, 24, [(1, 1)]) + builder.sos([0])
    data += builder.sequential(blocks) + builder.EOI
    for bits in (8, 16):
        _, note = restored(data, bits=bits)
        assert "coefficients" in note


def interleaved(blocks: list[list[int]], factors: list[tuple[int, int]]) -> bytes:
    """A scan of four MCUs with predictions of DC by component."""
    bits = builder.Bits()
    prediction, place = [0] * len(factors), 0
    for _ in range(4):
        for component, (h, v) in enumerate(factors):
            for _ in range(h * v):
                block = blocks[place]
                builder.put_sequential(bits, block, prediction[component])
                prediction[component], place = block[0], place + 1
    return bits.data()
