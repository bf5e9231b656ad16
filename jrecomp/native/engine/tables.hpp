// The integer tables of models (docs/format/models.md on tables) and constants that all kinds share.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace jrecomp {

using I64 = std::int64_t;

// a / b rounded down, for b > 0.
inline I64 floor_div(I64 a, I64 b) {
    const I64 quotient = a / b;
    return quotient - (a % b < 0);
}

inline I64 clamp(I64 value, I64 low, I64 high) { return std::min(std::max(value, low), high); }

constexpr int kClasses = 3;        // of components, each with weights of its own
constexpr int kLimit = 32767;      // the largest magnitude of coefficients, quantized or not
constexpr int kFraction = 16;      // inputs count sixteenths of quantization steps
constexpr int kMagnitudes = 4096;  // entries of log and of each tanh
constexpr int kScales = 8;         // of tanh
constexpr int kMaxLength = 17;     // the most bits of a magnitude that is coded
constexpr int kLogitLimit = 767;   // the largest magnitude of logits, which are in 1/64 of a natural unit

struct Tables {
    std::vector<std::uint8_t> log;
    std::vector<std::uint64_t> tanh;  // [kMagnitudes], a byte for each scale, that of scale 0 lowest
    std::vector<std::int8_t> log2_mantissa;
    std::vector<std::uint16_t> sigmoid;
    std::vector<std::int16_t> half, quarter;  // [8][8]

    // The compressed form of a number of sixteenths of a step, within +-127.
    int log_of(I64 sixteenths) const {
        const int value = log[std::min<I64>(std::llabs(sixteenths), kMagnitudes - 1)];
        return sixteenths < 0 ? -value : value;
    }

    // tanh of a number at all eight scales: the byte of each is 128 + value. No sum or difference carries,
    // since bytes of the table are below 128.
    std::uint64_t tanh_of(I64 sixteenths) const {
        constexpr std::uint64_t kOffsets = 0x8080808080808080;
        const std::uint64_t values = tanh[std::min<I64>(std::llabs(sixteenths), kMagnitudes - 1)];
        return sixteenths < 0 ? kOffsets - values : kOffsets + values;
    }

    // About 16 times the logarithm to base 2 of value >= 1.
    I64 log2_of(I64 value) const {
        const int exponent = 64 - __builtin_clzll(static_cast<std::uint64_t>(value));
        const I64 top = exponent <= 5 ? value << (5 - exponent) : value >> (exponent - 5);
        return 16 * exponent + log2_mantissa[top - 16];
    }

    // The probability of `true` for a logit, in units of 2^-16.
    std::uint32_t ones(I64 logit) const {
        return sigmoid[clamp(logit, -kLogitLimit, kLogitLimit) + kLogitLimit];
    }
};

// Which known values are inputs of an AC plane (docs/format/planes.md on inputs).
struct AcSelection {
    // Of each known value; side: an index of kAround, or -1 for the block itself.
    std::vector<int> plane, side;
    std::vector<int> nearest;  // planes that the energies sum up
    std::array<int, 5> cross;  // planes of each reference
};

}  // namespace jrecomp
