// Offsets: the logits of decisions as sums that learn (docs/format/blocks.md on offsets).
#pragma once

#include <array>

#include "range_coder.hpp"
#include "tables.hpp"

namespace jrecomp {

// Sizes of the tables.
constexpr int kNodes = 63;                     // of `last`
constexpr int kCells = 32, kNearLasts = 17;    // of logits; of `last` of a neighbour
constexpr int kGroups = 13, kSlots = 16;       // of coefficients; in a row
constexpr int kContexts = 4;                   // rows of a decision
constexpr int kBitRows = 144, kBitSlots = 42;  // of bits below the leading one
constexpr int kIndexBits = 256;                // for each coefficient
constexpr int kSets = 7;                       // of factors
constexpr std::array<int, kContexts + 1> kFirstRows = {0, kGroups * 144, kGroups * 192, kGroups * 241,
                                                       kGroups * 241 + 64 * 6};
constexpr int kRows = kFirstRows[kContexts];
constexpr int kRate = 6, kIndexBitRate = 4;  // an error changes a term by 2^-rate of it

// What the logit of a network is multiplied by, and what is added. Sums are modulo 2^32. All terms are in
// units of 2^-16.
struct Factors {
    std::uint32_t gain, intercept;
};

// All terms of a component. A row is a cache line.
struct alignas(64) Offsets {
    std::uint32_t rows[kRows][kSlots], bits[kBitRows][kBitSlots], index_bits[64][kIndexBits];
    std::uint32_t last[kNodes][kCells + kNearLasts * kNearLasts];
    Factors factors[kSets][kSlots], last_factors[kNodes];
};

// Codes decisions whose logits are sums of terms. Coder: RangeEncoder or RangeDecoder.
template <class Coder>
class OffsetCoder {
public:
    OffsetCoder(const Tables& tables, Coder& coder)
        : sigmoid_(tables.sigmoid.data() + kLogitLimit),
          coder_(coder) {}

    // Codes a decision. logit: of the network, in 1/64 of a natural unit.
    template <std::size_t count>
    bool decide(int logit, Factors& factors, const std::array<std::uint32_t*, count>& offsets, bool truth) {
        const int x = std::clamp(logit, -kLogitLimit, kLogitLimit);
        const auto product = static_cast<std::int32_t>(factors.gain * static_cast<std::uint32_t>(x));
        std::uint32_t sum = factors.intercept + static_cast<std::uint32_t>(product >> 6);
        for (const std::uint32_t* offset : offsets) sum += *offset;
        bool decision;
        const std::int32_t error = code(sum, truth, decision);
        factors.gain += static_cast<std::uint32_t>((error * x + (1 << 14)) >> 15);
        const std::uint32_t step = share(error, kRate);
        factors.intercept += step;
        for (std::uint32_t* offset : offsets) *offset += step;
        return decision;
    }

    // The same for a bit below the leading one. index_bit: of the coefficient. bit: of cell and confidence.
    bool decide_bit(std::uint32_t& index_bit, std::uint32_t& bit, bool truth) {
        bool decision;
        const std::int32_t error = code(index_bit + bit, truth, decision);
        index_bit += share(error, kIndexBitRate);
        bit += share(error, kRate);
        return decision;
    }

    bool decide_bit(std::uint32_t& index_bit, bool truth) {
        bool decision;
        index_bit += share(code(index_bit, truth, decision), kIndexBitRate);
        return decision;
    }

    // Codes a decision with probability 1/2.
    bool even(bool truth) { return coder_.code(kHalf, truth); }

private:
    // Codes a decision; returns the error of its probability.
    std::int32_t code(std::uint32_t sum, bool truth, bool& decision) {
        const int logit = std::clamp(static_cast<std::int32_t>(sum) >> 10, -kLogitLimit, kLogitLimit);
        const std::uint32_t ones = sigmoid_[logit];
        decision = coder_.code(ones, truth);
        return (decision << 16) - static_cast<std::int32_t>(ones);
    }

    static std::uint32_t share(std::int32_t error, int rate) {
        return static_cast<std::uint32_t>((error + (1 << (rate - 1))) >> rate);
    }

    const std::uint16_t* sigmoid_;
    Coder& coder_;
};

}  // namespace jrecomp
