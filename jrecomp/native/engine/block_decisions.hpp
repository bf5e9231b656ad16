// How models of blocks code `last` and coefficients as decisions (docs/format/blocks.md on decisions).
#pragma once

#include "../t81.hpp"
#include "block_weights.hpp"

namespace jrecomp {

constexpr int kCellShift = 4, kCellOffset = 192;  // of logits in 1/32 of a natural unit
constexpr int kBitLengths = 7, kPrefixes = 3, kLengthSlots = 7;

inline int cell_of(int logit) { return std::clamp((logit + kCellOffset) >> kCellShift, 0, kCells - 1); }

// The group of each coefficient; those of a group share offsets. The first six are groups of their own, the
// others are grouped by diagonals.
constexpr std::array<std::uint8_t, 64> kGroupOf = [] {
    std::array<std::uint8_t, 64> groups{};
    for (int k = 0; k < 64; ++k) {
        const int diagonal = kZigZag[k] / 8 + kZigZag[k] % 8;
        groups[k] = static_cast<std::uint8_t>(k < 6 ? k : 3 + std::min(diagonal, 9));
    }
    return groups;
}();

// What the decisions of a coefficient depend on. set: of factors. cell_row: of bits. rows: of offsets.
struct Coefficient {
    int k, scale, confidence, set, cell_row;
    std::array<int, kContexts> rows;
};

// The first row of a group in each context; in the last one a coefficient is a group.
constexpr std::array<std::array<int, 3>, kGroups> kRowsOfGroup = [] {
    std::array<std::array<int, 3>, kGroups> rows{};
    for (int g = 0; g < kGroups; ++g)
        rows[g] = {kFirstRows[0] + 144 * g, kFirstRows[1] + 48 * g, kFirstRows[2] + 49 * g};
    return rows;
}();

inline int index_row(int k, int cell) { return kFirstRows[3] + 6 * k + (43 * cell >> 8); }  // a sixth of cell

// An AC coefficient. cell_row: 16 (confidence >> 1) + (cell >> 1). before, second_before: magnitudes of the
// coefficients before it. distance: to the last one. near: 7 and 1 times the neighbours' coefficients on the
// left and above, each limited to +-3; negated if this one is expected to be below zero.
inline Coefficient ac_coefficient(int k, int scale, int confidence, int cell_row, int before,
                                  int second_before, int distance, int near) {
    const int far = (distance >= 1) + (distance >= 4) + (distance >= 12);
    const auto& first = kRowsOfGroup[kGroupOf[k]];
    const int own = 12 * std::min(before, 3) + 4 * std::min(second_before, 2) + far;
    return {k,
            scale,
            confidence,
            2 * ((confidence >= 5) + (confidence >= 10)) + (k >= 10),
            cell_row,
            {first[0] + cell_row, first[1] + own, first[2] + 24 + near, index_row(k, cell_of(scale))}};
}

// DC. disagreement: of the edges on the left and above.
inline Coefficient dc_coefficient(int scale, int confidence, int disagreement, int last) {
    const int cell = cell_of(scale), cell_row = 16 * confidence + (cell >> 1);
    const auto& first = kRowsOfGroup[0];
    return {0,
            scale,
            confidence,
            kSets - 1,
            cell_row,
            {first[0] + cell_row, first[1] + 3 * disagreement + std::min(confidence, 2),
             first[2] + std::min(last, 48), index_row(0, cell)}};
}

// The decisions of a component, with the offsets that learn from them.
template <class Coder>
class Decisions {
public:
    Decisions(const Tables& tables, const BlockClass& weights, Offsets& offsets, Coder& coder)
        : weights_(weights),
          offsets_(offsets),
          coder_(tables, coder) {}

    // Codes `last`. logits: of its nodes. left, above: `last` of neighbours, -1 if they do not exist.
    int last(const Wide64& logits, int left, int above, int truth) {
        const int near = kCells + kNearLasts * near_last(left) + near_last(above);
        int prefix = 0;
        for (int bit = 5; bit >= 0; --bit) {
            const int node = (1 << (5 - bit)) - 1 + prefix, logit = logits[node];
            const std::array offsets = {offsets_.last[node] + cell_of(logit), offsets_.last[node] + near};
            prefix =
                2 * prefix + coder_.decide(2 * logit, offsets_.last_factors[node], offsets, truth >> bit & 1);
        }
        return prefix;
    }

    // Codes one coefficient, with all decisions in this order.
    class Value {
    public:
        Value(Decisions& all, const Coefficient& c)
            : all_(all),
              c_(c),
              trained_(std::min(c.confidence, kTrainedConfidences - 1)) {
            for (int i = 0; i < kContexts; ++i) rows_[i] = all.offsets_.rows[c.rows[i]];
        }

        bool nonzero(bool truth) { return decide(0, 2 * c_.scale + all_.weights_.trust[trained_], truth); }

        // Codes a value that is not 0. below: whether it is expected to be negative.
        int code(bool below, int truth) {
            const bool agrees = decide(1, all_.weights_.sign_start[kTrainedConfidences * c_.k + trained_],
                                       (truth < 0) == below);
            const int magnitude = code_magnitude(agrees, std::abs(truth));
            return agrees == below ? -magnitude : magnitude;
        }

    private:
        int code_magnitude(bool agrees, int truth) {
            int length = 1;
            while (length <= kModelledLengths && longer(length, agrees, truth >> length)) ++length;
            if (length > kModelledLengths)
                while (length < kMaxLength && all_.coder_.even(truth >> length)) ++length;
            int prefix = 1, place = length - 2;
            if (length < 2 + kBitLengths)
                for (; place >= 0; --place)
                    prefix = 2 * prefix + bit(length, agrees, prefix, truth >> place & 1);
            for (; place >= 0; --place) prefix = 2 * prefix + all_.coder_.even(truth >> place & 1);
            return prefix;
        }

        bool longer(int length, bool agrees, bool truth) {
            const int n = length - 1;
            const int trust = all_.weights_.length_trust[(2 * n + agrees) * kTrainedConfidences + trained_];
            const int logit = (2 * c_.scale * all_.weights_.length_slope[n] >> 8) + trust;
            return decide(2 + kLengthSlots * agrees + std::min(n, kLengthSlots - 1), logit, truth);
        }

        bool bit(int length, bool agrees, int prefix, bool truth) {
            std::uint32_t& index_bit = all_.offsets_.index_bits[c_.k][(1 << (length - 1)) + prefix];
            if (prefix > kPrefixes) return all_.coder_.decide_bit(index_bit, truth);
            const int slot = kPrefixes * (kBitLengths * agrees + length - 2) + prefix - 1;
            return all_.coder_.decide_bit(index_bit, all_.offsets_.bits[c_.cell_row][slot], truth);
        }

        bool decide(int slot, int logit, bool truth) {
            std::array<std::uint32_t*, kContexts> offsets;
            for (int i = 0; i < kContexts; ++i) offsets[i] = rows_[i] + slot;
            return all_.coder_.decide(logit, all_.offsets_.factors[c_.set][slot], offsets, truth);
        }

        Decisions& all_;
        const Coefficient c_;
        const int trained_;
        std::array<std::uint32_t*, kContexts> rows_;
    };

private:
    // The level of `last` of a neighbour.
    static int near_last(int last) { return last < 0 ? 0 : 1 + last / 4; }

    const BlockClass& weights_;
    Offsets& offsets_;
    OffsetCoder<Coder> coder_;
};

}  // namespace jrecomp
