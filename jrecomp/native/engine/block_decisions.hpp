// How models of blocks code `last` and coefficients as decisions (docs/format/blocks.md on decisions).
#pragma once

#include "../t81.hpp"
#include "block_weights.hpp"

namespace jrecomp {

constexpr int kCellShift = 4, kCellOffset = 192;  // of logits in 1/32 of a natural unit
constexpr int kBitLengths = 7, kPrefixes = 3, kLengthSlots = 7;

inline int cell_of(int logit) { return std::clamp((logit + kCellOffset) >> kCellShift, 0, kCells - 1); }
inline Ints cells_of(Ints logits) { return limited((logits + kCellOffset) >> kCellShift, 0, kCells - 1); }

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

// What the decisions of a coefficient depend on. logit: of the network, for the coefficient being zero or
// not. cell_row: of bits. rows: of offsets.
struct Coefficient {
    int k, scale, confidence, logit, cell_row;
    Factors* factors;
    std::array<std::uint32_t*, kContexts> rows;
};

// The first row of a coefficient in each context. In the last one each coefficient is a group.
constexpr int first_row(int context, int k) {
    constexpr int kInGroup[kContexts] = {144, 48, 49, 6};
    return kFirstRows[context] + kInGroup[context] * (context < 3 ? kGroupOf[k] : k);
}

constexpr int kSixth = 43, kSixthShift = 8;  // a cell times kSixth >> kSixthShift is a sixth of it

// The decisions of a component, with the offsets that learn from them.
template <class Coder>
class Decisions {
public:
    Decisions(const Tables& tables, const BlockClass& weights, Offsets& offsets, Coder& coder)
        : weights_(weights),
          offsets_(offsets),
          coder_(tables, coder) {}

    // Codes `last`. logits: of its nodes, in 1/32 of a natural unit. left, above: `last` of neighbours, -1 if
    // they do not exist.
    int last(const Wide64& logits, int left, int above, int truth) {
        Wide64 cells;
        for (int p = 0; p < kQuarters * kParts; ++p) cells.part[p] = cells_of(logits.part[p]);
        Wide64& near = offsets_.last_near[kNearLasts * near_last(left) + near_last(above)];
        return coder_.last(logits, cells, offsets_, near, truth);
    }

    Offsets& offsets() { return offsets_; }

    // Codes one coefficient, with all decisions in this order. All of it is inlined into the loop over the
    // coefficients of a block, so that the state of the coder stays in registers.
    class Value {
    public:
        Value(Decisions& all, OffsetCoder<Coder>& coder, const Coefficient& c)
            : all_(all),
              coder_(coder),
              c_(c),
              trained_(std::min(c.confidence, kTrainedConfidences - 1)) {}

        __attribute__((always_inline)) bool nonzero(bool truth) { return decide(0, c_.logit, truth); }

        // Codes a value that is not 0. below: whether it is expected to be negative.
        __attribute__((always_inline)) int code(bool below, int truth) {
            const bool agrees = decide(1, all_.weights_.sign_start[kTrainedConfidences * c_.k + trained_],
                                       (truth < 0) == below);
            const int magnitude = code_magnitude(agrees, std::abs(truth));
            const int sign = -(agrees == below);
            return (magnitude ^ sign) - sign;
        }

    private:
        __attribute__((always_inline)) int code_magnitude(bool agrees, int truth) {
            int length = 1;
            while (length <= kModelledLengths && longer(length, agrees, truth >> length)) ++length;
            if (length > kModelledLengths)
                while (length < kMaxLength && coder_.even(truth >> length)) ++length;
            int prefix = 1, place = length - 2;
            if (length < 2 + kBitLengths)
                for (; place >= 0; --place)
                    prefix = 2 * prefix + bit(length, agrees, prefix, truth >> place & 1);
            for (; place >= 0; --place) prefix = 2 * prefix + coder_.even(truth >> place & 1);
            return prefix;
        }

        __attribute__((always_inline)) bool longer(int length, bool agrees, bool truth) {
            const int n = length - 1;
            const int trust = all_.weights_.length_trust[(2 * n + agrees) * kTrainedConfidences + trained_];
            const int logit = (2 * c_.scale * all_.weights_.length_slope[n] >> 8) + trust;
            return decide(2 + kLengthSlots * agrees + std::min(n, kLengthSlots - 1), logit, truth);
        }

        __attribute__((always_inline)) bool bit(int length, bool agrees, int prefix, bool truth) {
            std::uint32_t& index_bit = all_.offsets_.index_bits[c_.k][(1 << (length - 1)) + prefix];
            if (prefix > kPrefixes) return coder_.decide_bit(index_bit, truth);
            const int slot = kPrefixes * (kBitLengths * agrees + length - 2) + prefix - 1;
            return coder_.decide_bit(index_bit, all_.offsets_.bits[c_.cell_row][slot], truth);
        }

        __attribute__((always_inline)) bool decide(int slot, int logit, bool truth) {
            return coder_.decide(logit, c_.factors[slot], c_.rows, slot, truth);
        }

        Decisions& all_;
        OffsetCoder<Coder>& coder_;
        const Coefficient& c_;
        const int trained_;
    };

private:
    // The level of `last` of a neighbour.
    static int near_last(int last) { return last < 0 ? 0 : 1 + last / 4; }

    const BlockClass& weights_;
    Offsets& offsets_;
    OffsetCoder<Coder> coder_;
};

}  // namespace jrecomp
