#include "planes.hpp"

#include "../t81.hpp"

namespace jrecomp {

namespace {

constexpr int kSlopePlanes = 16;  // only lower AC planes add to the sums of slopes

constexpr int kResampled = 16;  // blocks of a row that are resampled at once

// Hints: the highest index with a magnitude of at least each threshold in sixteenths; sums over bands.
constexpr int kBands[7] = {1, 3, 6, 10, 21, 36, 64};
constexpr int kThresholds[3] = {8, 16, 32};

// Coefficients of kResampled blocks by [vertical][horizontal] frequency.
using Square = Sixteen[8][8];

// Replaces low frequencies of neighbouring blocks by the 8 frequencies of a block that covers them. The 8
// values lie `stride` apart. Sums are below 2^31, since the constructor of Engine limits the matrices.
void resample(Sixteen* values, int stride, const std::vector<std::int16_t>& matrix) {
    Sixteen in[8];
    for (int j = 0; j < 8; ++j) in[j] = values[j * stride];
    for (int i = 0; i < 8; ++i) {
        Sixteen sum = Sixteen{} + 2048;
        for (int j = 0; j < 8; ++j) sum += in[j] * std::int32_t{matrix[8 * i + j]};
        values[i * stride] = sum >> 12;
    }
}

// Computes a component at the resolution of another, `v` times lower vertically and `h` times horizontally.
class Resampling {
public:
    Resampling(const Planes& source, const Planes& target, const Tables& tables, int v, int h)
        : source_(source),
          target_(target),
          tables_(tables),
          v_(v),
          h_(h) {
        for (int k = 0; k < 64; ++k) zigzag_[kZigZag[k]] = k;
    }

    // Fills `count` blocks of a row, at most kResampled, from one on.
    void run(int row, int column, int count, Reference& result) const {
        Square square;
        load_low(row, column, count, square);
        for (int f = 0; h_ > 1 && f < 8; ++f)
            resample(square[f], 1, h_ == 2 ? tables_.half : tables_.quarter);
        for (int g = 0; v_ > 1 && g < 8; ++g)
            resample(&square[0][g], 8, v_ == 2 ? tables_.half : tables_.quarter);
        for (int f = 0; f < 8; ++f)
            for (int g = 0; g < 8; ++g) square[f][g] = limited(square[f][g], -kLimit, kLimit);
        store_values(row, column, count, square, result);
        store_hints(target_.block(row, column), count, square, result);
        for (int i = 0; i < count; ++i) {
            int lasts = 0;
            for (int y = 0; y < v_; ++y)
                for (int x = 0; x < h_; ++x)
                    lasts += source_.last[source_.block(row * v_ + y, (column + i) * h_ + x)];
            result.last[target_.block(row, column + i)] = static_cast<std::int16_t>(lasts / (v_ * h_));
        }
    }

private:
    // Gathers the low frequencies of the blocks that each block covers.
    void load_low(int row, int column, int count, Square& square) const {
        const int low_v = 8 / v_, low_h = 8 / h_;
        for (int f = 0; f < 8; ++f)
            for (int g = 0; g < 8; ++g) {
                const int k = zigzag_[8 * (f % low_v) + g % low_h];
                const int first = source_.block(row * v_ + f / low_v, column * h_ + g / low_h);
                square[f][g] = Sixteen{};
                for (int i = 0; i < count; ++i)
                    square[f][g][i] = static_cast<std::int32_t>(source_.limited(k, first + i * h_));
            }
    }

    void store_values(int row, int column, int count, const Square& square, Reference& result) const {
        for (int k = 0; k < 64; ++k) {
            const Sixteen& values = square[kZigZag[k] / 8][kZigZag[k] % 8];
            std::int16_t* plane = result.values.data() + k * target_.size + target_.block(row, column);
            std::int16_t* split = result.split.data() + k * target_.split.size;
            for (int i = 0; i < count; ++i) {
                plane[i] = static_cast<std::int16_t>(values[i]);
                split[target_.split.place(row + kBorder, column + kBorder + i)] = plane[i];
            }
        }
    }

