// Corrects the logits of networks by the decisions already coded (docs/format/models.md on adaptation).
#pragma once

#include <array>
#include <cmath>
#include <vector>

#include "range_coder.hpp"
#include "symbols.hpp"
#include "tables.hpp"

namespace jrecomp {

// 4096 times the natural logarithm of value / 256, for value >= 256.
inline int logarithm(I64 value) {
    static const std::array<int, 256> mantissa = [] {
        std::array<int, 256> table{};
        for (int m = 0; m < 256; ++m)
            table[m] = static_cast<int>(std::lround(4096 * std::log((256 + m) / 256.0)));
        return table;
    }();
    const int exponent = 55 - __builtin_clzll(static_cast<std::uint64_t>(value));
    return 2839 * exponent + mantissa[(value >> exponent) - 256];
}

// Counts of expected and observed outcomes per output and range of logits, and the corrections they lead to.
class Adaptation {
public:
    explicit Adaptation(const Tables& tables) : tables_(tables), cells_(kAllOutputs * kBuckets) {}

    // Codes a decision with the corrected logit of an output, and counts it. truth: what to encode; a decoder
    // ignores it. Returns the decision.
    template <class Coder>
    __attribute__((always_inline)) bool decide(Coder& coder, int output, int logit, bool truth) {
        const int place = output * kBuckets + ((logit + kLogitLimit) >> kBucketShift);
        Cell& cell = cells_[place];
        const bool decision = coder.code(tables_.ones(logit + cell.shift), truth);
        const I64 expected = tables_.sigmoid[logit + kLogitLimit];
        cell.observed[decision] += kOne;
        cell.expected[true] += expected;
        cell.expected[false] += kOne - expected;
        if (!cell.changed) changed_.push_back(place);
        cell.changed = true;
        return decision;
    }

    // Codes a decision about a magnitude. An output of the network has the logit that logit() returns; a
    // further adaptive output has logit 0; a decision without an output has probability 1/2.
    template <class Coder, class Logit>
    bool decide_magnitude(Coder& coder, int output, Logit logit, bool truth) {
        if (output == kNoOutput) return coder.code(kHalf, truth);
        return decide(coder, output, output < kValueOutputs ? logit() : 0, truth);
    }

    // Updates the corrections by all decisions so far; to be called after each chunk.
    void refresh() {
        for (const int place : changed_) cells_[place].refresh();
        changed_.clear();
    }

    // Divides all counts by four, so that those of the next plane outweigh them.
    void fade() {
        for (Cell& cell : cells_) {
            if (!(cell.observed[0] | cell.observed[1] | cell.expected[0] | cell.expected[1])) continue;
            for (const bool outcome : {false, true}) {
                cell.observed[outcome] >>= 2;
                cell.expected[outcome] >>= 2;
            }
            cell.refresh();
        }
    }

private:
    static constexpr int kBucketShift = 7, kBuckets = (2 * kLogitLimit >> kBucketShift) + 1;
    static constexpr I64 kOne = 1 << 16, kPrior = 4 * kOne, kShiftLimit = 511;

    struct Cell {
        void refresh() {
            const int difference = logarithm(observed[true] + kPrior) - logarithm(expected[true] + kPrior) -
                                   logarithm(observed[false] + kPrior) + logarithm(expected[false] + kPrior);
            shift = static_cast<int>(clamp(difference >> 6, -kShiftLimit, kShiftLimit));
            changed = false;
        }

        I64 observed[2] = {0, 0}, expected[2] = {0, 0};  // by outcome, in 2^-16
        int shift = 0;                                   // the correction, of logits
        bool changed = false;                            // since the last refresh()
    };

    const Tables& tables_;
    std::vector<Cell> cells_;
    std::vector<int> changed_;
};

}  // namespace jrecomp
