// Offsets: the logits of decisions as sums that learn (docs/format/blocks.md on offsets).
#pragma once

#include <array>

#include "block_vectors.hpp"
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

// All terms of a component. A row is a cache line. Terms of `last` that depend on the block alone lie next to
// each other for all nodes.
struct alignas(64) Offsets {
    std::uint32_t rows[kRows][kSlots], bits[kBitRows][kBitSlots], index_bits[64][kIndexBits];
    std::uint32_t last_cells[kNodes][kCells];
    Wide64 last_near[kNearLasts * kNearLasts], last_gain, last_intercept;
    Factors factors[kSets][kSlots];
};

// Codes decisions whose logits are sums of terms. Coder: RangeEncoder or RangeDecoder.
template <class Coder>
class OffsetCoder {
public:
    OffsetCoder(const Tables& tables, Coder& coder)
        : sigmoid_(tables.sigmoid.data() + kLogitLimit),
          coder_(coder) {}

    // Codes a decision. logit: of the network, in 1/64 of a natural unit. rows: of offsets.
    template <std::size_t count>
    __attribute__((always_inline)) bool decide(int logit, Factors& factors,
                                               const std::array<std::uint32_t*, count>& rows, int slot,
                                               bool truth) {
        const int x = limited_logit(logit);
        const auto product = static_cast<std::int32_t>(factors.gain * static_cast<std::uint32_t>(x));
        std::uint32_t sum = factors.intercept + static_cast<std::uint32_t>(product >> 6);
        for (const std::uint32_t* row : rows) sum += row[slot];
        bool decision;
        const std::int32_t error = code(sum, truth, decision);
        factors.gain += gain_share(error, x);
        const std::uint32_t step = share(error, kRate);
        factors.intercept += step;
        for (std::uint32_t* row : rows) row[slot] += step;
        return decision;
    }

    // Codes `last`. logits: of its nodes, in 1/32 of a natural unit; cells: of them. near: the offsets of the
    // neighbours' `last`. What does not depend on the bits is computed for all nodes at once.
    int last(const Wide64& logits, const Wide64& cells, Offsets& offsets, Wide64& near, int truth) {
        Wide64& gains = offsets.last_gain;
        Wide64& intercepts = offsets.last_intercept;
        Wide64 x, sums;
        for (int p = 0; p < kQuarters * kParts; ++p) {
            x.part[p] = limited(2 * logits.part[p], -kLogitLimit, kLogitLimit);
            const Ints product = wrapped_product(gains.part[p], x.part[p]) >> 6;
            sums.part[p] = wrapped_sum(wrapped_sum(product, intercepts.part[p]), near.part[p]);
        }
        int prefix = 0;
        for (int bit = 5; bit >= 0; --bit) {
            const int node = (1 << (5 - bit)) - 1 + prefix;
            std::uint32_t& offset = offsets.last_cells[node][cells[node]];
            bool decision;
            const std::int32_t error =
                code(static_cast<std::uint32_t>(sums[node]) + offset, truth >> bit & 1, decision);
            const std::uint32_t step = share(error, kRate);
            offset += step;
            add(near[node], step);
            add(intercepts[node], step);
            add(gains[node], gain_share(error, x[node]));
            prefix = 2 * prefix + decision;
        }
        return prefix;
    }

    // Codes a bit below the leading one. index_bit: of the coefficient. bit: of cell and confidence.
    __attribute__((always_inline)) bool decide_bit(std::uint32_t& index_bit, std::uint32_t& bit, bool truth) {
        bool decision;
        const std::int32_t error = code(index_bit + bit, truth, decision);
        index_bit += share(error, kIndexBitRate);
        bit += share(error, kRate);
        return decision;
    }

    __attribute__((always_inline)) bool decide_bit(std::uint32_t& index_bit, bool truth) {
        bool decision;
        index_bit += share(code(index_bit, truth, decision), kIndexBitRate);
        return decision;
    }

    // Codes a decision with probability 1/2.
    bool even(bool truth) { return coder_.code(kHalf, truth); }

private:
    // Codes a decision; returns the error of its probability.
    __attribute__((always_inline)) std::int32_t code(std::uint32_t sum, bool truth, bool& decision) {
        const std::uint32_t ones = sigmoid_[limited_logit(static_cast<std::int32_t>(sum) >> 10)];
        decision = coder_.code(ones, truth);
        return (decision << 16) - static_cast<std::int32_t>(ones);
    }

    // Within +-kLogitLimit. Few logits are not, so a branch is faster than comparisons of all.
    static int limited_logit(int logit) {
        if (__builtin_expect(std::abs(logit) > kLogitLimit, 0)) {
            logit = logit < 0 ? -kLogitLimit : kLogitLimit;
            __asm__("" : "+r"(logit));  // keeps compilers from making comparisons of the branch
        }
        return logit;
    }

    static void add(std::int32_t& term, std::uint32_t step) {
        term = static_cast<std::int32_t>(static_cast<std::uint32_t>(term) + step);
    }

    // What the gain of a logit changes by.
    static std::uint32_t gain_share(std::int32_t error, int logit) {
        return static_cast<std::uint32_t>((error * logit + (1 << 14)) >> 15);
    }

    static std::uint32_t share(std::int32_t error, int rate) {
        return static_cast<std::uint32_t>((error + (1 << (rate - 1))) >> rate);
    }

    const std::uint16_t* sigmoid_;
    Coder& coder_;
};

}  // namespace jrecomp
