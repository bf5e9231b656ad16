"""Changed files that meet a target: a quality, a size, or a likeness to the source."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from jrecomp import jpeg
from jrecomp.errors import TargetError, UnsupportedJpegError
from jrecomp.jpeg.metadata import has_index, metadata
from jrecomp.jpeg.types import JpegFile
from jrecomp.lossy import HIGHEST, Goal, Requantizer, Search, Setting, Target, ms_ssim, pixels, psnr

NEAR_BYTES = 0.01
"""Of a size that shall not be exceeded."""

NEAR_DISTANCE = 1 - 10 ** (-0.05 / 10)
"""Of a distance that shall not be exceeded: 0.05 dB."""

UInt8 = npt.NDArray[np.uint8]

EXACT = Setting.at(HIGHEST)


class Note(NamedTuple):
    """About a result. quality: 0 to 100, None where the picture did not change. text: why it is not what was
    asked for, empty where it is."""

    quality: float | None
    text: str


Tell = Callable[[str], None]
TakeNote = Callable[[Note], None]


def silent(_: object) -> None:
    """Tells nobody."""


@dataclass(frozen=True)
class Form:
    """How JPEG files are written. strip: leave out metadata that showing does not need. optimal: Huffman
    tables of their own. progressive: the coding process.
    """

    strip: bool
    optimal: bool
    progressive: bool = False

    def apply(self, picture: Requantizer, setting: Setting) -> JpegFile:
        """A new file; at EXACT with the source's own coefficients. Raises UnsupportedJpegError."""
        file = picture.file
        steps, coefficients = [c.quantization for c in file.frame.components], file.coefficients
        if setting != EXACT:
            new = picture.requantized(setting)
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
    """What was made at some quality: what is written, and the JPEG file that it stands for.

    quality: None for the unchanged picture, whose metadata may have been stripped.
    """

    output: bytes
    restored: bytes
    quality: float | None = None


class Maker(Protocol):
    """Makes results of one file. Raises UnsupportedJpegError."""

    @property
    def source(self) -> bytes:
        """The file."""
        ...

    @property
    def picture(self) -> Requantizer:
        """What it holds."""
        ...

    @property
    def damage(self) -> str:
        """Why the picture cannot be changed, see jpeg.damage; empty where it can."""
        ...

    @property
    def overhead(self) -> int:
        """About how many bytes of results are headers."""
        ...

    def exact(self) -> Made:
        """With the unchanged picture."""
        ...

    def make(self, setting: Setting) -> Made:
        """With a changed picture."""
        ...

    def restore(self, setting: Setting) -> bytes:
        """The JPEG file alone that `make` stands for."""
        ...


