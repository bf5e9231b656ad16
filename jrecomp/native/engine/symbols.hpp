// Binarization (docs/format/model.md, section 6); twin of jrecomp.model.symbols.
#pragma once
#include <numeric>
#include <vector>

#include "range_coder.hpp"
#include "tables.hpp"

namespace jrecomp {

constexpr int kMaxLength = 17;
constexpr int kLengths = 10, kFirstBits = 7, kSecondBits = 4;
constexpr int kPerSign = kLengths + kFirstBits + 2 * kSecondBits;
constexpr int kLastLevels = 6;
constexpr std::uint32_t kHalf = 1u << 15;

inline int bit_length(I64 magnitude) { return 64 - __builtin_clzll(static_cast<std::uint64_t>(magnitude)); }

inline std::uint32_t length_ones(const std::uint16_t* ones, int n) { return n <= kLengths + 1 ? ones[n - 2] : kHalf; }

// depth: how far below the leading bit; leading: the magnitude's bits so far.
inline std::uint32_t bit_ones(const std::uint16_t* ones, int n, int depth, I64 leading) {
    if (depth == 0 && n < 2 + kFirstBits) return ones[kLengths + n - 2];
    if (depth == 1 && n >= 3 && n < 3 + kSecondBits) return ones[kLengths + kFirstBits + 2 * (n - 3) + (leading & 1)];
    return kHalf;
}

// Codes the magnitudes of non-zero values; ones: [count][kPerSign]. values hold what to encode.
template <class Coder>
void code_magnitudes(Coder& coder, const std::vector<std::uint16_t>& ones, std::vector<I64>& magnitudes) {
    const int count = static_cast<int>(magnitudes.size());
    std::vector<int> length(count, 1), active(count);
    std::iota(active.begin(), active.end(), 0);
    int longest = 1;
    for (int n = 2; n <= kMaxLength && !active.empty(); ++n) {
        std::size_t kept = 0;
        for (const int i : active)
            if (coder.code(length_ones(&ones[i * kPerSign], n), magnitudes[i] >= I64{1} << (n - 1))) {
                active[kept++] = i;
                length[i] = longest = n;
            }
        active.resize(kept);
    }
    std::vector<std::vector<int>> by_length(kMaxLength + 1);
    for (int i = 0; i < count; ++i) by_length[length[i]].push_back(i);
    for (const int i : by_length[1]) magnitudes[i] = 1;
    for (int n = 2; n <= longest; ++n) {
        std::vector<I64> leading(by_length[n].size(), 1);
        for (int place = n - 2; place >= 0; --place)
            for (std::size_t j = 0; j < leading.size(); ++j) {
                const int i = by_length[n][j];
                const std::uint32_t p = bit_ones(&ones[i * kPerSign], n, n - 2 - place, leading[j]);
                leading[j] = 2 * leading[j] + coder.code(p, magnitudes[i] >> place & 1);
            }
        for (std::size_t j = 0; j < leading.size(); ++j) magnitudes[by_length[n][j]] = leading[j];
    }
}

}  // namespace jrecomp
