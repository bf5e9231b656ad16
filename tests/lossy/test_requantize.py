"""New steps and levels: bounds, both ends, and what they cost and save."""

from typing import Any

import numpy as np
import pytest

from jrecomp import jpeg
from jrecomp.jpeg.types import JpegFile
from jrecomp.lossy import OperatingPoint, Requantized, Requantizer, load_rule, rule_names
from jrecomp.lossy.distortion import pixel_weights
from jrecomp.lossy.requantize import lambda_of
from jrecomp.metrics import pixels, psnr
from tests.jpeg import builder, samples
from tests.lossy.pictures import rebuilt

QUALITIES = [0, 10, 40, 60, 75, 95]

KINDS: dict[str, dict[str, Any]] = {
    "4:2:0": {"quality": 85},
    "4:4:4": {"quality": 95, "subsampling": 0},
    "gray": {"quality": 75, "channels": 1},
    "CMYK": {"quality": 80, "channels": 4},
    "finest": {"quality": 100, "subsampling": 1},
    "coarse": {"quality": 10},
    "coarsest": {"quality": 1, "subsampling": 0},
}


@pytest.fixture(params=KINDS, ids=KINDS.get)
def file(request: pytest.FixtureRequest) -> JpegFile:
    return jpeg.read(samples.pillow(88, 72, **KINDS[request.param]))


def sources(file: JpegFile) -> list[np.ndarray]:
    return [c.quantization for c in file.frame.components]


def entropy(new: Requantized) -> float:
    """Bits of all coefficients, each index of each component by itself."""
    bits = 0.0
    for blocks in new.coefficients:
        for k in range(64):
            counts = np.unique(blocks[..., k], return_counts=True)[1]
            bits -= (counts * np.log2(counts / counts.sum())).sum()
    return bits


def error(file: JpegFile, new: Requantized) -> float:
    """Squared error of pixels, as predicted."""
    return sum(
        float((w * (old * source - levels * steps.astype(float)) ** 2).sum())
        for w, old, source, levels, steps in zip(
            pixel_weights(file),
            file.coefficients,
            sources(file),
            new.coefficients,
            new.steps,
            strict=True,
        )
    )


@pytest.mark.parametrize("rule", rule_names())
@pytest.mark.parametrize("quality", QUALITIES)
def test_bounds(file: JpegFile, rule: str, quality: float) -> None:
    """Values move towards zero or by a step at most; DC by at most half of one."""
    new = Requantizer(file, load_rule(rule)).requantized(OperatingPoint.at(quality))
    for old, source, levels, steps in zip(
        file.coefficients, sources(file), new.coefficients, new.steps, strict=True
    ):
        assert levels.shape == old.shape
        assert levels.dtype == np.int16
        assert (steps >= source).all() and (steps <= np.maximum(255, source)).all()
        before, after = old * source, levels * steps
        assert (before * after >= 0).all()
        assert (np.abs(after) <= np.abs(before) + steps).all()
        assert (2 * np.abs(after - before)[..., 0] <= steps[0]).all()


def test_equal_tables_stay_equal(file: JpegFile) -> None:
    for quality in QUALITIES:
        new = Requantizer(file, load_rule("mse")).requantized(OperatingPoint.at(quality))
        for i, source in enumerate(sources(file)):
            for j, other in enumerate(sources(file)):
                if np.array_equal(source, other):
                    np.testing.assert_array_equal(new.steps[i], new.steps[j])


def test_source_is_not_touched(file: JpegFile) -> None:
    before = [c.copy() for c in file.coefficients], [s.copy() for s in sources(file)]
    Requantizer(file, load_rule("mse")).requantized(OperatingPoint.at(30))
    np.testing.assert_equal((file.coefficients, sources(file)), before)