    void store_hints(int block, int count, const Square& square, Reference& result) const {
        using Floats = float __attribute__((vector_size(64)));
        Sixteen places[3] = {}, sums[6] = {};
        for (int j = 1, band = 0; j < 64; ++j) {
            band += j == kBands[band + 1];
            const Sixteen& y = square[kZigZag[j] / 8][kZigZag[j] % 8];
            // The quotients in floating point round down exactly, since the integers are below 2^19.
            const Floats sixteenths = __builtin_convertvector((y < 0 ? -y : y) * kFraction, Floats);
            const Sixteen magnitudes =
                __builtin_convertvector(sixteenths / static_cast<float>(target_.steps[j]), Sixteen);
            for (int t = 0; t < 3; ++t) places[t] = magnitudes >= kThresholds[t] ? Sixteen{} + j : places[t];
            sums[band] += magnitudes;
        }
        for (int i = 0; i < count; ++i) {
            std::int8_t* out = result.hints.data() + static_cast<std::size_t>(block + i) * kHints;
            for (const Sixteen& place : places) *out++ = static_cast<std::int8_t>(2 * place[i]);
            for (const Sixteen& sum : sums) *out++ = static_cast<std::int8_t>(tables_.log_of(sum[i]));
        }
    }

    const Planes &source_, &target_;
    const Tables& tables_;
    const int v_, h_;
    int zigzag_[64];
};

// Whether the number of blocks is 1, 2 or 4 times that of `target` in each direction, v and h.
bool ratios(const Planes& source, const Planes& target, int& v, int& h) {
    v = source.rows / target.rows;
    h = source.columns / target.columns;
    const auto fits = [](int ratio) { return ratio == 1 || ratio == 2 || ratio == 4; };
    return v * target.rows == source.rows && h * target.columns == source.columns && fits(v) && fits(h);
}

// DC of a block that covers `count` blocks. dc(i): that of one of them.
template <class Dc>
std::int32_t joined_dc(int count, const Tables& tables, Dc dc) {
    if (count == 1) return dc(0);
    const std::vector<std::int16_t>& matrix = count == 2 ? tables.half : tables.quarter;
    std::int32_t sum = 2048;
    for (int i = 0; i < count; ++i) sum += matrix[i * 8 / count] * dc(i);
    return sum >> 12;
}

}  // namespace

std::shared_ptr<const Reference> make_dc_reference(const Planes& source, const Planes& target,
                                                   const Tables& tables) {
    auto result = std::make_shared<Reference>();
    result->values.assign(target.size, 0);
    int v, h;
    if (!ratios(source, target, v, h)) return result;
    for (int row = 0; row < target.rows; ++row)
        for (int column = 0; column < target.columns; ++column) {
            const auto across = [&](int y) {
                const int first = source.block(row * v + y, column * h);
                return joined_dc(h, tables,
                                 [&](int x) { return static_cast<std::int32_t>(source.limited(0, first + x)); });
            };
            result->values[target.block(row, column)] =
                static_cast<std::int16_t>(clamp(joined_dc(v, tables, across), -kLimit, kLimit));
        }
    target.repeat_edge(result->values.data());
    return result;
}

std::shared_ptr<const Reference> make_reference(const Planes& source, const Planes& target,
                                                const Tables& tables) {
    auto result = std::make_shared<Reference>();
    result->values.assign(64 * target.size, 0);
    result->last.assign(target.size, 0);
    result->split.assign(64 * target.split.size + kSegment, 0);
    result->hints.assign(kHints * target.size, 0);
    int v, h;
    if (!ratios(source, target, v, h)) return result;
    const Resampling resampling(source, target, tables, v, h);
    for (int row = 0; row < target.rows; ++row)
        for (int column = 0; column < target.columns; column += kResampled)
            resampling.run(row, column, std::min(kResampled, target.columns - column), *result);
    target.repeat_edge(result->values.data());
    target.repeat_edge(result->last.data());
    return result;
}

Slopes::Slopes(const Planes& planes, const Reference& reference)
    : planes_(planes),
      reference_(reference),
      own_(3 * planes.size),
      differences_(3 * planes.size) {
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
            out[i] = differences[i] + own[i - width - 3] + own[i - width] + own[i - width + 3] + own[i - 3] +
                     own[i] + own[i + 3] + own[i + width - 3] + own[i + width] + own[i + width + 3];
    }
}

}  // namespace jrecomp
