// Constants of ITU-T T.81 (JPEG), each with its clause.
#pragma once

#include <array>
#include <cstdint>

namespace jrecomp {

// The zig-zag sequence (A.3.6, figure A.6): for each zig-zag index 8 * vertical + horizontal frequency.
// clang-format off
inline constexpr std::array<int, 64> kZigZag = {
     0,  1,  8, 16,  9,  2,  3, 10,
    17, 24, 32, 25, 18, 11,  4,  5,
    12, 19, 26, 33, 40, 48, 41, 34,
    27, 20, 13,  6,  7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36,
    29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46,
    53, 60, 61, 54, 47, 55, 62, 63,
};
// clang-format on

// The largest category SSSS that a symbol for AC coefficients has room for in its low 4 bits (F.1.2.2.1).
inline constexpr int kMaxCategory = 15;

// Symbols for AC coefficients (F.1.2.2.1): no further non-zero coefficient in the block; 16 zeros.
inline constexpr int kEob = 0x00, kZrl = 0xF0;

// The longest run of blocks that an EOBn symbol can code, n at most 14 (G.1.2.2).
inline constexpr int kMaxEobRun = 0x7FFF;

// Marker codes (B.1.1.3, table B.1): the byte 0xFF, then for RST0 to RST7 kRst0 to kRst0 + 7.
inline constexpr std::uint8_t kMarker = 0xFF, kRst0 = 0xD0;

}  // namespace jrecomp
