"""Targets of lossy results: a quality, a size, or a similarity to the source."""

from dataclasses import dataclass
from typing import TypedDict, Unpack, cast

from jrecomp.errors import UsageError
from jrecomp.jpeg.types import Frame

_MOST_BPP = 1e9
"""Larger numbers of bits per pixel mean the same."""


class TargetOptions(TypedDict, total=False):
    """What a caller may ask for: at most one of these. None, and quality 100, are lossless.

    quality: 0 to 100.
    max_bytes: size of the result in bytes, at most.
    bpp: bits of the result per pixel of the picture, at most.
    min_psnr: PSNR of the decoded result against the decoded source over all channels, in dB, at least.
    min_ms_ssim: MS-SSIM of the same, 0 to 1, at least.
    """

    quality: float | None
    max_bytes: int | None
    bpp: float | None
    min_psnr: float | None
    min_ms_ssim: float | None


@dataclass(frozen=True)
class Target:
    """name: a key of TargetOptions, None for a lossless result. value: as there."""

    name: str | None = None
    value: float = 0.0

    @classmethod
    def of(cls, **options: Unpack[TargetOptions]) -> "Target":
        """The target that is asked for; raises UsageError for values that make no sense and for two targets.

        Raises TypeError for names that TargetOptions does not have.
        """
        given = cast(dict[str, float | None], options)
        for name in given:
            if name not in TargetOptions.__annotations__:
                raise TypeError(f"unexpected keyword argument {name!r}")
        chosen = {name: value for name, value in given.items() if value is not None}
        if len(chosen) > 1:
            first, second, *_ = chosen
            raise UsageError(f"{first} and {second} exclude each other")
        for name, value in chosen.items():
            _check(name, value)
            if (name, value) != ("quality", 100):
                return cls(name, value)
        return cls()

    @property
    def lossless(self) -> bool:
        """Whether no coefficient may change."""
        return self.name is None

    def largest(self, frame: Frame) -> int | None:
        """Size of the result in bytes, at most; None where the target is no size."""
        if self.name == "bpp":
            return int(min(self.value, _MOST_BPP) * frame.width * frame.height / 8)
        return int(self.value) if self.name == "max_bytes" else None


def _check(name: str, value: float) -> None:
    if name == "quality":
        if not 0 <= value <= 100:
            raise UsageError(f"quality {_short(value)} is not between 0 and 100")
    elif not 0 < value < float("inf"):
        raise UsageError(f"{name} {_short(value)} is no number above 0")
    elif name == "min_ms_ssim" and value > 1:
        raise UsageError(f"min_ms_ssim {value:g} is above 1")


def _short(number: float) -> str:
    """A number for a message; numbers may be of any length."""
    return f"{number:.12g}" if isinstance(number, float) or abs(number) < 10**15 else "of many digits"
