// Predictions corrected by what the file has shown so far (docs/format/model.md, section 7); twin of
// jrecomp.model.adaptation.
#pragma once
#include <array>
#include <cmath>
#include <vector>

#include "range_coder.hpp"
#include "symbols.hpp"
#include "tables.hpp"

namespace jrecomp {

// Natural logarithm of value >= 256 in units of 2^-12.
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

class Adaptation {
public:
    explicit Adaptation(const Tables& tables) : tables_(tables), cells_(kAllOutputs * kBuckets) {}

    template <class Coder>
    __attribute__((always_inline)) bool decide(Coder& coder, int output, int logit, bool truth) {
        const int place = output * kBuckets + ((logit + kLogitLimit) >> kBucketShift);
        Cell& cell = cells_[place];
        const bool decision = coder.code(tables_.ones(logit + cell.shift), truth);
        const I64 expected = tables_.sigmoid[logit + kLogitLimit];
        cell.seen[decision] += kOne;
        cell.expected[true] += expected;
        cell.expected[false] += kOne - expected;
        if (!cell.touched) touched_.push_back(place);
        cell.touched = true;
        return decision;
    }

    // A decision about a magnitude, by its output: of the network, with logit(); adaptive alone; or none at
    // all.
    template <class Coder, class Logit>
    bool decide_magnitude(Coder& coder, int output, Logit logit, bool truth) {
        if (output == kNoOutput) return coder.code(kHalf, truth);
        return decide(coder, output, output < kValueOutputs ? logit() : 0, truth);
    }

    // Takes everything learned so far into account.
    void refresh() {
        for (const int place : touched_) cells_[place].refresh();
        touched_.clear();
    }

    // Lets the counts weigh a quarter, for the next plane.
    void fade() {
        for (Cell& cell : cells_) {
            if (!(cell.seen[0] | cell.seen[1] | cell.expected[0] | cell.expected[1])) continue;
            for (const bool outcome : {false, true}) {
                cell.seen[outcome] >>= 2;
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
            const int difference = logarithm(seen[true] + kPrior) - logarithm(expected[true] + kPrior) -
                                   logarithm(seen[false] + kPrior) + logarithm(expected[false] + kPrior);
            shift = static_cast<int>(clamp(difference >> 6, -kShiftLimit, kShiftLimit));
            touched = false;
        }

        I64 seen[2] = {0, 0}, expected[2] = {0, 0};  // by outcome
        int shift = 0;
        bool touched = false;
    };

    const Tables& tables_;
    std::vector<Cell> cells_;
    std::vector<int> touched_;
};

}  // namespace jrecomp
