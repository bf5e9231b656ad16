"""Compression with a plain DCT in floating-point numbers, independent of the package."""

import numpy as np
from PIL import Image

from jrecomp.array_types import Float64, Int16
from jrecomp.jpeg.types import JpegFile
from jrecomp.restoration.transform import natural

BASIS = np.array(
    [
        [np.sqrt((1 if u == 0 else 2) / 8) * np.cos((2 * x + 1) * u * np.pi / 16) for x in range(8)]
        for u in range(8)
    ]
)

TO_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]]
)


def coefficients(plane: Float64) -> Float64:
    """Of whole blocks of samples, [rows, columns, 8, 8]."""
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    blocks = plane[: 8 * rows, : 8 * columns].reshape(rows, 8, columns, 8).swapaxes(1, 2)
    return np.asarray(BASIS @ blocks @ BASIS.T)


def changed(file: JpegFile, pixels: Float64, ycc: bool) -> tuple[int, int]:
    """How many levels differ after compression of pixels [rows, columns, channels], and of how many.

    Samples are averages of pixels, without rounding. Blocks that are partly outside the picture are left out.
    """
    frame = file.frame
    samples = np.moveaxis(pixels, -1, 0) - 2.0 ** (frame.precision - 1)
    if ycc:
        samples = np.tensordot(TO_YCC, samples, 1)
    highest = max(c.vertical for c in frame.components), max(c.horizontal for c in frame.components)
    different = number = 0
    for component, plane, levels in zip(frame.components, samples, file.coefficients, strict=True):
        down, across = highest[0] // component.vertical, highest[1] // component.horizontal
        rows, columns = frame.height // (8 * down), frame.width // (8 * across)
        inside = plane[: 8 * down * rows, : 8 * across * columns]
        mean = inside.reshape(8 * rows, down, 8 * columns, across).mean((1, 3))
        steps = natural(component.steps.astype(np.int32))
        found = np.rint(coefficients(mean) / steps)
        different += int((found != natural(levels[:rows, :columns])).sum())
        number += found.size
    return different, number


def psnr(a: Float64, b: Float64) -> float:
    return float(10 * np.log10(255**2 / ((a - b) ** 2).mean()))


def levels_of(image: Image.Image, like: JpegFile) -> list[Int16]:
    """The coefficients of a picture that libjpeg compresses with the tables and the sampling of a file."""
    import io

    from jrecomp import jpeg

    tables = [component.quantization.tolist() for component in like.frame.components]
    factors = [(component.horizontal, component.vertical) for component in like.frame.components]
    names = {((2, 2), (1, 1), (1, 1)): "4:2:0", ((2, 1), (1, 1), (1, 1)): "4:2:2"}
    output = io.BytesIO()
    options = {} if len(factors) == 1 else {"subsampling": names.get(tuple(factors), "4:4:4")}  # type: ignore[call-overload]
    natural_tables = [natural(np.array(table, np.int32)).reshape(64).tolist() for table in tables[:2]]
    image.save(output, "JPEG", qtables=natural_tables, **options)
    return jpeg.read(output.getvalue()).coefficients
