"""Requantization by the gradient of SSIMULACRA2: smaller files of the same score, for every layout."""

import io
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from PIL import Image

import jrecomp
from jrecomp import jpeg
from jrecomp.array_types import UInt8
from jrecomp.errors import LimitError
from jrecomp.lossy import OperatingPoint, load_rule
from jrecomp.lossy.refined import RefinedRequantizer, why_plain
from jrecomp.metrics import pixels, psnr, ssimulacra2
from jrecomp.notes import Note
from jrecomp.options import Limits
from jrecomp.threads import Workers
from tests.encoder.test_refine import textured
from tests.jpeg import samples
from tests.jpeg.test_twelve_bits import PICTURE as TWELVE_BITS
from tests.lossy.pictures import ADOBE_RGB, LAYOUTS, flat

KINDS: dict[str, dict[str, Any]] = {
    "4:2:0": {"subsampling": 2},
    "4:2:2": {"subsampling": 1},
    "4:4:4": {"subsampling": 0},
    "progressive": {"progressive": True},
    "gray": {},
}


@cache
def source(kind: str = "4:2:0", rows: int = 130, columns: int = 190) -> bytes:
    picture = textured(rows, columns)
    output = io.BytesIO()
    Image.fromarray(picture[..., 0] if kind == "gray" else picture).save(
        output, "JPEG", quality=95, **KINDS[kind]
    )
    return output.getvalue()


def noted(data: bytes, **options: Any) -> tuple[bytes, str]:
    notes: list[Note] = []
    return jrecomp.shrink(data, on_note=notes.append, **options), notes[0].text


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_the_same_score_are_smaller(kind: str) -> None:
    data = source(kind)
    found = {tune: jrecomp.shrink(data, tune=tune, min_ssimulacra2=75) for tune in ("psnr", "ssimulacra2")}
    assert len(found["ssimulacra2"]) < 0.97 * len(found["psnr"])
    reference = pixels(data)
    assert 75 <= ssimulacra2(reference, pixels(found["ssimulacra2"])) < 76.5


@pytest.mark.parametrize("target", [{"max_bytes": 9000}, {"min_psnr": 36}, {"min_ms_ssim": 0.99}], ids=str)
def test_other_targets_hold(target: dict[str, Any]) -> None:
    data = source()
    for result in (
        jrecomp.shrink(data, tune="ssimulacra2", **target),
        jrecomp.compress(data, tune="ssimulacra2", **target),
    ):
        restored = result if result[:1] == b"\xff" else jrecomp.decompress(result)
        assert len(restored) < 0.9 * len(data)
        assert len(result) <= target.get("max_bytes", len(data))
        assert psnr(pixels(data), pixels(restored)) >= target.get("min_psnr", 30)


def test_quality_orders_results_and_the_best_is_the_source() -> None:
    data = source()
    found = [jrecomp.shrink(data, tune="ssimulacra2", quality=q) for q in (0, 20, 40, 60, 80, 100)]
    assert [len(f) for f in found] == sorted(len(f) for f in found)
    assert np.array_equal(pixels(found[-1]), pixels(data))


def test_threads_do_not_change_results() -> None:
    data = source(rows=600)
    one, three = (jrecomp.shrink(data, tune="ssimulacra2", quality=50, threads=n) for n in (1, 3))
    assert one == three


def test_the_reference_is_what_decoders_show() -> None:
    for kind in KINDS:
        data = source(kind)
        file = jpeg.read(data)
        with Workers(1) as workers:
            reference: UInt8 = RefinedRequantizer(file, load_rule("ms-ssim"), workers, 1)._pixels
        assert np.abs(reference.astype(int) - pixels(data)).max() <= 4  # libjpeg rounds samples, too
        assert psnr(reference, pixels(data)) > 50


def test_dc_is_only_rounded() -> None:
    file = jpeg.read(source())
    with Workers(1) as workers:
        new = RefinedRequantizer(file, load_rule("ms-ssim"), workers, 1).requantized(OperatingPoint.at(30))
    for levels, steps, old, component in zip(
        new.coefficients, new.steps, file.coefficients, file.frame.components, strict=True
    ):
        errors = levels[..., 0] * int(steps[0]) - old[..., 0].astype(int) * int(component.steps[0])
        assert np.abs(errors).max() <= steps[0] / 2


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (samples.pillow(61, 45, 4, quality=95), "colours are not YCbCr or gray"),
        (flat(LAYOUTS["4:4:4"], metadata=ADOBE_RGB), "colours are not YCbCr or gray"),
        (flat(LAYOUTS["4:1:1"]), "chroma is not of full or half size"),
        (flat([(2, 2), (1, 1), (2, 1)]), "chroma is not of full or half size"),
        (flat([(1, 1), (2, 2), (2, 2)]), "chroma is not of full or half size"),
        (flat([(3, 1), (2, 1), (2, 1)]), "chroma is not of full or half size"),
        (TWELVE_BITS, "samples have 12 bits"),
    ],
)
def test_other_pictures_get_what_ms_ssim_gives(data: bytes, reason: str) -> None:
    assert why_plain(jpeg.read(data)) == reason
    result, note = noted(data, tune="ssimulacra2", quality=50)
    assert result == jrecomp.shrink(data, tune="ms-ssim", quality=50)
    assert note.startswith(f"tuned for ms-ssim, as {reason}")


@pytest.mark.parametrize("layout", ["gray", "4:4:4", "4:2:2", "4:4:0", "4:2:0"])
@pytest.mark.parametrize("size", [(1, 1), (17, 9), (128, 64)])
def test_flat_pictures_and_small_ones(layout: str, size: tuple[int, int]) -> None:
    data = flat(LAYOUTS[layout], size)
    for quality in (0, 50):
        assert (pixels(jrecomp.shrink(data, tune="ssimulacra2", quality=quality)) == pixels(data)).all()


@pytest.mark.parametrize("seed", range(4))
def test_hostile_levels_and_steps(seed: int) -> None:
    file, random = jpeg.read(source(rows=40, columns=56)), np.random.default_rng(seed)
    for array in file.coefficients:
        array[...] = random.integers(-1023, 1024, array.shape) * (random.random(array.shape) < 0.3)
    components = [
        c._replace(quantization=random.choice([1, 16, 255, 65535], 64).astype(np.int32))
        for c in file.frame.components
    ]
    hostile = replace(file, frame=file.frame._replace(components=tuple(components)))
    with Workers(1) as workers:
        picture = RefinedRequantizer(hostile, load_rule("ms-ssim"), workers, 1)
        for quality in (0, 60, 99):
            new = picture.requantized(OperatingPoint.at(quality))
            assert all(np.abs(levels.astype(int)).max() <= 2048 for levels in new.coefficients)


def test_memory_is_limited() -> None:
    with pytest.raises(LimitError):
        jrecomp.shrink(source(), tune="ssimulacra2", quality=50, limits=Limits(max_memory=1_500_000))
    assert jrecomp.shrink(source(), quality=50, limits=Limits(max_memory=1_500_000))
