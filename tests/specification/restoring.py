"""docs/restoring.md: from coefficients to restored samples."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np

from tests.specification.conventions import Arrays, Ints

PAGE = Path(__file__).parents[2] / "docs" / "restoring.md"

MATRIX: Ints = np.array(
    [
        [
            8192 if k == 0 else round(2**13 * math.sqrt(2) * math.cos((2 * n + 1) * k * math.pi / 16))
            for n in range(8)
        ]
        for k in range(8)
    ]
)
"""m(k, n)."""

HADAMARD: Ints = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, -1, 1], [1, -1, 1, -1]])


def rounded(value: Ints, bits: int | Ints) -> Ints:
    half: Ints = np.left_shift(1, bits) // 2
    return (value + half) >> bits


def samples_within(value: Ints) -> Ints:
    return value.clip(-8191, 8191)


def blocks(plane: Ints) -> Ints:
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    return plane.reshape(rows, 8, columns, 8).swapaxes(1, 2)


def plane(parts: Ints) -> Ints:
    rows, columns = parts.shape[:2]
    return parts.swapaxes(1, 2).reshape(8 * rows, 8 * columns)


def forward(parts: Ints) -> Ints:
    return rounded(rounded(MATRIX @ parts, 15) @ MATRIX.T, 14)


def inverse(parts: Ints) -> Ints:
    return rounded(rounded(MATRIX.T @ parts, 14).clip(-32767, 32767) @ MATRIX, 15)


@dataclass
class Component:
    """levels: [rows, columns, 8, 8]. steps: [8, 8], of the table. down, across: D and A. precision: P."""

    levels: Ints
    steps: Ints
    down: int
    across: int
    precision: int
    table: int

    def __post_init__(self) -> None:
        size = self.steps.clip(1) << (13 - self.precision)
        self.centres = (self.levels * size).clip(-65534, 65534)
        self.radius = np.minimum(size >> 1, 32767)
        self.reach = self.radius - np.minimum(4, (self.radius + 1) >> 1)

    @property
    def fitted(self) -> bool:
        return self.table == 2 and self.down * self.across > 1

    def inside(self, coefficients: Ints) -> Ints:
        """Section "Cells": the nearest values in the cells."""
        near = coefficients.clip(self.centres - self.reach, self.centres + self.reach)
        return near.clip(-32767, 32767)

    def projected(self, samples: Ints) -> Ints:
        return samples_within(plane(inverse(self.inside(forward(blocks(samples))))))

    def offsets(self) -> Ints:
        """Section "Expectation", step 1."""
        found = np.zeros((8, 8), np.int64)
        for row, column in list(np.ndindex(8, 8))[1:]:
            sizes = np.abs(self.levels[:, :, row, column])
            n, b = int((sizes > 0).sum()), int(sizes[sizes > 0].sum()) - int((sizes > 0).sum())
            if n:
                with localcontext() as context:
                    context.prec = 28
                    d = Decimal(b + 2) / (n + b + 2)
                    found[row, column] = round(1024 * (Decimal("0.5") + 1 / d.ln() + d / (1 - d)))
        return found

    def decoded(self, offsets: Ints) -> Ints:
        """Step 2."""
        shift = (2 * self.radius * offsets) >> 10
        return samples_within(plane(inverse(self.inside(self.centres - np.sign(self.levels) * shift))))

    def enlarged(self, samples: Ints) -> Ints:
        """Step 5."""
        for axis, factor in ((0, self.down), (1, self.across)):
            samples = np.moveaxis(samples, axis, 0)
            while factor % 2 == 0:
                p, q, x, r, s = (near(samples, distance) for distance in range(-2, 3))
                h = (22 * (r - q) - 3 * (s - p) + 64) >> 7
                pair = [x - h, x + h] if not self.fitted else [(3 * x + q + 2) >> 2, (3 * x + r + 1) >> 2]
                samples = np.stack(pair, 1).reshape(-1, samples.shape[1])
                factor //= 2
            samples = np.moveaxis(samples.repeat(factor, 0), 0, axis)
        return samples_within(samples)


def near(samples: Ints, distance: int) -> Ints:
    moved: Ints = samples[(np.arange(len(samples)) + distance).clip(0, len(samples) - 1)]
    return moved


def tables() -> tuple[Ints, Ints]:
    """The gains [c, class, level] and weights [c] of the page."""
    rows = re.findall(
        r"^\| (\d+) \| ([\d, ]+) \| ([\d, ]+) \| ([\d, ]+) \| (\d+) \|$", PAGE.read_text(), re.M
    )
    starts = [int(row[0]) for row in rows]
    which = [sum(start <= c for start in starts) - 1 for c in range(64)]
    gains = [[[int(g) for g in part.split(",")] for part in row[1:4]] for row in rows]
    return np.array(gains)[which], np.array([int(row[4]) for row in rows])[which]


def shrunk(samples: Ints, radius: Ints) -> Ints:
    """Step 3."""
    gains, weights = tables()
    wide = np.pad(samples.clip(-4096, 4096), 8, "edge")
    sums, total = np.zeros_like(wide), np.zeros_like(wide)
    frequency = np.add.outer(np.arange(8), np.arange(8))
    classes = (frequency > 1) * 1 + (frequency > 3)
    for top in range(wide.shape[0] - 7):
        windows = np.stack([wide[top : top + 8, x : x + 8] for x in range(wide.shape[1] - 7)])
        found = forward(windows)
        size = np.abs(found)
        large = size >= radius
        count = large.sum((1, 2)) - large[:, 0, 0]
        level = (size >= radius >> 1) * 1 + large + (size >= 2 * radius)
        gain = gains[count[:, None, None], classes, level]
        gain[:, 0, 0] = 256
        after = MATRIX.T @ rounded(rounded(gain * found, 8) @ MATRIX, 14)
        for x, window in enumerate(after * weights[count][:, None, None]):
            sums[top : top + 8, x : x + 8] += window
            total[top : top + 8, x : x + 8] += weights[count[x]]
    s, w = sums[8:-8, 8:-8], total[8:-8, 8:-8]
    return samples_within((s + (w << 14)) // (w << 15))


def expectation(components: Sequence[Component]) -> tuple[list[Ints], list[Ints]]:
    """R and D."""
    restored, decoded = [], []
    for component in components:
        samples = shrunk(component.decoded(component.offsets()), component.radius)
        restored.append(component.enlarged(component.projected(samples)))
        decoded.append(component.enlarged(component.decoded(np.zeros((8, 8), np.int64))))
    return restored, decoded


def network(components: Sequence[Component], arrays: Arrays) -> list[Ints]:
    """The results of the method `network` for files of which it makes one."""
    restored, decoded = expectation(components)
    found = corrections(components, restored, decoded, arrays)
    return [
        before if component.fitted else corrected(component, before + rounded(correction, 3))
        for component, before, correction in zip(components, restored, found, strict=False)
    ]


def corrected(component: Component, pixels: Ints) -> Ints:
    """Section "Corrected samples"."""
    p, number = samples_within(pixels), component.down * component.across
    parts = p.reshape(p.shape[0] // component.down, component.down, -1, component.across)
    total = parts.sum((1, 3))
    error = number * component.projected((total + number // 2) // number) - total
    order = np.arange(number).reshape(1, component.down, 1, component.across)
    change = (error // number)[:, None, :, None] + (order < (error % number)[:, None, :, None])
    return samples_within((parts + change).reshape(p.shape))


def controls(components: Sequence[Component], arrays: Arrays) -> tuple[Ints, Ints, Ints]:
    """All gains, all offsets, and the sums [3] of the described steps."""
    q = np.ones((3, 64), np.int64)
    logarithms = np.zeros((3, 64), np.int64)
    for c, component in enumerate(components):
        q[c] = (component.steps.reshape(64).clip(1) >> (component.precision - 8)).clip(1, 255)
        logarithms[c] = arrays["logarithms"][q[c]]
    down, across = factors(components)
    flags = [127 * (across == 2), 127 * (down == 2), 127 * (len(components) == 1)]
    x = np.concatenate([logarithms.reshape(-1) - 128, flags])
    hidden = rounded(wide(arrays["hidden"]) @ x + arrays["hidden_bias"], 8).clip(0, 255)
    sums = wide(arrays["control"]) @ hidden + arrays["control_bias"]
    count = sum(name.startswith("convolution_") for name in arrays)
    between = len(arrays["convolution_0"])
    split = between * (2 + 3 * (count - 2) // 2) + 48
    exponents = rounded(sums[:split], 8)
    exponents[-48:] += ((5 * rounded(logarithms.sum(1), 6)) >> 2).repeat(16)
    return wide(arrays["gains"])[exponents.clip(0, 959)], 64 * sums[split:], q.sum(1)


def wide(array: Ints) -> Ints:
    return array.astype(np.int64)


def factors(components: Sequence[Component]) -> tuple[int, int]:
    """D and A of Cb, 1 for gray."""
    last = components[-1]
    return last.down, last.across


def inputs(restored: Ints, decoded: Ints, factors: tuple[int, int], sums: Ints) -> Ints:
    """Section "Inputs": [104, rows, columns] of cells."""
    text = PAGE.read_text()
    shifts = [re.search(rf"for\s+{kind}:\s+([\d,\s]+)", text) for kind in ("luma", "chroma")]
    luma, chroma = ([int(n) for n in re.findall(r"\d+", found[1])] for found in shifts if found)
    down, across = factors
    rows, columns = restored.shape[1] // 4, restored.shape[2] // 4
    found = np.zeros((104, rows, columns), np.int64)
    for y, x in np.ndindex(rows, columns):
        for c in range(3):
            cell = (c, slice(4 * y, 4 * y + 4), slice(4 * x, 4 * x + 4))
            transformed = (HADAMARD @ restored[cell] @ HADAMARD.T).reshape(16)
            found[16 * c : 16 * c + 16, y, x] = rounded(transformed, np.array(chroma if c else luma))
            difference = (decoded[cell] - restored[cell]).reshape(16) * (384 * 2**14 // sums[c])
            found[48 + 16 * c : 64 + 16 * c, y, x] = rounded(difference, 14)
        found[96 + 2 * (y % 2) + x % 2, y, x] = 127
        found[100 + 2 * (y // 2 % down) + x // 2 % across, y, x] = 127
    return found.clip(-127, 127)


def convolved(weights: Ints, x: Ints) -> Ints:
    _, rows, columns = x.shape
    wider = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    total = sum(
        np.einsum("oi,iyx->oyx", wide(weights[:, :, dy, dx]), wider[:, dy : dy + rows, dx : dx + columns])
        for dy, dx in np.ndindex(3, 3)
    )
    return rounded(np.asarray(total), 3).clip(-32767, 32767)


def corrections(
    components: Sequence[Component], restored: list[Ints], decoded: list[Ints], arrays: Arrays
) -> Ints:
    """Section "Network": [3, rows, columns]."""
    planes = np.zeros((2, 3, *restored[0].shape), np.int64)
    planes[0, : len(restored)], planes[1, : len(decoded)] = restored, decoded
    all_gains, all_offsets, sums = controls(components, arrays)
    between = len(arrays["convolution_0"])

    def groups(values: Ints) -> Iterator[Ints]:
        ends = range(between, len(values) - 47, between)
        return iter([group[:, None, None] for group in np.split(values, ends)])

    gains, offsets = groups(all_gains), groups(all_offsets)

    def with_gain(v: Ints, offset: Ints) -> Ints:
        return rounded(v * next(gains) + offset, 14)

    def scaled(v: Ints) -> Ints:
        return with_gain(v, next(offsets)).clip(-32767, 32767)

    def activation(v: Ints) -> Ints:
        return with_gain(v, next(offsets)).clip(0, 255)

    last = sum(name.startswith("convolution_") for name in arrays) - 1
    x = inputs(planes[0], planes[1], factors(components), sums)
    stream = scaled(convolved(arrays["convolution_0"], x))
    for i in range(1, last, 2):
        a = activation(stream)
        b = activation(convolved(arrays[f"convolution_{i}"], a))
        change = with_gain(convolved(arrays[f"convolution_{i + 1}"], b), np.zeros(1, np.int64))
        stream = (stream + change.clip(-32767, 32767)).clip(-32767, 32767)
    result = scaled(convolved(arrays[f"convolution_{last}"], activation(stream)))
    _, rows, columns = result.shape
    cells = result.reshape(3, 4, 4, rows, columns).transpose(0, 3, 1, 4, 2)
    return cells.reshape(3, 4 * rows, 4 * columns)
