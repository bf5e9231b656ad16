"""docs/format/planes.md: from slices and weights to quantized coefficients, for the kind `planes`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from tests.specification.conventions import COLUMN, INDEX, ROW, Arrays, Ints, clip, distance, need
from tests.specification.models import (
    CLASSES,
    LAST_OUTPUTS,
    VALUE_OUTPUTS,
    Component,
    CountSet,
    Parts,
    Tables,
    check_sums,
    class_of,
    decode_lasts,
    decode_values,
)
from tests.specification.range_coder import RangeDecoder

DIAGONAL_OFFSETS = [(-1, -1), (-1, 1), (1, -1), (1, 1), (-1, -3), (-1, 3), (1, -3), (1, 3)]
DIAGONAL_OFFSETS += [(-3, -1), (3, -1), (-3, 1), (3, 1)]
STRAIGHT_OFFSETS = [(0, -1), (0, 1), (-1, 0), (1, 0), (-1, -2), (-1, 2), (1, -2), (1, 2)]
STRAIGHT_OFFSETS += [(-2, -1), (2, -1), (-2, 1), (2, 1), (0, -3), (0, 3), (-3, 0), (3, 0)]

NEIGHBOURS = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]
LAST = 64
"""The number of the network of `last`."""
OWN = -1
"""The side of a block itself."""


class Phase:
    """Section "Order": a phase of DC and `last`.

    blocks: True for its blocks, [rows, columns]. ys, xs: where they are. offsets: (dy, dx), primary first.
    """

    def __init__(self, number: int, blocks: npt.NDArray[np.bool_], offsets: list[tuple[int, int]]) -> None:
        self.number, self.offsets = number, offsets
        self.ys, self.xs = np.nonzero(blocks)

    def one_hot(self) -> list[Ints]:
        """The inputs "64 at the number of the phase"."""
        return [same(64 * (n == self.number), self.ys) for n in range(7)]


def same(value: int, blocks: Ints) -> Ints:
    """A value that is the same in all blocks."""
    return np.full(len(blocks), value)


def phases(rows: int, columns: int) -> list[Phase]:
    """Section "Order": the seven phases of DC and `last`."""
    y, x = np.mgrid[:rows, :columns]
    found = [Phase(0, (y % 8 == 0) & (x % 8 == 0), [])]
    for d in (4, 2, 1):
        a, b = y % (2 * d), x % (2 * d)
        diagonal = (a == d) & (b == d)
        straight = ((a == d) & (b == 0)) | ((a == 0) & (b == d))
        for blocks, offsets in ((diagonal, DIAGONAL_OFFSETS), (straight, STRAIGHT_OFFSETS)):
            scaled = [(d * dy, d * dx) for dy, dx in offsets]
            found.append(Phase(len(found), blocks, scaled))
    return found


def slots(values: Ints, phase: Phase) -> Ints:
    """Section "Order": the 16 slots of each block of a phase, [16, blocks]. values: [rows, columns]."""
    rows, columns = values.shape
    found = np.zeros((16, len(phase.ys)), np.int64)
    inside = np.zeros((16, len(phase.ys)), bool)
    for slot, (dy, dx) in enumerate(phase.offsets):
        y, x = phase.ys + dy, phase.xs + dx
        inside[slot] = (y >= 0) & (y < rows) & (x >= 0) & (x < columns)
        found[slot, inside[slot]] = values[y[inside[slot]], x[inside[slot]]]
    mean = found[:4].sum(0) // np.maximum(inside[:4].sum(0), 1)
    used = np.arange(16)[:, None] < len(phase.offsets)
    return np.where(used & ~inside, mean, found)


class Reference:
    """Section "References": another component, resampled. y: [64, rows, columns]. last: [rows, columns]."""

    def __init__(self, other: Component, own: Component, arrays: Arrays) -> None:
        self.y = np.zeros((64, own.rows, own.columns), np.int64)
        self.last = np.zeros((own.rows, own.columns), np.int64)
        v, h = other.rows // own.rows, other.columns // own.columns
        exact = (v * own.rows, h * own.columns) == (other.rows, other.columns)
        if exact and {v, h} <= {1, 2, 4}:
            self.y = resampled(other.dequantized(), v, h, arrays)
            means = other.last.reshape(own.rows, v, own.columns, h).sum((1, 3))
            self.last = means // (v * h)

    def ring_y(self, k: int) -> Ints:
        """y_k with the ring of blocks next to the slice."""
        return ring(self.y[k], repeat=k == 0)


def resampled(values: Ints, v: int, h: int, arrays: Arrays) -> Ints:
    """Section "References", steps 1 to 4. values: dequantized, [64, rows, columns]."""
    grid = np.zeros((8, 8, *values.shape[1:]), np.int64)
    grid[ROW, COLUMN] = values  # [vertical frequency, horizontal frequency, rows, columns]
    grid = joined(grid.transpose(1, 0, 2, 3), h, arrays)
    grid = joined(grid.transpose(1, 0, 3, 2), v, arrays).transpose(0, 1, 3, 2)
    return clip(grid[ROW, COLUMN], -32767, 32767)


def joined(grid: Ints, factor: int, arrays: Arrays) -> Ints:
    """Section "References", steps 2 and 3: the first axis is the frequencies, the last one the blocks."""
    if factor == 1:
        return grid
    matrix = arrays["half" if factor == 2 else "quarter"].astype(np.int64)
    x = np.concatenate([grid[: 8 // factor, ..., block::factor] for block in range(factor)])
    return (np.tensordot(matrix, x, 1) + 2048) >> 12


def ring(values: Ints, repeat: bool) -> Ints:
    """Values [rows, columns] with the ring of blocks next to the slice: the nearest value inside, or 0."""
    return np.pad(values, 1, mode="edge") if repeat else np.pad(values, 1)


def neighbours(ringed: Ints) -> Ints:
    """The eight neighbours of each block, [8, rows, columns], of values with a ring."""
    rows, columns = ringed.shape[0] - 2, ringed.shape[1] - 2
    return np.stack([ringed[1 + dy : 1 + dy + rows, 1 + dx : 1 + dx + columns] for dy, dx in NEIGHBOURS])


def box(values: Ints, radius: int) -> Ints:
    """Sums over the blocks around each block, itself included; 0 outside the slice."""
    size = 2 * radius + 1
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(values, radius), (size, size))
    found: Ints = windows.sum((2, 3))
    return found


@cache
def known_values(k: int) -> list[tuple[int, int]]:
    """Section "AC plane k": (j, side) of the known values 1 and 2 of plane k."""
    below = range(1, k)
    found = [
        (j, OWN) for j in below if j < 10 or distance(j, k) <= 4 or ROW[j] == ROW[k] or COLUMN[j] == COLUMN[k]
    ]
    for side, (dy, dx) in enumerate(NEIGHBOURS):
        if dy and dx:
            found += [(j, side) for j in below if distance(j, k) <= 2]
        elif dx:
            found += [(j, side) for j in below if distance(j, k) <= 3 or ROW[j] == ROW[k]] + [(k, side)]
        else:
            found += [(j, side) for j in below if distance(j, k) <= 3 or COLUMN[j] == COLUMN[k]]
            found += [(k, side)]
    return found


def keys(k: int) -> list[tuple[int, int, int]]:
    """Section "Planes that share a network": the keys of the known values 1 and 2 of plane k."""
    return [(side, ROW[j] - ROW[k], COLUMN[j] - COLUMN[k]) for j, side in known_values(k)]


@dataclass(frozen=True)
class Network:
    """Section "Network": that of a plane."""

    weights: list[Ints]
    biases: list[Ints]

    def __post_init__(self) -> None:
        for weights, bias, largest in zip(self.weights, self.biases, (127, 255, 255), strict=True):
            check_sums(weights, bias, largest)

    def logits(self, x: Ints) -> Ints:
        """x: [inputs, blocks]. Returns [outputs, blocks]."""
        w1, w2, w3 = self.weights
        b1, b2, b3 = (bias[:, None] for bias in self.biases)
        h = clip((product(w1, x) + b1) >> 6, 0, 255)
        g = clip((product(w2, h) + b2) >> 6, 0, 255)
        return clip((product(w3, g) + b3) >> 5, -767, 767)


def product(a: Ints, b: Ints) -> Ints:
    """Of matrices, by the fast routines for floats, which are exact for sums below 2^24."""
    return (a.astype(np.float64) @ b.astype(np.float64)).astype(np.int64)


def read_networks(arrays: Arrays, c: int) -> list[Network]:
    """Section "Weights files": the networks of planes 0 to 63 and `last`."""
    numbers: list[int] = arrays[f"network_{c}"].tolist()
    groups = [[p for p in range(65) if numbers[p] == n] for n in range(max(numbers) + 1)]
    need(len(numbers) == 65 and all(groups), "numbers of networks")
    need(groups == sorted(groups) and [0] in groups and [LAST] in groups, "planes that share a network")
    weights, biases = Parts(arrays[f"weight_{c}"]), Parts(arrays[f"bias_{c}"])
    first, second = arrays["hidden"].tolist()
    found = {}
    for planes in groups:
        inputs, own = inputs_of(planes, c)
        outputs = LAST_OUTPUTS if planes == [LAST] else VALUE_OUTPUTS
        w1, w2, w3 = weights.take(first, inputs), weights.take(second, first), weights.take(outputs, second)
        b1, b2, b3 = biases.take(len(planes), first), biases.take(second), biases.take(outputs)
        for p, bias in zip(planes, b1, strict=True):
            found[p] = Network([w1[:, own[p]], w2, w3], [bias, b2, b3])
    weights.end()
    biases.end()
    return [found[p] for p in range(65)]


def inputs_of(planes: list[int], c: int) -> tuple[int, dict[int, list[int]]]:
    """Sections "Inputs", "Planes that share a network": the inputs of a network.

    Returns their number, and of each plane the numbers of those that it has, in its own order.
    """
    if planes in ([0], [LAST]):
        count = 25 + 13 * c if planes == [0] else 39 + 11 * c
        return count, {planes[0]: list(range(count))}
    of_plane = {k: keys(k) for k in planes}
    every = of_plane[planes[0]]
    if len(planes) > 1:
        every = sorted({key for plane in of_plane.values() for key in plane})
    numbers = {key: number for number, key in enumerate(every)}
    count = len(every) + 8 + 23 + 19 * c
    rest = list(range(len(every), count))
    return count, {k: [numbers[key] for key in own] + rest for k, own in of_plane.items()}


def read_linear(arrays: Arrays, c: int) -> list[Ints]:
    """Section "Weights files": the linear weights of planes 0 to 63, [phases, known values]."""
    parts = Parts(arrays[f"linear_{c}"])
    found = [parts.take(7, 16), *(parts.take(2, len(known_values(k)) + 8) for k in range(1, 64))]
    parts.end()
    need(int(np.abs(found[0]).sum(1).max()) <= 3 << 12, "weights of DC")
    return found


class Model:
    """Section "Weights files"."""

    def __init__(self, arrays: Arrays) -> None:
        self.arrays, self.tables = arrays, Tables(arrays)
        for name in ("half", "quarter"):
            need(int(np.abs(arrays[name].astype(np.int64)).sum(1).max()) < 1 << 14, name)
        self.networks = [read_networks(arrays, c) for c in range(CLASSES)]
        self.linear = [read_linear(arrays, c) for c in range(CLASSES)]

    def decode(self, data: bytes, components: Sequence[Component]) -> None:
        """Sections "Order", "References": decodes the slice into the components."""
        coder = RangeDecoder(data)
        decoders = [
            ComponentDecoder(coder, self, class_of(i), component) for i, component in enumerate(components)
        ]
        for i, decoder in enumerate(decoders):
            decoder.references = self.references(components, i)
            decoder.decode_dc()
        for i, (decoder, component) in enumerate(zip(decoders, components, strict=True)):
            decoder.references = self.references(components, i)
            decoder.decode_last()
            for k in range(1, int(component.last.max()) + 1):
                decoder.decode_plane(k)
            component.check()

    def references(self, components: Sequence[Component], i: int) -> list[Reference]:
        """Section "References": those of component i, from what is known of others."""
        others = [components[:0], components[:1], [components[0], components[i - 1]]][class_of(i)]
        return [Reference(other, components[i], self.arrays) for other in others]


class ComponentDecoder:
    """Decodes a component of class c."""

    def __init__(self, coder: RangeDecoder, model: Model, c: int, own: Component) -> None:
        self.coder, self.own, self.references = coder, own, list[Reference]()
        self.networks, self.linear, self.tables = model.networks[c], model.linear[c], model.tables
        self.dc_counts, self.ac_counts, self.last_counts = (CountSet(model.tables.sigmoid) for _ in range(3))
        self.L, self.T = model.tables.L, model.tables.T

    def decode_dc(self) -> None:
        """Section "DC"."""
        dc = self.own.coefficients[0]
        for phase in phases(self.own.rows, self.own.columns):
            v, w = slots(dc, phase), self.linear[0][phase.number]
            fine = (w @ v) >> 8
            p = (fine + 8) >> 4
            logits = self.networks[0].logits(self.dc_inputs(phase, v, w, fine, p))
            dc[phase.ys, phase.xs] = p + decode_values(self.coder, self.dc_counts, logits, same(0, p))

    def dc_inputs(self, phase: Phase, v: Ints, w: Ints, fine: Ints, p: Ints) -> Ints:
        """Section "DC": the inputs, [inputs, blocks]."""
        q, used = int(self.own.steps[0]), np.arange(16)[:, None] < len(phase.offsets)
        x = [*np.where(used, self.L(16 * (v - p)), 0)]
        x += [8 * (fine - 16 * p), self.L(same(16 * q, phase.ys)), *phase.one_hot()]
        for reference in self.references:
            y = slots(reference.y[0], phase)
            u = reference.y[0, phase.ys, phase.xs] - ((w @ y) >> 12)
            pairs = clip(v * q, -32767, 32767)[: len(phase.offsets)], y[: len(phase.offsets)]
            prediction, trust = self.slope(*sums_of_pairs(*(less_mean(part) for part in pairs)), u, q)
            x += [self.L(16 * u // q), *self.T(prediction), self.L(prediction), *trust]
        return np.stack(x)

    def slope(self, A: Ints, B: Ints, C: Ints, y: Ints, q: int) -> tuple[Ints, list[Ints]]:
        """Section "Local slopes": the slope prediction and the three trust values."""
        prediction = 16 * A * y // ((B + 300) * q)
        l_a, l_b, l_c = (self.tables.log2(np.abs(x) + 1) for x in (A, B, C))
        l_q = self.tables.log2(np.array(q))
        trust = np.sign(A) * clip(127 + 2 * (2 * l_a - l_b - l_c), 0, 127)
        return prediction, [clip(t, -127, 127) for t in (trust, l_b // 2 - l_q, l_c // 2 - l_q)]

    def dc_differences(self) -> Ints:
        """Section "DC": D_0 to D_7 of each block, [8, rows, columns]."""
        return clip(self.dc_steps(), -32767, 32767)

    def dc_steps(self) -> Ints:
        """DC of the neighbours, repeated outside, less own DC."""
        dc = self.own.coefficients[0]
        found: Ints = neighbours(ring(dc, repeat=True)) - dc
        return found

    def decode_last(self) -> None:
        """Section "`last`"."""
        for phase in phases(self.own.rows, self.own.columns):
            logits = self.networks[LAST].logits(self.last_inputs(phase))
            self.own.last[phase.ys, phase.xs] = decode_lasts(self.coder, self.last_counts, logits)

    def last_inputs(self, phase: Phase) -> Ints:
        """Section "`last`": the inputs, [inputs, blocks]."""
        q, at = self.own.steps, (phase.ys, phase.xs)
        x = [*(2 * slots(self.own.last, phase))]
        x += [*self.L(16 * self.dc_differences()[:, *at])]
        x += [self.L(same(16 * int(q[j]), phase.ys)) for j in (1, 2, 5, 9, 14, 20, 35, 60)]
        x += phase.one_hot()
        for reference in self.references:
            m = 16 * np.abs(reference.y[:, *at]) // q[:, None]
            around = neighbours(ring(reference.last, repeat=True)).sum(0) // 8
            x += [2 * reference.last[at], 2 * around[at]]
            x += [2 * (np.arange(64)[:, None] * (m >= t)).max(0) for t in (8, 16, 32)]
            bands = ((1, 3), (3, 6), (6, 10), (10, 21), (21, 36), (36, 64))
            x += [self.L(m[start:end].sum(0)) for start, end in bands]
        return np.stack(x)

    def decode_plane(self, k: int) -> None:
        """Section "AC plane k"."""
        last = self.own.last
        y, x = np.mgrid[: self.own.rows, : self.own.columns]
        for phase in (0, 1):
            at = np.nonzero(((y + x) % 2 == phase) & (last >= k))
            logits = self.networks[k].logits(self.plane_inputs(k, phase, *at))
            known = (last[at] == k).astype(np.int64)
            self.own.coefficients[k][at] = decode_values(self.coder, self.ac_counts, logits, known)
        self.ac_counts.fade()

    def plane_inputs(self, k: int, phase: int, ys: Ints, xs: Ints) -> Ints:
        """Section "AC plane k": the inputs, [inputs, blocks]. ys, xs: the blocks."""
        q, last = int(self.own.steps[k]), self.own.last
        c, steps = self.known(k, ys, xs)
        limited = clip(c, -127, 127)
        prediction = (self.linear[k][phase] @ (steps * c)) // (256 * q)
        x = [*self.L(np.sign(limited) * (16 * np.abs(limited) * steps // q))]
        x += [self.L(same(16 * q // 4, ys)), same(64 * phase, ys), 2 * last[ys, xs]]
        x += [*(2 * neighbours(ring(last, repeat=True))[:, ys, xs])]
        x += [self.L(energy[ys, xs]) for energy in self.energies(k, phase)]
        x += [*self.T(prediction), self.L(prediction)]
        for reference in self.references:
            x += self.reference_inputs(reference, k, ys, xs)
        return np.stack(x)

    def known(self, k: int, ys: Ints, xs: Ints) -> tuple[Ints, Ints]:
        """Section "AC plane k": the known values, [values, blocks], and their steps, [values, 1]."""
        ringed = np.pad(self.own.coefficients, ((0, 0), (1, 1), (1, 1)))
        planes, sides = np.array(known_values(k)).reshape(-1, 2).T[:, :, None]
        dy, dx = np.array([*NEIGHBOURS, (0, 0)])[sides[:, 0]].T[:, :, None]  # (0, 0) for OWN
        values = ringed[planes, ys + dy + 1, xs + dx + 1]
        steps = np.concatenate([self.own.steps[planes], np.repeat(self.own.steps[:1], 8)[:, None]])
        return np.concatenate([values, self.dc_differences()[:, ys, xs]]), steps

    def energies(self, k: int, phase: int) -> list[Ints]:
        """Section "AC plane k", "Energies": the three of each block, [rows, columns]."""
        q = self.own.steps
        magnitudes = np.abs(self.own.coefficients) * q[:, None, None]
        near = sorted(range(1, k), key=lambda j: (distance(j, k), -j))[:3]
        n = max(len(near), 1)
        e = np.minimum(16 * magnitudes[near].sum(0) // q[k], 2**20)
        e_k = np.minimum(16 * magnitudes[k] // q[k], 2**20)  # blocks of phase 1 still have 0 in plane k
        return [box(e, 2) // (25 * n), box(e, 8) // (289 * n), phase * (box(e_k, 2) // 12)]

    def reference_inputs(self, reference: Reference, k: int, ys: Ints, xs: Ints) -> list[Ints]:
        """Section "AC plane k": the inputs of a reference."""
        q, y_k = int(self.own.steps[k]), reference.y[k, ys, xs]
        around = [(ROW[k] + dy, COLUMN[k] + dx) for dy, dx in ((-1, 0), (0, -1), (0, 1), (1, 0))]
        cross = [k, *(INDEX.get(cell, k) for cell in around)]
        s = np.abs(neighbours(reference.ring_y(k))).sum(0)[ys, xs]
        A, B, C = self.plane_sums(reference, k)[:, ys, xs]
        prediction, trust = self.slope(A, B, C, y_k, q)
        x = [self.L(16 * reference.y[j, ys, xs] // q) for j in cross]
        x += [self.L(2 * s // q), 2 * reference.last[ys, xs]]
        return [*x, *self.T(prediction), self.L(prediction), *trust]

    def plane_sums(self, reference: Reference, k: int) -> Ints:
        """Section "Local slopes": A, B, C of each block for AC plane k, [3, rows, columns]."""
        js = slice(1, min(k, 16))
        of_blocks = sums_of_pairs(self.own.dequantized()[js], reference.y[js])
        c = clip(self.dc_steps() * self.own.steps[0], -32767, 32767)
        y = neighbours(reference.ring_y(0)) - reference.y[0]
        return np.stack([box(part, 1) for part in of_blocks]) + np.stack(sums_of_pairs(c, y))


def sums_of_pairs(c: Ints, y: Ints) -> tuple[Ints, Ints, Ints]:
    """Section "Local slopes": A, B, C of pairs along the first axis."""
    return (c * y).sum(0), (y * y).sum(0), (c * c).sum(0)


def less_mean(used: Ints) -> Ints:
    """Section "DC": used slots less floor(sum / count)."""
    found: Ints = used - used.sum(0) // max(len(used), 1)
    return found
