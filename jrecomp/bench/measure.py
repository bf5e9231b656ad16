"""Measurement of lossless codecs on JPEG files; every round trip is checked."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from jrecomp.bench.codecs import Codec, Refused
from jrecomp.bench.inputs import Encoding, Sample


class RoundTrip(StrEnum):
    """The outcome of encoding and decoding a file."""

    RESTORED = "restored"
    REFUSED = "refused"
    WRONG = "wrong"


@dataclass(frozen=True)
class Measurement:
    """The measurement of a codec on a file.

    codec: its name. file: path. setting: of the encoded picture, None for a JPEG file. sub_pixels: see
    Sample.sub_pixels(). before, after: sizes in bytes; they are equal unless the file was restored. outcome:
    whether it was restored. reason: why it was not. encode_seconds, decode_seconds: wall-clock times of the
    fastest run, 0 if the file was not restored.
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
        """Reduction of the size in percent."""
        return _saving(self.before, self.after)


@dataclass(frozen=True)
class Total:
    """Sums over measurements.

    count: number of measurements. refused, wrong: numbers of measurements with these outcomes. restored: sum
    of the sizes before compression of restored files. The other fields are sums of those of Measurement.
    """

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
        """The sums over measurements."""
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
        """Reduction of the size in percent."""
        return _saving(self.before, self.after)

    @property
    def encode_speed(self) -> float | None:
        """MB of JPEG files encoded per second, over restored files; None if there are none."""
        return self.restored / 1e6 / self.encode_seconds if self.encode_seconds else None

    @property
    def decode_speed(self) -> float | None:
        """MB of JPEG files decoded per second, over restored files; None if there are none."""
        return self.restored / 1e6 / self.decode_seconds if self.decode_seconds else None


def run(codecs: list[Codec], samples: Iterable[Sample], repeats: int) -> Iterator[Measurement]:
    """Measure codecs on samples.

    All codecs are measured on a file before the next file, so that changes in the speed of the machine affect
    them equally. The fastest of `repeats` runs counts.
    """
    for number, sample in enumerate(samples):
        data, sub_pixels = sample.read(), sample.sub_pixels()
        for codec in codecs:
            if number == 0:  # an uncounted run, which loads libraries and models
                _measure(codec, sample, data, sub_pixels, 1)
            yield _measure(codec, sample, data, sub_pixels, repeats)


def _measure(codec: Codec, sample: Sample, data: bytes, sub_pixels: int, repeats: int) -> Measurement:
    def failed(outcome: RoundTrip, reason: str) -> Measurement:
        return Measurement(*labels, len(data), len(data), outcome, reason)

    labels = (codec.name, str(sample.path), sample.setting, sub_pixels)
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
        except Exception as error:  # the codec cannot decode its own output
            return failed(RoundTrip.WRONG, f"{type(error).__name__}: {error}")
        end = time.perf_counter()
        if restored != data:
            return failed(RoundTrip.WRONG, "the restored bytes differ")
        encode_times.append(middle - start)
        decode_times.append(end - middle)
    times = (min(encode_times), min(decode_times))
    return Measurement(*labels, len(data), len(compressed), RoundTrip.RESTORED, "", *times)


def _saving(before: int, after: int) -> float:
    return 100 * (1 - after / before) if before else 0.0
