// A block's 64 coefficients or hidden units side by side, in the widest registers that this file is compiled
// for. Every path computes the same integers.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "instructions.hpp"

namespace jrecomp {

#if defined(__AVX512BW__)
constexpr int kRegister = 64;
#elif defined(__AVX2__)
constexpr int kRegister = 32;
#else
constexpr int kRegister = 16;
#endif

using Ints = std::int32_t __attribute__((vector_size(kRegister), may_alias));
using Unsigned = std::uint32_t __attribute__((vector_size(kRegister), may_alias));  // that may overflow
using Shorts = std::int16_t __attribute__((vector_size(kRegister), may_alias));

constexpr int kLanes = kRegister / 4;               // of Ints
constexpr int kQuarters = 4, kParts = 16 / kLanes;  // registers of Ints in a quarter of 64 values

// Values of 16 bits that do not overflow.
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

inline Ints limited(Ints x, std::int32_t low, std::int32_t high) {
#if defined(__AVX512BW__)  // the compiler would compare and blend
    return (Ints)_mm512_min_epi32(_mm512_max_epi32((__m512i)x, _mm512_set1_epi32(low)),
                                  _mm512_set1_epi32(high));
#else
    x = x < low ? Ints{} + low : x;
    return x > high ? Ints{} + high : x;
#endif
}

inline Ints wrapped_sum(Ints a, Ints b) { return (Ints)((Unsigned)a + (Unsigned)b); }

inline Unsigned magnitudes(Ints x) {
#if defined(__AVX512BW__)
    return (Unsigned)_mm512_abs_epi32((__m512i)x);
#else
    const Unsigned sign = (Unsigned)(x >> 31);
    return ((Unsigned)x ^ sign) - sign;
#endif
}

// About eight times the logarithm to base 2 of values below 2^24, plus 1016; 0 of 0.
inline Ints eighths_of_octaves(Ints x) {
    using Floats = float __attribute__((vector_size(kRegister)));
    return (Ints) __builtin_convertvector(x, Floats) >> 20;  // exponents and three bits; nothing is rounded
}

// The same of one value.
inline int eighths_of_octaves(std::int32_t x) {
    const auto exact = static_cast<float>(x);
    std::int32_t bits;
    std::memcpy(&bits, &exact, sizeof(bits));
    return bits >> 20;
}

// sum + products of two pairs of 16-bit values in each lane, modulo 2^32.
inline Ints add_products(Ints sum, std::int32_t pair, Ints pairs) {
#if defined(__AVX512VNNI__)
    return (Ints)_mm512_dpwssd_epi32((__m512i)sum, _mm512_set1_epi32(pair), (__m512i)pairs);
#elif defined(__AVX2__)
    return wrapped_sum(sum, (Ints)_mm256_madd_epi16((__m256i)pairs, _mm256_set1_epi32(pair)));
#elif defined(__SSE2__)
    return wrapped_sum(sum, (Ints)_mm_madd_epi16((__m128i)pairs, _mm_set1_epi32(pair)));
#elif defined(__aarch64__)
    return wrapped_sum(sum, (Ints)pair_products((int32x4_t)pairs, vdupq_n_s32(pair)));
#else
    const auto product = [](Ints a, std::int16_t b) { return (Unsigned)a * static_cast<std::uint32_t>(b); };
    return (Ints)((Unsigned)sum +
                  product((Ints)((Unsigned)pairs << 16) >> 16, static_cast<std::int16_t>(pair)) +
                  product(pairs >> 16, static_cast<std::int16_t>(pair >> 16)));
#endif
}

// The matrix of 64 sums over an even number of values.
class PairProducts {
public:
    PairProducts() = default;

    // weights: [outputs][values], outputs at most 64.
    PairProducts(const std::int16_t* weights, int outputs, int values) : packed_((values + 3) / 4 * 2) {
        for (int o = 0; o < outputs; ++o)
            for (int i = 0; i < values; ++i)
                reinterpret_cast<std::int16_t*>(&packed_[i / 2])[2 * o + i % 2] = weights[o * values + i];
    }

    // Adds to the first `quarters` quarters of the sums. values: their number rounded up to a multiple of
    // four.
    void add(const std::int16_t* values, int quarters, Wide64& sums) const {
        if constexpr (kParts == 1) {  // enough registers for all of them
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
        Ints even[kTile], odd[kTile] = {};  // they need not wait for each other
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

    std::vector<Wide64> packed_;  // of each pair
};

}  // namespace jrecomp
