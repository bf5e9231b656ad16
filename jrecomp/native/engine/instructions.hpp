// What processors compute several values at once with.
#pragma once
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>

namespace jrecomp {

// Sums of the products of two pairs of 16-bit values in each lane, modulo 2^32.
inline int32x4_t pair_products(int32x4_t a, int32x4_t b) {
    const int16x8_t x = vreinterpretq_s16_s32(a), y = vreinterpretq_s16_s32(b);
    return vpaddq_s32(vmull_s16(vget_low_s16(x), vget_low_s16(y)), vmull_high_s16(x, y));
}

}  // namespace jrecomp
#endif
