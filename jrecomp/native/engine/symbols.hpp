// Binarization (docs/format/model.md, section 6); twin of jrecomp.model.symbols.
#pragma once
#include <cstdlib>
#include <numeric>
#include <vector>

#include "tables.hpp"

namespace jrecomp {

constexpr int kChunk = 128;  // blocks whose decisions are coded together, with what was learned before them
constexpr int kMaxLength = 17;
constexpr int kLengths = 10, kFirstBits = 7, kSecondBits = 4;
constexpr int kPerSign = kLengths + kFirstBits + 2 * kSecondBits;
constexpr int kNonzero = 0, kNegative = 1, kHead = 2;
constexpr int kValueOutputs = kHead + 2 * kPerSign;
constexpr int kLastLevels = 6, kLastOutputs = (1 << kLastLevels) - 1;
constexpr int kAdaptiveLength = 8;  // the longest whose other bits have adaptive outputs, one for each prefix
constexpr int kAllOutputs = kValueOutputs + (1 << (kAdaptiveLength - 1));
constexpr int kNoOutput = -1;  // of decisions with probability one half

// Output of the decision `length >= n`; start: the first one of the sign.
inline int length_output(int start, int n) { return n <= kLengths + 1 ? start + n - 2 : kNoOutput; }

// The same of a bit below the leading one; depth: how far below; leading: the magnitude's bits so far.
inline int bit_output(int start, int n, int depth, I64 leading) {
    const int prefix = static_cast<int>(leading);
    if (depth == 0 && n < 2 + kFirstBits) return start + kLengths + n - 2;
    if (depth == 1 && n >= 3 && n < 3 + kSecondBits) return start + kLengths + kFirstBits + 2 * (n - 3) + (prefix & 1);
    return n <= kAdaptiveLength ? kValueOutputs + prefix : kNoOutput;
}

// The non-zero values of a chunk: where they are, the first output of each one's sign, and their magnitudes.
struct Nonzero {
    std::vector<int> index, starts;
    std::vector<I64> magnitudes;

    void store(std::vector<I64>& values) const {
        for (std::size_t j = 0; j < index.size(); ++j)
            values[index[j]] = starts[j] == kHead ? magnitudes[j] : -magnitudes[j];
    }
};

// Codes which values are not zero, and their signs; they hold what to encode. decide(i, output, truth) codes a
// decision about the i-th. sure: where zero is impossible.
template <class Decide>
Nonzero code_signs(std::vector<I64>& values, const std::vector<char>& sure, Decide decide) {
    Nonzero result;
    for (int i = 0; i < static_cast<int>(values.size()); ++i)
        if (sure[i] || decide(i, kNonzero, values[i] != 0)) result.index.push_back(i);
        else values[i] = 0;
    for (const int i : result.index) {
        result.starts.push_back(kHead + kPerSign * decide(i, kNegative, values[i] < 0));
        result.magnitudes.push_back(std::llabs(values[i]));
    }
    return result;
}

// Codes `last` of a chunk; values hold what to encode.
template <class Decide>
void code_last(std::vector<I64>& values, Decide decide) {
    std::vector<int> prefix(values.size(), 0);
    for (int level = 0; level < kLastLevels; ++level)
        for (std::size_t i = 0; i < values.size(); ++i) {
            const bool bit = values[i] >> (kLastLevels - 1 - level) & 1;
            prefix[i] = 2 * prefix[i] + decide(static_cast<int>(i), (1 << level) - 1 + prefix[i], bit);
        }
    values.assign(prefix.begin(), prefix.end());
}

// Codes the magnitudes of non-zero values; they hold what to encode. starts: the first output of each one's sign.
// decide(i, output, truth) codes a decision about the i-th.
template <class Decide>
void code_magnitudes(std::vector<I64>& magnitudes, const std::vector<int>& starts, Decide decide) {
    const int count = static_cast<int>(magnitudes.size());
    std::vector<int> length(count, 1), active(count);
    std::iota(active.begin(), active.end(), 0);
    int longest = 1;
    for (int n = 2; n <= kMaxLength && !active.empty(); ++n) {
        std::size_t kept = 0;
        for (const int i : active)
            if (decide(i, length_output(starts[i], n), magnitudes[i] >= I64{1} << (n - 1))) {
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
                const int i = by_length[n][j], output = bit_output(starts[i], n, n - 2 - place, leading[j]);
                leading[j] = 2 * leading[j] + decide(i, output, magnitudes[i] >> place & 1);
            }
        for (std::size_t j = 0; j < leading.size(); ++j) magnitudes[by_length[n][j]] = leading[j];
    }
}

}  // namespace jrecomp
