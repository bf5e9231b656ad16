"""Compression with a plain DCT in floating-point numbers, independent of the package."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from jrecomp import jpeg
from jrecomp.array_types import Float64, Int16
from jrecomp.jpeg.types import JpegFile
from jrecomp.t81 import PLACES

BASIS: Float64 = np.array(
    [
        [np.sqrt((1 if u == 0 else 2) / 8) * np.cos((2 * x + 1) * u * np.pi / 16) for x in range(8)]
        for u in range(8)
    ]
)

TO_YCC: Float64 = np.array(
    [[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]]
)


def coefficients(plane: Float64) -> Float64:
    """Of whole blocks of samples, [rows, columns, 8, 8]."""
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    blocks = plane.reshape(rows, 8, columns, 8).swapaxes(1, 2)
    return np.asarray(BASIS @ blocks @ BASIS.T)


def samples(parts: Float64) -> Float64:
    """The inverse of coefficients()."""
    rows, columns = parts.shape[:2]
    return np.asarray((BASIS.T @ parts @ BASIS).swapaxes(1, 2)).reshape(8 * rows, 8 * columns)


def natural(zigzag: npt.NDArray[np.signedinteger]) -> Float64:
    out = np.zeros((*zigzag.shape[:-1], 8, 8))
    for index, (row, column) in enumerate(PLACES):
        out[..., row, column] = zigzag[..., index]
    return out


def changed(file: JpegFile, pixels: Float64, ycc: bool) -> tuple[int, int]:
    """How many levels differ after compression of pixels [rows, columns, channels], and of how many.

    pixels: in the range of the file's samples. Samples are averages of pixels, without rounding. Blocks that
    are partly outside the picture are left out.
    """
    frame = file.frame
    planes = np.moveaxis(pixels, -1, 0) - 2.0 ** (frame.precision - 1)
    if ycc:
        planes = np.concatenate([np.tensordot(TO_YCC, planes[:3], 1), planes[3:]])
    highest = max(c.vertical for c in frame.components), max(c.horizontal for c in frame.components)
    different = number = 0
    for component, plane, levels in zip(frame.components, planes, file.coefficients, strict=True):
        down, across = highest[0] // component.vertical, highest[1] // component.horizontal
        rows, columns = frame.height // (8 * down), frame.width // (8 * across)
        inside = plane[: 8 * down * rows, : 8 * across * columns]
        mean = inside.reshape(8 * rows, down, 8 * columns, across).mean((1, 3))
        found = np.rint(coefficients(mean) / natural(component.steps))
        different += int((found != natural(levels[:rows, :columns])).sum())
        number += found.size
    return different, number


SAMPLINGS: dict[tuple[tuple[int, int], ...], str] = {
    ((1, 1),) * 3: "4:4:4",
    ((2, 1), (1, 1), (1, 1)): "4:2:2",
    ((2, 2), (1, 1), (1, 1)): "4:2:0",
}


def compressed_again(file: JpegFile, pixels: npt.NDArray[np.uint8]) -> tuple[int, int]:
    """As changed(), after compression of a gray or colour picture by libjpeg."""
    components = file.frame.components
    tables = [[int(v) for v in component.quantization] for component in components[:2]]
    order = [[int(v) for v in natural(np.array(table)).reshape(64)] for table in tables]
    output = io.BytesIO()
    if len(components) == 1:
        Image.fromarray(pixels).save(output, "JPEG", qtables=order)
    else:
        sampling = SAMPLINGS[tuple((c.horizontal, c.vertical) for c in components)]
        Image.fromarray(pixels).save(output, "JPEG", qtables=order, subsampling=sampling)
    again = jpeg.read(output.getvalue())
    different = number = 0
    for component, old, new in zip(components, file.coefficients, again.coefficients, strict=True):
        assert list(component.quantization) == list(again.frame.components[number and 1].quantization)
        down = components[0].vertical // component.vertical
        across = components[0].horizontal // component.horizontal
        rows, columns = file.frame.height // (8 * down), file.frame.width // (8 * across)
        different += int((old[:rows, :columns] != new[:rows, :columns]).sum())
        number += old[:rows, :columns].size
    return different, number


def psnr(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    error = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    return float(10 * np.log10(255**2 / (error**2).mean()))


def random_levels(rows: int, columns: int, seed: int, largest: int) -> Int16:
    """Sparse levels [rows, columns, 64] with magnitudes that fall with the frequency."""
    rng = np.random.default_rng(seed)
    scale = largest / (1 + np.arange(64))
    return np.rint(rng.laplace(0, 1, (rows, columns, 64)) * scale).clip(-largest, largest).astype(np.int16)
