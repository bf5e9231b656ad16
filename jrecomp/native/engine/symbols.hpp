// Binarization: coefficients and `last` as binary decisions (docs/format/models.md on decisions).
//
// Decisions are hard to predict for a processor, so nothing below branches on them in inner loops.
#pragma once

#include <cstdlib>
#include <numeric>

#include "lanes.hpp"
#include "tables.hpp"

namespace jrecomp {

// Outputs are the decisions that a network has logits for, in the order of the format, and adaptive ones.
constexpr int kLengths = 10, kFirstBits = 7, kSecondBits = 4;  // bit lengths whose decisions are outputs
constexpr int kPerSign = kLengths + kFirstBits + 2 * kSecondBits;
constexpr int kNonzero = 0, kNegative = 1, kHead = 2;  // kHead: the first output of positive values
constexpr int kValueOutputs = kHead + 2 * kPerSign;
constexpr int kLastLevels = 6, kLastOutputs = (1 << kLastLevels) - 1;
constexpr int kAdaptiveLength = 8;  // up to this bit length other bits have adaptive outputs, by prefix
constexpr int kAllOutputs = kValueOutputs + (1 << (kAdaptiveLength - 1));
constexpr int kNoOutput = -1;  // for decisions with probability 1/2

// The output of the decision whether the bit length is at least n. start: the first output of the sign.
inline int length_output(int start, int n) { return n <= kLengths + 1 ? start + n - 2 : kNoOutput; }

// The output of a bit of a magnitude of n bits. depth: 0 for the bit below the leading one, 1 for the next,
// and so on; prefix: the bits so far, from the leading one on.
inline int bit_output(int start, int n, int depth, int prefix) {
    if (depth == 0 && n < 2 + kFirstBits) return start + kLengths + n - 2;
    if (depth == 1 && n >= 3 && n < 3 + kSecondBits)
        return start + kLengths + kFirstBits + 2 * (n - 3) + (prefix & 1);
    return n <= kAdaptiveLength ? kValueOutputs + prefix : kNoOutput;
}

// Values of a chunk. An encoder sets them before they are coded, a decoder has them afterwards.
// known_nonzero: where zero is impossible.
struct Values {
    int count = 0;
    int value[kChunk];
    bool known_nonzero[kChunk];

    void add(int v, bool nonzero) {
        value[count] = v;
        known_nonzero[count++] = nonzero;
    }
};

// The non-zero values of a chunk: their indices, the first output of each value's sign, and their magnitudes.
struct Nonzero {
    int count = 0;
    int index[kChunk + 1], start[kChunk], magnitude[kChunk];

    // Writes them back to the chunk.
    void store(Values& values) const {
        for (int j = 0; j < count; ++j)
            values.value[index[j]] = start[j] == kHead ? magnitude[j] : -magnitude[j];
    }
};

// Codes which values are not zero, and the signs of those; sets `found` but for the magnitudes of a decoder.
// decide(i, output, truth) codes a decision about the i-th value and returns it; a decoder ignores truth.
template <class Decide>
void code_signs(Values& values, Nonzero& found, Decide decide) {
    for (int i = 0; i < values.count; ++i) {
        const bool nonzero = values.known_nonzero[i] || decide(i, kNonzero, values.value[i] != 0);
        values.value[i] = nonzero ? values.value[i] : 0;
        found.index[found.count] = i;
        found.count += nonzero;
    }
    for (int j = 0; j < found.count; ++j) {
        const int value = values.value[found.index[j]];
        found.start[j] = kHead + kPerSign * decide(found.index[j], kNegative, value < 0);
        found.magnitude[j] = std::abs(value);
    }
}

// Codes `last` of a chunk, in a binary tree. decide(i, node, truth) codes a decision about the i-th value.
template <class Decide>
void code_last(Values& values, Decide decide) {
    int prefix[kChunk] = {};
    for (int level = 0; level < kLastLevels; ++level)
        for (int i = 0; i < values.count; ++i) {
            const bool bit = values.value[i] >> (kLastLevels - 1 - level) & 1;
            prefix[i] = 2 * prefix[i] + decide(i, (1 << level) - 1 + prefix[i], bit);
        }
    std::copy(prefix, prefix + values.count, values.value);
}

// Codes the magnitudes of non-zero values. decide(j, output, truth) codes a decision about the j-th of them.
template <class Decide>
void code_magnitudes(Nonzero& found, Decide decide) {
    int active[kChunk + 1], length[kChunk], leading[kChunk];
    std::iota(active, active + found.count, 0);
    std::fill(length, length + found.count, 1);
    int longest = 1;
    for (int n = 2, left = found.count; n <= kMaxLength && left; ++n) {
        int kept = 0;
        for (int a = 0; a < left; ++a) {
            const int j = active[a];
            const bool longer =
                decide(j, length_output(found.start[j], n), found.magnitude[j] >= 1 << (n - 1));
            active[kept] = j;
            kept += longer;
            length[j] += longer;
        }
        if (kept) longest = n;
        left = kept;
    }
    std::fill(leading, leading + found.count, 1);
    for (int n = 2; n <= longest; ++n) {
        int count = 0;
        for (int j = 0; j < found.count; ++j)
            if (length[j] == n) active[count++] = j;
        for (int place = n - 2; place >= 0; --place)
            for (int a = 0; a < count; ++a) {
                const int j = active[a], output = bit_output(found.start[j], n, n - 2 - place, leading[j]);
                leading[j] = 2 * leading[j] + decide(j, output, found.magnitude[j] >> place & 1);
            }
    }
    std::copy(leading, leading + found.count, found.magnitude);
}

}  // namespace jrecomp
