"""Makes the golden files of a newly shipped model: `python tests/golden/make.py MODEL`.

Files that are there already are never touched: they are what later versions must decode.
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import jrecomp

FOLDER = Path(__file__).parent


def picture(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Waves, noise and shapes."""
    rows, columns = np.mgrid[:height, :width]
    waves = [120 + 90 * np.sin(rows / a + columns / b) for a, b in ((17, 23), (31, 12), (9, 40))]
    noise = np.random.default_rng(7).normal(0, 6, (height, width, 3))
    image = Image.fromarray((np.stack(waves, 2) + noise).clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.ellipse((width // 4, height // 5, width // 2, height // 2), fill=(200, 40, 30))
    draw.line((0, height, width, 0), fill=(250, 250, 240), width=3)
    return image.convert(mode)


def encoded(image: Image.Image, **options: object) -> bytes:
    """A JPEG file; options go to Pillow."""
    output = io.BytesIO()
    image.save(output, "JPEG", **options)
    return output.getvalue()


def cases() -> Iterator[tuple[str, bytes]]:
    """Names and JPEG files."""
    baseline = encoded(picture(200, 136), quality=80)
    yield "baseline_420", baseline
    yield "progressive_gray", encoded(picture(121, 83, "L"), quality=90, progressive=True)
    yield "cmyk_restarts", encoded(picture(90, 70, "CMYK"), quality=75, restart_marker_blocks=5)
    yield "quality_100_444", encoded(picture(64, 48), quality=100, subsampling=0)
    yield "optimised_422", encoded(picture(150, 50), quality=40, subsampling=1, optimize=True)
    yield "cut_in_scan", baseline[: 2 * len(baseline) // 3]
    yield "no_jpeg", b"plain text\n" * 9


def main(model: str) -> None:
    """Writes a .jpg and a .jrc for each case."""
    for name, data in cases():
        original, container = (FOLDER / f"{name}-{model}{suffix}" for suffix in (".jpg", ".jrc"))
        if not container.exists():
            original.write_bytes(data)
            container.write_bytes(jrecomp.compress(data, model=model))


if __name__ == "__main__":
    main(sys.argv[1])
