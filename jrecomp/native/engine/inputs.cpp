#include "inputs.hpp"

namespace jrecomp {

namespace {

// Offsets (rows, columns) of phases 1, 3, 5 and of phases 2, 4, 6, to be multiplied by 4, 2, 1.
constexpr int kDiagonal[12][2] = {{-1, -1}, {-1, 1}, {1, -1},  {1, 1},  {-1, -3}, {-1, 3},
                                  {1, -3},  {1, 3},  {-3, -1}, {3, -1}, {-3, 1},  {3, 1}};
constexpr int kDirect[16][2] = {{0, -1},  {0, 1},  {-1, 0}, {1, 0}, {-1, -2}, {-1, 2}, {1, -2}, {1, 2},
                                {-2, -1}, {2, -1}, {-2, 1}, {2, 1}, {0, -3},  {0, 3},  {-3, 0}, {3, 0}};
// Zig-zag indices whose steps are inputs of `last`.
constexpr int kLastSteps[8] = {1, 2, 5, 9, 14, 20, 35, 60};

// Adds the number of a phase, one input for each number.
void add_phase(int number, InputWriter& out) {
    for (int i = 0; i < kPhases; ++i) out.add(i == number ? 64 : 0);
}

}  // namespace

void add_slope(const I64* sums, I64 y, I64 step, const Tables& tables, InputWriter& out) {
    int trust[3];
    const I64 predicted = slope_prediction(sums, y, step, tables, trust);
    out.add_tanh(tables.tanh_of(predicted));
    out.add(tables.log_of(predicted));
    for (const int value : trust) out.add(value);
}

std::vector<PyramidPhase> pyramid(int rows, int columns) {
    std::vector<PyramidPhase> phases(kPhases);
    for (int n = 0; n < kPhases; ++n) {
        phases[n].number = n;
        const int d = n ? 4 >> (n - 1) / 2 : 0;
        if (n % 2)
            for (const auto& o : kDiagonal) phases[n].offsets.emplace_back(o[0] * d, o[1] * d);
        else if (n)
            for (const auto& o : kDirect) phases[n].offsets.emplace_back(o[0] * d, o[1] * d);
    }
    for (int row = 0; row < rows; ++row)
        for (int column = 0; column < columns; ++column) {
            int number = 0;
            if (row % 8 || column % 8) {
                int d = 4, level = 0;
                while (row % d || column % d) d /= 2, ++level;
                number = 1 + 2 * level + !(row % (2 * d) && column % (2 * d));
            }
            phases[number].blocks.emplace_back(row, column);
        }
    return phases;
}

I64 dc_inputs(const Planes& planes, const Neighbourhood& near, int row, int column, const I64* weights,
              const Tables& tables, InputWriter out) {
    const I64 step = planes.steps[0];
    const int used = static_cast<int>(near.phase().offsets.size());
    I64 values[kSlots], fine = 0;
    near.gather(planes.plane(0), row, column, values);
    for (int i = 0; i < kSlots; ++i) fine += weights[i] * values[i];
    fine >>= 8;
    const I64 predicted = (fine + 8) >> 4;
    for (int i = 0; i < kSlots; ++i)
        out.add(i < used ? tables.log_of((values[i] - predicted) * kFraction) : 0);
    out.add(8 * (fine - 16 * predicted));
    out.add(tables.log_of(step * kFraction));
    add_phase(near.phase().number, out);
    const int count = used ? used : 1, b = planes.block(row, column);
    for (const auto& reference : planes.references) {
        I64 y[kSlots], y_fine = 0, c[kSlots], c_total = 0, y_total = 0, sums[3] = {0, 0, 0};
        near.gather(reference->values.data(), row, column, y);
        for (int i = 0; i < kSlots; ++i) y_fine += weights[i] * y[i];
        const I64 residual = reference->values[b] - (y_fine >> 12);
        for (int i = 0; i < count; ++i) {
            c[i] = clamp(values[i] * step, -kLimit, kLimit);
            c_total += c[i];
            y_total += y[i];
        }
        const I64 c_mean = floor_div(c_total, count), y_mean = floor_div(y_total, count);
        for (int i = 0; i < count; ++i) {
            const I64 dc = c[i] - c_mean, dy = y[i] - y_mean;
            sums[0] += dc * dy;
            sums[1] += dy * dy;
            sums[2] += dc * dc;
        }
        out.add(tables.log_of(floor_div(residual * kFraction, step)));
        add_slope(sums, residual, step, tables, out);
    }
    return predicted;
}

void last_inputs(const Planes& planes, const Neighbourhood& near, int row, int column, const Tables& tables,
                 InputWriter out) {
    const int b = planes.block(row, column);
    I64 slots[kSlots];
    near.gather(planes.last.data(), row, column, slots);
    for (const I64 slot : slots) out.add(2 * slot);
    for (int n = 0; n < 8; ++n) out.add(tables.log_of(I64{planes.plane(kDifference + n)[b]} * kFraction));
    for (const int j : kLastSteps) out.add(tables.log_of(planes.steps[j] * kFraction));
    add_phase(near.phase().number, out);
    for (const auto& reference : planes.references) {
        I64 around = 0;
        for (const int offset : planes.around) around += reference->last[b + offset];
        out.add(2 * reference->last[b]);
        out.add(2 * floor_div(around, 8));
        const std::int8_t* hints = reference->hints.data() + static_cast<std::size_t>(b) * kHints;
        for (int i = 0; i < kHints; ++i) out.add(hints[i]);
    }
}

}  // namespace jrecomp
