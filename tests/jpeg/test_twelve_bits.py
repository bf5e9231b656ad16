"""Files of 12 bits per sample: exact, modelled by every kind of model, changed within their own ranges."""

from collections.abc import Sequence

import numpy as np
import pytest

import jrecomp
from jrecomp import codec
from jrecomp.codec.engines import ENGINES
from jrecomp.errors import StoredReason, UnsupportedJpegError
from jrecomp.jpeg import JpegFile, read, rebuild, write
from jrecomp.lossy.requantize import lambda_of
from jrecomp.model.weights import load, names
from jrecomp.notes import Note
from tests.jpeg import builder, samples
from tests.jpeg.builder import EOI, SOI, Block, dht, dqt, gray_file, sof, sos
from tests.jpeg.checks import exact

STEPS = range(300, 364)


def file_of(blocks: Sequence[Block], width: int, height: int, steps: Sequence[int] = STEPS) -> bytes:
    """A sequential file of one component."""
    data = SOI + dqt(0, steps, wide=True) + dht(0, 0, builder.DC_TABLE) + dht(1, 0, builder.AC_TABLE)
    return data + sof(0xC1, width, height, [(1, 1)], 12) + sos([0]) + builder.sequential(blocks) + EOI


def picture(seed: int = 1) -> list[Block]:
    """Blocks with the range of 12 bits and few high frequencies."""
    rng = np.random.default_rng(seed)
    blocks = np.rint(rng.laplace(0, 1, (96, 64)) * 4000 * np.exp(-np.arange(64) / 4)).clip(-16383, 16383)
    return [[int(v) for v in block] for block in blocks]


PICTURE = file_of(picture(), 96, 64, range(1, 65))
EXTREMES = [
    [32767, *[-32767, 32767, 0] * 21],
    [1, *[32767] * 63],
    [-32766, *[-32767] * 63],
    [0, 16384, *[0] * 62],
]


@pytest.mark.parametrize("name", ["sequential", "progressive", "arithmetic", "arithmetic progressive"])
def test_exact(name: str) -> None:
    """Any sizes of values; the largest magnitudes of valid files are 32767 for differences of DC."""
    blocks = samples.random_blocks(40, seed=5, largest=16000)
    data = file_of(blocks, 320, 8)
    if "progressive" in name:
        data = builder.progressive(blocks, builder.LikeLibjpeg()).replace(
            sof(0xC2, 320, 8, [(1, 1)]), sof(0xC2, 320, 8, [(1, 1)], 12)
        )
    jpeg = exact(samples.arithmetic(data) if "arithmetic" in name else data)
    assert jpeg.coefficients[0].reshape(-1, 64).tolist() == blocks
    assert (jpeg.frame.precision, jpeg.frame.arithmetic) == (12, "arithmetic" in name)
    assert not any(scan.segments for scan in jpeg.scans)


@pytest.mark.parametrize("model", names())
@pytest.mark.parametrize("name", ["picture", "extremes"])
def test_every_model(model: str, name: str) -> None:
    data = PICTURE if name == "picture" else file_of(EXTREMES, 16, 16)
    jpeg, kind = exact(data), load(model)
    encoded = codec.encode(jpeg, kind)
    for engine in {"numpy", "native"} & set(ENGINES[kind.kind]):
        assert codec.encode(jpeg, kind, engine=engine) == encoded
        decoded = codec.decode(jpeg.frame, encoded, kind, engine=engine)
        np.testing.assert_array_equal(decoded[0], jpeg.coefficients[0])
    assert jrecomp.decompress(jrecomp.compress(data, model=model)) == data


def test_info() -> None:
    info = jrecomp.inspect(jrecomp.compress(PICTURE))
    assert info.mode == "lossless"
    assert info.jpeg is not None and info.jpeg.precision == 12 and not info.jpeg.arithmetic


def again(jpeg: JpegFile, progressive: bool) -> JpegFile:
    steps = [c.quantization for c in jpeg.frame.components]
    new = rebuild(jpeg, steps, jpeg.coefficients, huffman="typical", progressive=progressive)
    return exact(write(new))


@pytest.mark.parametrize("progressive", [False, True])
def test_rebuilt_files_keep_12_bits(progressive: bool) -> None:
    """With every value that 12 bits can need: DC to 16384, differences of 32767, AC to 16383."""
    blocks = [[-16384, *[16383] * 63], [16383, *[-16383] * 63], [0] * 64, [0, 1, *[0] * 61, -16383]]
    jpeg = read(file_of(blocks, 32, 8))
    new = again(jpeg, progressive)
    assert new.frame.precision == 12 and new.frame.progressive == progressive
    np.testing.assert_array_equal(new.coefficients[0], jpeg.coefficients[0])
    assert new.frame.components[0].quantization.tolist() == list(STEPS)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("value", [16384, -16384])
def test_what_no_file_of_12_bits_has_is_refused(value: int, progressive: bool) -> None:
    jpeg = read(file_of([[0, value, *[0] * 62]], 8, 8))
    with pytest.raises(UnsupportedJpegError) as caught:
        again(jpeg, progressive)
    assert caught.value.reason is StoredReason.OUT_OF_RANGE


def test_lossy_results_have_the_scale_of_8_bits() -> None:
    """A picture of 12 bits, and one of 8 bits with the same coefficients and a 16th of the steps."""
    rng = np.random.default_rng(2)
    blocks = np.rint(rng.laplace(0, 1, (96, 64)) * 60 * np.exp(-np.arange(64) / 8)).astype(int).tolist()
    narrow = gray_file(builder.sequential(blocks), 96, 64).replace(dqt(0, range(1, 65)), dqt(0, [5] * 64))
    wide = file_of(blocks, 96, 64, [80] * 64)
    for quality in (20, 60):
        assert lambda_of(read(narrow), quality) == lambda_of(read(wide), quality)
        small, large = (read(jrecomp.shrink(data, quality=quality)).frame for data in (narrow, wide))
        assert (small.precision, large.precision) == (8, 12)
        steps = [frame.components[0].quantization for frame in (small, large)]
        assert abs(16 * steps[0] - steps[1]).max() <= 8  # of 16 in a rounded step


def test_shrinking_without_loss() -> None:
    shrunk = read(jrecomp.shrink(PICTURE))
    assert shrunk.frame.precision == 12
    np.testing.assert_array_equal(shrunk.coefficients[0], read(PICTURE).coefficients[0])


def test_metrics_need_pixels() -> None:
    """Pillow does not decode 12 bits. The source stays, with a note."""
    notes: list[Note] = []
    assert jrecomp.decompress(jrecomp.compress(PICTURE, min_psnr=40, on_note=notes.append)) == PICTURE
    assert "cannot be decoded to compare" in notes[0].text
