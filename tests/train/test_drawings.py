"""Drawings for training."""

import random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from jrecomp.train import drawings
from jrecomp.train.drawings import Box, Canvas, draw


def test_a_drawing_follows_from_its_seed() -> None:
    assert all(draw(seed).tobytes() == draw(seed).tobytes() for seed in range(12))


def test_drawings_are_varied() -> None:
    images = [draw(seed) for seed in range(60)]
    low, high = drawings.SIDES
    assert all(image.mode == "RGB" and low <= side <= high for image in images for side in image.size)
    assert len({image.tobytes() for image in images}) == len({image.size for image in images}) == 60
    brightness = [float(np.asarray(image.convert("L")).mean()) for image in images]
    assert min(brightness) < 80 and max(brightness) > 200
    assert all(len(np.unique(np.asarray(image))) > 1 for image in images)


@pytest.mark.parametrize("element", drawings.ELEMENTS)
@pytest.mark.parametrize("box", [(0, 0, 199, 199), (40, 60, 150, 170), (30, 30, 34, 34), (50, 50, 50, 50)])
def test_elements_fit_into_boxes_of_every_size(element: drawings.Element, box: Box) -> None:
    blank, changed = Image.new("RGB", (200, 200), "white"), False
    for seed in range(20):
        canvas = canvas_of(blank.copy(), random.Random(seed))
        element(canvas, box)
        changed |= canvas.image.tobytes() != blank.tobytes()
    assert changed or box[2] - box[0] < 10


def canvas_of(image: Image.Image, rng: random.Random) -> Canvas:
    pen = ImageDraw.Draw(image)
    return Canvas(image, pen, rng, (255, 255, 255), (0, 0, 0), [(200, 30, 30), (20, 20, 200)])
