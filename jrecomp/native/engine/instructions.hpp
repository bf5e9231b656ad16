// Vectors of 32-bit integers in the widest registers that the file is compiled for.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace jrecomp {

#if defined(__AVX512BW__)
constexpr int kRegister = 64;  // bytes
#elif defined(__AVX2__)
constexpr int kRegister = 32;
#else
constexpr int kRegister = 16;
#endif

using Ints = std::int32_t __attribute__((vector_size(kRegister), may_alias));
using Unsigned = std::uint32_t __attribute__((vector_size(kRegister), may_alias));  // for sums modulo 2^32
constexpr int kLanes = kRegister / 4;                                               // of Ints

// Limits each of the 32-bit integers of a vector.
template <class Vector>
inline Vector limited(Vector x, std::int32_t low, std::int32_t high) {
#if defined(__AVX512F__)  // compilers make comparisons and blends of the code below
    if constexpr (sizeof(Vector) == 64)
        return (Vector)_mm512_min_epi32(_mm512_max_epi32((__m512i)x, _mm512_set1_epi32(low)),
                                        _mm512_set1_epi32(high));
#endif
    x = x < low ? Vector{} + low : x;
    return x > high ? Vector{} + high : x;
}

#if defined(__aarch64__)
// In each lane of 32 bits the sum of the products of two pairs of 16-bit values, modulo 2^32.
inline int32x4_t pair_products(int32x4_t a, int32x4_t b) {
    const int16x8_t x = vreinterpretq_s16_s32(a), y = vreinterpretq_s16_s32(b);
    return vpaddq_s32(vmull_s16(vget_low_s16(x), vget_low_s16(y)), vmull_high_s16(x, y));
}
#endif

// Modulo 2^32.
inline Ints wrapped_sum(Ints a, Ints b) { return (Ints)((Unsigned)a + (Unsigned)b); }

// In each lane: sum + the products of two pairs of 16-bit values, modulo 2^32.
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

}  // namespace jrecomp
