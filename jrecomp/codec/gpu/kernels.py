"""Kernels of the GPU engine: the inputs and networks of models of planes (docs/format/planes.md).

A kernel processes blocks of all slices of a batch. Slices lie one after the other in planes
(jrecomp.codec.gpu.planes), and tables have their places, sizes and steps. What a kernel computes is named by
its section in docs/format/planes.md.

All arithmetic is on integers, so the order of operations does not matter. Ranges: a coefficient c and a value
y of a reference are below 2^15 in magnitude, a step q is below 2^16.

Arguments that many kernels have. values: int16 [72, size], planes 0 to 63 and the eight differences of DC.
last: int16 [size]. slices: int32 [size], number of the slice of each place. grids: int32 [slices, 4], first
place, rows, columns, and places from row to row. steps: int32 [slices, 64]. places: int32, of blocks; those
of a phase are `count` from index `first` on. x: int8 [256, pitch], inputs of a network. side: int32 [count],
see jrecomp.native.engine.code_phase. log, tanh, log2: the model's tables. truth: as values. encode: 1 to take
values from there, 0 to decode.
"""

import os

os.environ.setdefault("TRITON_DEFAULT_FP_FUSION", "0")  # Triton 3.9 warns if it is not set

import triton
import triton.language as tl

TILE = 128
"""Blocks that a program processes."""

DC_TILE = 32
"""The same for DC, whose sums over slots take more registers."""

NETWORK_TILE = 64
"""Blocks whose networks a program computes."""

INTEGERS = {
    "size", "source_size", "first", "count", "pitch", "phase", "plane", "inputs", "linear", "used", "nearest",
    "outputs", "units", "predicted", "encode", "first_w", "second_w", "third_w", "first_b", "second_b",
    "third_b",
}  # fmt: skip
"""Arguments that are integers. For their values, kernels are not compiled again."""


def kernel(function):
    """A kernel that is compiled once for all values of its integers."""
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    return triton.jit(function, do_not_specialize=[name for name in names if name in INTEGERS])


@triton.jit
def _floor_div(a, b):
    """floor(a / b) for b > 0."""
    quotient = a // b
    return quotient - (a - quotient * b < 0).to(quotient.dtype)


@triton.jit
def _clamp(value, limit):
    return tl.minimum(tl.maximum(value, -limit), limit)


@triton.jit
def _magnitude(n):
    """The entry of a table of magnitudes."""
    return tl.minimum(tl.abs(n), 4095).to(tl.int32)


@triton.jit
def _log_of(n, log):
    """L(n), int32."""
    found = tl.load(log + _magnitude(n)).to(tl.int32)
    return tl.where(n < 0, -found, found)


@triton.jit
def _log2_of(value, log2):
    """log2(value), int32, for int64 values from 1 on."""
    high, length = value, tl.full(value.shape, 1, tl.int32)
    for step in tl.static_range(6):
        part = high >> (32 >> step)
        above = part > 0
        high = tl.where(above, part, high)
        length += tl.where(above, 32 >> step, 0)
    place = ((value << 5) >> length.to(tl.int64)).to(tl.int32) - 16
    return 16 * length + tl.load(log2 + place).to(tl.int32)


@triton.jit
def _put(x, pitch, row, at, inside, value):
    """Stores an input of blocks."""
    tl.store(x + row * pitch + at, value.to(tl.int8), mask=inside)


@triton.jit
def _put_prediction(x, pitch, row, at, inside, n, log, tanh):
    """Stores T_0 to T_7 and L of a prediction."""
    magnitude = _magnitude(n)
    for scale in tl.static_range(8):
        found = tl.load(tanh + scale * 4096 + magnitude).to(tl.int32)
        _put(x, pitch, row + scale, at, inside, tl.where(n < 0, -found, found))
    _put(x, pitch, row + 8, at, inside, _log_of(n, log))


