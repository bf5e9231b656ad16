"""A slow JPEG writer straight from T.81, for files that no tool at hand writes.

Independent of the package: blocks are lists of 64 integers in zig-zag order.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
ZRL = 0xF0

# Every symbol of AC: 255 of the 256 codes of 8 bits, and one of 9. Likewise the categories of DC.
AC_TABLE = bytes([0] * 7 + [255, 1] + [0] * 7) + bytes(range(256))
DC_TABLE = bytes([0] * 3 + [15, 1] + [0] * 11) + bytes(range(16))

Block = Sequence[int]


def segment(code: int, payload: bytes) -> bytes:
    return bytes([0xFF, code]) + (len(payload) + 2).to_bytes(2) + payload


def dqt(identifier: int, values: Sequence[int], wide: bool = False) -> bytes:
    packed = b"".join(v.to_bytes(2 if wide else 1) for v in values)
    return segment(0xDB, bytes([(16 if wide else 0) + identifier]) + packed)


def dht(kind: int, identifier: int, table: bytes) -> bytes:
    return segment(0xC4, bytes([kind << 4 | identifier]) + table)


def dri(interval: int) -> bytes:
    return segment(0xDD, interval.to_bytes(2))


def dnl(height: int) -> bytes:
    return segment(0xDC, height.to_bytes(2))


def sof(code: int, width: int, height: int, sampling: Sequence[tuple[int, int]], precision: int = 8) -> bytes:
    """A frame header; component i has the identifier i + 1 and quantization table 0."""
    payload = bytes([precision]) + height.to_bytes(2) + width.to_bytes(2) + bytes([len(sampling)])
    for i, (h, v) in enumerate(sampling):
        payload += bytes([i + 1, h << 4 | v, 0])
    return segment(code, payload)


def sos(components: Sequence[int], start: int = 0, stop: int = 63, high: int = 0, low: int = 0) -> bytes:
    """A scan header for components counted from 0, all with Huffman tables 0."""
    payload = bytes([len(components)])
    for i in components:
        payload += bytes([i + 1, 0])
    return segment(0xDA, payload + bytes([start, stop, high << 4 | low]))


def rst(number: int) -> bytes:
    return bytes([0xFF, 0xD0 + number % 8])


def tables() -> bytes:
    """Quantization table 0 and the full Huffman tables 0."""
    return dqt(0, range(1, 65)) + dht(0, 0, DC_TABLE) + dht(1, 0, AC_TABLE)


def codes_of(table: bytes) -> dict[int, str]:
    """Symbol to code (T.81 C.2)."""
    codes: dict[int, str] = {}
    code, index = 0, 16
    for length in range(1, 17):
        for _ in range(table[length - 1]):
            codes[table[index]] = f"{code:0{length}b}"
            code, index = code + 1, index + 1
        code <<= 1
    return codes


class Bits:
    """Bits of one interval, as text."""

    def __init__(self, dc: bytes = DC_TABLE, ac: bytes = AC_TABLE) -> None:
        self._dc = codes_of(dc)
        self._ac = codes_of(ac)
        self._pieces: list[str] = []

    def symbol(self, symbol: int) -> None:
        self._pieces.append(self._ac[symbol])

    def difference(self, value: int) -> None:
        """A DC difference."""
        self._pieces.append(self._dc[abs(value).bit_length()])
        self._additional(value)

    def raw(self, value: int, count: int) -> None:
        if count:
            self._pieces.append(f"{value:0{count}b}")

    def value(self, run: int, value: int) -> None:
        """A symbol with the additional bits of its value."""
        self.symbol(run << 4 | abs(value).bit_length())
        self._additional(value)

    def _additional(self, value: int) -> None:
        category = abs(value).bit_length()
        self.raw(value if value >= 0 else value + (1 << category) - 1, category)

    def data(self, padding: str = "1111111") -> bytes:
        """Bytes, stuffed, the last one filled from `padding`."""
        text = "".join(self._pieces)
        missing = -len(text) % 8
        text += padding[:missing]
        data = bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))
        return data.replace(b"\xff", b"\xff\0")


def put_sequential(bits: Bits, block: Block, prediction: int, zero_runs: int = 0) -> None:
    """A block of a sequential scan, with `zero_runs` needless ZRL symbols at its end."""
    bits.difference(block[0] - prediction)
    last = 0
    for k in range(1, 64):
        if block[k]:
            while k - last > 16:
                bits.symbol(ZRL)
                last += 16
            bits.value(k - last - 1, block[k])
            last = k
    for _ in range(zero_runs):
        bits.symbol(ZRL)
        last += 16
    if last < 63:
        bits.symbol(0)


def sequential(blocks: Sequence[Block], padding: str = "1111111") -> bytes:
    """One interval of a sequential scan of one component."""
    bits = Bits()
    prediction = 0
    for block in blocks:
        put_sequential(bits, block, prediction)
        prediction = block[0]
    return bits.data(padding)


class Chooser(Protocol):
    """How a progressive encoder decides."""

    def end_run(self, length: int, waiting: int) -> bool:
        """Whether an EOB run ends after so many blocks, with so many correction bits waiting."""
        ...

    def zero_runs(self, most: int) -> int:
        """How many needless ZRL symbols end a block."""
        ...


class LikeLibjpeg:
    """Runs as long as they get, unless libjpeg's buffer would be full; no needless ZRL symbols."""

    def end_run(self, length: int, waiting: int) -> bool:
        return waiting > 937

    def zero_runs(self, most: int) -> int:
        return 0


