"""Screens, text, tables, plots and line art, drawn from a seed, for training."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

SIDES = (200, 640)
"""Smallest and largest side of a drawing in pixels."""

Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""

CONSONANTS, VOWELS = "bcdfghklmnprstvw", "aeiou"


@dataclass(frozen=True)
class Canvas:
    """An RGB image with tools to draw on it: random numbers, and colours of paper, ink and accents."""

    image: Image.Image
    pen: ImageDraw.ImageDraw
    rng: random.Random
    paper: Colour
    ink: Colour
    accents: list[Colour]

    def accent(self) -> Colour:
        """A random accent colour."""
        return self.rng.choice(self.accents)

    def point(self, box: Box) -> tuple[int, int]:
        """A random point in a box."""
        left, top, right, bottom = box
        return self.rng.randint(left, max(left, right)), self.rng.randint(top, max(top, bottom))


Element = Callable[[Canvas, Box], None]
"""Draws one thing into a box."""


def draw(seed: int) -> Image.Image:
    """The RGB drawing of a seed; it may differ between versions of Pillow."""
    rng = random.Random(f"drawing {seed}")
    canvas = _canvas(rng)
    box = (0, 0, canvas.image.width - 1, canvas.image.height - 1)
    rng.choice([*[_screen, _page] * 4, *ELEMENTS])(canvas, box)
    return canvas.image


def _canvas(rng: random.Random) -> Canvas:
    light, dark = _gray(rng, 225, 255), _gray(rng, 0, 60)
    paper, ink = (light, dark) if rng.random() < 0.65 else (dark, light)
    image = Image.new("RGB", (rng.randint(*SIDES), rng.randint(*SIDES)), paper)
    accents = [(rng.randrange(256), rng.randrange(256), rng.randrange(256)) for _ in range(5)]
    return Canvas(image, ImageDraw.Draw(image), rng, paper, ink, accents)


def _gray(rng: random.Random, low: int, high: int) -> Colour:
    """A gray with a slight tint, or none."""
    base, tint = rng.randint(low, high), rng.choice([0, 0, 8])
    red, green, blue = (min(255, max(0, base + rng.randint(-tint, tint))) for _ in range(3))
    return red, green, blue


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _word(rng: random.Random) -> str:
    word = "".join(rng.choice(CONSONANTS) + rng.choice(VOWELS) for _ in range(rng.randint(1, 4)))
    return rng.choice([word, word, word, word.capitalize(), word + ",", word + ".", str(rng.randrange(5000))])


def _line(rng: random.Random, width: int, size: int) -> str:
    """Words that fill about `width` pixels in a font size."""
    words = [_word(rng)]
    while _font(size).getlength(" ".join(words)) < 0.85 * width:
        words.append(_word(rng))
    return " ".join(words)


def _inner(box: Box, margin: int) -> Box:
    left, top, right, bottom = box
    return left + margin, top + margin, max(left + margin, right - margin), max(top + margin, bottom - margin)


def _screen(canvas: Canvas, box: Box) -> None:
    """A desktop with one to four windows."""
    rng = canvas.rng
    _gradient(canvas, box) if rng.random() < 0.4 else canvas.pen.rectangle(box, canvas.accent())
    for _ in range(rng.randint(1, 4)):
        left, top = canvas.point((0, 0, box[2] // 2, box[3] // 2))
        right, bottom = canvas.point((left + 90, top + 90, box[2], box[3]))
        _window(canvas, (left, top, right, bottom))


def _window(canvas: Canvas, box: Box) -> None:
    rng, pen = canvas.rng, canvas.pen
    left, top, right, bottom = box
    bar = rng.randint(14, 28)
    pen.rectangle(box, canvas.paper, canvas.ink)
    pen.rectangle((left, top, right, top + bar), canvas.accent(), canvas.ink)
    pen.text((left + 6, top + 2), _word(rng), canvas.ink, _font(bar - 6))
    for number in range(3):
        x = right - (number + 1) * bar
        pen.rectangle((x + 3, top + 3, x + bar - 4, top + bar - 4), canvas.paper, canvas.ink)
    rng.choice([_paragraphs, _buttons, *ELEMENTS])(canvas, _inner((left, top + bar, right, bottom), 6))


def _page(canvas: Canvas, box: Box) -> None:
    """A headline, and up to three elements below it."""
    rng = canvas.rng
    left, top, right, bottom = _inner(box, rng.randint(4, 20))
    size = rng.randint(16, 36)
    canvas.pen.text((left, top), _line(rng, (right - left) // 2, size), canvas.ink, _font(size))
    count, top = rng.randint(1, 3), top + 2 * size
    height = (bottom - top) // count
    for number in range(count):
        part = (left, top + number * height, right, top + (number + 1) * height - 8)
        rng.choice([_paragraphs, *ELEMENTS])(canvas, part)


def _paragraphs(canvas: Canvas, box: Box) -> None:
    rng, size = canvas.rng, canvas.rng.randint(9, 20)
    left, top, right, bottom = box
    step, colour = round(size * rng.uniform(1.2, 1.6)), rng.choice([canvas.ink, canvas.ink, canvas.accent()])
    for y in range(top, bottom - step, step):
        if rng.random() < 0.9:
            share = 1.0 if rng.random() < 0.8 else rng.uniform(0.2, 0.9)
            canvas.pen.text((left, y), _line(rng, round(share * (right - left)), size), colour, _font(size))


def _buttons(canvas: Canvas, box: Box) -> None:
    rng, (left, top, right, bottom) = canvas.rng, box
    width, height, radius = rng.randint(50, 110), rng.randint(18, 34), rng.choice([0, 4, 9])
    for y in range(top, bottom - height, height + 8):
        for x in range(left, right - width, width + 8):
            place = (x, y, x + width, y + height)
            canvas.pen.rounded_rectangle(place, radius, canvas.accent(), canvas.ink)
            canvas.pen.text((x + 6, y + 3), _word(rng), canvas.paper, _font(height - 9))


def _table(canvas: Canvas, box: Box) -> None:
    rng, (left, top, right, bottom) = canvas.rng, box
    size, width = rng.randint(9, 16), rng.randint(40, 120)
    height, head = size + rng.randint(4, 12), canvas.accent()
    for row, y in enumerate(range(top, bottom - height, height)):
        for x in range(left, right - width, width):
            fill = head if row == 0 else canvas.paper
            canvas.pen.rectangle((x, y, x + width, y + height), fill, canvas.ink)
            canvas.pen.text((x + 3, y + 1), _word(rng), canvas.ink, _font(size))


def _plot(canvas: Canvas, box: Box) -> None:
    """Axes with ticks and numbers, and curves or bars."""
    rng, pen = canvas.rng, canvas.pen
    left, top, right, bottom = box[0] + 24, box[1] + 4, box[2] - 4, box[3] - 16
    pen.line([(left, top), (left, bottom), (right, bottom)], canvas.ink)
    step = rng.randint(20, 60)
    for number, x in enumerate(range(left, right, step)):
        pen.line([(x, bottom), (x, bottom + 3)], canvas.ink)
        pen.text((x - 4, bottom + 3), str(number), canvas.ink, _font(10))
    if rng.random() < 0.3:
        for x in range(left + 3, right - step // 2, step):
            high = canvas.point((x, top, x, bottom))[1]
            pen.rectangle((x, high, x + step // 2, max(high, bottom)), canvas.accent(), canvas.ink)
        return
    for _ in range(rng.randint(1, 4)):
        points = [canvas.point((x, top, x, bottom)) for x in range(left, right, rng.randint(4, 40))]
        if len(points) > 1:
            pen.line(points, canvas.accent(), rng.randint(1, 3))


def _lines(canvas: Canvas, box: Box) -> None:
    """Thin lines, arcs and ellipses in the colour of ink."""
    for _ in range(canvas.rng.randint(10, 60)):
        corners = [*canvas.point(box), *canvas.point(box)]
        left, right = sorted(corners[::2])
        top, bottom = sorted(corners[1::2])
        kind, width = canvas.rng.randrange(3), canvas.rng.randint(1, 2)
        if kind == 0:
            canvas.pen.line(corners, canvas.ink, width)
        elif kind == 1:
            canvas.pen.ellipse((left, top, right, bottom), outline=canvas.ink, width=width)
        else:
            turn = canvas.rng.randrange(360)
            canvas.pen.arc((left, top, right, bottom), turn, turn + 150, canvas.ink, width)


def _cartoon(canvas: Canvas, box: Box) -> None:
    """Flat shapes with outlines."""
    width = canvas.rng.randint(1, 4)
    for _ in range(canvas.rng.randint(5, 25)):
        points = [canvas.point(box) for _ in range(canvas.rng.randint(2, 5))]
        if len(points) == 2:
            (a, b), (c, d) = points
            oval = (min(a, c), min(b, d), max(a, c), max(b, d))
            canvas.pen.ellipse(oval, canvas.accent(), canvas.ink, width)
        else:
            canvas.pen.polygon(points, canvas.accent(), canvas.ink, width)


def _gradient(canvas: Canvas, box: Box) -> None:
    left, top, right, bottom = box
    shape = (right - left + 1, bottom - top + 1)
    ramp = Image.linear_gradient("L") if canvas.rng.random() < 0.7 else Image.radial_gradient("L")
    mask = ramp.rotate(90 * canvas.rng.randrange(4)).resize(shape)
    first, second = canvas.rng.sample(canvas.accents, 2)
    canvas.pen.rectangle(box, first)
    canvas.image.paste(second, (left, top, right + 1, bottom + 1), mask)


def _checker(canvas: Canvas, box: Box) -> None:
    left, top, right, bottom = box
    side, colour = canvas.rng.randint(1, 24), canvas.accent()
    for row, y in enumerate(range(top, bottom - side, side)):
        for x in range(left + side * (row % 2), right - side, 2 * side):
            canvas.pen.rectangle((x, y, x + side - 1, y + side - 1), colour)


ELEMENTS: list[Element] = [_table, _plot, _lines, _cartoon, _gradient, _checker]
