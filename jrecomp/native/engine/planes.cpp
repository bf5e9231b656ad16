#include "planes.hpp"

namespace jrecomp {

namespace {

constexpr int kSlopePlanes = 16;

// Zig-zag order (T.81 A.3.6): natural index of each.
constexpr int kNatural[64] = {0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
                              41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
                              30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

// 8 values that stand `stride` apart from `ratio` blocks' low frequencies to 8 frequencies.
void resample(const I64* in, const std::vector<std::int16_t>& matrix, I64* out, int stride) {
    for (int i = 0; i < 8; ++i) {
        I64 sum = 2048;
        for (int j = 0; j < 8; ++j) sum += matrix[8 * i + j] * in[j];
        out[i * stride] = sum >> 12;
    }
}

}  // namespace

std::shared_ptr<const Reference> make_reference(const Planes& source, const Planes& target, const Tables& tables) {
    auto result = std::make_shared<Reference>();
    result->values.assign(64 * target.size, 0);
    result->last.assign(target.size, 0);
    result->split.assign(64 * target.split.size + kSegment, 0);
    const int v = source.rows / target.rows, h = source.columns / target.columns;
    const auto fits = [](int ratio) { return ratio == 1 || ratio == 2 || ratio == 4; };
    if (v * target.rows != source.rows || h * target.columns != source.columns || !fits(v) || !fits(h)) return result;
    int zigzag[64];
    for (int k = 0; k < 64; ++k) zigzag[kNatural[k]] = k;
    const int low_v = 8 / v, low_h = 8 / h;
    for (int row = 0; row < target.rows; ++row)
        for (int column = 0; column < target.columns; ++column) {
            I64 across[8][8], natural[8][8];  // [vertical of v blocks][horizontal], [vertical][horizontal]
            I64 lasts = 0;
            for (int y = 0; y < v; ++y) {
                for (int f = 0; f < low_v; ++f) {
                    I64 line[8];
                    for (int x = 0; x < h; ++x) {
                        const int b = source.block(row * v + y, column * h + x);
                        for (int g = 0; g < low_h; ++g) line[x * low_h + g] = source.limited(zigzag[8 * f + g], b);
                    }
                    I64* out = across[y * low_v + f];
                    if (h == 1) std::copy(line, line + 8, out);
                    else resample(line, h == 2 ? tables.half : tables.quarter, out, 1);
                }
                for (int x = 0; x < h; ++x) lasts += source.last[source.block(row * v + y, column * h + x)];
            }
            for (int g = 0; g < 8; ++g) {
                I64 line[8];
                for (int i = 0; i < 8; ++i) line[i] = across[i][g];
                if (v == 1) for (int i = 0; i < 8; ++i) natural[i][g] = line[i];
                else resample(line, v == 2 ? tables.half : tables.quarter, &natural[0][g], 8);
            }
            const int b = target.block(row, column);
            for (int k = 0; k < 64; ++k)
                result->values[k * target.size + b] =
                    static_cast<std::int16_t>(clamp(natural[kNatural[k] / 8][kNatural[k] % 8], -kLimit, kLimit));
            result->last[b] = static_cast<std::int16_t>(lasts / (v * h));
        }
    target.repeat_edge(result->values.data());
    target.repeat_edge(result->last.data());
    for (int k = 0; k < 64; ++k)
        for (int row = 0; row < target.rows; ++row)
            for (int column = 0; column < target.columns; ++column)
                result->split[k * target.split.size + target.split.place(row + kBorder, column + kBorder)] =
                    result->values[k * target.size + target.block(row, column)];
    return result;
}

Slopes::Slopes(const Planes& planes, const Reference& reference)
    : planes_(planes), reference_(reference), own_(3 * planes.size), differences_(3 * planes.size) {
    for (int row = 0; row < planes.rows; ++row)
        for (int column = 0; column < planes.columns; ++column) {
            const int b = planes.block(row, column);
            I64* out = &differences_[3 * static_cast<std::size_t>(b)];
            for (int n = 0; n < 8; ++n) {
                const I64 c = planes.limited(kDifference + n, b);
                const I64 y = I64{reference.values[b + planes.around[n]]} - reference.values[b];
                out[0] += c * y;
                out[1] += y * y;
                out[2] += c * c;
            }
        }
    sums_ = differences_;
}

void Slopes::learn(int k) {
    if (k < 1 || k >= kSlopePlanes) return;
    const std::int16_t* reference = reference_.values.data() + k * planes_.size;
    const int width = 3 * planes_.width;
    for (std::size_t b = 0; b < planes_.size; ++b) {
        const I64 c = planes_.limited(k, static_cast<int>(b)), y = reference[b];
        own_[3 * b] += c * y;
        own_[3 * b + 1] += y * y;
        own_[3 * b + 2] += c * c;
    }
    for (int row = 0; row < planes_.rows; ++row) {
        const std::size_t start = 3 * static_cast<std::size_t>(planes_.block(row, 0));
        const I64 *own = &own_[start], *differences = &differences_[start];
        I64* out = &sums_[start];
        for (int i = 0; i < 3 * planes_.columns; ++i)
            out[i] = differences[i] + own[i - width - 3] + own[i - width] + own[i - width + 3] + own[i - 3] + own[i] +
                     own[i + 3] + own[i + width - 3] + own[i + width] + own[i + width + 3];
    }
}

}  // namespace jrecomp
