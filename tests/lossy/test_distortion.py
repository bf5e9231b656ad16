"""Predicted errors of pixels against those that Pillow decodes."""

import numpy as np
import pytest

from jrecomp import jpeg
from jrecomp.lossy.distortion import pixel_weights
from jrecomp.metrics import pixels
from tests.lossy.pictures import ADOBE_RGB, LAYOUTS, flat, rebuilt

AMPLITUDE = 120
"""Of a dequantized coefficient: far above the rounding of pixels, and nothing is clipped."""


@pytest.mark.parametrize("layout", [*LAYOUTS, "RGB"])
@pytest.mark.parametrize("index", [0, 1, 2, 4, 7, 13, 24, 35, 42, 63])
def test_single_coefficients(layout: str, index: int) -> None:
    """The squared error that one coefficient causes, wherever enlarging spreads it to."""
    source = flat(LAYOUTS["4:4:4"], metadata=ADOBE_RGB) if layout == "RGB" else flat(LAYOUTS[layout])
    file = jpeg.read(source)
    predicted = pixel_weights(file)
    assert [w.shape for w in predicted] == [(64,)] * len(file.frame.components)
    steps = [np.full(64, AMPLITUDE) for _ in predicted]
    for number, weights in enumerate(predicted):
        changed = [c.copy() for c in file.coefficients]
        rows, columns, _ = changed[number].shape
        changed[number][rows // 2, columns // 2, index] = 1
        error = pixels(rebuilt(file, steps, changed)).astype(float) - pixels(source)
        measured = (error**2).sum() / error.shape[2]
        assert measured == pytest.approx(weights[index] * AMPLITUDE**2, rel=0.06), f"component {number}"
