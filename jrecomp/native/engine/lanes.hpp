// Vector operations over the blocks of a chunk, a lane for each block, in the widest registers that the file
// is compiled for. All variants compute the same integers.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "instructions.hpp"

namespace jrecomp {

constexpr int kChunk = 128;  // blocks whose decisions are coded together; adaptation follows after each chunk
constexpr int kSegment = 64;  // blocks of a row that one bit mask covers

// A network input of all blocks of a chunk as unsigned bytes: value + 128. Rows of a chunk lie kChunk apart.
// Functions may write up to kSegment bytes past the end of a row.
using Row = std::uint8_t*;

// The lane of block i of a chunk after interleave().
constexpr std::array<std::uint8_t, kChunk> kLaneOf = [] {
    std::array<std::uint8_t, kChunk> lanes{};
    for (int i = 0; i < kChunk; ++i)
        lanes[i] = static_cast<std::uint8_t>((i & 64) | (i >> 2 & 3) << 4 | (i >> 4 & 3) << 2 | (i & 3));
    return lanes;
}();

inline int lane_of(int i) { return kLaneOf[i]; }

// Sixteen lanes of 32 bits, in as many registers as that takes. Not for inner loops where that is several.
using Sixteen = std::int32_t __attribute__((vector_size(64), may_alias));

// Registers of lanes that a matrix product takes at once, with four sums for each.
#if defined(__AVX512VNNI__) || defined(__aarch64__)  // with 32 registers
constexpr int kVectors = 4;
#else
constexpr int kVectors = 2;
#endif

// Four weights, those of four inputs, as dot() takes them. four_weights() makes them.
#if defined(__AVX512VNNI__)
using FourWeights = std::array<std::int8_t, 4>;

inline FourWeights four_weights(const std::int8_t* w) { return {w[0], w[1], w[2], w[3]}; }
#else
using FourWeights = std::array<std::int16_t, 4>;

inline FourWeights four_weights(const std::int8_t* w) { return {w[0], w[2], w[1], w[3]}; }
#endif

// In each lane: sum + the dot product of four unsigned bytes of x and four weights.
inline Ints dot(Ints sum, Ints x, const FourWeights& weights) {
#if defined(__AVX512VNNI__)
    std::int32_t bytes;
    std::memcpy(&bytes, weights.data(), sizeof(bytes));
    return (Ints)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)x, _mm512_set1_epi32(bytes));
#else
    std::int32_t even, odd;
    std::memcpy(&even, &weights[0], sizeof(even));
    std::memcpy(&odd, &weights[2], sizeof(odd));
    sum = add_products(sum, even, x & 0x00ff00ff);
    return add_products(sum, odd, (x >> 8) & 0x00ff00ff);
#endif
}

// Copies the values of a segment that the mask selects to `out`, one after the other. `out` must have room
// for a whole segment.
#if defined(__AVX512VBMI2__)
inline void compress(const std::int8_t* from, std::uint64_t mask, std::int8_t* out) {
    _mm512_storeu_si512(out, _mm512_maskz_compress_epi8(mask, _mm512_loadu_si512(from)));
}

inline void compress(const std::int16_t* from, std::uint64_t mask, std::int16_t* out) {
    const __mmask32 low = static_cast<__mmask32>(mask), high = static_cast<__mmask32>(mask >> 32);
    _mm512_storeu_si512(out, _mm512_maskz_compress_epi16(low, _mm512_loadu_si512(from)));
    out += __builtin_popcount(low);
    _mm512_storeu_si512(out, _mm512_maskz_compress_epi16(high, _mm512_loadu_si512(from + 32)));
}
#else
template <class T>
inline void compress(const T* from, std::uint64_t mask, T* out) {
    for (; mask; mask &= mask - 1) *out++ = from[__builtin_ctzll(mask)];
}
#endif

// The inverse of compress(): writes values to the places of a segment that the mask selects, and only there.
#if defined(__AVX512VBMI2__)
inline void expand(const std::int8_t* values, std::uint64_t mask, std::int8_t* to) {
    _mm512_mask_storeu_epi8(to, mask, _mm512_maskz_expand_epi8(mask, _mm512_loadu_si512(values)));
}

inline void expand(const std::int16_t* values, std::uint64_t mask, std::int16_t* to) {
    const __mmask32 low = static_cast<__mmask32>(mask), high = static_cast<__mmask32>(mask >> 32);
    _mm512_mask_storeu_epi16(to, low, _mm512_maskz_expand_epi16(low, _mm512_loadu_si512(values)));
    values += __builtin_popcount(low);
    _mm512_mask_storeu_epi16(to + 32, high, _mm512_maskz_expand_epi16(high, _mm512_loadu_si512(values)));
}
#else
template <class T>
inline void expand(const T* values, std::uint64_t mask, T* to) {
    for (; mask; mask &= mask - 1) to[__builtin_ctzll(mask)] = *values++;
}
#endif

