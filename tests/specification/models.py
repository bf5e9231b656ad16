"""docs/format/models.md: what all kinds of models have in common."""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.specification.conventions import Arrays, Ints, clamp, clip, need
from tests.specification.range_coder import RangeDecoder

CLASSES = 3


@dataclass
class Component:
    """A component in a slice.

    rows, columns: its blocks. steps: q_0 to q_63. coefficients: [64, rows, columns]. last: of each block.
    """

    rows: int
    columns: int
    steps: Ints
    coefficients: Ints = field(init=False)
    last: Ints = field(init=False)

    def __post_init__(self) -> None:
        self.steps = np.maximum(self.steps, 1).astype(np.int64)  # "Quantization steps"
        self.coefficients = np.zeros((64, self.rows, self.columns), np.int64)
        self.last = np.zeros((self.rows, self.columns), np.int64)

    def check(self) -> None:
        """Section "Slices": a decoded coefficient outside -32767..32767 is damage."""
        need(int(np.abs(self.coefficients).max()) <= 32767, "a coefficient out of range")

    def dequantized(self) -> Ints:
        """Coefficients times steps, clamped to +-32767."""
        return clip(self.coefficients * self.steps[:, None, None], -32767, 32767)


def class_of(number: int) -> int:
    """Section "Component classes"."""
    return min(number, 2)


class Tables:
    """Section "Tables": the arrays and functions of them."""

    def __init__(self, arrays: Arrays) -> None:
        self.log = arrays["log"].astype(np.int64)
        self.tanh = arrays["tanh"].astype(np.int64)
        self.log2_mantissa = arrays["log2_mantissa"].astype(np.int64)
        self.sigmoid: list[int] = arrays["sigmoid"].tolist()

    def L(self, n: Ints) -> Ints:
        return np.sign(n) * self.log[np.minimum(np.abs(n), 4095)]

    def T(self, n: Ints) -> list[Ints]:
        """T_0 to T_7."""
        return [np.sign(n) * slope[np.minimum(np.abs(n), 4095)] for slope in self.tanh]

    def log2(self, v: Ints) -> Ints:
        e = np.frexp(v.astype(np.float64))[1].astype(np.int64)  # exact: v is below 2^53
        found: Ints = 16 * e + self.log2_mantissa[(32 * v >> e) - 16]
        return found


M = [round(4096 * math.log((256 + m) / 256)) for m in range(256)]
"""Section "Adaptation": the table of ln."""


def ln(v: int) -> int:
    """Section "Adaptation"."""
    e = v.bit_length() - 9
    return 2839 * e + M[(v >> e) - 256]


@dataclass
class Counts:
    """Section "Adaptation": the four counts of an output and a bucket."""

    true: int = 0
    expected_true: int = 0
    false: int = 0
    expected_false: int = 0

    def shift(self) -> int:
        y, ye, n, ne = (
            ln(count + 262144) for count in (self.true, self.expected_true, self.false, self.expected_false)
        )
        return clamp((y - ye - n + ne) >> 6, -511, 511)

    def add(self, decision: bool, p: int) -> None:
        if decision:
            self.true += 65536
        else:
            self.false += 65536
        self.expected_true += p
        self.expected_false += 65536 - p


class CountSet:
    """Section "Adaptation": a set of counts, which codes the decisions with outputs."""

    def __init__(self, sigmoid: list[int]) -> None:
        self.sigmoid = sigmoid
        self.counts: dict[tuple[int, int], Counts] = {}
        self.shifts: dict[tuple[int, int], int] = {}

    def start_chunk(self) -> None:
        self.shifts = {}

    def decide(self, coder: RangeDecoder, output: int, logit: int) -> bool:
        place = output, (logit + 767) >> 7
        counts = self.counts.setdefault(place, Counts())
        if place not in self.shifts:  # the first such decision of the chunk: the counts are those before it
            self.shifts[place] = counts.shift()
        decision = coder.decide(self.sigmoid[clamp(logit + self.shifts[place], -767, 767) + 767])
        counts.add(decision, self.sigmoid[logit + 767])
        return decision

    def fade(self) -> None:
        """After all values of an AC index."""
        for c in self.counts.values():
            c.true, c.expected_true = c.true >> 2, c.expected_true >> 2
            c.false, c.expected_false = c.false >> 2, c.expected_false >> 2


CHUNK = 128
VALUE_OUTPUTS, LAST_OUTPUTS = 52, 63