@dataclass(frozen=True)
class Request:
    """What shall become of a file. tell: is told of attempts."""

    target: Target
    maker: Maker
    tell: Tell

    def meet(self) -> tuple[Made, Note]:
        """What meets the target: the unchanged picture where that is as small or nothing else does.

        Raises TargetError, and UnsupportedJpegError where not even the unchanged picture can be written.
        """
        made, text = self._meet(self.maker.exact(), self.target.largest(self.maker.picture.file.frame))
        return made, Note(made.quality, text)

    def _meet(self, exact: Made, largest: int | None) -> tuple[Made, str]:
        if self.target.exact or (largest is not None and len(exact.output) <= largest):
            return exact, ""
        reason = self.maker.damage
        try:
            found, text = (None, "") if reason else self._find(exact, largest)
        except UnsupportedJpegError as error:
            found, text, reason = None, "", str(error)
        if reason and largest is not None:
            raise TargetError(f"cannot be changed: {reason}")
        if reason:
            return exact, f"lossless, as the picture cannot be changed: {reason}"
        if found is None:
            return exact, f"lossless, {text or 'as nothing would change'}"
        if len(found.output) >= len(exact.output):
            return exact, "lossless, which is as small"
        if has_index(self.maker.picture.file.headers):
            text = text or "without the index of its further pictures"
        return found, text

    def _find(self, exact: Made, largest: int | None) -> tuple[Made | None, str]:
        """What was found, None if that is the unchanged picture; and why nothing nearer to the target was."""
        target = self.target
        if target.quality is not None:
            setting = Setting.at(target.quality)
            changes = self.maker.picture.estimate(setting).error > 0
            return self.maker.make(setting) if changes else None, ""
        if largest is not None:
            return self._of_size(exact, largest)
        if target.min_psnr is not None:
            return self._alike(_Psnr(), target.min_psnr)
        assert target.min_ms_ssim is not None
        return self._alike(_MsSsim(), target.min_ms_ssim)

    def _of_size(self, exact: Made, largest: int) -> tuple[Made, str]:
        def evaluate(setting: Setting) -> tuple[float, Made]:
            made = self.maker.make(setting)
            self.tell(f"quality {setting.quality:.2f}: {len(made.output):,} bytes")
            return len(made.output), made

        goal = Goal(largest, NEAR_BYTES * largest, rises=True)
        picture, overhead = self.maker.picture, 8 * self.maker.overhead
        search = Search(goal, evaluate, lambda setting: overhead + picture.estimate(setting).bits)
        search.run((search.estimate(EXACT), len(exact.output)))
        if search.best is None:
            assert search.beyond is not None
            raise TargetError(self._too_large(largest, exact, search.beyond.result))
        return search.best.result, _missed(search, "{:,} bytes".format)

    def _too_large(self, largest: int, exact: Made, least: Made) -> str:
        smaller = min(exact, least, key=lambda made: len(made.output))
        text = f"cannot be as small as {largest:,} bytes, only as {len(smaller.output):,}"
        headers = jpeg.read(smaller.restored).headers
        kept, needed = (len(metadata(headers, strip)) for strip in (False, True))
        if 4 * kept > len(smaller.output):
            text += f", with metadata of {kept:,} (stripped {needed:,})"
        return text

    def _alike(self, likeness: "_Likeness", least: float) -> tuple[Made | None, str]:
        try:
            source = pixels(self.maker.source)
        except OSError as error:
            return None, f"as the source cannot be decoded to compare: {error}"

        def evaluate(setting: Setting) -> tuple[float, None]:
            found = likeness.measure(source, pixels(self.maker.restore(setting)))
            self.tell(f"quality {setting.quality:.2f}: {likeness.shown(found)}")
            return likeness.distance(found), None

        limit = likeness.distance(least)
        goal = Goal(limit, NEAR_DISTANCE * limit, rises=False)
        search = Search(goal, evaluate, lambda setting: self.maker.picture.estimate(setting).error)
        search.run(likeness.known(source))
        if search.best is None:
            return None, "as nothing else was found to be that alike"
        if search.best.amount == 0:
            return None, ""
        made = self.maker.make(search.best.setting)
        return made, _missed(search, lambda distance: likeness.shown(likeness.of(distance)))


def _missed(search: Search[Any], shown: Callable[[float], str]) -> str:
    """Why a result is not near to the target, as far as is known; shown: amounts in words."""
    if search.met:
        return ""
    ends = [shown(end.amount) for end in (search.best, search.beyond) if end]
    if len(ends) == 2:
        return f"found nothing between {ends[0]} and {ends[1]}"
    lowest = search.best is not None and search.best.setting.quality == 0
    return f"{ends[0]} is what quality 0 has" if lowest else f"found nothing nearer than {ends[0]}"


class _Likeness(Protocol):
    """A measure, and a distance from the source that falls where it rises."""

    def measure(self, a: UInt8, b: UInt8) -> float: ...

    def distance(self, likeness: float) -> float: ...

    def of(self, distance: float) -> float: ...

    def shown(self, likeness: float) -> str: ...

    def known(self, source: UInt8) -> tuple[float, float] | None:
        """An estimated error of the whole picture with its distance, where that is known."""
        ...


class _Psnr:
    measure = staticmethod(psnr)

    def distance(self, likeness: float) -> float:
        return float(10 ** (-likeness / 10))

    def of(self, distance: float) -> float:
        return -10 * math.log10(distance) if distance else math.inf

    def shown(self, likeness: float) -> str:
        return f"{likeness:.2f} dB"

    def known(self, source: UInt8) -> tuple[float, float]:
        return 255**2 * source[..., 0].size, 1.0


class _MsSsim:
    measure = staticmethod(ms_ssim)

    def distance(self, likeness: float) -> float:
        return 1 - likeness

    def of(self, distance: float) -> float:
        return 1 - distance

    def shown(self, likeness: float) -> str:
        return f"{likeness:.5f}"

    def known(self, source: UInt8) -> None:
        return None