// The mask of a segment's values that are at least k.
inline std::uint64_t at_least(const std::int8_t* from, int k) {
#if defined(__AVX512BW__)
    return _mm512_cmpge_epi8_mask(_mm512_loadu_si512(from), _mm512_set1_epi8(static_cast<char>(k)));
#else
    std::uint64_t mask = 0;
    for (int i = 0; i < kSegment; ++i) mask |= std::uint64_t{from[i] >= k} << i;
    return mask;
#endif
}

// Writes 128 + sign(value) * table[|value|] for a chunk's values, which are within +-127. table: [128].
inline void look_up(const std::int8_t* values, const std::uint8_t* table, Row out) {
#if defined(__AVX512VBMI__)
    const __m512i low = _mm512_loadu_si512(table), high = _mm512_loadu_si512(table + 64);
    for (int i = 0; i < kChunk; i += 64) {
        const __m512i value = _mm512_loadu_si512(values + i);
        const __m512i found = _mm512_permutex2var_epi8(low, _mm512_abs_epi8(value), high);
        const __m512i offset = _mm512_set1_epi8(-128);
        const __m512i plus = _mm512_add_epi8(offset, found);
        _mm512_storeu_si512(out + i, _mm512_mask_sub_epi8(plus, _mm512_movepi8_mask(value), offset, found));
    }
#else
    for (int i = 0; i < kChunk; ++i) {
        const int value = values[i], found = table[value < 0 ? -value : value];
        out[i] = static_cast<std::uint8_t>(128 + (value < 0 ? -found : found));
    }
#endif
}

// Writes a chunk's values times a factor, modulo 2^16.
inline void multiply(const std::int8_t* values, std::int16_t factor, std::int16_t* out) {
    for (int i = 0; i < kChunk; ++i) out[i] = static_cast<std::int16_t>(values[i] * factor);
}

// Sums of products for each block of a chunk, modulo 2^32.
struct Totals {
    Ints part[kChunk / kLanes] = {};

    // Adds the products of two values of each block with two weights.
    void add(const std::int16_t* a, const std::int16_t* b, std::int16_t weight_a, std::int16_t weight_b) {
#if defined(__AVX512VNNI__)
        const __m512i weights =
            _mm512_set1_epi32(weight_b * (1 << 16) + static_cast<std::uint16_t>(weight_a));
        for (int i = 0; i < kChunk / 32; ++i) {
            const __m512i x = _mm512_loadu_si512(a + 32 * i), y = _mm512_loadu_si512(b + 32 * i);
            Ints &low = part[2 * i], &high = part[2 * i + 1];
            low = (Ints)_mm512_dpwssd_epi32((__m512i)low, _mm512_unpacklo_epi16(x, y), weights);
            high = (Ints)_mm512_dpwssd_epi32((__m512i)high, _mm512_unpackhi_epi16(x, y), weights);
        }
#else
        auto* sums = reinterpret_cast<std::uint32_t*>(part);
        for (int i = 0; i < kChunk; ++i)
            sums[i] += static_cast<std::uint32_t>(weight_a * a[i] + weight_b * b[i]);
#endif
    }

    // The sum of block i.
    std::int32_t operator[](int i) const {
#if defined(__AVX512VNNI__)
        i = (i & ~31) | (i & 4) << 2 | (i & 24) >> 1 | (i & 3);
#endif
        return reinterpret_cast<const std::int32_t*>(part)[i];
    }
};

// Packs four rows of a chunk, which lie kChunk apart: the four bytes of block i go to out + 4 * lane_of(i).
inline void interleave(const std::uint8_t* rows, std::uint8_t* out) {
#if defined(__AVX512BW__)
    for (int i = 0; i < kChunk; i += 64, out += 256) {
        const auto row = [&](int n) { return _mm512_loadu_si512(rows + n * kChunk + i); };
        const __m512i a = row(0), b = row(1), c = row(2), d = row(3);
        const __m512i ab_low = _mm512_unpacklo_epi8(a, b), ab_high = _mm512_unpackhi_epi8(a, b);
        const __m512i cd_low = _mm512_unpacklo_epi8(c, d), cd_high = _mm512_unpackhi_epi8(c, d);
        _mm512_storeu_si512(out, _mm512_unpacklo_epi16(ab_low, cd_low));
        _mm512_storeu_si512(out + 64, _mm512_unpackhi_epi16(ab_low, cd_low));
        _mm512_storeu_si512(out + 128, _mm512_unpacklo_epi16(ab_high, cd_high));
        _mm512_storeu_si512(out + 192, _mm512_unpackhi_epi16(ab_high, cd_high));
    }
#else
    for (int i = 0; i < kChunk; ++i)
        for (int j = 0; j < 4; ++j) out[4 * lane_of(i) + j] = rows[j * kChunk + i];
#endif
}

}  // namespace jrecomp
