#include "shifts.hpp"

#include <algorithm>
#include <cstring>

#include "../engine/instructions.hpp"
#include "transform.hpp"

namespace jrecomp {
namespace {

constexpr int kTile = 64;  // windows of a row that are computed together
constexpr int kSpan = kTile + 8;
constexpr int kCells = kClasses * kLevels;

// The class of each coefficient, by the sum of its frequencies: 1, 2 to 3, 4 and more.
constexpr int class_of(int row, int column) { return row + column < 2 ? 0 : row + column < 4 ? 1 : 2; }

inline Ints load(const std::int32_t* from) {
    Ints value;
    std::memcpy(&value, from, sizeof(value));
    return value;
}

inline void store(std::int32_t* to, Ints value) { std::memcpy(to, &value, sizeof(value)); }

// The horizontal transforms of a window need 32 bits, as the squares of its rows sum up to at most 2^30.

inline void round(Ints* values, int shift) {
    for (int i = 0; i < 8; ++i) values[i] = (values[i] + (1 << shift >> 1)) >> shift;
}

// Samples are summed over the windows that they are in, for a row of windows after the other.
class Shifts {
   public:
    Shifts(const Shrinkage& shrinkage, const std::int32_t* radius, std::int64_t columns)
        : shrinkage_(shrinkage),
          radius_(radius),
          columns_(columns),
          width_((columns + 16 + kTile - 1) / kTile * kTile + kSpan),
          vertical_(8 * width_),
          rows_(8 * width_),
          row_weights_(width_),
          sums_(8 * width_),
          weights_(8 * width_) {}

    // Adds the windows whose first row of samples is `top`, of columns + 16 samples.
    void add(const std::int16_t* top) {
        analyse_columns(top);
        std::fill(rows_.begin(), rows_.end(), 0);
        std::fill(row_weights_.begin(), row_weights_.end(), 0);
        for (std::int64_t x = 0; x < columns_ + 16; x += kTile) add_tile(x);
        compose_columns();
    }

    // Writes the row of samples that is complete: the first one of the windows that were added last.
    void finish(std::int16_t* out) {
        double* const sums = &sums_[first_ * width_];
        std::int32_t* const weights = &weights_[first_ * width_];
        for (std::int64_t x = 8; x < columns_ + 8; ++x) {
            const std::int64_t unit = std::int64_t{weights[x]} << (kConstantBits + 2);
            const std::int64_t sum = static_cast<std::int64_t>(sums[x]) + unit / 2;
            const std::int64_t mean = sum / unit - (sum % unit < 0);
            out[x - 8] = static_cast<std::int16_t>(std::clamp<std::int64_t>(mean, -kLargest, kLargest));
        }
    }

    // Frees the row of finish() for the windows that follow.
    void advance() {
        std::fill_n(&sums_[first_ * width_], width_, 0.0);
        std::fill_n(&weights_[first_ * width_], width_, 0);
        first_ = (first_ + 1) % 8;
    }

   private:
    static constexpr std::int64_t kLargest = (1 << 13) - 1;

    const Shrinkage& shrinkage_;
    const std::int32_t* radius_;
    std::int64_t columns_, width_;
    std::vector<std::int32_t> vertical_;  // [8][width_], DCT of the columns of the windows
    std::vector<std::int32_t> rows_;      // [8][width_], sums over windows of a row before the inverse of columns
    std::vector<std::int32_t> row_weights_;
    std::vector<double> sums_;  // [8][width_], integers below 2^53
    std::vector<std::int32_t> weights_;
    std::int64_t first_ = 0;  // the ring's row of the first row of the windows

    void analyse_columns(const std::int16_t* top) {
        const std::int64_t width = columns_ + 16;
        for (std::int64_t x = 0; x < width; x += kLanes) {
            Ints samples[8], out[8];
            const int count = static_cast<int>(std::min<std::int64_t>(kLanes, width - x));
            for (int row = 0; row < 8; ++row) {
                std::int32_t wide[kLanes] = {};
                for (int i = 0; i < count; ++i) wide[i] = top[row * width + x + i];
                samples[row] = load(wide);
            }
            analyse(samples, out);
            round(out, kConstantBits + 2);
            for (int row = 0; row < 8; ++row) store(&vertical_[row * width_ + x], out[row]);
        }
    }

