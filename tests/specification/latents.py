"""docs/format/latents.md: from slices and weights to quantized coefficients, for the kind `latents`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.specification.conventions import Arrays, Ints, clamp, clip, need
from tests.specification.models import (
    CLASSES,
    Component,
    CountSet,
    Parts,
    Tables,
    check_sums,
    class_of,
    decode_values,
)
from tests.specification.planes import Reference, product
from tests.specification.range_coder import RangeDecoder

GROUPS = [(0, 1), (1, 15), (15, 64)]
"""Section "Order": the groups of indices [start, end)."""


@dataclass(frozen=True)
class Convolution:
    """Section "Networks". weights: [outputs, inputs, size, size]. steps: [outputs, 64 or 0]."""

    weights: Ints
    steps: Ints
    bias: Ints
    largest: int

    def __post_init__(self) -> None:
        flat = np.concatenate([self.weights.reshape(len(self.bias), self.weights[0].size), self.steps], 1)
        check_sums(flat, self.bias, self.largest)

    def __call__(self, x: Ints, steps: Ints) -> Ints:
        """The sums at each block. x: [inputs, rows, columns]. steps: [64]."""
        _, rows, columns = x.shape
        size = self.weights.shape[2]
        padded = np.pad(x, ((0, 0), (size // 2, size // 2), (size // 2, size // 2)))
        sums = np.zeros((len(self.bias), rows * columns), np.int64) + self.bias[:, None]
        if self.steps.size:
            sums += (self.steps @ steps)[:, None]
        for dy in range(size):
            for dx in range(size):
                moved = padded[:, dy : dy + rows, dx : dx + columns]
                sums += product(self.weights[:, :, dy, dx], moved.reshape(len(x), rows * columns))
        return sums.reshape(-1, rows, columns)


def known_count(c: int, start: int, end: int) -> int:
    """Section "Inputs": the number of known inputs of a group in class c."""
    reference = max(end, 6) - max(start, 1) if c else 0
    return reference + (8 + start - 1 if start else 0)


def read_group(
    weights: Parts, biases: Parts, c: int, group: tuple[int, int], hidden: list[int]
) -> list[Convolution]:
    """Section "Weights files": the ten convolutions of a group, numbers 1 to 10 at 0 to 9."""
    C, N = hidden
    start, end = group
    values, known = end - start, known_count(c, start, end)
    shapes = [  # outputs, inputs, size, weights of steps, largest input
        (C, values, 3, 0, 127),
        (N, C, 3, 0, 255),
        (C, C, 3, 0, 255),
        (N, C, 3, 0, 255),
        (2 * N, 0, 1, 64, 127),
        (C, N, 3, 64, 127),
        (2 * N, C, 1, 0, 255),
        (C, known + N, 3, 64, 127),
        (C, C, 3, 0, 255),
        (2 * values, C, 1, 0, 255),
    ]
    found = []
    for outputs, inputs, size, steps, largest in shapes:
        area = inputs * size * size
        matrix = weights.take(outputs, area + steps)
        kernel = matrix[:, :area].reshape(outputs, inputs, size, size)
        found.append(Convolution(kernel, matrix[:, area:], biases.take(outputs), largest))
    return found


def A(sums: Ints) -> Ints:
    """Section "Networks"."""
    return clip(sums >> 6, 0, 255)


def up(y: Ints, rows: int, columns: int) -> Ints:
    """Section "Networks"."""
    return (16 * y).repeat(2, 1).repeat(2, 2)[:, :rows, :columns]


class Model:
    """Section "Weights files"."""

    def __init__(self, arrays: Arrays) -> None:
        self.arrays, self.tables = arrays, Tables(arrays)
        self.head, self.tail = arrays["head"].astype(np.int64), arrays["tail"].astype(np.int64)
        hidden: list[int] = arrays["hidden"].tolist()
        self.latents = hidden[1]
        self.convolutions = []
        for c in range(CLASSES):
            weights, biases = Parts(arrays[f"weight_{c}"]), Parts(arrays[f"bias_{c}"])
            self.convolutions.append([read_group(weights, biases, c, g, hidden) for g in GROUPS])
            weights.end()
            biases.end()

    def decode(self, data: bytes, components: Sequence[Component]) -> None:
        """Section "Order": decodes the slice into the components."""
        coder = RangeDecoder(data)
        for i, own in enumerate(components):
            reference = Reference(components[i - 1], own, self.arrays) if i else None
            decoder = ComponentDecoder(coder, self, own, reference)
            for group, convolutions in zip(GROUPS, self.convolutions[class_of(i)], strict=True):
                decoder.decode_group(*group, convolutions)
            own.check()


class ComponentDecoder:
    """Decodes a component."""

    def __init__(
        self, coder: RangeDecoder, model: Model, own: Component, reference: Reference | None
    ) -> None:
        self.coder, self.model, self.own, self.reference = coder, model, own, reference
        self.L, self.log2 = model.tables.L, model.tables.log2
        self.steps = np.minimum(self.log2(own.steps) >> 1, 127)
        self.dc_counts, self.ac_counts = CountSet(model.tables.sigmoid), CountSet(model.tables.sigmoid)

    def decode_group(self, start: int, end: int, convolutions: list[Convolution]) -> None:
        """Sections "Order", "Networks": y2, y1 and the values of a group."""
        *_, of_y2, from_y2, of_y1, first, middle, last = convolutions
        rows, columns = self.own.rows, self.own.columns
        rows1, columns1 = (rows + 1) // 2, (columns + 1) // 2
        rows2, columns2 = (rows1 + 1) // 2, (columns1 + 1) // 2
        y2 = self.decode_latents(of_y2(np.zeros((0, rows2, columns2), np.int64), self.steps))
        y1 = self.decode_latents(of_y1(A(from_y2(up(y2, rows1, columns1), self.steps)), self.steps))
        h = A(first(np.concatenate([self.known_inputs(start, end), up(y1, rows, columns)]), self.steps))
        for _ in range(3):
            h = clip(h + (middle(h, self.steps) >> 6), 0, 255)
        means, levels = halves(last(h, self.steps))
        for number, k in enumerate(range(start, end)):
            self.decode_values(k, start, means[number], levels[number])

    def decode_latents(self, sums: Ints) -> Ints:
        """Section "Distributions": a tensor of latents, channel by channel."""
        means, levels = halves(sums)
        channels = [
            self.decode_channel(self.dc_counts, m, level) for m, level in zip(means, levels, strict=True)
        ]
        latents = np.stack(channels)
        need(int(np.abs(latents).max()) <= 7, "a latent out of range")
        return latents

    def decode_values(self, k: int, start: int, means: Ints, levels: Ints) -> None:
        """Section "Networks": the corrections of index k; section "Order": values and coefficients."""
        q, log2 = self.own.steps, self.log2(self.own.steps)
        means = clip(means, -2047, 2047) * q[start] // q[k]
        levels = levels - (5 * log2[k] >> 4)
        values = self.decode_channel(self.ac_counts if k else self.dc_counts, means, levels)
        need(int(np.abs(values).max()) <= 32767, "a value out of range")
        if k == 0:
            self.add_median_edges(values)
        else:
            self.own.coefficients[k] = values
            self.ac_counts.fade()

    def add_median_edges(self, values: Ints) -> None:
        """Section "Order": DC from its values."""
        dc = np.zeros((self.own.rows + 1, self.own.columns + 1), np.int64)  # with 0 above and to the left
        for y in range(self.own.rows):
            for x in range(self.own.columns):
                a, b, c = int(dc[y + 1, x]), int(dc[y, x + 1]), int(dc[y, x])
                dc[y + 1, x + 1] = values[y, x] + clamp(a + b - c, min(a, b), max(a, b))
        self.own.coefficients[0] = dc[1:, 1:]

    def decode_channel(self, counts: CountSet, means: Ints, levels: Ints) -> Ints:
        """Section "Distributions": a sequence. means, levels: [rows, columns]."""
        m, level = clip(means, -2047, 2047), clip(levels, 0, 63)
        w = (m + 8) >> 4
        head = self.model.head[level, m - 16 * w + 8].reshape(-1, 2)
        tail = self.model.tail[level].reshape(-1, 25)
        logits = np.concatenate([head, tail, tail], 1).T
        coded = decode_values(self.coder, counts, logits, np.zeros(w.size, np.int64))
        found: Ints = np.array(coded).reshape(w.shape) + w
        return found

    def known_inputs(self, start: int, end: int) -> Ints:
        """Section "Inputs": the known inputs of a group, [channels, rows, columns]."""
        q, coefficients = self.own.steps, self.own.coefficients
        found: list[Ints] = []
        if self.reference is not None:
            y = self.reference.y
            found += [self.L(16 * y[k] // q[k]) for k in range(max(start, 1), max(end, 6))]
        if start > 0:
            differences = self.dc_differences()
            found += [clip(2 * d // q[start], -127, 127) for d in differences]
            found += [self.L(16 * d // q[start]) for d in differences]
            found += [self.L(16 * coefficients[k]) for k in range(1, start)]
        return np.array(found, np.int64).reshape(-1, self.own.rows, self.own.columns)

    def dc_differences(self) -> list[Ints]:
        """Section "Inputs": D of the blocks above, to the left, to the right and below."""
        q, dc = self.own.steps[0], self.own.coefficients[0]
        d = np.zeros((4, *dc.shape), np.int64)
        d[0, 1:], d[1, :, 1:] = dc[:-1] - dc[1:], dc[:, :-1] - dc[:, 1:]
        d[2, :, :-1], d[3, :-1] = dc[:, 1:] - dc[:, :-1], dc[1:] - dc[:-1]
        return [*(d * q)]


def halves(sums: Ints) -> tuple[Ints, Ints]:
    """Section "Networks": means and levels."""
    half = len(sums) // 2
    return sums[:half] >> 7, (sums[half:] >> 8) + 22
