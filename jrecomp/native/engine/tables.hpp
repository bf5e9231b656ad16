// Integer tables and selections of the format (docs/format/model.md, section 3).
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace jrecomp {

using I64 = std::int64_t;

inline I64 floor_div(I64 a, I64 b) {  // b > 0
    const I64 quotient = a / b;
    return quotient - (a % b < 0);
}

inline I64 clamp(I64 value, I64 low, I64 high) { return std::min(std::max(value, low), high); }

constexpr I64 kLimit = 32767;  // of dequantized values
constexpr int kFraction = 16;  // parts of a step
constexpr int kMagnitudes = 4096;
constexpr int kScales = 8;
constexpr int kLogitLimit = 767;

struct Tables {
    std::vector<std::uint8_t> log;
    std::vector<std::uint64_t> tanh;  // [4096], a byte for each scale, the first one lowest
    std::vector<std::int8_t> log2_mantissa;
    std::vector<std::uint16_t> sigmoid;
    std::vector<std::int16_t> half, quarter;  // [8][8]

    int log_of(I64 sixteenths) const {
        const int value = log[std::min<I64>(std::llabs(sixteenths), kMagnitudes - 1)];
        return sixteenths < 0 ? -value : value;
    }

    // The eight views of a prediction, a byte each: 128 + value.
    std::uint64_t tanh_of(I64 sixteenths) const {
        constexpr std::uint64_t kOffsets = 0x8080808080808080;
        const std::uint64_t views = tanh[std::min<I64>(std::llabs(sixteenths), kMagnitudes - 1)];
        return sixteenths < 0 ? kOffsets - views : kOffsets + views;  // no byte carries: they are below 128
    }

    I64 log2_of(I64 value) const {  // value >= 1
        const int exponent = 64 - __builtin_clzll(static_cast<std::uint64_t>(value));
        const I64 top = exponent <= 5 ? value << (5 - exponent) : value >> (exponent - 5);
        return 16 * exponent + log2_mantissa[top - 16];
    }

    std::uint32_t ones(I64 logit) const {
        return sigmoid[clamp(logit, -kLogitLimit, kLogitLimit) + kLogitLimit];
    }
};

// Which known values feed an AC plane, as chosen by jrecomp.planes.store.
struct AcSelection {
    std::vector<int> plane, side;  // side -1: the block itself
    std::vector<int> nearest;      // planes of the energies
    std::array<int, 5> cross;      // planes of a reference
};

}  // namespace jrecomp
