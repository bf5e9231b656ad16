// Vectors of a block's 64 coefficients, a lane for each, or of hidden units, in the widest registers that the
// file is compiled for. All variants compute the same integers.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "instructions.hpp"

namespace jrecomp {

using Shorts = std::int16_t __attribute__((vector_size(kRegister), may_alias));
using Narrow = std::int16_t __attribute__((vector_size(kRegister / 2), may_alias));  // as many as in Ints

constexpr int kQuarters = 4;         // of 64 values
constexpr int kParts = 16 / kLanes;  // registers of Ints in a quarter

// `count` values of 16 bits. The checks of weights files exclude overflows of their sums.
template <int count>
struct Values16 {
    static constexpr int kSize = 2 * count / kRegister;
    Shorts part[kSize];

    void add(const Values16& other) {
        for (int i = 0; i < kSize; ++i) part[i] += other.part[i];
    }

    std::int16_t operator[](int i) const { return reinterpret_cast<const std::int16_t*>(part)[i]; }
    std::int16_t& operator[](int i) { return reinterpret_cast<std::int16_t*>(part)[i]; }
};

// 64 values of 32 bits.
struct Wide64 {
    Ints part[kQuarters * kParts];

    std::int32_t operator[](int i) const { return reinterpret_cast<const std::int32_t*>(part)[i]; }
    std::int32_t& operator[](int i) { return reinterpret_cast<std::int32_t*>(part)[i]; }
};

// 64 values of 16 bits, in as many parts.
struct Narrow64 {
    Narrow part[kQuarters * kParts];

    std::int16_t operator[](int i) const { return reinterpret_cast<const std::int16_t*>(part)[i]; }
};

inline Ints widened(Narrow x) { return __builtin_convertvector(x, Ints); }
inline Narrow narrowed(Ints x) { return __builtin_convertvector(x, Narrow); }

// In each lane entry x of a table of sixteen.
inline Ints looked_up(const std::array<std::int32_t, 16>& table, Ints x) {
#if defined(__AVX512F__)
    return (Ints)_mm512_permutexvar_epi32((__m512i)x, _mm512_loadu_si512(table.data()));
#else
    for (int i = 0; i < kLanes; ++i) x[i] = table[x[i]];
    return x;
#endif
}

// Products modulo 2^32.
inline Ints wrapped_product(Ints a, Ints b) { return (Ints)((Unsigned)a * (Unsigned)b); }

inline Unsigned magnitudes(Ints x) {
#if defined(__AVX512BW__)
    return (Unsigned)_mm512_abs_epi32((__m512i)x);
#else
    const Unsigned sign = (Unsigned)(x >> 31);
    return ((Unsigned)x ^ sign) - sign;
#endif
}

// About eight times the logarithm to base 2, plus 1016, of values from 0 to below 2^24; 0 for 0.
inline Ints log2_times_8(Ints x) {
    using Floats = float __attribute__((vector_size(kRegister)));
    return (Ints) __builtin_convertvector(x, Floats) >> 20;  // the exponent and three bits; exact
}

// The same for one value.
inline int log2_times_8(std::int32_t x) {
    const auto exact = static_cast<float>(x);
    std::int32_t bits;
    std::memcpy(&bits, &exact, sizeof(bits));
    return bits >> 20;
}

// A matrix of 16-bit weights to be multiplied by vectors of 16-bit values; up to 64 outputs.
class PairProducts {
public:
    PairProducts() = default;

    // weights: [outputs][values], outputs at most 64.
    PairProducts(const std::int16_t* weights, int outputs, int values) : packed_((values + 3) / 4 * 2) {
        for (int o = 0; o < outputs; ++o)
            for (int i = 0; i < values; ++i)
                reinterpret_cast<std::int16_t*>(&packed_[i / 2])[2 * o + i % 2] = weights[o * values + i];
    }

    // Adds the products to the first `quarters` quarters of the sums, modulo 2^32. The number of values is
    // rounded up to a multiple of four; values past it have weight 0.
    void add(const std::int16_t* values, int quarters, Wide64& sums) const {
        if constexpr (kParts == 1) {  // there are registers for all quarters at once
            switch (quarters) {
                case 1: return add_tile<1>(values, 0, sums);
                case 2: return add_tile<2>(values, 0, sums);
                case 3: return add_tile<3>(values, 0, sums);
                default: return add_tile<4>(values, 0, sums);
            }
        }
        for (int q = 0; q < quarters; ++q) add_tile<1>(values, q, sums);
    }

private:
    template <int quarters>
    void add_tile(const std::int16_t* values, int first, Wide64& sums) const {
        constexpr int kTile = quarters * kParts;
        Ints even[kTile], odd[kTile] = {};  // independent sums, to hide latency
        std::copy_n(sums.part + first * kParts, kTile, even);
        for (std::size_t i = 0; i < packed_.size(); i += 2, values += 4)
            for (int p = 0; p < kTile; ++p) {
                even[p] = add_products(even[p], pair(values), packed_[i].part[first * kParts + p]);
                odd[p] = add_products(odd[p], pair(values + 2), packed_[i + 1].part[first * kParts + p]);
            }
        for (int p = 0; p < kTile; ++p) sums.part[first * kParts + p] = wrapped_sum(even[p], odd[p]);
    }

    static std::int32_t pair(const std::int16_t* values) {
        std::int32_t result;
        std::memcpy(&result, values, sizeof(result));
        return result;
    }

    std::vector<Wide64> packed_;  // [pair of values], the weights of all outputs
};

}  // namespace jrecomp
