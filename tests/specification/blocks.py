"""docs/format/blocks.md: from slices and weights to quantized coefficients, for the kind `blocks`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.specification.conventions import COLUMN, ROW, Arrays, Ints, clamp, clip, need, sign
from tests.specification.models import CLASSES, Component, class_of
from tests.specification.range_coder import RangeDecoder

NEIGHBOURS = [(0, -1), (-1, 0), (-1, -1), (-1, 1)]
"""Section "Order": (dy, dx) of left, above, above left, above right."""
LEFT, ABOVE, ABOVE_LEFT, ABOVE_RIGHT = range(4)

VALUES = [
    (LEFT, slice(0, 16)),
    (ABOVE, slice(16, 32)),
    (ABOVE_RIGHT, slice(16, 24)),
    (ABOVE_LEFT, slice(23, 24)),
]
"""Section "Predictions": the neighbours and their edges that give the 41 values."""

STEP_INDICES = [0, 1, 2, 5, 9, 14, 20, 35, 60]
BANDS = [(1, 3), (3, 6), (6, 10), (10, 21), (21, 64)]
BAND_STEPS = [1, 4, 7, 14, 28]
NEAR_MAGNITUDES = [1, 2, 4, 8, 16, 32, 64]
"""Section "Hidden units": the largest magnitudes of m = 0, 1, ... of `near`; the last m has all others."""
ACROSS_MAGNITUDES = [1, 3, 7, 15]
"""The same for `across_near` and `own`."""


def log_eighths(x: int) -> int:
    """Section "Notation": l(x)."""
    if x == 0:
        return -1016
    e = x.bit_length() - 1
    return 8 * e + (8 * x >> e) - 8


def wrap(x: int, bits: int) -> int:
    """Section "Notation": wrap16 and wrap32."""
    half = 1 << (bits - 1)
    return (x + half) % (2 * half) - half


def level(c: int, magnitudes: list[int]) -> int:
    """Section "Hidden units": m of a coefficient."""
    return sum(abs(c) > largest for largest in magnitudes)


def cell(x: int) -> int:
    """Section "Decisions"."""
    return clamp((x + 192) >> 4, 0, 31)


def group(k: int) -> int:
    """Section "Decisions": g of k."""
    return k if k < 6 else min(ROW[k] + COLUMN[k], 9) + 3


class Model:
    """Section "Weights files"."""

    def __init__(self, arrays: Arrays) -> None:
        self.sigmoid: list[int] = arrays["sigmoid"].tolist()
        self.basis = arrays["basis"].astype(np.int64)
        self.classes: list[dict[str, Ints]] = []
        for c in range(CLASSES):
            names = [name for name in arrays if name.endswith(f"_{c}")]
            self.classes.append({name[:-2]: arrays[name].astype(np.int64) for name in names})
            check_sums(self.classes[c])

    def decode(self, data: bytes, components: Sequence[Component]) -> None:
        """Section "Order": decodes the slice into the components."""
        coder = RangeDecoder(data)
        before: Ints = np.zeros(0, np.int64)
        for i, own in enumerate(components):
            decoder = ComponentDecoder(self, self.classes[class_of(i)], coder, own)
            if i >= 1:
                decoder.use_component_0(components[0])
            if i >= 1:
                decoder.use_component_before(i, components[i - 1], before)
            for y in range(own.rows):
                for x in range(own.columns):
                    decoder.decode_block(y, x)
            own.check()
            before = decoder.innovations


def check_sums(w: dict[str, Ints]) -> None:
    """Section "Weights files": the bounds on sums."""
    size = {name: np.abs(values) for name, values in w.items()}
    hidden = size["bias"] + size["step_weight"].sum(0)
    hidden += size["near"].max(2).sum((0, 1)) + size["near_last"].max(1).sum(0)
    hidden += size["energy"].max(1).sum(0) + size["across_near"].max(1).sum(0) + size["own_last"].max(0)
    need(bool((hidden < 2**15).all()), "a hidden unit can be too large")
    for name in ("last", "scale"):
        sums = size[f"{name}_bias"] + 2047 * size[f"{name}_weight"].sum(1)
        need(bool((sums < 2**31).all()), f"a sum of {name} can be too large")
    need(bool((511 + 192 + size["own"].max(1).sum(0) < 2**15).all()), "a scale can be too large")


class Offsets:
    """Section "Offsets": all that learns in a component, and the decisions with it."""

    def __init__(self, coder: RangeDecoder, sigmoid: list[int], weights: dict[str, Ints]) -> None:
        self.coder, self.sigmoid, self.weights = coder, sigmoid, weights
        self.learned: dict[tuple[str, tuple[int, ...]], int] = {}

    def get(self, name: str, *index: int) -> int:
        """What the entry of an array has become."""
        factor = 4096 if "offset" in name else 1
        return self.learned.get((name, index), factor * int(self.weights[name][index]))

    def change(self, name: str, index: tuple[int, ...], by: int) -> None:
        self.learned[name, index] = wrap(self.get(name, *index) + by, 32)

    def regression(
        self, x: int, prefix: str, place: tuple[int, ...], offset: str, rows: list[tuple[int, ...]]
    ) -> bool:
        """Section "Offsets": a decision with a gain, an intercept and offsets."""
        x = clamp(x, -767, 767)
        S = (wrap(self.get(prefix + "gain", *place) * x, 32) >> 6) + self.get(prefix + "intercept", *place)
        b, E = self.decide(S + sum(self.get(offset, *row) for row in rows))
        self.change(prefix + "gain", place, (E * x + 2**14) >> 15)
        self.change(prefix + "intercept", place, (E + 32) >> 6)
        for row in rows:
            self.change(offset, row, (E + 32) >> 6)
        return b

    def decide(self, S: int) -> tuple[bool, int]:
        """A decision and E."""
        P = self.sigmoid[clamp(wrap(S, 32) >> 10, -767, 767) + 767]
        b = self.coder.decide(P)
        return b, 65536 * b - P

    def bit(self, k: int, m: int, p: int, a: int, Q: int) -> bool:
        """Section "Bits below the leading one"."""
        by_index, by_cell = (k, 2 ** (m - 1) + p), (Q, 21 * a + 3 * (m - 2) + p - 1)
        first_two = p < 4
        S = self.get("index_bit_offset", *by_index)
        b, E = self.decide(S + (self.get("bit_offset", *by_cell) if first_two else 0))
        self.change("index_bit_offset", by_index, (E + 8) >> 4)
        if first_two:
            self.change("bit_offset", by_cell, (E + 32) >> 6)
        return b


class Regression:
    """Section "Innovations": w_k of a component. q: its quantization steps."""

    def __init__(self, q: list[int]) -> None:
        self.S, self.M, self.w, self.b = [4 * step**2 for step in q], [0] * 64, [0] * 64, 0

    def after_block(self, other: list[int], own: list[int]) -> None:
        """other, own: e'_k and e_k."""
        self.b += 1
        for k in range(64):
            self.S[k] += other[k] ** 2
            self.M[k] += other[k] * own[k]
            if self.b % 64 == 0:
                self.S[k] -= self.S[k] >> 2
                self.M[k] -= self.M[k] >> 2
            if self.b % 64 == 0 or self.b in (1, 2, 4, 8, 16, 32):
                self.w[k] = sign(self.M[k]) * min(abs(self.M[k]) * 2**14 // self.S[k], 32767)


@dataclass(frozen=True)
class Prediction:
    """Section "Predictions": of a coefficient. p: what is added to the coded value."""

    below_zero: bool
    confidence: int
    p: int = 0


class ComponentDecoder:
    """Decodes a component."""

    def __init__(self, model: Model, weights: dict[str, Ints], coder: RangeDecoder, own: Component) -> None:
        self.basis, self.weights, self.own = model.basis, weights, own
        self.coder, self.offsets = coder, Offsets(coder, model.sigmoid, weights)
        self.edges = np.zeros((own.rows, own.columns, 32), np.int64)
        self.q: list[int] = own.steps.tolist()
        self.first: tuple[int, int, Ints] | None = None
        self.before: Component | None = None
        self.innovations = np.zeros((own.rows, own.columns, 64), np.int64)
        self.innovations_before = self.innovations.copy()
        self.regression = Regression(self.q)

    def use_component_0(self, first: Component) -> None:
        """Section "Order": component 0 with the factors v and h, if they are 1, 2 or 4."""
        v, h = first.rows // self.own.rows, first.columns // self.own.columns
        exact = (v * self.own.rows, h * self.own.columns) == (first.rows, first.columns)
        if exact and {v, h} <= {1, 2, 4}:
            self.first = v, h, np.abs(first.dequantized())

    def use_component_before(self, i: int, before: Component, innovations: Ints) -> None:
        """Section "Order": component i - 1, if it has the same blocks."""
        if (before.rows, before.columns) == (self.own.rows, self.own.columns):
            self.before = before if i >= 2 else None
            self.innovations_before = innovations

    def neighbours(self, y: int, x: int) -> dict[int, tuple[int, int]]:
        """Section "Order": the places of the neighbours that exist, by number."""
        places = {n: (y + dy, x + dx) for n, (dy, dx) in enumerate(NEIGHBOURS)}
        return {n: (a, b) for n, (a, b) in places.items() if a >= 0 and 0 <= b < self.own.columns}

    def decode_block(self, y: int, x: int) -> None:
        """Sections "Order", "Hidden units", "Decisions"."""
        w, c, near = self.weights, self.own.coefficients[:, y, x], self.neighbours(y, x)
        hidden = self.hidden_units(y, x, near)
        last = self.decode_last(clip(hidden, 0, 2047), near)
        self.own.last[y, x] = last
        h = clip(hidden + w["own_last"][last], 0, 2047)
        z = clip((w["scale_bias"] + w["scale_weight"] @ h) >> 12, -511, 511)
        base = self.base(near)
        fixed = self.fixed_part(y, x, near, base)
        n = 16 * (last // 16 + 1)
        other = [int(e) if k < n else 0 for k, e in enumerate(self.innovations_before[y, x])]
        own_predictions = [0] * 64
        for k in [*range(1, n), 0]:
            d = dequantized(self.own, y, x)
            own_predictions[k] = wrap(int(fixed[k] + d @ self.known_weights(k)), 32)
            if k > last:
                continue
            prediction = self.predict(k, own_predictions[k] + self.regression.w[k] * other[k], base)
            known = k == last and k >= 1
            D = self.disagreement(near, d) if k == 0 else 0
            rows = self.rows_of(k, prediction, cell(int(z[k])), c, near, last, D)
            c[k] = prediction.p + self.decode_value(k, prediction, int(z[k]), rows, known)
            need(abs(int(c[k])) <= 32767, "a coefficient out of range")
            if k >= 1 and c[k]:
                own = w["own"][k - 1, level(int(c[k]), ACROSS_MAGNITUDES)]
                z = z + np.where((np.arange(64) > k) | (np.arange(64) == 0), own, 0)
        d = dequantized(self.own, y, x)
        self.edges[y, x] = self.edges_of(d)
        own_predictions[0] += base * 2**15
        for k in range(n):
            self.innovations[y, x, k] = clamp(int(d[k]) - (own_predictions[k] >> 14), -32767, 32767)
        self.regression.after_block(other, self.innovations[y, x].tolist())

    def edges_of(self, d: Ints) -> list[int]:
        """Section "Predictions": the edges of a block."""
        return [wrap(edge, 16) for edge in ((d[:, None] * self.basis + 2**14) >> 15).sum(0).tolist()]

    def base(self, near: dict[int, tuple[int, int]]) -> int:
        """Section "Predictions"."""
        sums = [
            int(self.edges[near[n]][part].sum())
            for n, part in ((LEFT, slice(0, 8)), (ABOVE, slice(16, 24)))
            if n in near
        ]
        return sum(sums) >> (4 if len(sums) == 2 else 3)

    def fixed_part(self, y: int, x: int, near: dict[int, tuple[int, int]], base: int) -> Ints:
        """Section "Predictions": O_k of all k without the terms of this block's own coefficients."""
        values: list[int] = []
        for n, part in VALUES:
            edges = self.edges[near[n]][part] - base if n in near else np.zeros(32, np.int64)[part]
            values += clip(edges, -32767, 32767).tolist()
        found: Ints = self.weights["edge"] @ np.array(values)
        if self.before is not None:
            across = dequantized(self.before, y, x) * self.weights["across"]
            found = found + np.where(np.arange(64) >= 1, across, 0)
        return found

    def known_weights(self, k: int) -> Ints:
        """Section "Predictions": within[j, k] for the known j, 0 for the others."""
        j = np.arange(64)
        known = (j >= 1) & ((j < k) | (k == 0))
        return np.where(known, self.weights["within"][:, k], 0)

    def predict(self, k: int, total: int, base: int) -> Prediction:
        """Section "Predictions": what follows from P_k before it is wrapped."""
        P = wrap(total, 32)
        if k >= 1:
            confidence = ((log_eighths(abs(P) >> 8) - log_eighths(4 * self.q[k])) >> 2) - 1
            return Prediction(P < 0, clamp(confidence, 0, 17))
        P += base * 2**15
        s = sign(P) * (abs(P) * (2**22 // self.q[0]) >> 32)
        p = clamp((s + 8) >> 4, -32767, 32767)
        t = clamp(s - 16 * p, -64, 64)
        return Prediction(t < 0, (abs(t) >= 2) + (abs(t) >= 4) + (abs(t) >= 8), p)

    def hidden_units(self, y: int, x: int, near: dict[int, tuple[int, int]]) -> Ints:
        """Section "Hidden units": the sum before `last` is known."""
        w = self.weights
        of_steps = np.array([log_eighths(self.q[j]) for j in STEP_INDICES])
        hidden = w["bias"] + (of_steps @ w["step_weight"] >> 7)
        for n, (a, b) in near.items():
            for j, c in non_zero(self.own.coefficients[:, a, b]):
                hidden = hidden + w["near"][n, j - 1, level(c, NEAR_MAGNITUDES)]
            hidden = hidden + w["near_last"][n, self.own.last[a, b]]
        for b, e in enumerate(self.energies(y, x)):
            hidden = hidden + w["energy"][b, e]
        if self.before is not None:
            for j, c in non_zero(self.before.coefficients[:, y, x]):
                hidden = hidden + w["across_near"][j - 1, level(c, ACROSS_MAGNITUDES)]
        return hidden

    def energies(self, y: int, x: int) -> list[int]:
        """Section "Hidden units": e_b for the bands b, none if component 0 is not used."""
        if self.first is None:
            return []
        v, h, magnitudes = self.first
        covering = magnitudes[:, v * y : v * (y + 1), h * x : h * (x + 1)].sum((1, 2))
        found = []
        for (start, end), j in zip(BANDS, BAND_STEPS, strict=True):
            S, u = int(covering[start:end].sum()), v * h * self.q[j]
            found.append(min((log_eighths(min(S, 2**23) + u) - log_eighths(u)) >> 1, 63))
        return found

    def decode_last(self, h: Ints, near: dict[int, tuple[int, int]]) -> int:
        """Sections "Hidden units", "Of `last`"."""
        logits = ((self.weights["last_bias"] + self.weights["last_weight"] @ h) >> 12).tolist()
        u, v = (1 + (int(self.own.last[near[n]]) >> 2) if n in near else 0 for n in (LEFT, ABOVE))
        prefix = 0
        for b in range(6):
            n = 2**b - 1 + prefix
            rows: list[tuple[int, ...]] = [(n, cell(logits[n])), (n, 32 + 17 * u + v)]
            prefix = 2 * prefix + self.offsets.regression(2 * logits[n], "last_", (n,), "last_offset", rows)
        return prefix

    def disagreement(self, near: dict[int, tuple[int, int]], d: Ints) -> int:
        """Section "Of coefficients": D."""
        if LEFT not in near or ABOVE not in near:
            return 15
        own = 0
        for k in range(1, 64):
            if ROW[k] == 0:
                own += (-1) ** int(COLUMN[k]) * int(self.basis[k, 0:8].sum()) * int(d[k])
            if COLUMN[k] == 0:
                own -= (-1) ** int(ROW[k]) * int(self.basis[k, 16:24].sum()) * int(d[k])
        T = int(self.edges[near[LEFT]][0:8].sum()) - int(self.edges[near[ABOVE]][16:24].sum()) - (own >> 15)
        return clamp(((log_eighths(abs(T)) - log_eighths(2 * self.q[0])) >> 2) + 2, 0, 14)

    def rows_of(
        self,
        k: int,
        prediction: Prediction,
        c: int,
        block: Ints,
        near: dict[int, tuple[int, int]],
        last: int,
        D: int,
    ) -> list[int]:
        """Section "Of coefficients": R. c: the cell of z_k. block: the coefficients that are known."""
        r, g = prediction.confidence, group(k)
        first = 144 * g + 16 * (r >> 1 if k else r) + (c >> 1)
        if k == 0:
            return [first, 1872 + 3 * D + min(r, 2), 2496 + min(last, 48), 3133 + c // 6]
        before = abs(int(block[k - 1])) if k >= 2 else 0
        before_that = abs(int(block[k - 2])) if k >= 3 else 0
        f = sum(last - k > most for most in (0, 3, 11))
        factor = -1 if prediction.below_zero else 1
        L, A = (
            factor * int(self.own.coefficients[k, near[n][0], near[n][1]]) if n in near else 0
            for n in (LEFT, ABOVE)
        )
        return [
            first,
            1872 + 48 * g + 12 * min(before, 3) + 4 * min(before_that, 2) + f,
            2496 + 49 * g + 7 * (3 + clamp(L, -3, 3)) + 3 + clamp(A, -3, 3),
            3133 + 6 * k + c // 6,
        ]

    def decode_value(self, k: int, prediction: Prediction, z: int, rows: list[int], not_zero: bool) -> int:
        """Section "Decisions": a coefficient, or the coded value of DC. rows: R."""
        r, w = prediction.confidence, self.weights
        s, t = (2 * min(r // 5, 2) + (k >= 10) if k else 6), min(r, 11)

        def decide(slot: int, x: int) -> bool:
            return self.offsets.regression(x, "", (s, slot), "offset", [(R, slot) for R in rows])

        if not (not_zero or decide(0, 2 * z + int(w["trust"][t]))):
            return 0
        a = int(decide(1, int(w["sign_start"][k, t])))
        length = 1
        for n in range(2, 18):
            if n <= 11:
                x = ((2 * z * int(w["length_slope"][n - 2])) >> 8) + int(w["length_trust"][n - 2, a, t])
                longer = decide(2 + 7 * a + min(n, 8) - 2, x)
            else:
                longer = self.coder.decide(32768)
            if not longer:
                break
            length = n
        bits = self.decode_bits(length, k, a, rows[0] - 144 * group(k))
        return -bits if prediction.below_zero == bool(a) else bits

    def decode_bits(self, m: int, k: int, a: int, Q: int) -> int:
        """Section "Decisions": the bits of the magnitude."""
        p = 1
        for _ in range(m - 1):
            p = 2 * p + (self.offsets.bit(k, m, p, a, Q) if m <= 8 else self.coder.decide(32768))
        return p


def dequantized(component: Component, y: int, x: int) -> Ints:
    """Section "Notation": d_j of a block."""
    return clip(component.coefficients[:, y, x] * component.steps, -32767, 32767)


def non_zero(block: Ints) -> list[tuple[int, int]]:
    """j and c_j of the non-zero AC coefficients of a block."""
    return [(j, c) for j, c in enumerate(block.tolist()) if j >= 1 and c]
