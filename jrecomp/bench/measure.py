"""Runs codecs over JPEG files, checks every round trip, and adds up sizes and times."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from jrecomp.bench.codecs import Codec, Refused
from jrecomp.bench.inputs import Encoding, Sample


class RoundTrip(StrEnum):
    """What became of a file."""

    RESTORED = "restored"
    REFUSED = "refused"
    WRONG = "wrong"


@dataclass(frozen=True)
class Measurement:
    """One codec on one file. Sizes in bytes; seconds of wall clock, the best of the repeats.

    A file that is refused or does not come back bit for bit counts at its full size and has a reason and
    no times.
    """

    codec: str
    file: str
    setting: Encoding | None
    sub_pixels: int
    before: int
    after: int
    outcome: RoundTrip = RoundTrip.RESTORED
    reason: str = ""
    encode_seconds: float = 0.0
    decode_seconds: float = 0.0

    @property
    def saving(self) -> float:
        """Percent of the bytes that are saved."""
        return _saving(self.before, self.after)


@dataclass(frozen=True)
class Total:
    """Sums over measurements. `restored` has the bytes before compression of the files that came back."""

    count: int
    before: int
    after: int
    sub_pixels: int
    refused: int
    wrong: int
    restored: int
    encode_seconds: float
    decode_seconds: float

    @classmethod
    def of(cls, measurements: Sequence[Measurement]) -> "Total":
        """Adds up."""
        outcomes = [m.outcome for m in measurements]
        return cls(
            count=len(measurements),
            before=sum(m.before for m in measurements),
            after=sum(m.after for m in measurements),
            sub_pixels=sum(m.sub_pixels for m in measurements),
            refused=outcomes.count(RoundTrip.REFUSED),
            wrong=outcomes.count(RoundTrip.WRONG),
            restored=sum(m.before for m in measurements if m.outcome is RoundTrip.RESTORED),
            encode_seconds=sum(m.encode_seconds for m in measurements),
            decode_seconds=sum(m.decode_seconds for m in measurements),
        )

    @property
    def saving(self) -> float:
        """Percent of the bytes that are saved."""
        return _saving(self.before, self.after)

    @property
    def encode_speed(self) -> float | None:
        """MB of JPEG per second, of the files that came back; None where none did."""
        return self.restored / 1e6 / self.encode_seconds if self.encode_seconds else None

    @property
    def decode_speed(self) -> float | None:
        """MB of JPEG per second, of the files that came back; None where none did."""
        return self.restored / 1e6 / self.decode_seconds if self.decode_seconds else None


def run(codecs: list[Codec], samples: Iterable[Sample], repeats: int) -> Iterator[Measurement]:
    """Measures; codecs take turns file by file, so that they share the machine's moods."""
    for number, sample in enumerate(samples):
        data, sub_pixels = sample.read(), sample.sub_pixels()
        for codec in codecs:
            if number == 0:  # not counted, so that no time includes the loading of libraries
                _measure(codec, sample, data, sub_pixels, 1)
            yield _measure(codec, sample, data, sub_pixels, repeats)


def _measure(codec: Codec, sample: Sample, data: bytes, sub_pixels: int, repeats: int) -> Measurement:
    def failed(outcome: RoundTrip, reason: str) -> Measurement:
        return Measurement(*place, len(data), len(data), outcome, reason)

    place = (codec.name, str(sample.path), sample.setting, sub_pixels)
    encode_times, decode_times = [], []
    for _ in range(repeats):
        start = time.perf_counter()
        try:
            compressed = codec.encode(data)
        except Refused as refused:
            return failed(RoundTrip.REFUSED, str(refused))
        middle = time.perf_counter()
        try:
            restored = codec.decode(compressed)
        except Exception as error:  # a codec that cannot decode its own output has lost the file
            return failed(RoundTrip.WRONG, f"{type(error).__name__}: {error}")
        end = time.perf_counter()
        if restored != data:
            return failed(RoundTrip.WRONG, "the restored bytes differ")
        encode_times.append(middle - start)
        decode_times.append(end - middle)
    times = (min(encode_times), min(decode_times))
    return Measurement(*place, len(data), len(compressed), RoundTrip.RESTORED, "", *times)


def _saving(before: int, after: int) -> float:
    return 100 * (1 - after / before) if before else 0.0
