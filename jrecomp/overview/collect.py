"""What containers tell of themselves, added up in memory that does not grow with their number."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from PIL import ExifTags

import jrecomp.pillow
from jrecomp import files, pipeline
from jrecomp.encoder.source import DAMAGED, opened
from jrecomp.errors import JrecompError, flag, printable
from jrecomp.info import Info
from jrecomp.options import Limits

EXTREMES = 8
"""Number of pictures that are shown of each kind."""

LISTED = 100
"""Number of failures that are listed with their reasons; others are counted."""

GROUPS = 1000
"""Largest number of groups, as anything may call itself a camera; what is beyond them goes to OTHERS."""

OTHERS = "others"
UNKNOWN = "not told"
_LONGEST = 60
"""Longer names of cameras are cut."""

_SIZES = (
    (100_000, "below 100 kB"),
    (300_000, "100 to 300 kB"),
    (10**6, "300 kB to 1 MB"),
    (3 * 10**6, "1 to 3 MB"),
)
_LARGEST = "3 MB and more"

SIZES = (*(name for _, name in _SIZES), _LARGEST)
"""Classes of sizes of originals, in order."""


@dataclass
class Group:
    """Some files: their number, and the bytes of originals and of containers."""

    files: int = 0
    original_bytes: int = 0
    compressed_bytes: int = 0

    def add(self, info: Info) -> None:
        """Count a file."""
        self.files += 1
        self.original_bytes += info.original_bytes
        self.compressed_bytes += info.compressed_bytes

    @property
    def saving(self) -> float:
        """Part of the original bytes; negative if the containers are larger."""
        return 1 - self.compressed_bytes / self.original_bytes if self.original_bytes else 0.0


Grouped = dict[str, Group]


@dataclass(order=True)
class Extreme:
    """A picture at one end of an order; rank: its place in the order, the highest first."""

    rank: float
    path: Path
    info: Info = field(compare=False)


@dataclass
class Summary:
    """All containers of a folder.

    total: all files. savings: numbers of files by percent saved, rounded down; -1 for all that are larger.
    size: the files in groups. quality, camera, kind, model: the modelled ones. reasons: the stored ones.
    best, worst: modelled pictures with the largest and the smallest saving. largest: those with the most
    pixels, which take longest. failures: names and reasons of what could not be read; failed: their number.
    error: the first one.
    """

    total: Group = field(default_factory=Group)
    savings: Counter[int] = field(default_factory=Counter)
    quality: Grouped = field(default_factory=dict)
    size: Grouped = field(default_factory=dict)
    camera: Grouped = field(default_factory=dict)
    kind: Grouped = field(default_factory=dict)
    model: Grouped = field(default_factory=dict)
    reasons: Grouped = field(default_factory=dict)
    best: list[Extreme] = field(default_factory=list)
    worst: list[Extreme] = field(default_factory=list)
    largest: list[Extreme] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    failed: int = 0
    error: JrecompError | None = None

    def add(self, path: Path, info: Info, camera: str) -> None:
        """Count a container."""
        self.total.add(info)
        self.savings[max(-1, int(100 * info.saving // 1))] += 1
        _count(self.size, _size(info.original_bytes), info)
        if info.stored_reason:
            _count(self.reasons, info.stored_reason, info)
            return
        _count(self.kind, _kind(info), info)
        _count(self.model, info.model or f"id {info.model_id}", info)
        _count(self.camera, camera, info)
        if picture := info.jpeg:
            _count(self.quality, UNKNOWN if picture.quality is None else str(picture.quality), info)
            _keep(self.best, Extreme(info.saving, path, info))
            _keep(self.worst, Extreme(-info.saving, path, info))
            _keep(self.largest, Extreme(picture.width * picture.height, path, info))

    def fail(self, path: str, error: JrecompError) -> None:
        """Count a container that cannot be read."""
        self.failed += 1
        self.error = self.error or error
        if len(self.failures) < LISTED:
            self.failures.append((printable(path), error.named(flag)))


def _count(groups: Grouped, name: str, info: Info) -> None:
    if name not in groups and len(groups) >= GROUPS:
        name = OTHERS
    groups.setdefault(name, Group()).add(info)


def _keep(extremes: list[Extreme], found: Extreme) -> None:
    if len(extremes) < EXTREMES:
        heapq.heappush(extremes, found)
    else:
        heapq.heappushpop(extremes, found)


def _size(count: int) -> str:
    return next((name for limit, name in _SIZES if count < limit), _LARGEST)


def _kind(info: Info) -> str:
    if info.jpeg is None:
        return "no JPEG file"
    process = "progressive" if info.jpeg.progressive else "sequential"
    lossy = "lossy, " if info.mode == "lossy" else ""
    return f"{lossy}{info.jpeg.sampling} {process}"


def collect(paths: Iterable[Path], limits: Limits, on_file: Callable[[Path], None]) -> Summary:
    """Read containers, without decoding their pictures.

    paths: of containers. limits: on each. on_file: is told each path before it is read.
    """
    summary = Summary()
    for path in paths:
        on_file(path)
        try:
            data = files.read(path, limits)
            info = pipeline.inspect(data, limits=limits)
            camera = UNKNOWN if info.stored_reason else _camera(data, limits)
        except JrecompError as error:
            summary.fail(str(path), error)
        else:
            summary.add(path, info, camera)
    return summary


def _camera(data: bytes, limits: Limits) -> str:
    """Make and model that Exif data tell, UNKNOWN if they tell none or are damaged."""
    with suppress(JrecompError, *DAMAGED):
        exif = opened(data, limits, (jrecomp.pillow.FORMAT,)).getexif()
        make, model = (_text(exif.get(tag)) for tag in (ExifTags.Base.Make, ExifTags.Base.Model))
        first = make.partition(" ")[
            0
        ].casefold()  # NIKON of NIKON CORPORATION, whose models begin with it, too
        name = model if model.casefold().startswith(first) else f"{make} {model}"
        return name.strip()[:_LONGEST] or UNKNOWN
    return UNKNOWN


def _text(value: object) -> str:
    return " ".join(printable(value.replace("\0", " ")).split()) if isinstance(value, str) else ""
