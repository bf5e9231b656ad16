// Bit masks of the non-zero coefficients of a block: coding loops visit only those.
#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace jrecomp {

// Bit k is set where |block[k]| >> shift is not zero, for k = 0 to 63.
inline std::uint64_t nonzero_mask(const std::int16_t* block, int shift) {
#if defined(__SSE2__)
    const __m128i zero = _mm_setzero_si128();
    const __m128i count = _mm_cvtsi32_si128(shift);
    const auto is_zero = [&](const std::int16_t* p) {
        __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        if (shift != 0) {
            const __m128i sign = _mm_srai_epi16(v, 15);
            v = _mm_srl_epi16(_mm_sub_epi16(_mm_xor_si128(v, sign), sign), count);
        }
        return _mm_cmpeq_epi16(v, zero);
    };
    std::uint64_t zeros = 0;
    for (int k = 0; k < 64; k += 16) {
        const __m128i packed = _mm_packs_epi16(is_zero(block + k), is_zero(block + k + 8));
        zeros |= static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm_movemask_epi8(packed))) << k;
    }
    return ~zeros;
#else
    std::uint64_t mask = 0;
    for (int k = 0; k < 64; ++k) {
        const int magnitude = block[k] < 0 ? -block[k] : block[k];
        mask |= static_cast<std::uint64_t>((magnitude >> shift) != 0) << k;
    }
    return mask;
#endif
}

// The index of the lowest bit that is set, of a mask that is not 0.
inline int lowest_bit(std::uint64_t mask) {
#if defined(__GNUC__)
    return __builtin_ctzll(mask);
#else
    int n = 0;
    for (; (mask & 1) == 0; mask >>= 1) ++n;
    return n;
#endif
}

// The bit length of a magnitude: its category SSSS (T.81 F.1.2.1), 0 for 0, at most 16 here.
inline int category_of(std::uint32_t magnitude) {
#if defined(__GNUC__)
    return magnitude == 0 ? 0 : 32 - __builtin_clz(magnitude);
#else
    int n = 0;
    for (; magnitude != 0; magnitude >>= 1) ++n;
    return n;
#endif
}

}  // namespace jrecomp