@triton.jit
def _put_slope(x, pitch, row, at, inside, product, energy, own, y, step, log, tanh, log2):
    """Stores the inputs of a slope prediction from the sums A, B, C (int64), y (int64) and the step.

    Sums are below 2^38 and y below 2^18, so that 16 A y is below 2^60.
    """
    predicted = _floor_div(16 * product * y, (energy + 300) * step.to(tl.int64))
    _put_prediction(x, pitch, row, at, inside, predicted, log, tanh)
    log_step = _log2_of(step.to(tl.int64), log2)
    log_a = _log2_of(tl.abs(product) + 1, log2)
    log_b, log_c = _log2_of(energy + 1, log2), _log2_of(own + 1, log2)
    trust = tl.minimum(tl.maximum(127 + 2 * (2 * log_a - log_b - log_c), 0), 127)
    trust = tl.where(product < 0, -trust, tl.where(product > 0, trust, 0))
    _put(x, pitch, row + 9, at, inside, trust)
    _put(x, pitch, row + 10, at, inside, _clamp((log_b >> 1) - log_step, 127))
    _put(x, pitch, row + 11, at, inside, _clamp((log_c >> 1) - log_step, 127))


@triton.jit
def _tile(places, slices, first, count, TILE: tl.constexpr):
    """(index in the phase, whether it is in the phase, place, slice) of the blocks of a program."""
    at = tl.program_id(0) * TILE + tl.arange(0, TILE)
    inside = at < count
    place = tl.load(places + first + at, mask=inside, other=0)
    place = tl.where(inside, place, tl.load(places + first))
    return at, inside, place, tl.load(slices + place)


@triton.jit
def _around(number):
    """(dy, dx) of a neighbour."""
    index = number + (number >= 4)
    return index // 3 - 1, index % 3 - 1


# --- Slices on the device


@kernel
def spread(blocks, places, values, size, count, TILE: tl.constexpr):
    """Copies coefficients int16 [count, 64] to their places in planes."""
    at = tl.program_id(0) * TILE + tl.arange(0, TILE)
    place = tl.load(places + at, mask=at < count, other=0)
    k = tl.arange(0, 64)
    found = tl.load(blocks + at[:, None] * 64 + k[None, :], mask=(at < count)[:, None], other=0)
    tl.store(values + k[None, :] * size + place[:, None], found, mask=(at < count)[:, None])


@kernel
def collect(blocks, places, values, size, count, TILE: tl.constexpr):
    """The inverse of spread()."""
    at = tl.program_id(0) * TILE + tl.arange(0, TILE)
    place = tl.load(places + at, mask=at < count, other=0)
    k = tl.arange(0, 64)
    found = tl.load(values + k[None, :] * size + place[:, None], mask=(at < count)[:, None], other=0)
    tl.store(blocks + at[:, None] * 64 + k[None, :], found, mask=(at < count)[:, None])


@kernel
def find_last(truth, lasts, size, TILE: tl.constexpr):
    """`last` of all places."""
    place = tl.program_id(0) * TILE + tl.arange(0, TILE)
    found = tl.zeros([TILE], tl.int32)
    for k in range(1, 64):
        c = tl.load(truth + k * size + place, mask=place < size, other=0)
        found = tl.where(c != 0, k, found)
    tl.store(lasts + place, found.to(tl.int16), mask=place < size)


@kernel
def repeat_edge(plane, places, slices, grids, count, TILE: tl.constexpr):
    """Copies the outermost blocks of each slice to the ring around it; plane: int16."""
    _, inside, place, s = _tile(places, slices, 0, count, TILE)
    local, width = place - tl.load(grids + 4 * s), tl.load(grids + 4 * s + 3)
    row, column = local // width, local % width
    below, right = row == tl.load(grids + 4 * s + 1) - 1, column == tl.load(grids + 4 * s + 2) - 1
    value = tl.load(plane + place)
    for number in range(8):
        dy, dx = _around(number)
        vertical = tl.where(dy < 0, row == 0, tl.where(dy > 0, below, row >= 0))
        horizontal = tl.where(dx < 0, column == 0, tl.where(dx > 0, right, column >= 0))
        tl.store(plane + place + dy * width + dx, value, mask=inside & vertical & horizontal)


