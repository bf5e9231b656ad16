"""Small pictures with what encoders spoil first."""

import io

import numpy as np
from PIL import Image, ImageDraw

from jrecomp.array_types import UInt8
from jrecomp.metrics import ms_ssim, pixels, psnr, ssimulacra2


def noisy(rows: int = 96, columns: int = 128) -> UInt8:
    """Smooth colours with noise of luma, uint8 [rows, columns, 3]."""
    y, x = np.mgrid[:rows, :columns]
    waves = [128 + 90 * np.sin(y / a + x / b) for a, b in ((9, 14), (15, 8), (21, 30))]
    noise = np.random.default_rng(1).normal(0, 6, (rows, columns, 1))
    result: UInt8 = (np.stack(waves, 2) + noise).clip(0, 255).astype(np.uint8)
    return result


def ramp(low: float, high: float) -> UInt8:
    """A gray ramp from left to right, in RGB."""
    line = np.rint(np.linspace(low, high, 256)).astype(np.uint8)
    return np.broadcast_to(line[None, :, None], (64, 256, 3)).copy()


def red_lines() -> UInt8:
    """Red lines of one pixel on gray."""
    pixels = np.full((96, 96, 3), 128, np.uint8)
    pixels[8::12, :] = pixels[:, 8::12] = (220, 20, 20)
    return pixels


def text() -> UInt8:
    """Blue text on white."""
    image = Image.new("RGB", (160, 64), "white")
    draw = ImageDraw.Draw(image)
    for row in range(4):
        draw.text((4, 4 + 14 * row), "The quick brown fox 0123", fill=(20, 20, 200))
    return np.asarray(image)


def png(pixels: UInt8, **options: object) -> bytes:
    """The pixels as a PNG file; options go to Pillow."""
    output = io.BytesIO()
    Image.fromarray(pixels).save(output, "PNG", **options)
    return output.getvalue()


def reached(data: bytes, picture: UInt8) -> dict[str, float]:
    """What a JPEG file of a picture has, by the option of encode() that aims at it."""
    decoded = pixels(data)
    return {
        "max_bytes": len(data),
        "bpp": 8 * len(data) / picture[..., 0].size,
        "min_psnr": psnr(picture, decoded),
        "min_ms_ssim": ms_ssim(picture, decoded),
        "min_ssimulacra2": ssimulacra2(picture, decoded),
    }
