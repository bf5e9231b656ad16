"""Optimization of single pictures."""

from itertools import pairwise

import numpy as np
import pytest

from jrecomp.array_types import Int16, UInt8
from jrecomp.encoder.coefficients import Planes
from jrecomp.encoder.decoding import Decoder
from jrecomp.encoder.levels import Quantizer
from jrecomp.encoder.refine import ANCHOR, FARTHEST, STEP, Refinement, few_colours
from jrecomp.metrics import Reference
from jrecomp.native import _encode
from jrecomp.threads import Workers
from tests.encoder.test_decoding import photo

STEPS = np.linspace(12, 60, 64).astype(np.float32)


def textured(rows: int, columns: int) -> UInt8:
    """A photo of waves with a texture in one half and a drawing of two colours at its corner."""
    pixels = photo(rows, columns, 3)
    noise = np.random.default_rng(4).normal(0, 22, (rows, columns // 2, 1))
    pixels[:, : columns // 2] = np.clip(pixels[:, : columns // 2] + noise, 0, 255).astype(np.uint8)
    pixels[:32, -32:] = np.where((np.arange(32) // 3 % 2)[:, None] > 0, 230, 20)[..., None]
    return pixels


def refinement(pixels: UInt8, kept: list[UInt8], workers: Workers, alone: bool = False) -> Refinement:
    """That of a 4:2:0 picture; alone: no block is edited."""
    components = Planes.of(pixels, workers).components("420", workers)
    decoder = Decoder(pixels.shape[0], pixels.shape[1], 2, 2)
    left = [np.full(k.shape, alone) for k in kept]
    weights = [np.ones((*k.shape, 1), np.float32) for k in kept]
    quantizers = [Quantizer(STEPS, 0.1)] * 3
    return Refinement(Reference(pixels), decoder, components, quantizers, kept, left, weights, workers)


def entropy(levels: Int16) -> float:
    """Bits of the levels, each frequency by itself."""
    bits = 0.0
    for plane in levels.reshape(-1, 64).T:
        counts = np.unique(plane, return_counts=True)[1]
        bits -= float((counts * np.log2(counts / counts.sum())).sum())
    return bits


def none_kept(pixels: UInt8) -> list[UInt8]:
    rows, columns = pixels.shape[0] // 16, pixels.shape[1] // 16
    return [np.zeros((rows * f, columns * f), np.uint8) for f in (2, 1, 1)]


def test_rounds_improve_score_and_size() -> None:
    """Both at once."""
    pixels = textured(160, 192)
    with Workers(1) as workers:
        refined = refinement(pixels, none_kept(pixels), workers)
        scores, sizes = [], []
        for rounds in (0, 6):
            levels = refined.run(rounds)
            shown = refined.decoder.pixels(levels, [STEPS] * 3, workers)
            scores.append(refined.reference.score(shown))
            sizes.append(sum(entropy(level) for level in levels))
    assert sizes[1] < 0.98 * sizes[0]
    assert scores[1] > scores[0] + 1


def test_kept_coefficients_are_rounded() -> None:
    """DC of all blocks, and the first coefficients of blocks that guards keep."""
    pixels = textured(96, 96)
    kept = none_kept(pixels)
    kept[0][:, :4], kept[1][:, :2], kept[0][:, 4:6] = 63, 63, 5
    with Workers(1) as workers:
        refined = refinement(pixels, kept, workers)
        levels = refined.run(3)
    for component, level, own in zip(refined.components, levels, kept, strict=True):
        rounded = (np.sign(component) * np.floor(np.abs(component) * (1 / STEPS) + 0.5)).astype(np.int16)
        fixed = np.arange(64) <= own[..., None]
        np.testing.assert_array_equal(level[fixed], rounded[fixed])
        assert (level != rounded).any()


def test_without_edits_levels_are_the_plain_ones() -> None:
    """Without rounds, and if all blocks are left alone; but rates are those of one more iteration."""
    pixels = textured(64, 96)
    kept = none_kept(pixels)
    with Workers(1) as workers:
        refined = refinement(pixels, kept, workers, alone=True)
        for rounds in (0, 2):
            expected = [
                Quantizer(STEPS, 0.1)(c, np.ones((*k.shape, 1), np.float32), k, workers, rounds=2 + rounds)
                for c, k in zip(refined.components, kept, strict=True)
            ]
            for level, plain in zip(refined.run(rounds), expected, strict=True):
                np.testing.assert_array_equal(level, plain)


def test_threads_do_not_change_levels() -> None:
    pixels = textured(320, 64)
    found = []
    for number in (1, 2, 3):
        with Workers(number) as workers:
            refined = refinement(pixels, none_kept(pixels), workers)
            found.append(refined.run(2))
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_targets_move_as_defined() -> None:
    """One round of one block, by the formulas in NumPy."""
    random = np.random.default_rng(5)
    gradient, component, targets = (random.normal(0, 9, (1, 1, 64)).astype(np.float32) for _ in range(3))
    levels = random.integers(-3, 4, (1, 1, 64)).astype(np.int16)
    slopes, sizes = (np.empty((1, 1, 7), np.float32) for _ in range(2))
    importance = random.uniform(0.2, 3, 64).astype(np.float32)
    _encode.bands(gradient, levels, component, STEPS, importance, slopes, sizes)
    ends = np.array([0, 1, 3, 6, 10, 21, 43, 64])
    errors = (levels - component / STEPS) ** 2 * importance
    for found, values in ((slopes, (gradient * STEPS) ** 2 / importance), (sizes, errors)):
        means = [values[0, 0, a:b].mean() for a, b in pairwise(ends)]
        np.testing.assert_allclose(found[0, 0], means, rtol=1e-4)
    curvature = random.uniform(1, 20, (1, 1, 7)).astype(np.float32)
    costs = importance * np.repeat(curvature, np.diff(ends), -1)
    wanted = STEPS * (levels - gradient * STEPS / (2 * costs))
    moved = (1 - STEP) * targets + STEP * ((1 - ANCHOR) * wanted + ANCHOR * component)
    expected = np.clip(moved, component - FARTHEST * STEPS, component + FARTHEST * STEPS)
    expected[..., :6] = component[..., :6]
    fixed = np.full((1, 1), 5, np.uint8)
    limits = STEP, ANCHOR, FARTHEST
    _encode.move(gradient, levels, component, STEPS, importance, curvature, fixed, *limits, targets)
    np.testing.assert_allclose(targets, expected, rtol=1e-4, atol=1e-4)


def test_few_colours() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    pixels[8:16, 24:32] = np.arange(8, dtype=np.uint8)[:, None]
    pixels[:8, :8] = np.arange(9, dtype=np.uint8).repeat(8)[:64].reshape(8, 8)[..., None]
    expected = np.zeros((6, 6), bool)
    expected[1, 3] = expected[0, 0] = True
    expected[5], expected[:, 5] = (
        few_colours(pixels, (6, 6), 1, 1)[5],
        few_colours(pixels, (6, 6), 1, 1)[:, 5],
    )
    np.testing.assert_array_equal(few_colours(pixels, (6, 6), 1, 1), expected)
    assert few_colours(pixels, (3, 3), 2, 2)[0, :2].all()
    assert not few_colours(pixels, (3, 3), 2, 2)[1, :2].any()


@pytest.mark.parametrize("value", [0, 255, 128])
def test_flat_pictures(value: int) -> None:
    pixels = np.full((48, 32, 3), value, np.uint8)
    with Workers(1) as workers:
        refined = refinement(pixels, none_kept(pixels), workers)
        for level in refined.run(2):
            assert not level[..., 1:].any()