@pytest.mark.parametrize("rule", rule_names())
def test_lossless_end(file: JpegFile, rule: str) -> None:
    new = Requantizer(file, load_rule(rule)).requantized(OperatingPoint.at(100))
    np.testing.assert_equal(new.steps, sources(file))
    changed = sum(int((a != b).sum()) for a, b in zip(new.coefficients, file.coefficients, strict=True))
    total = sum(c.size for c in file.coefficients)
    assert changed / total < 0.01
    for old, levels in zip(file.coefficients, new.coefficients, strict=True):
        np.testing.assert_array_equal(levels[..., 0], old[..., 0])


@pytest.mark.parametrize("kind", ["4:2:0", "4:4:4", "gray", "CMYK", "finest"])
def test_lossy_end(kind: str) -> None:
    """At quality 0 little is left."""
    file = jpeg.read(samples.pillow(120, 90, **KINDS[kind]))
    new = Requantizer(file, load_rule("mse")).requantized(OperatingPoint.at(0))
    assert entropy(new) < 0.5 * entropy(Requantized(sources(file), file.coefficients))


def test_lambda_falls_with_quality(file: JpegFile) -> None:
    lambdas = [lambda_of(file, q) for q in range(0, 101, 5)]
    assert lambdas == sorted(lambdas, reverse=True)
    finest = min(
        (w * q.astype(float) ** 2).min() for w, q in zip(pixel_weights(file), sources(file), strict=True)
    )
    assert lambdas[-1] == pytest.approx(min(0.2 * finest, 4000))


@pytest.mark.parametrize("rule", rule_names())
def test_rate_and_error_are_monotone(file: JpegFile, rule: str) -> None:
    found = [Requantizer(file, load_rule(rule)).requantized(OperatingPoint.at(q)) for q in QUALITIES]
    rates, errors = [entropy(new) for new in found], [error(file, new) for new in found]
    assert rates == sorted(rates)
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize("quality", [0, 30, 60, 90])
def test_levels_are_worth_their_bits(file: JpegFile, quality: float) -> None:
    """Error and rate together are less than those of rounding with the same steps."""
    new = Requantizer(file, load_rule("mse")).requantized(OperatingPoint.at(quality))
    rounded = [
        np.rint(old * source / steps).astype(np.int16)
        for old, source, steps in zip(file.coefficients, sources(file), new.steps, strict=True)
    ]
    plain = Requantized(new.steps, rounded)
    lmbda = lambda_of(file, quality)
    cost, plain_cost = (error(file, n) + lmbda * entropy(n) for n in (new, plain))
    assert cost <= plain_cost


@pytest.mark.parametrize("quality", [30, 60])
def test_predicted_error_is_that_of_pixels(quality: float) -> None:
    data = samples.pillow(160, 128, 1, quality=92)
    file = jpeg.read(data)
    new = Requantizer(file, load_rule("mse")).requantized(OperatingPoint.at(quality))
    made = pixels(rebuilt(file, list(new.steps), list(new.coefficients)))
    mean = error(file, new) / (160 * 128)
    assert psnr(pixels(data), made) == pytest.approx(10 * np.log10(255**2 / mean), abs=0.2)


def test_steps_of_zero_and_of_16_bits() -> None:
    """No division by zero; steps beyond 255 stay."""
    blocks = [[9, 3, -2, 7] + [0] * 60, [-9, 1, 0, 300] + [1] * 60] * 6
    table = [0, 300, 65535, 1, *range(4, 64)]
    head = (
        builder.dqt(0, table, wide=True)
        + builder.dht(0, 0, builder.DC_TABLE)
        + builder.dht(1, 0, builder.AC_TABLE)
    )
    frame = builder.sof(0xC1, 32, 24, [(1, 1)]) + builder.sos([0])
    file = jpeg.read(builder.SOI + head + frame + builder.sequential(blocks) + builder.EOI)
    assert file.frame.components[0].quantization[:3].tolist() == [0, 300, 65535]
    for quality in QUALITIES:
        steps = Requantizer(file, load_rule("mse")).requantized(OperatingPoint.at(quality)).steps[0]
        assert steps[1:3].tolist() == [300, 65535]
        assert 1 <= steps[0] <= 255
