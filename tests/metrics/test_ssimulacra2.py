"""SSIMULACRA2 against stored results of another program, and its gradient against finite differences."""

from importlib import import_module
from itertools import pairwise

import numpy as np
import pytest

from jrecomp.array_types import UInt8
from jrecomp.metrics import Reference, ssimulacra2
from jrecomp.metrics.ssimulacra2 import STRIP
from jrecomp.native.builds import runnable
from jrecomp.native.metrics import FORMS


def picture(rows: int, columns: int, channels: int = 3) -> UInt8:
    """Ramps, edges and texture of integers, the same everywhere."""
    y, x, c = np.ogrid[:rows, :columns, :channels]
    texture = (x * x * 3 + y * y * 5 + x * y * (2 + c)) // 16 % 64
    pixels: UInt8 = np.where((x // 24 + y // 16) % 2, x * 2 + y + 40 * c, 90 + texture).astype(np.uint8)
    return pixels


def coarse(pixels: UInt8, step: int) -> UInt8:
    """The picture with only every `step`-th value."""
    result: UInt8 = np.minimum(pixels.astype(int) // step * step + step // 2, 255).astype(np.uint8)
    return result


def smooth(pixels: UInt8) -> UInt8:
    """The picture with the mean of each sample and the one to its right."""
    result: UInt8 = ((pixels.astype(int) + np.roll(pixels, -1, 1)) // 2).astype(np.uint8)
    return result


BLACK, WHITE = (np.full((64, 80, 3), value, np.uint8) for value in (0, 255))

# Results of the package ssimulacra2 0.3.0 of PyPI.
PUBLISHED = [
    (picture(90, 110), coarse(picture(90, 110), 6), 72.95613),
    (picture(107, 301), smooth(picture(107, 301)), -43.77663),
    (picture(301, 290), coarse(picture(301, 290), 40), 13.67034),
    (picture(8, 8), coarse(picture(8, 8), 16), 94.06062),
    (picture(9, 200), smooth(picture(9, 200)), 84.5643),
    (picture(33, 17, 1), coarse(picture(33, 17, 1), 10), 92.41632),
    (picture(70, 80), picture(70, 80) ^ np.uint8(1), 92.94001),
    (picture(64, 80), 255 - picture(64, 80), -1559.49474),
    (BLACK, WHITE, 23.32789),
    (WHITE, BLACK, 15.87914),
    (BLACK, picture(64, 80), -130.58477),
    (picture(64, 80), WHITE, -125.77937),
]


@pytest.mark.parametrize(("reference", "distorted", "expected"), PUBLISHED)
def test_published_implementation(reference: UInt8, distorted: UInt8, expected: float) -> None:
    assert ssimulacra2(reference, distorted) == pytest.approx(
        expected, abs=0.001, rel=1e-4 if expected < 0 else 0
    )


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 9, 1), (8, 8, 3), (100, 3, 3), (250, 301, 1)])
@pytest.mark.parametrize("value", [0, 255])
def test_equal_pictures(shape: tuple[int, ...], value: int) -> None:
    flat = np.full(shape, value, np.uint8)
    scored = Reference(flat).gradient(flat)
    assert ssimulacra2(flat, flat) == scored.score == 100
    assert scored.gradient.shape == shape
    assert not scored.gradient.any()


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 40, 1), (7, 9, 3), (40, 1, 3)])
def test_small_pictures_are_extended(shape: tuple[int, ...]) -> None:
    original = picture(*shape)
    margins = [(0, max(8 - side, 0)) for side in shape[:2]]
    extended = [np.pad(p, [*margins, (0, 0)], "edge") for p in (original, coarse(original, 30))]
    assert ssimulacra2(original, coarse(original, 30)) == ssimulacra2(extended[0], extended[1]) < 100


@pytest.mark.parametrize("shape", [(1, 1, 1), (8, 8, 3), (90, 70, 3)])
def test_scores_of_opposites_are_numbers(shape: tuple[int, ...]) -> None:
    black, white = np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8)
    for a, b in ((black, white), (white, black)):
        scored = Reference(a).gradient(b)
        assert scored.score < 90
        assert np.isfinite(scored.gradient).all()


