"""Changed files that meet a target: a quality, a size, or a likeness to the source."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from jrecomp import jpeg
from jrecomp.errors import TargetError, UnsupportedJpegError
from jrecomp.jpeg.types import Frame, JpegFile
from jrecomp.lossy import HIGHEST, Rule, Search, Target, ms_ssim, pixels, psnr, requantize

NEAR_BYTES = 0.01
"""Of a size that shall not be exceeded."""

NEAR_PSNR, NEAR_MS_SSIM = 0.05, 0.0005

Tell = Callable[[str], None]


def silent(_: str) -> None:
    """Tells nobody."""


@dataclass(frozen=True)
class Change:
    """What is done to files. rule: of their tables. strip: leave out metadata that showing does not need.
    optimal: Huffman tables of their own. progressive: the coding process.
    """

    rule: Rule
    strip: bool
    optimal: bool
    progressive: bool = False

    def apply(self, file: JpegFile, quality: float) -> JpegFile:
        """A new file; at HIGHEST with the source's own coefficients. Raises UnsupportedJpegError."""
        steps, coefficients = [c.quantization for c in file.frame.components], file.coefficients
        if quality < HIGHEST:
            new = requantize(file, quality, self.rule)
            steps, coefficients = new.steps, new.coefficients
        return jpeg.rebuild(
            file,
            steps,
            coefficients,
            huffman="optimal" if self.optimal else "typical",
            progressive=self.progressive,
            strip=self.strip,
        )


@dataclass(frozen=True)
class Made:
    """What was made at some quality: what is written, and the JPEG file that it stands for."""

    output: bytes
    restored: bytes


Make = Callable[[float], Made]


def meet(target: Target, make: Make, exact: Made, source: bytes, frame: Frame, tell: Tell) -> Made:
    """What meets a target; `exact`, the unchanged picture, where that is as small or nothing else does.

    make: of a quality below HIGHEST. source: the JPEG file. Raises TargetError.
    """
    largest = target.largest(frame)
    if target.exact or (largest is not None and len(exact.output) <= largest):
        return exact
    try:
        found = _find(target, make, largest, source, tell)
    except UnsupportedJpegError as error:
        if largest is not None:
            raise TargetError(f"cannot be changed: {error}") from error
        return exact
    return exact if found is None or len(found.output) >= len(exact.output) else found


def _find(target: Target, make: Make, largest: int | None, source: bytes, tell: Tell) -> Made | None:
    if target.quality is not None:
        return make(target.quality)
    if largest is not None:
        return _of_size(largest, make, tell)
    if target.min_psnr is not None:
        return _alike(psnr, target.min_psnr, NEAR_PSNR, make, source, tell)
    assert target.min_ms_ssim is not None
    return _alike(ms_ssim, target.min_ms_ssim, NEAR_MS_SSIM, make, source, tell)


def _of_size(largest: int, make: Make, tell: Tell) -> Made:
    sizes: list[int] = []

    def evaluate(quality: float) -> tuple[float, Made]:
        made = make(quality)
        sizes.append(len(made.output))
        tell(f"quality {quality:.2f}: {sizes[-1]:,} bytes")
        return sizes[-1], made

    found = Search(evaluate, largest, ceiling=True, near=NEAR_BYTES * largest).run()
    if found is None:
        raise TargetError(f"cannot be as small as {largest:,} bytes: at quality 0 it takes {min(sizes):,}")
    return found.result


def _alike(
    measure: Callable[..., float], least: float, near: float, make: Make, source: bytes, tell: Tell
) -> Made | None:
    compared = partial(measure, _decoded(source))

    def evaluate(quality: float) -> tuple[float, Made]:
        made = make(quality)
        likeness = compared(_decoded(made.restored))
        tell(f"quality {quality:.2f}: {likeness:.4f}")
        return likeness, made

    found = Search(evaluate, least, ceiling=False, near=near).run()
    return found.result if found else None


def _decoded(data: bytes) -> npt.NDArray[np.uint8]:
    try:
        return pixels(data)
    except OSError as error:
        raise TargetError(f"cannot be decoded to compare: {error}") from error
