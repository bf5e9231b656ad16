// Predictions corrected by what the file has shown so far (docs/format/model.md, section 7); twin of
// jrecomp.model.adaptation.
#pragma once
#include <vector>

#include "network.hpp"
#include "tables.hpp"

namespace jrecomp {

class Adaptation {
public:
    Adaptation(int outputs, const Tables& tables)
        : tables_(tables), error_(outputs * kBuckets), variance_(outputs * kBuckets), shift_(outputs * kBuckets) {}

    template <class Coder>
    bool decide(Coder& coder, int output, int logit, bool truth) {
        const int place = output * kBuckets + ((logit + kLogitLimit) >> kBucketShift);
        const bool decision = coder.code(tables_.ones(logit + shift_[place]), truth);
        const I64 predicted = tables_.sigmoid[logit + kLogitLimit];
        error_[place] += (decision ? kOne : 0) - predicted;
        variance_[place] += predicted * (kOne - predicted) >> 16;
        return decision;
    }

    // Takes everything learned so far into account.
    void refresh() {
        for (std::size_t i = 0; i < shift_.size(); ++i)
            shift_[i] = static_cast<int>(
                clamp(floor_div(kLogitUnit * error_[i], variance_[i] + kPrior), -kShiftLimit, kShiftLimit));
    }

    // Lets the sums count half, for the next plane.
    void halve() {
        for (std::size_t i = 0; i < shift_.size(); ++i) {
            error_[i] >>= 1;
            variance_[i] >>= 1;
        }
        refresh();
    }

private:
    static constexpr int kBucketShift = 7, kBuckets = (2 * kLogitLimit >> kBucketShift) + 1;
    static constexpr I64 kOne = 1 << 16, kPrior = 8 << 16, kLogitUnit = 64, kShiftLimit = 2 * kLogitUnit;

    const Tables& tables_;
    std::vector<I64> error_, variance_;
    std::vector<int> shift_;
};

}  // namespace jrecomp
