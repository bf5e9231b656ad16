// Adaptive probabilities of decisions (docs/format/blocks.md on decisions).
#pragma once

#include <array>

#include "range_coder.hpp"
#include "tables.hpp"

namespace jrecomp {

constexpr int kCounterBits = 22;  // of probabilities
constexpr int kMaxCount = 239;  // the largest count of decisions, whose inverse is about the adaptation rate

// The estimated probability that a decision is true, and the number of decisions that it is based on.
class Counter {
public:
    Counter() = default;
    // value: the first estimate, in units of 2^-22.
    explicit Counter(std::uint32_t value) : state_(value << 8) {}

    std::uint32_t value() const { return state_ >> 8; }

    void update(bool decision) {
        const std::uint32_t count = state_ & 255;
        const std::int64_t distance = (std::int64_t{decision} << kCounterBits) - std::int64_t{value()};
        state_ += (static_cast<std::uint32_t>(distance * kRates[count] >> 16) << 8) + (count < kMaxCount);
    }

private:
    static constexpr std::array<std::uint16_t, kMaxCount + 1> kRates = [] {
        std::array<std::uint16_t, kMaxCount + 1> rates{};
        for (int n = 0; n <= kMaxCount; ++n) rates[n] = static_cast<std::uint16_t>(65536 / (n + 16));
        return rates;
    }();

    std::uint32_t state_ = 0;  // the probability in the upper 24 bits, the count in the lower 8
};

// Codes a decision with the probability of a counter and updates it. Returns the decision.
template <class Coder>
inline bool decide(Coder& coder, Counter& counter, bool truth) {
    const bool decision = coder.code(counter.value() >> (kCounterBits - 16) | 1, truth);
    counter.update(decision);
    return decision;
}

}  // namespace jrecomp
