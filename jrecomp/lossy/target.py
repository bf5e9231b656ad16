"""What a lossy result shall be: a quality, a size, or a likeness."""

from dataclasses import dataclass, fields

from jrecomp.errors import UsageError
from jrecomp.jpeg.types import Frame

MOST_BPP = 1e9
"""Of targets; more is as much."""


@dataclass(frozen=True)
class Target:
    """At most one of these; none, or quality 100, is the file as it was.

    quality: 0 to 100. max_bytes: of the result. bpp: bits of the result for each pixel, at most.
    min_psnr: in dB over all channels, min_ms_ssim: up to 1, both of the decoded result against the decoded
    source.
    Raises UsageError.
    """

    quality: float | None = None
    max_bytes: int | None = None
    bpp: float | None = None
    min_psnr: float | None = None
    min_ms_ssim: float | None = None

    def __post_init__(self) -> None:
        """Refuses what makes no sense before any work is done."""
        given = [field.name for field in fields(self) if getattr(self, field.name) is not None]
        if len(given) > 1:
            raise UsageError(f"{given[0]} and {given[1]} exclude each other")
        if self.quality is not None and not 0 <= self.quality <= 100:
            raise UsageError(f"quality {_short(self.quality)} is not between 0 and 100")
        for name in given:
            if name != "quality" and not 0 < getattr(self, name) < float("inf"):
                raise UsageError(f"{name} {_short(getattr(self, name))} is no number above 0")
        if self.min_ms_ssim is not None and self.min_ms_ssim > 1:
            raise UsageError(f"min_ms_ssim {self.min_ms_ssim:g} is above 1")

    @property
    def exact(self) -> bool:
        """Whether nothing may change."""
        return self == Target() or self.quality == 100

    def largest(self, frame: Frame) -> int | None:
        """Bytes that a picture may take, None where there is no such target."""
        if self.bpp is None:
            return self.max_bytes
        return int(min(self.bpp, MOST_BPP) * frame.width * frame.height / 8)


def _short(number: float) -> str:
    """For messages; numbers may be of any length."""
    return f"{number:.12g}" if isinstance(number, float) or abs(number) < 10**15 else "of many digits"
