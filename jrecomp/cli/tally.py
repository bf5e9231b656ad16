"""What happened in a run so far: counts, totals, and the first failures."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from jrecomp.batch import Outcome
from jrecomp.errors import ExitCode, flag, printable
from jrecomp.info import Info, RestoredInfo, ThumbnailInfo

LISTED = 20
"""Number of failures that are kept for a list of them."""


@dataclass
class Tally:
    """Adds up outcomes.

    files: how many jobs have ended; of them failed, skipped, stored and deleted. input_bytes: total size of
    their inputs. original_bytes, compressed_bytes, picture_bytes, pixels, changed_coefficients: totals of
    what their infos tell. reasons: how many files were stored, by reason. failures: names and messages of the
    first ones. code: the exit code.
    """

    files: int = 0
    failed: int = 0
    skipped: int = 0
    deleted: int = 0
    input_bytes: int = 0
    original_bytes: int = 0
    compressed_bytes: int = 0
    picture_bytes: int = 0
    pixels: int = 0
    changed_coefficients: int = 0
    pictures: str = ""
    reasons: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, str]] = field(default_factory=list)
    code: ExitCode = ExitCode.OK

    def add(self, outcome: Outcome) -> None:
        """Add an outcome."""
        if outcome.error:
            self.failed += 1
            if len(self.failures) < LISTED:
                self.failures.append((printable(outcome.job.name), message(outcome)))
            if self.code is ExitCode.OK or outcome.error.ends_run:
                self.code = outcome.error.exit_code
        self.skipped += outcome.skipped
        if outcome.finished:
            self.deleted += outcome.finished.deleted
        if outcome.info:
            self._describe(outcome.info)
        self.input_bytes += outcome.size
        self.files += 1

    def _describe(self, info: Info | RestoredInfo | ThumbnailInfo) -> None:
        self.original_bytes += info.original_bytes
        if isinstance(info, Info):
            self.compressed_bytes += info.compressed_bytes
            if info.stored_reason:
                self.reasons[info.stored_reason] += 1
            return
        self.picture_bytes += info.picture_bytes
        self.pixels += info.width * info.height
        self.pictures = "restored" if isinstance(info, RestoredInfo) else "thumbnails"
        if isinstance(info, RestoredInfo):
            self.changed_coefficients += info.changed_coefficients

    @property
    def saving(self) -> float:
        """The part of the bytes that the results do not take."""
        return 1 - self.compressed_bytes / self.original_bytes if self.original_bytes else 0.0

    def document(self, seconds: float) -> dict[str, Any]:
        """The totals as a JSON object."""
        counts = {"files": self.files, "failed": self.failed, "skipped": self.skipped}
        if self.pictures:
            sizes: dict[str, Any] = {
                "original_bytes": self.original_bytes,
                "picture_bytes": self.picture_bytes,
                "pixels": self.pixels,
            }
            if self.pictures == "restored":
                sizes["changed_coefficients"] = self.changed_coefficients
        else:
            sizes = {
                "stored": self.reasons.total(),
                "deleted": self.deleted,
                "original_bytes": self.original_bytes,
                "compressed_bytes": self.compressed_bytes,
                "saving": self.saving,
            }
        return counts | sizes | {"seconds": seconds}

    def summary(self, seconds: float) -> str:
        """The totals as a line."""
        others = [f"{self.skipped:,} skipped"] * bool(self.skipped)
        others += [f"{self.deleted:,} originals deleted"] * bool(self.deleted)
        if self.pictures:
            counts = ", ".join([f"{self.files:,} files, {self.failed:,} failed", *others])
            speed = f"{self.pixels / max(seconds, 1e-9) / 1e6:.2f} MP/s"
            return f"{counts}: {self.pixels / 1e6:,.2f} megapixels, {seconds:.2f} s, {speed}"
        stored = f"{self.reasons.total():,} stored"
        if self.reasons:
            stored += f" ({', '.join(f'{n:,} {reason}' for reason, n in self.reasons.most_common(3))})"
        counts = ", ".join([f"{self.files:,} files, {stored}, {self.failed:,} failed", *others])
        sizes = f"{self.original_bytes:,} bytes original, {self.compressed_bytes:,} compressed"
        return f"{counts}: {sizes}, saved {self.saving:.2%}{speed_of(self.original_bytes, seconds)}"

    def table(self) -> str:
        """The failures as lines of two columns."""
        width = min(40, max(len(name) for name, _ in self.failures))
        lines = [f"  {name:<{width}}  {text.removeprefix(f'{name}: ')}" for name, text in self.failures]
        if self.failed > len(lines):
            lines.append(f"  and {self.failed - len(lines):,} more")
        return "\n".join([f"{self.failed:,} failed:", *lines])


def message(outcome: Outcome) -> str:
    """The message of the error."""
    return outcome.error.named(flag) if outcome.error else ""


def speed_of(original_bytes: int, seconds: float) -> str:
    """Time and speed, to be appended to a line."""
    return f", {seconds:.2f} s, {original_bytes / max(seconds, 1e-9) / 1e6:.2f} MB/s"