@dataclass
class Value:
    """Section "Values": a value while it is decoded. bits: those so far, the leading one first."""

    logits: list[int]
    not_zero: bool
    negative: bool = False
    length: int = 1
    bits: int = 1

    def length_output(self, n: int) -> int | None:
        """The output of the decision that the bit length is at least n."""
        return n + 25 * self.negative if n <= 11 else None

    def bit_output(self) -> int | None:
        """The output of the next bit; None if it has none."""
        place = self.bits.bit_length()
        if place == 1 and 2 <= self.length <= 8:
            return 12 + self.length - 2 + 25 * self.negative
        if place == 2 and 3 <= self.length <= 6:
            return 19 + 2 * (self.length - 3) + (self.bits & 1) + 25 * self.negative
        return VALUE_OUTPUTS + self.bits if self.length <= 8 else None

    def number(self) -> int:
        if not self.not_zero:
            return 0
        return -self.bits if self.negative else self.bits


def decode_values(coder: RangeDecoder, counts: CountSet, logits: Ints, known: Ints) -> list[int]:
    """Section "Values": a sequence. logits: [52, values]. known: 1 if a value is known to be non-zero."""
    values = [Value(row, bool(k)) for row, k in zip(logits.T.tolist(), known.tolist(), strict=True)]
    for start in range(0, len(values), CHUNK):
        counts.start_chunk()
        decode_chunk(coder, counts, values[start : start + CHUNK])
    return [value.number() for value in values]


def decode_chunk(coder: RangeDecoder, counts: CountSet, chunk: Sequence[Value]) -> None:
    """Section "Values": the decisions of a chunk in their order."""

    def decide(value: Value, output: int | None) -> bool:
        if output is None:
            return coder.decide(32768)
        return counts.decide(coder, output, value.logits[output] if output < VALUE_OUTPUTS else 0)

    for value in chunk:
        value.not_zero = value.not_zero or decide(value, 0)
    chunk = [value for value in chunk if value.not_zero]
    for value in chunk:
        value.negative = decide(value, 1)
    for n in range(2, 18):
        for value in (value for value in chunk if value.length == n - 1):
            value.length += decide(value, value.length_output(n))
    for n in range(2, 18):
        of_length = [value for value in chunk if value.length == n]
        for _ in range(n - 1):
            for value in of_length:
                value.bits = 2 * value.bits + decide(value, value.bit_output())


def decode_lasts(coder: RangeDecoder, counts: CountSet, logits: Ints) -> list[int]:
    """Section "`last`": a sequence. logits: [63, values]."""
    rows, prefixes = logits.T.tolist(), [0] * logits.shape[1]
    for start in range(0, len(rows), CHUNK):
        counts.start_chunk()
        for b in range(6):
            for i in range(start, min(start + CHUNK, len(rows))):
                node = 2**b - 1 + prefixes[i]
                prefixes[i] = 2 * prefixes[i] + counts.decide(coder, node, rows[i][node])
    return prefixes


@cache
def read_weights(folder: Path, identifier: int) -> tuple[str, Arrays]:
    """Section "Weights files": kind and arrays of a model."""
    models = json.loads((folder / "manifest.json").read_text())["models"]
    found = [model for model in models if model["id"] == identifier]
    need(len(found) == 1, "an unknown model")
    data = (folder / found[0]["file"]).read_bytes()
    need(hashlib.sha256(data).hexdigest() == found[0]["sha256"], "the weights file has another checksum")
    return found[0]["kind"], dict(arrays_of(data))


def arrays_of(data: bytes) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Section "Weights files": names and arrays."""
    start = 8 + int.from_bytes(data[:8], "little")
    for name, entry in json.loads(data[8:start]).items():
        first, end = (start + offset for offset in entry["data_offsets"])
        kind, bits = entry["dtype"][0].lower(), int(entry["dtype"][1:])
        yield name, np.frombuffer(data[first:end], f"<{kind}{bits // 8}").reshape(entry["shape"])


def check_sums(weights: Ints, bias: Ints, largest: int) -> None:
    """Section "Weights files": sums are below 2^24. weights: [outputs, inputs]. largest: input."""
    sums = (np.abs(weights) * largest).sum(1) + np.abs(bias)
    need(bool((sums < 2**24).all()), "a sum of products can be too large")


class Parts:
    """Takes arrays in order from a flat one."""

    def __init__(self, flat: Ints) -> None:
        self.left = flat.astype(np.int64)

    def take(self, *shape: int) -> Ints:
        size = math.prod(shape)
        need(size <= len(self.left), "the weights do not fit")
        part, self.left = self.left[:size], self.left[size:]
        return part.reshape(shape)

    def end(self) -> None:
        need(not len(self.left), "the weights do not fit")
