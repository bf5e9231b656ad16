"""How many JPEG files are modelled, and why others are stored; djpeg says which files decoders can open."""

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import jrecomp
from jrecomp.bench.report import Setup, origin, short, table
from jrecomp.errors import UnsupportedJpegError
from jrecomp.jpeg.markers import START, segments, split
from jrecomp.t81 import FRAMES, SOF0, SOF1, SOF2

DJPEG = "djpeg (libjpeg-turbo-progs)"
"""How the program and its package are called."""

_WARNED = 2
"""Exit status of djpeg for a file that it decodes with warnings."""


class Opened(StrEnum):
    """What djpeg says of a file."""

    CLEAN = "without warning"
    WARNED = "with a warning"
    FAILED = "not at all"
    UNKNOWN = "or not"


@dataclass(frozen=True)
class Covered:
    """How a file was compressed.

    file: path. huffman: whether it has 8-bit samples and Huffman coding, which is assumed of a file without a
    frame header. opened, message: what djpeg says of it. before, after: sizes in bytes. stored: why the file
    is not modelled, None if it is.
    """

    file: str
    huffman: bool
    opened: Opened
    message: str
    before: int
    after: int
    stored: str | None

    @property
    def kind(self) -> str:
        """The row of the report."""
        return f"{'8-bit Huffman' if self.huffman else 'other processes'}, opened {self.opened}"


def find(sources: Iterable[Path]) -> list[Path]:
    """Find JPEG files.

    sources: files and folders. Returns the files, and from folders and their subfolders those that begin with
    SOI, sorted and without duplicates.
    """
    return list(dict.fromkeys(path for source in sources for path in _expand(source)))


def _expand(source: Path) -> list[Path]:
    return sorted(filter(_is_jpeg, source.rglob("*"))) if source.is_dir() else [source]


def _is_jpeg(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(START)) == START


def measure(paths: Sequence[Path], model: str, threads: int) -> Iterator[Covered]:
    """Compress and restore files.

    paths: of JPEG files. model: name of a model. threads: files at a time.
    Raises VerificationError if a file is not restored.
    """
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(partial(_measure, model=model), paths)


def _measure(path: Path, model: str) -> Covered:
    data = path.read_bytes()
    container = jrecomp.compress(data, model=model, threads=1)
    jrecomp.verify(container, data, threads=1)
    info = jrecomp.inspect(container)
    opened, message = _djpeg(path)
    return Covered(
        str(path), _is_huffman(data), opened, message, len(data), len(container), info.stored_reason
    )


def _djpeg(path: Path) -> tuple[Opened, str]:
    """What djpeg says of a file, and the first line of its message."""
    if shutil.which("djpeg") is None:
        return Opened.UNKNOWN, ""
    with path.open("rb") as file:
        run = subprocess.run(["djpeg"], stdin=file, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    codes = {0: Opened.CLEAN, _WARNED: Opened.WARNED}
    lines = run.stderr.decode("ascii", "replace").splitlines() or [""]
    return codes.get(run.returncode, Opened.FAILED), lines[0]


def _is_huffman(data: bytes) -> bool:
    """Whether the first frame header is of 8-bit samples and Huffman coding; True without a header."""
    try:
        headers, _ = split(data)
    except UnsupportedJpegError:
        return True
    frames = [(code, parameters[:1]) for code, parameters in segments(headers) if code in FRAMES]
    return not frames or (frames[0][0] in (SOF0, SOF1, SOF2) and frames[0][1] == b"\x08")


def as_json(setup: Setup, files: Sequence[Covered]) -> dict[str, Any]:
    """All results as values for JSON."""
    return {"setup": asdict(setup), "files": [asdict(file) | {"kind": file.kind} for file in files]}


def markdown(setup: Setup, files: Sequence[Covered]) -> str:
    """The report: shares of modelled files, reasons of stored ones, and those of them that djpeg opens."""
    stored = [file for file in files if file.stored is not None]
    reasons = Counter((file.kind, file.stored or "") for file in stored)
    counts = [[*key, str(count)] for key, count in reasons.most_common()]
    lost = [file for file in stored if file.opened in (Opened.CLEAN, Opened.WARNED)]
    cells = [
        [f"`{Path(file.file).name}`", file.kind, short(file.message), file.stored or ""] for file in lost
    ]
    parts = [
        *origin("Coverage", setup),
        "",
        "Every file is compressed and restored. A file is modelled if it is not stored as bytes.",
        "",
        table(["files", "number", "modelled", "%"], _shares(files)),
        *_section("Stored", ["files", "reason", "number"], counts),
        *_section("Stored, but opened by djpeg", ["file", "files", "message of djpeg", "reason"], cells),
    ]
    return "\n".join(parts)


def _section(title: str, header: list[str], rows: list[list[str]]) -> list[str]:
    return [f"## {title}\n", table(header, rows)] if rows else []


def _shares(files: Sequence[Covered]) -> Iterable[list[str]]:
    kinds = sorted({file.kind for file in files})
    for kind in (*kinds, "all"):
        chosen = [file for file in files if kind in (file.kind, "all")]
        modelled = sum(file.stored is None for file in chosen)
        yield [kind, str(len(chosen)), str(modelled), f"{100 * modelled / len(chosen):.1f}"]
