// Predictions corrected by what the file has shown so far (docs/format/model.md, section 7); twin of
// jrecomp.model.adaptation.
#pragma once
#include <array>
#include <cmath>
#include <vector>

#include "symbols.hpp"
#include "tables.hpp"

namespace jrecomp {

// Natural logarithm of value >= 256 in units of 2^-12.
inline int logarithm(I64 value) {
    static const std::array<int, 256> mantissa = [] {
        std::array<int, 256> table{};
        for (int m = 0; m < 256; ++m) table[m] = static_cast<int>(std::lround(4096 * std::log((256 + m) / 256.0)));
        return table;
    }();
    const int exponent = 55 - __builtin_clzll(static_cast<std::uint64_t>(value));
    return 2839 * exponent + mantissa[(value >> exponent) - 256];
}

class Adaptation {
public:
    explicit Adaptation(const Tables& tables) : tables_(tables), cells_(kAllOutputs * kBuckets) {}

    template <class Coder>
    bool decide(Coder& coder, int output, int logit, bool truth) {
        const int place = output * kBuckets + ((logit + kLogitLimit) >> kBucketShift);
        Cell& cell = cells_[place];
        const bool decision = coder.code(tables_.ones(logit + cell.shift), truth);
        const I64 expected = tables_.sigmoid[logit + kLogitLimit];
        (decision ? cell.yes : cell.no) += kOne;
        cell.expected_yes += expected;
        cell.expected_no += kOne - expected;
        if (!cell.touched) touched_.push_back(place);
        cell.touched = true;
        return decision;
    }

    // Takes everything learned so far into account.
    void refresh() {
        for (const int place : touched_) cells_[place].refresh();
        touched_.clear();
    }

    // Lets the counts weigh a quarter, for the next plane.
    void fade() {
        for (Cell& cell : cells_) {
            if (!(cell.yes | cell.expected_yes | cell.no | cell.expected_no)) continue;
            for (I64* count : {&cell.yes, &cell.expected_yes, &cell.no, &cell.expected_no}) *count >>= 2;
            cell.refresh();
        }
    }

private:
    static constexpr int kBucketShift = 7, kBuckets = (2 * kLogitLimit >> kBucketShift) + 1;
    static constexpr I64 kOne = 1 << 16, kPrior = 4 * kOne, kShiftLimit = 511;

    struct Cell {
        void refresh() {
            const int difference = logarithm(yes + kPrior) - logarithm(expected_yes + kPrior) -
                                   logarithm(no + kPrior) + logarithm(expected_no + kPrior);
            shift = static_cast<int>(clamp(difference >> 6, -kShiftLimit, kShiftLimit));
            touched = false;
        }

        I64 yes = 0, expected_yes = 0, no = 0, expected_no = 0;
        int shift = 0;
        bool touched = false;
    };

    const Tables& tables_;
    std::vector<Cell> cells_;
    std::vector<int> touched_;
};

}  // namespace jrecomp