@kernel
def store(
    values, side, prediction, damaged, places, slices, size, first, count, plane, predicted,
    TILE: tl.constexpr,
):  # fmt: skip
    """Stores the decoded values of a phase.

    prediction: int32 [count], is added if `predicted` is 1. damaged: int32 [slices], set to 1 where a value
    is out of range.
    """
    at, inside, place, s = _tile(places, slices, first, count, TILE)
    value = tl.load(side + at, mask=inside, other=0)
    value += tl.where(predicted != 0, tl.load(prediction + at, mask=inside, other=0), 0)
    tl.store(damaged + s, 1, mask=inside & (tl.abs(value) > 32767))
    tl.store(values + plane * size + place, _clamp(value, 32767).to(tl.int16), mask=inside)


# --- References


@kernel
def refer_across(
    source, source_grids, source_steps, across, ratios, matrices, zigzag, places, slices, grids, source_size,
    size, count, TILE: tl.constexpr,
):  # fmt: skip
    """References, steps 1 and 2: rows r of 8 horizontal frequencies f of each block, into across [64, size].

    r counts the lowest vertical frequencies of the blocks below each other. source: values of the other
    component. ratios: int32 [slices, 2], v and h, 0 where the reference is 0. matrices: int32 [5, 64], by
    ratio. zigzag: int32 [8, 8], indices of frequencies.
    """
    _, inside, place, s = _tile(places, slices, 0, count, TILE)
    r, f = tl.program_id(1), tl.arange(0, 8)
    v, h = tl.load(ratios + 2 * s), tl.load(ratios + 2 * s + 1)
    local, width = place - tl.load(grids + 4 * s), tl.load(grids + 4 * s + 3)
    row, column = local // width, local % width
    fits = inside & (v > 0)
    tall, wide = 8 // tl.maximum(v, 1), 8 // tl.maximum(h, 1)
    base, source_width = tl.load(source_grids + 4 * s), tl.load(source_grids + 4 * s + 3)
    start = base + (row * v + r // tall) * source_width + column * h
    total = tl.zeros([8, TILE], tl.int32)
    for i in range(8):
        k = tl.load(zigzag + (r % tall) * 8 + i % wide)
        c = tl.load(source + k * source_size + start + i // wide, mask=fits, other=0).to(tl.int32)
        c = _clamp(c * tl.load(source_steps + s * 64 + k), 32767)  # below 2^31
        m = tl.load(matrices + h[None, :] * 64 + (f * 8 + i)[:, None])
        total += m * c[None, :]  # below 2^29: rows of matrices are below 2^14
    rows = across + (8 * r + f)[:, None] * size + place[None, :]
    tl.store(rows, (total + 2048) >> 12, mask=inside[None, :])


@kernel
def refer_down(across, y, ratios, matrices, zigzag, places, slices, size, count, TILE: tl.constexpr):
    """References, steps 3 and 4: the values y, int16 [64, size]."""
    _, inside, place, s = _tile(places, slices, 0, count, TILE)
    f, g = tl.program_id(1), tl.arange(0, 8)
    v = tl.load(ratios + 2 * s)
    total = tl.zeros([8, TILE], tl.int64)
    for r in range(8):
        part = tl.load(across + (8 * r + f) * size + place).to(tl.int64)
        total += part[None, :] * tl.load(matrices + v[None, :] * 64 + (g * 8 + r)[:, None])
    value = _clamp((total + 2048) >> 12, 32767).to(tl.int16)
    k = tl.load(zigzag + 8 * g + f)
    tl.store(y + k[:, None] * size + place[None, :], value, mask=inside[None, :])


@kernel
def refer_last(
    source_last, source_grids, y_last, ratios, places, slices, grids, count, TILE: tl.constexpr
):  # fmt: skip
    """`last` of a reference."""
    _, inside, place, s = _tile(places, slices, 0, count, TILE)
    v, h = tl.load(ratios + 2 * s), tl.load(ratios + 2 * s + 1)
    local, width = place - tl.load(grids + 4 * s), tl.load(grids + 4 * s + 3)
    row, column = local // width, local % width
    base, source_width = tl.load(source_grids + 4 * s), tl.load(source_grids + 4 * s + 3)
    start = base + row * v * source_width + column * h
    total = tl.zeros([TILE], tl.int32)
    for dy in range(4):
        for dx in range(4):
            wanted = inside & (dy < v) & (dx < h)
            total += tl.load(source_last + start + dy * source_width + dx, mask=wanted, other=0).to(tl.int32)
    tl.store(y_last + place, (total // tl.maximum(v * h, 1)).to(tl.int16), mask=inside)


@kernel
def start_slopes(sums, y, values, steps, places, slices, grids, size, count, TILE: tl.constexpr):
    """Local slopes: the sums A, B, C, int64 [3, size], over the differences of DC."""
    _, inside, place, s = _tile(places, slices, 0, count, TILE)
    width, step = tl.load(grids + 4 * s + 3), tl.load(steps + s * 64)
    own = tl.load(y + place).to(tl.int32)
    product, energy, square = (
        tl.zeros([TILE], tl.int64),
        tl.zeros([TILE], tl.int64),
        tl.zeros([TILE], tl.int64),
    )
    for number in range(8):
        dy, dx = _around(number)
        c = tl.load(values + (64 + number) * size + place).to(tl.int32) * step
        c = _clamp(c, 32767).to(tl.int64)
        d = (tl.load(y + place + dy * width + dx).to(tl.int32) - own).to(tl.int64)
        product, energy, square = product + c * d, energy + d * d, square + c * c
    tl.store(sums + place, product, mask=inside)
    tl.store(sums + size + place, energy, mask=inside)
    tl.store(sums + 2 * size + place, square, mask=inside)


@kernel
def learn_slopes(sums, y, values, steps, places, slices, grids, size, count, plane, TILE: tl.constexpr):
    """Local slopes: adds an AC plane of the block and its neighbours to the sums."""
    _, inside, place, s = _tile(places, slices, 0, count, TILE)
    width, step = tl.load(grids + 4 * s + 3), tl.load(steps + s * 64 + plane)
    product, energy = tl.load(sums + place), tl.load(sums + size + place)
    square = tl.load(sums + 2 * size + place)
    for number in range(9):
        near = place + (number // 3 - 1) * width + number % 3 - 1
        c = _clamp(tl.load(values + plane * size + near).to(tl.int32) * step, 32767).to(tl.int64)
        d = tl.load(y + plane * size + near).to(tl.int64)
        product, energy, square = product + c * d, energy + d * d, square + c * c
    tl.store(sums + place, product, mask=inside)
    tl.store(sums + size + place, energy, mask=inside)
    tl.store(sums + 2 * size + place, square, mask=inside)


# --- DC and `last`


@triton.jit
def _slots(plane, place, width, row, column, rows, columns, offsets, used):
    """The 16 slots of blocks, int32 [16, blocks], and their number in use."""
    slot = tl.arange(0, 16)
    dy, dx = tl.load(offsets + 2 * slot), tl.load(offsets + 2 * slot + 1)
    y, x = row[None, :] + dy[:, None], column[None, :] + dx[:, None]
    inside = (y >= 0) & (y < rows[None, :]) & (x >= 0) & (x < columns[None, :]) & (slot < used)[:, None]
    near = place[None, :] + dy[:, None] * width[None, :] + dx[:, None]
    found = tl.load(plane + near, mask=inside, other=0).to(tl.int32)
    primary = inside & (slot < 4)[:, None]
    count = tl.maximum(tl.sum(primary.to(tl.int32), 0), 1)
    mean = _floor_div(tl.sum(tl.where(primary, found, 0), 0), count)
    return tl.where(inside, found, tl.where((slot < used)[:, None], mean[None, :], 0))


@triton.jit
def _dc_reference(
    x, pitch, row, at, inside, y, slots, own, weights, slot, used, step, log, tanh, log2
):  # fmt: skip
    """The inputs of DC for a reference; slots: of its y_0. own: y_0 of the blocks."""
    residual = own - (tl.sum(weights[:, None] * slots, 0) >> 12)
    _put(x, pitch, row, at, inside, _log_of(_floor_div(16 * residual, step), log))
    in_use, count = (slot < used)[:, None], tl.maximum(used, 1)
    d = slots - _floor_div(tl.sum(slots, 0), count)[None, :]
    c = _clamp(y * step[None, :], 32767)
    c = c - _floor_div(tl.sum(tl.where(in_use, c, 0), 0), count)[None, :]
    c, d = tl.where(in_use, c, 0).to(tl.int64), tl.where(in_use, d, 0).to(tl.int64)
    product, energy, square = tl.sum(c * d, 0), tl.sum(d * d, 0), tl.sum(c * c, 0)
    _put_slope(
        x, pitch, row + 1, at, inside, product, energy, square, residual.to(tl.int64), step, log, tanh, log2
    )


@kernel
def dc_inputs(
    x, pitch, side, prediction, values, truth, y_first, y_second, places, slices, grids, steps, offsets,
    weights, log, tanh, log2, size, first, count, used, phase, linear,
    encode, REFERENCES: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """Inputs of plane 0. offsets: int32 [16, 2] of the phase. weights: int32, from index `linear` on [16]."""
    at, inside, place, s = _tile(places, slices, first, count, TILE)
    local, width = place - tl.load(grids + 4 * s), tl.load(grids + 4 * s + 3)
    row, column = local // width, local % width
    rows, columns = tl.load(grids + 4 * s + 1), tl.load(grids + 4 * s + 2)
    step, slot = tl.load(steps + s * 64), tl.arange(0, 16)
    w = tl.load(weights + linear + slot)
    v = _slots(values, place, width, row, column, rows, columns, offsets, used)
    fine = tl.sum(w[:, None] * v, 0) >> 8  # below 2^29: weights are below 3 * 2^12
    predicted = (fine + 8) >> 4
    logs = tl.where((slot < used)[:, None], _log_of(16 * (v - predicted[None, :]), log), 0)
    tl.store(x + slot[:, None] * pitch + at[None, :], logs.to(tl.int8), mask=inside[None, :])
    _put(x, pitch, 16, at, inside, 8 * (fine - 16 * predicted))
    _put(x, pitch, 17, at, inside, _log_of(16 * step, log))
    for number in range(7):
        _put(x, pitch, 18 + number, at, inside, tl.zeros([TILE], tl.int32) + tl.where(number == phase, 64, 0))
    if REFERENCES > 0:
        y = _slots(y_first, place, width, row, column, rows, columns, offsets, used)
        own = tl.load(y_first + place).to(tl.int32)
        _dc_reference(x, pitch, 25, at, inside, v, y, own, w, slot, used, step, log, tanh, log2)
    if REFERENCES > 1:
        y = _slots(y_second, place, width, row, column, rows, columns, offsets, used)
        own = tl.load(y_second + place).to(tl.int32)
        _dc_reference(x, pitch, 38, at, inside, v, y, own, w, slot, used, step, log, tanh, log2)
    tl.store(prediction + at, predicted, mask=inside)
    if encode != 0:
        value = tl.load(truth + place)
        tl.store(values + place, value, mask=inside)
        tl.store(side + at, 2 * (value.to(tl.int32) - predicted), mask=inside)
    else:
        tl.store(side + at, tl.zeros([TILE], tl.int32), mask=inside)


@kernel
def finish_dc(values, places, slices, grids, size, count, TILE: tl.constexpr):
    """The differences D_0 to D_7."""
    _, inside, place, s = _tile(places, slices, 0, count, TILE)
    width, own = tl.load(grids + 4 * s + 3), tl.load(values + place).to(tl.int32)
    for number in range(8):
        dy, dx = _around(number)
        d = _clamp(tl.load(values + place + dy * width + dx).to(tl.int32) - own, 32767)
        tl.store(values + (64 + number) * size + place, d.to(tl.int16), mask=inside)


@triton.jit
def _last_reference(
    x, pitch, row, at, inside, place, width, s, y, y_last, steps, log, size, TILE: tl.constexpr
):
    """The inputs of `last` for a reference."""
    total = tl.zeros([TILE], tl.int32)
    for number in range(8):
        dy, dx = _around(number)
        total += tl.load(y_last + place + dy * width + dx).to(tl.int32)
    _put(x, pitch, row, at, inside, 2 * tl.load(y_last + place).to(tl.int32))
    _put(x, pitch, row + 1, at, inside, 2 * (total >> 3))
    low, middle, high = tl.zeros([TILE], tl.int32), tl.zeros([TILE], tl.int32), tl.zeros([TILE], tl.int32)
    band = tl.zeros([TILE], tl.int32)
    output = row + 5
    for j in range(64):
        m = 16 * tl.abs(tl.load(y + j * size + place).to(tl.int32)) // tl.load(steps + s * 64 + j)
        low, middle = tl.where(m >= 8, j, low), tl.where(m >= 16, j, middle)
        high = tl.where(m >= 32, j, high)
        band = tl.where(j == 0, 0, band + m)
        if (j == 2) | (j == 5) | (j == 9) | (j == 20) | (j == 35) | (j == 63):
            _put(x, pitch, output, at, inside, _log_of(band, log))
            band = tl.zeros([TILE], tl.int32)
            output += 1
    _put(x, pitch, row + 2, at, inside, 2 * low)
    _put(x, pitch, row + 3, at, inside, 2 * middle)
    _put(x, pitch, row + 4, at, inside, 2 * high)


@kernel
def last_inputs(
    x, pitch, side, last, lasts, values, y_first, y_second, y_first_last, y_second_last, places, slices,
    grids, steps, offsets, shown_steps, log, size, first, count, used, phase,
    encode, REFERENCES: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """Inputs of `last`. lasts: `last` to encode. shown_steps: int32 [8], indices of steps that are inputs."""
    at, inside, place, s = _tile(places, slices, first, count, TILE)
    local, width = place - tl.load(grids + 4 * s), tl.load(grids + 4 * s + 3)
    row, column = local // width, local % width
    rows, columns = tl.load(grids + 4 * s + 1), tl.load(grids + 4 * s + 2)
    slot = tl.arange(0, 16)
    v = 2 * _slots(last, place, width, row, column, rows, columns, offsets, used)
    tl.store(x + slot[:, None] * pitch + at[None, :], v.to(tl.int8), mask=inside[None, :])
    for number in range(8):
        d = tl.load(values + (64 + number) * size + place).to(tl.int32)
        _put(x, pitch, 16 + number, at, inside, _log_of(16 * d, log))
        step = tl.load(steps + s * 64 + tl.load(shown_steps + number))
        _put(x, pitch, 24 + number, at, inside, _log_of(16 * step, log))
    for number in range(7):
        _put(x, pitch, 32 + number, at, inside, tl.zeros([TILE], tl.int32) + tl.where(number == phase, 64, 0))
    if REFERENCES > 0:
        _last_reference(
            x, pitch, 39, at, inside, place, width, s, y_first, y_first_last, steps, log, size, TILE
        )
    if REFERENCES > 1:
        _last_reference(
            x, pitch, 50, at, inside, place, width, s, y_second, y_second_last, steps, log, size, TILE
        )
    if encode != 0:
        value = tl.load(lasts + place)
        tl.store(last + place, value, mask=inside)
        tl.store(side + at, 2 * value.to(tl.int32), mask=inside)
    else:
        tl.store(side + at, tl.zeros([TILE], tl.int32), mask=inside)


# --- AC planes


@kernel
def energies(energy, values, slices, steps, near, size, plane, nearest, TILE: tl.constexpr):
    """Energies: E(S) of all places, int32 [size]; near: int32 [64, 3], the nearest planes of each plane.

    S is below 2^33.
    """
    place = tl.program_id(0) * TILE + tl.arange(0, TILE)
    inside = place < size
    s = tl.load(slices + place, mask=inside, other=0)
    total = tl.zeros([TILE], tl.int64)
    for number in range(nearest):
        k = tl.load(near + 3 * plane + number)
        c = tl.load(values + k * size + place, mask=inside, other=0).to(tl.int32)
        total += (tl.abs(c) * tl.load(steps + s * 64 + k)).to(tl.int64)
    found = 16 * total // tl.load(steps + s * 64 + plane).to(tl.int64)
    tl.store(energy + place, tl.minimum(found, 1048576).to(tl.int32), mask=inside)


@kernel
def sum_rows(energy, narrow, wide, size, TILE: tl.constexpr):
    """Energies: sums over 5 and 17 blocks of a row, int32 [size] each. Gaps between rows are 0."""
    place = tl.program_id(0) * TILE + tl.arange(0, TILE)
    total, inner = tl.zeros([TILE], tl.int32), tl.zeros([TILE], tl.int32)
    for step in range(17):
        at = place + step - 8
        found = tl.load(energy + at, mask=(at >= 0) & (at < size), other=0)
        total += found
        inner += tl.where((step >= 6) & (step <= 10), found, 0)
    tl.store(narrow + place, inner, mask=place < size)
    tl.store(wide + place, total, mask=place < size)


@triton.jit
def _ac_reference(
    x, pitch, row, at, inside, place, width, y, y_last, sums, cross, plane, step, size, log, tanh, log2,
    TILE: tl.constexpr,
):  # fmt: skip
    """The inputs of an AC plane for a reference."""
    for number in range(5):
        k = tl.load(cross + 5 * plane + number)
        found = tl.load(y + k * size + place).to(tl.int32)
        _put(x, pitch, row + number, at, inside, _log_of(_floor_div(16 * found, step), log))
    total = tl.zeros([TILE], tl.int32)
    for number in range(8):
        dy, dx = _around(number)
        total += tl.abs(tl.load(y + plane * size + place + dy * width + dx).to(tl.int32))
    _put(x, pitch, row + 5, at, inside, _log_of(2 * total // step, log))
    _put(x, pitch, row + 6, at, inside, 2 * tl.load(y_last + place).to(tl.int32))
    product, energy = tl.load(sums + place), tl.load(sums + size + place)
    square = tl.load(sums + 2 * size + place)
    own = tl.load(y + plane * size + place).to(tl.int64)
    _put_slope(x, pitch, row + 7, at, inside, product, energy, square, own, step, log, tanh, log2)


@kernel
def ac_inputs(
    x, pitch, side, values, truth, last, y_first, y_second, y_first_last, y_second_last, sums_first,
    sums_second, narrow, wide, places, slices, grids, steps, known, weights, cross, log, tanh, log2, size,
    first, count, plane, phase, inputs, linear, nearest,
    encode, REFERENCES: tl.constexpr, CHUNK: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """Inputs of an AC plane.

    known: int32 [64, 128, 4], for each known value its plane, the plane of its step, dy and dx; `inputs` of
    them are used. weights: int32, linear weights from index `linear` on. nearest: n of the energies. cross:
    int32 [64, 5], planes of references.
    """
    at, inside, place, s = _tile(places, slices, first, count, TILE)
    width, step = tl.load(grids + 4 * s + 3), tl.load(steps + s * 64 + plane)
    total = tl.zeros([TILE], tl.int64)
    for start in range(0, inputs, CHUNK):
        number = start + tl.arange(0, CHUNK)
        use = number < inputs
        entry = known + 512 * plane + 4 * number
        j, j_step = tl.load(entry, mask=use, other=0), tl.load(entry + 1, mask=use, other=0)
        dy, dx = tl.load(entry + 2, mask=use, other=0), tl.load(entry + 3, mask=use, other=0)
        near = (j * size + dx)[:, None] + dy[:, None] * width[None, :] + place[None, :]
        c = tl.load(values + near, mask=use[:, None] & inside[None, :], other=0).to(tl.int32)
        q = tl.load(steps + s[None, :] * 64 + j_step[:, None])
        w = tl.load(weights + linear + number, mask=use, other=0)
        total += tl.sum((c * q).to(tl.int64) * w[:, None].to(tl.int64), 0)  # below 2^53
        clamped = _clamp(c, 127)
        magnitude = 16 * tl.abs(clamped) * q // step[None, :]  # below 2^28
        found = _log_of(tl.where(c < 0, -magnitude, magnitude), log).to(tl.int8)
        tl.store(x + number[:, None] * pitch + at[None, :], found, mask=use[:, None] & inside[None, :])
    own_last = tl.load(last + place).to(tl.int32)
    _put(x, pitch, inputs, at, inside, _log_of(16 * step // 4, log))
    _put(x, pitch, inputs + 1, at, inside, tl.zeros([TILE], tl.int32) + 64 * phase)
    _put(x, pitch, inputs + 2, at, inside, 2 * own_last)
    for number in range(8):
        dy, dx = _around(number)
        found = tl.load(last + place + dy * width + dx).to(tl.int32)
        _put(x, pitch, inputs + 3 + number, at, inside, 2 * found)
    inner, outer, own = tl.zeros([TILE], tl.int32), tl.zeros([TILE], tl.int32), tl.zeros([TILE], tl.int32)
    for number in range(5):
        inner += tl.load(narrow + place + (number - 2) * width)
    for number in range(17):
        outer += tl.load(wide + place + (number - 8) * width)
    if phase != 0:
        for number in range(12):  # the blocks of phase 0 among 5x5: E(|c| q) = 16 |c|
            index = 2 * number + 1
            near = place + (index // 5 - 2) * width + index % 5 - 2
            own += 16 * tl.abs(tl.load(values + plane * size + near).to(tl.int32))
    _put(x, pitch, inputs + 11, at, inside, _log_of(inner // (25 * nearest), log))
    _put(x, pitch, inputs + 12, at, inside, _log_of(outer // (289 * nearest), log))
    _put(x, pitch, inputs + 13, at, inside, _log_of(own // 12, log))
    predicted = _floor_div(total, 256 * step.to(tl.int64))
    _put_prediction(x, pitch, inputs + 14, at, inside, predicted, log, tanh)
    if REFERENCES > 0:
        _ac_reference(
            x, pitch, inputs + 23, at, inside, place, width, y_first, y_first_last, sums_first, cross, plane,
            step, size, log, tanh, log2, TILE,
        )  # fmt: skip
    if REFERENCES > 1:
        _ac_reference(
            x, pitch, inputs + 42, at, inside, place, width, y_second, y_second_last, sums_second, cross,
            plane, step, size, log, tanh, log2, TILE,
        )  # fmt: skip
    certain = (own_last == plane).to(tl.int32)
    if encode != 0:
        value = tl.load(truth + plane * size + place)
        tl.store(values + plane * size + place, value, mask=inside)
        tl.store(side + at, 2 * value.to(tl.int32) + certain, mask=inside)
    else:
        tl.store(side + at, certain, mask=inside)


# --- Networks


@kernel
def logits(
    x, pitch, count, weights, biases, found, first_w, second_w, third_w, first_b, second_b, third_b, units,
    outputs, WIDTH: tl.constexpr, SECOND: tl.constexpr, UNITS: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """Network: logits int16 [outputs, count] in `found`.

    weights: int8, from first_w on [units, WIDTH], from second_w on [SECOND, units], from third_w on [64,
    SECOND], padded by 0. biases: int32, in the same way. Products are of signed 8-bit integers, and sums have
    32 bits. They are exact: activations are less by 128, and 128 times the sum of the weights is in the bias
    of the next layer, so that a sum is at most twice what a weights file may have, 2^25.
    """
    at = tl.program_id(0) * TILE + tl.arange(0, TILE)
    row, second, output = tl.arange(0, WIDTH), tl.arange(0, SECOND), tl.arange(0, 64)
    pitch, units = pitch // 16 * 16, units // 16 * 16  # multiples of 16 let loads have 16 bytes
    first_w, second_w, third_w = first_w // 16 * 16, second_w // 16 * 16, third_w // 16 * 16
    inputs = tl.load(x + row[:, None] * pitch + at[None, :])  # beyond the phase, there are any
    inputs = tl.trans(inputs)
    total = tl.zeros([TILE, SECOND], tl.int32) + tl.load(biases + second_b + second)[None, :]
    for start in range(0, units, UNITS):
        unit = start + tl.arange(0, UNITS)
        w = tl.load(weights + first_w + unit[None, :] * WIDTH + row[:, None])
        h = tl.dot(inputs, w, out_dtype=tl.int32) + tl.load(biases + first_b + unit)[None, :]
        h = (tl.minimum(tl.maximum(h >> 6, 0), 255) - 128).to(tl.int8)
        w = tl.load(weights + second_w + second[None, :] * units + unit[:, None])
        total += tl.dot(h, w, out_dtype=tl.int32)
    g = (tl.minimum(tl.maximum(total >> 6, 0), 255) - 128).to(tl.int8)
    w = tl.load(weights + third_w + output[None, :] * SECOND + second[:, None])
    y = tl.dot(g, w, out_dtype=tl.int32) + tl.load(biases + third_b + output)[None, :]
    y = tl.trans(_clamp(y >> 5, 767).to(tl.int16))
    inside = (output < outputs)[:, None] & (at < count)[None, :]
    tl.store(found + output[:, None].to(tl.int64) * count + at[None, :], y, mask=inside)
