"""docs/format/jpeg.md, "Arithmetic-coded frames": an encoder whose numbers have any size."""

import re
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path

from tests.specification.conventions import sign
from tests.specification.headers import Conditioning, Scan

DOCUMENT = Path(__file__).parents[2] / "docs" / "format" / "jpeg.md"
EVEN = 113


@dataclass(frozen=True)
class State:
    """Section "Coding of decisions": a state of the table."""

    size: int
    less: int
    more: int
    exchange: int


@cache
def states() -> list[State]:
    """Section "Coding of decisions": the table, as the page has it."""
    text = DOCUMENT.read_text("utf-8").split("The states, each with its number")[1].split("```")[1]
    rows = re.findall(r"(\d+) ([0-9A-F]{4}) +(\d+) +(\d+) ([01])\b", text)
    assert [int(row[0]) for row in rows] == list(range(114))
    return [State(int(size, 16), int(less), int(more), int(x)) for _, size, less, more, x in rows]


@dataclass
class Estimate:
    """An estimate of a decision."""

    state: int = 0
    more_probable: int = 0


class DecisionCoder:
    """Section "Coding of decisions": an interval of a segment."""

    def __init__(self) -> None:
        self.low, self.range, self.n = 0, 1 << 16, 16

    def code(self, estimate: Estimate, d: int) -> None:
        """Steps 1 to 4."""
        state = states()[estimate.state]
        q, probable = state.size, d == estimate.more_probable
        self.range -= q
        if probable == (self.range < q):
            self.low += self.range
            self.range = q
        if probable:
            if self.range < 1 << 15:
                estimate.state = state.more
        else:
            if state.exchange:
                estimate.more_probable = 1 - estimate.more_probable
            estimate.state = state.less
        while self.range < 1 << 15:
            self.low, self.range, self.n = 2 * self.low, 2 * self.range, self.n + 1

    def digits(self, x: int) -> bytes:
        """The digits of a number."""
        count = -(-self.n // 8)
        return (x << (8 * count - self.n)).to_bytes(count)

    def finished(self) -> bytes:
        """The bytes of an interval."""
        last = self.low + self.range - 1
        x = last >> 16 << 16
        return stuffed(self.digits(x if x >= self.low else last >> 15 << 15))

    def certain(self) -> bytes:
        """The bytes of the last interval of a segment with a tail."""
        pairs = zip(self.digits(self.low), self.digits(self.low + self.range - 1), strict=True)
        return stuffed(bytes(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)))


def stuffed(digits: bytes) -> bytes:
    """Digits as bytes, without zeros at the end."""
    return digits.rstrip(b"\0").replace(b"\xff", b"\xff\0")


class Area:
    """Section "Arithmetic-coded frames": the estimates of all destinations."""

    def __init__(self, size: int) -> None:
        self.estimates = [[Estimate() for _ in range(size)] for _ in range(4)]

    def of(self, conditioning: Conditioning | None) -> list[Estimate]:
        """The estimates of a destination."""
        assert conditioning is not None
        return self.estimates[conditioning.destination]


class IntervalWriter:
    """Sections "Magnitudes" and "Blocks": the blocks of an interval of a segment."""

    def __init__(self, scan: Scan, progressive: bool) -> None:
        self.scan, self.progressive = scan, progressive
        self.coder = DecisionCoder()
        self.dc, self.ac = Area(64), Area(256)
        self.predictions, self.contexts = [0] * len(scan.components), [0] * len(scan.components)

    def even(self, d: int) -> None:
        """An even decision."""
        self.coder.code(Estimate(EVEN), d)

    def write_block(self, n: int, block: list[int]) -> None:
        """Section "Blocks". n: the component in the scan."""
        scan = self.scan
        if not self.progressive:
            self.write_dc(n, block[0])
            self.write_ac(n, block, 1, 63)
        elif scan.ss == 0 and scan.ah == 0:
            self.write_dc(n, block[0] >> scan.al)
        elif scan.ss == 0:
            self.even(block[0] >> scan.al & 1)
        elif scan.ah == 0:
            self.write_ac(n, [sign(v) * (abs(v) >> scan.al) for v in block], scan.ss, scan.se)
        else:
            self.write_refinement(n, block)

    def write_magnitude(self, v: int, area: list[Estimate], first: int, ladder: int, is_ac: bool) -> int:
        """Section "Magnitudes". Returns the highest bit of v - 1 as a number."""
        e, used = v - 1, first
        thresholds = [(1, first), (2, first)] if is_ac else [(1, first)]
        thresholds += [(2 << i << is_ac, ladder + i) for i in range(15)]
        for threshold, used in thresholds:
            self.coder.code(area[used], e >= threshold)
            if e < threshold:
                break
        for place in reversed(range(max(e.bit_length() - 1, 0))):
            self.coder.code(area[used + 14], e >> place & 1)
        return 1 << e.bit_length() >> 1

    def write_dc(self, n: int, value: int) -> None:
        """DC of sequential scans and first scans."""
        conditioning = self.scan.components[n].dc_conditioning
        estimates, c = self.dc.of(conditioning), self.contexts[n]
        assert conditioning is not None
        d = (value - self.predictions[n] + 32768) % 65536 - 32768
        self.predictions[n], self.contexts[n] = value, 0
        self.coder.code(estimates[c], d != 0)
        if d == 0:
            return
        self.coder.code(estimates[c + 1], d < 0)
        t = self.write_magnitude(abs(d), estimates, c + (3 if d < 0 else 2), 20, False)
        if t >= 2 ** (conditioning.value % 16) // 2:
            self.contexts[n] = 8 if d < 0 else 4
            if t > 2 ** (conditioning.value // 16) // 2:
                self.contexts[n] += 8

    def write_ac(self, n: int, values: list[int], start: int, end: int) -> None:
        """AC of sequential scans and first scans."""
        conditioning = self.scan.components[n].ac_conditioning
        estimates = self.ac.of(conditioning)
        assert conditioning is not None
        k = start
        while k <= end:
            ends = not any(values[k : end + 1])
            self.coder.code(estimates[3 * (k - 1)], ends)
            if ends:
                return
            while values[k] == 0:
                self.coder.code(estimates[3 * (k - 1) + 1], 0)
                k += 1
            self.coder.code(estimates[3 * (k - 1) + 1], 1)
            self.even(values[k] < 0)
            ladder = 189 if k <= conditioning.value else 217
            self.write_magnitude(abs(values[k]), estimates, 3 * (k - 1) + 2, ladder, True)
            k += 1

    def write_refinement(self, n: int, block: list[int]) -> None:
        """AC of refinement scans."""
        scan, estimates = self.scan, self.ac.of(self.scan.components[n].ac_conditioning)
        m = [abs(v) >> scan.al for v in block[: scan.se + 1]]
        k = scan.ss
        while k <= scan.se:
            if all(v <= 1 for v in m[k:]):
                ends = not any(m[k:])
                self.coder.code(estimates[3 * (k - 1)], ends)
                if ends:
                    return
            while m[k] == 0:
                self.coder.code(estimates[3 * (k - 1) + 1], 0)
                k += 1
            if m[k] > 1:
                self.coder.code(estimates[3 * (k - 1) + 2], m[k] & 1)
            else:
                self.coder.code(estimates[3 * (k - 1) + 1], 1)
                self.even(block[k] < 0)
            k += 1