class Whimsical:
    """Ends runs and writes needless ZRL symbols at random."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def end_run(self, length: int, waiting: int) -> bool:
        return bool(self._random.random() < 0.2)

    def zero_runs(self, most: int) -> int:
        return int(self._random.integers(0, most + 1)) if self._random.random() < 0.3 else 0


def progressive_ac(
    blocks: Sequence[Block], start: int, stop: int, high: int, low: int, choose: Chooser
) -> bytes:
    """One interval of a first (high 0) or refinement scan of AC coefficients (T.81 G.1.2.2, G.1.2.3)."""
    bits = Bits()
    run = 0
    waiting: list[int] = []

    def flush() -> None:
        nonlocal run
        if run:
            n = run.bit_length() - 1
            bits.symbol(n << 4)
            bits.raw(run - (1 << n), n)
            for bit in waiting:
                bits.raw(bit, 1)
        run = 0
        waiting.clear()

    for block in blocks:
        values = [(abs(v) >> low) * (1 if v > 0 else -1) for v in block]
        known = [high > 0 and abs(v) > 1 for v in values]
        fresh = [k for k in range(start, stop + 1) if values[k] and not known[k]]
        last = fresh[-1] if fresh else start - 1
        extra = choose.zero_runs(sum(not known[k] for k in range(last + 1, stop + 1)) // 16)
        if fresh or extra:
            flush()
        zeros = 0
        corrections: list[int] = []

        def end_symbol(corrections: list[int] = corrections) -> None:
            for bit in corrections:
                bits.raw(bit, 1)
            corrections.clear()

        for k in range(start, stop + 1):
            if known[k]:
                corrections.append(abs(values[k]) & 1)
            elif values[k]:
                if high:
                    bits.symbol(zeros << 4 | 1)
                    bits.raw(int(values[k] > 0), 1)
                else:
                    bits.value(zeros, values[k])
                end_symbol()
                zeros = 0
            else:
                zeros += 1
                if zeros == 16 and (any(j > k for j in fresh) or extra):
                    extra -= k > last
                    bits.symbol(ZRL)
                    end_symbol()
                    zeros = 0
        if zeros or corrections:
            run += 1
            waiting += corrections
            if run == 0x7FFF or choose.end_run(run, len(waiting)):
                flush()
    flush()
    return bits.data()


def dc_first(blocks: Sequence[Block], low: int) -> bytes:
    bits = Bits()
    prediction = 0
    for block in blocks:
        bits.difference((block[0] >> low) - prediction)
        prediction = block[0] >> low
    return bits.data()


def dc_refine(blocks: Sequence[Block], low: int) -> bytes:
    bits = Bits()
    for block in blocks:
        bits.raw(block[0] >> low & 1, 1)
    return bits.data()


def progressive(blocks: list[list[int]], choose: Chooser, start: int = 1, stop: int = 63) -> bytes:
    """Four scans of one component: DC, AC first, refinement of AC, refinement of DC."""
    width = 8 * len(blocks)
    data = SOI + tables() + sof(0xC2, width, 8, [(1, 1)])
    data += sos([0], 0, 0, 0, 1) + dc_first(blocks, 1)
    data += sos([0], start, stop, 0, 1) + progressive_ac(blocks, start, stop, 0, 1, choose)
    data += sos([0], start, stop, 1, 0) + progressive_ac(blocks, start, stop, 1, 0, choose)
    return data + sos([0], 0, 0, 1, 0) + dc_refine(blocks, 0) + EOI


def gray_file(data: bytes, width: int = 32, height: int = 24, *, before_sos: bytes = b"") -> bytes:
    """A baseline file of one component (by default 4 x 3 blocks) around its entropy-coded data."""
    return SOI + tables() + sof(0xC0, width, height, [(1, 1)]) + before_sos + sos([0]) + data + EOI


def gray_intervals(blocks: Sequence[Block], interval: int) -> list[bytes]:
    """The data of each restart interval."""
    return [sequential(blocks[i : i + interval]) for i in range(0, len(blocks), interval)]