def test_coarser_pictures_score_lower() -> None:
    original = picture(120, 150)
    scores = [ssimulacra2(original, coarse(original, step)) for step in (1, 2, 4, 8, 16, 32, 64)]
    assert all(a > b for a, b in pairwise(scores))
    assert scores[0] == 100


def test_gray_equals_three_equal_channels() -> None:
    gray = picture(50, 60, 1)
    three, distorted = np.repeat(gray, 3, 2), coarse(gray, 20)
    assert ssimulacra2(gray, distorted) == ssimulacra2(three, np.repeat(distorted, 3, 2))


def test_floats_are_samples() -> None:
    """Whole numbers are the same samples as integers; what is outside 0 to 255 is clamped."""
    original, distorted = picture(40, 50), coarse(picture(40, 50), 20)
    reference = Reference(original)
    floats = distorted.astype(np.float32)
    assert reference.score(floats) == reference.score(distorted)
    floats[floats == floats.min()] = -30
    clamped = np.maximum(floats, 0)
    assert reference.score(floats) == reference.score(clamped) < reference.score(distorted)
    assert not reference.gradient(floats).gradient[floats < 0].any()
    floats[floats < 0] = np.nan
    assert reference.score(floats) == reference.score(clamped)


def test_shapes_must_be_equal() -> None:
    with pytest.raises(ValueError, match="shapes"):
        Reference(picture(20, 20)).score(picture(20, 21))


def test_threads_and_builds_do_not_change_results(monkeypatch: pytest.MonkeyPatch) -> None:
    original = picture(2 * STRIP + 21, 300)
    distorted = smooth(original)
    results = [Reference(original, threads).gradient(distorted) for threads in (1, 3)]
    user = import_module("jrecomp.metrics.ssimulacra2")
    for form in runnable(FORMS):
        module = import_module(f"jrecomp.native.{form}")
        for name in ("Picture", "sums", "gradient"):
            monkeypatch.setattr(user, name, getattr(module, name))
        results.append(Reference(original).gradient(distorted))
    assert len({score for score, _ in results}) == 1
    assert len({gradient.tobytes() for _, gradient in results}) == 1


@pytest.mark.parametrize("shape", [(7, 9, 3), (1, 1, 1), (23, 41, 1), (107, 290, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_gradient_against_differences(shape: tuple[int, ...], seed: int) -> None:
    """Along a direction, the score changes as the gradient tells."""
    random = np.random.default_rng(seed)
    original = picture(*shape)
    distorted = (coarse(original, 24) + random.uniform(2, 6, shape)).clip(5, 250).astype(np.float32)
    direction = random.normal(size=shape) + random.normal(size=shape[2])
    reference = Reference(original)
    slope = float((reference.gradient(distorted).gradient * direction).sum())
    step = 0.01
    ends = [reference.score((distorted + s * direction).astype(np.float32)) for s in (-step, step)]
    assert (ends[1] - ends[0]) / (2 * step) == pytest.approx(slope, rel=0.02, abs=0.01)


@pytest.mark.parametrize("place", [(0, 0), (0, 289), (106, 0), (106, 289), (47, 255), (48, 256), (60, 100)])
def test_gradient_at_single_samples(place: tuple[int, int]) -> None:
    """At corners, borders of tiles and inside."""
    original = picture(107, 290)
    distorted = (coarse(original, 24) + 0.4).clip(5, 250).astype(np.float32)
    reference = Reference(original)
    gradient = reference.gradient(distorted).gradient
    for channel in range(3):
        scores = []
        for step in (-0.5, 0.5):
            changed = distorted.copy()
            changed[(*place, channel)] += step
            scores.append(reference.score(changed))
        assert scores[1] - scores[0] == pytest.approx(gradient[(*place, channel)], rel=0.05, abs=2e-4)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [(np.zeros((9, 9, 2), np.uint8), "1 or 3 channels"), (np.zeros((9, 9, 4), np.uint8), "1 or 3 channels")],
)
def test_other_channels_are_refused(pixels: UInt8, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Reference(pixels)
