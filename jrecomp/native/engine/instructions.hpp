// The intrinsics of vector instructions, and what several kinds of vectors have in common.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace jrecomp {

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

}  // namespace jrecomp
