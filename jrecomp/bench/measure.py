"""Runs codecs over sets of files, checks every round trip, and adds up sizes and times."""

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from jrecomp.bench.codecs import Codec, Refused


@dataclass
class Result:
    """Sums over one set of files. Sizes in bytes, times in seconds of wall clock, best of the repeats.

    A refused file counts at its full size; one that does not come back bit for bit is `wrong` and
    counts at its full size too.
    """

    codec: str
    files: str
    count: int = 0
    before: int = 0
    after: int = 0
    refused: int = 0
    wrong: int = 0
    encode_seconds: float = 0.0
    decode_seconds: float = 0.0

    @property
    def saving(self) -> float:
        """Percent of the bytes that are saved."""
        return 100 * (1 - self.after / self.before)

    def add(self, codec: Codec, data: bytes, repeats: int) -> None:
        """Measures one file."""
        self.count += 1
        self.before += len(data)
        encode_times, decode_times = [], []
        compressed, restored = b"", b""
        try:
            for _ in range(repeats):
                start = time.perf_counter()
                compressed = codec.encode(data)
                middle = time.perf_counter()
                restored = codec.decode(compressed)
                encode_times.append(middle - start)
                decode_times.append(time.perf_counter() - middle)
        except Refused:
            self.refused += 1
            self.after += len(data)
            return
        self.encode_seconds += min(encode_times)
        self.decode_seconds += min(decode_times)
        self.wrong += restored != data
        self.after += len(compressed) if restored == data else len(data)


def run(codecs: list[Codec], sets: Iterable[tuple[str, list[bytes]]], repeats: int) -> list[Result]:
    """One result for each codec and set; codecs take turns file by file, so that they share the noise."""
    results = []
    for name, files in sets:
        row = [Result(codec.name, name) for codec in codecs]
        for data in files:
            for codec, result in zip(codecs, row, strict=True):
                result.add(codec, data, repeats)
        results += row
    return results


def as_json(results: list[Result]) -> list[dict[str, object]]:
    """Results as plain values, saving included."""
    return [asdict(result) | {"saving": result.saving} for result in results]


def markdown(results: list[Result]) -> str:
    """Tables of saving, refusals and speed: a row for each codec, a column for each set."""
    names = list(dict.fromkeys(result.files for result in results))
    codecs = list(dict.fromkeys(result.codec for result in results))
    by = {(result.codec, result.files): result for result in results}

    def table(title: str, cell: str) -> str:
        lines = [f"| {title} | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
        for codec in codecs:
            cells = [_CELLS[cell](by[codec, name]) for name in names]
            lines.append(f"| {codec} | " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n"

    titles = {
        "saving": "saving %",
        "problems": "refused / wrong",
        "speed": "MB/s encode / decode",
    }
    return "\n".join(table(title, cell) for cell, title in titles.items())


_CELLS = {
    "saving": lambda r: f"{r.saving:.2f}",
    "problems": lambda r: f"{r.refused} / {r.wrong} of {r.count}",
    "speed": lambda r: _speed(r.before, r.encode_seconds) + " / " + _speed(r.before, r.decode_seconds),
}


def _speed(size: int, seconds: float) -> str:
    return f"{size / seconds / 1e6:.2f}" if seconds else "-"