    // Windows that begin in columns x to x + kTile - 1.
    void add_tile(std::int64_t x) {
        alignas(kRegister) std::int32_t shrunk[64][kTile];  // [vertical frequency, column of the window]
        std::int32_t weights[kTile];
        for (int i = 0; i < kTile; i += kLanes) shrink_windows(x + i, i, shrunk, weights);
        for (int row = 0; row < 8; ++row)
            for (int column = 0; column < 8; ++column) {
                std::int32_t* const to = &rows_[row * width_ + x + column];
                const std::int32_t* const from = shrunk[row * 8 + column];
                for (int i = 0; i < kTile; ++i) to[i] += from[i];
            }
        for (int column = 0; column < 8; ++column)
            for (int i = 0; i < kTile; ++i) row_weights_[x + i + column] += weights[i];
    }

    void shrink_windows(std::int64_t x, int place, std::int32_t (*shrunk)[kTile], std::int32_t* weights) const {
        Ints coefficients[64], large{};
        for (int row = 0; row < 8; ++row) {
            Ints samples[8];
            for (int i = 0; i < 8; ++i) samples[i] = load(&vertical_[row * width_ + x + i]);
            analyse(samples, &coefficients[row * 8]);
            round(&coefficients[row * 8], kConstantBits + 1);
            for (int column = row == 0; column < 8; ++column) {
                const Ints value = coefficients[row * 8 + column];
                large -= (value < 0 ? -value : value) >= radius_[row * 8 + column];
            }
        }
        Ints gains[kCells], weight;
        look_up(large, gains, weight);
        store(weights + place, weight);
        for (int row = 0; row < 8; ++row) {
            Ints scaled[8], samples[8];
            for (int column = 0; column < 8; ++column) {
                const Ints value = coefficients[row * 8 + column];
                const Ints* const gain = &gains[class_of(row, column) * kLevels];
                const Ints size = value < 0 ? -value : value;
                const std::int32_t radius = radius_[row * 8 + column];
                const Ints small = size < radius / 2 ? gain[0] : gain[1];
                const Ints big = size < 2 * radius ? gain[2] : gain[3];
                const Ints factor = size < radius ? small : big;
                scaled[column] = (value * factor + (1 << kGainBits >> 1)) >> kGainBits;
            }
            if (row == 0) scaled[0] = coefficients[0];
            compose(scaled, samples);
            round(samples, kConstantBits + 1);
            for (int column = 0; column < 8; ++column)
                store(&shrunk[row * 8 + column][place], samples[column] * weight);
        }
    }

    void look_up(Ints large, Ints* gains, Ints& weight) const {
        std::int32_t numbers[kLanes], found[kCells + 1][kLanes];
        store(numbers, large);
        for (int lane = 0; lane < kLanes; ++lane) {
            const std::int32_t* const row = &shrinkage_.gains[numbers[lane] * kCells];
            for (int i = 0; i < kCells; ++i) found[i][lane] = row[i];
            found[kCells][lane] = shrinkage_.weights[numbers[lane]];
        }
        for (int i = 0; i < kCells; ++i) gains[i] = load(found[i]);
        weight = load(found[kCells]);
    }

    void compose_columns() {
        for (std::int64_t x = 0; x < columns_ + 16; ++x) {
            double values[8], samples[8];
            for (int row = 0; row < 8; ++row) values[row] = rows_[row * width_ + x];
            compose(values, samples);
            for (int row = 0; row < 8; ++row) sums_[((first_ + row) % 8) * width_ + x] += samples[row];
        }
        for (int row = 0; row < 8; ++row)
            for (std::int64_t x = 0; x < columns_ + 16; ++x) weights_[row * width_ + x] += row_weights_[x];
    }
};

}  // namespace

void shrink(const Shrinkage& shrinkage, const std::int32_t* radius, const std::int16_t* padded,
            std::int64_t rows, std::int64_t columns, std::int16_t* out) {
    Shifts shifts(shrinkage, radius, columns);
    for (std::int64_t top = 1; top < rows + 8; ++top) {
        shifts.add(padded + top * (columns + 16));
        if (top >= 8) shifts.finish(out + (top - 8) * columns);
        shifts.advance();
    }
}

}  // namespace jrecomp
