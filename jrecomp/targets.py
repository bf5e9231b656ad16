"""Targets of lossy results: a quality, a size, or a similarity to the source."""

from numbers import Integral, Real
from typing import NamedTuple, TypedDict, Unpack, cast

from jrecomp.errors import UsageError
from jrecomp.jpeg.types import Frame
from jrecomp.options import TUNES, Tune, check_type

_HIGHEST = {"min_ms_ssim": 1, "min_ssimulacra2": 100}
"""The similarities of identical pictures."""

_MOST_BPP = 1e9
"""Larger numbers of bits per pixel are reduced to this, as no result reaches it."""


class TargetOptions(TypedDict, total=False):
    """Targets of a lossy result, of which at most one may be given. None and quality 100 mean lossless.

    quality: 0 to 100.
    max_bytes: largest size of the result in bytes.
    bpp: largest size of the result in bits per pixel of the picture.
    min_psnr: smallest PSNR in dB between the decoded result and the decoded source, over all channels.
    min_ms_ssim: smallest MS-SSIM between them, 0 to 1.
    min_ssimulacra2: smallest SSIMULACRA2 of the decoded result, 0 to 100; see metrics.ssimulacra2().
    """

    quality: float | None
    max_bytes: int | None
    bpp: float | None
    min_psnr: float | None
    min_ms_ssim: float | None
    min_ssimulacra2: float | None


class Target(NamedTuple):
    """The target of a result; name: a key of TargetOptions, None for lossless; value: as described there."""

    name: str | None = None
    value: float = 0.0

    @classmethod
    def of(cls, **options: Unpack[TargetOptions]) -> "Target":
        """The target in the options.

        Raises UsageError if a value is invalid or several targets are given, and TypeError for other options
        and values of other types.
        """
        given = cast(dict[str, float | None], options)
        for name in given:
            if name not in TargetOptions.__annotations__:
                raise TypeError(f"unexpected keyword argument {name!r}")
        chosen = {name: value for name, value in given.items() if value is not None}
        if len(chosen) > 1:
            first, second, *_ = chosen
            raise UsageError("{} and {} exclude each other (use only one)", first, second)
        for name, value in chosen.items():
            _check(name, value)
            if (name, value) != ("quality", 100):
                return cls(name, value)
        return cls()

    @property
    def lossless(self) -> bool:
        """Whether coefficients must not change."""
        return self.name is None

    def largest(self, frame: Frame | None) -> int | None:
        """The largest size of the result in bytes, None if the target gives none.

        frame: of the source, None if there is none; without it bits per pixel give no size.
        """
        if self.name == "bpp" and frame is not None:
            return int(min(self.value, _MOST_BPP) * frame.width * frame.height / 8)
        return int(self.value) if self.name == "max_bytes" else None


def check_tune(tune: Tune) -> None:
    """Raise UsageError for a measure that results cannot be optimized for."""
    if tune not in TUNES:
        raise UsageError(f"tune {tune!r} is not one of {', '.join(TUNES)}")


def _check(name: str, value: float) -> None:
    check_type(name, value, Integral if name == "max_bytes" else Real)
    if name == "quality":
        if not 0 <= value <= 100:
            raise UsageError(f"quality {_short(value)} is not between 0 and 100")
    elif not 0 < value < float("inf"):
        raise UsageError(f"{name} {_short(value)} is not a number above 0")
    elif value > _HIGHEST.get(name, value):
        raise UsageError(f"{name} {_short(value)} is not between 0 and {_HIGHEST[name]}")


def _short(number: float) -> str:
    """A number for a message; integers may be too long to print."""
    return f"{number:.12g}" if isinstance(number, float) or abs(number) < 10**15 else "of many digits"
