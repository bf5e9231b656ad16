// The weights of models of blocks (docs/format/blocks.md, section 5).
#pragma once
#include <array>
#include <vector>

#include "block_vectors.hpp"
#include "tables.hpp"

namespace jrecomp {

constexpr int kHidden = 64, kBasis = 32, kEdgeValues = 41, kNear = 4, kBands = 5, kLevels = 64, kReaches = 12;
constexpr int kNearLevels = 5, kOwnLevels = 3, kNodes = 63, kModelledLengths = 10, kStepInputs = 9;

// Weights of 64 values for each of some cases.
class Rows {
public:
    Rows() = default;
    Rows(const std::int16_t* from, std::size_t count) : rows_(count) { std::memcpy(rows_.data(), from, count * sizeof(Row64)); }
    const Row64& operator[](std::size_t i) const { return rows_[i]; }
    bool empty() const { return rows_.empty(); }

private:
    std::vector<Row64> rows_;
};

struct BlockClass {
    Rows near, near_last, energy, across_near, own_last, own;
    PairProducts edge, last, scale;
    Rows across;                                 // one row
    std::vector<Wide64> within;                  // of each coefficient, each weight with a zero beside it
    std::array<std::int32_t, kHidden> bias;
    Wide64 last_bias, scale_bias;
    std::vector<std::int16_t> step_weight, trust, length_slope, length_trust, sign_start;
};

struct BlockModel {
    Tables tables;                                           // the sigmoid alone
    std::vector<std::array<std::int16_t, kBasis>> basis;  // of each coefficient
    std::array<BlockClass, 3> classes;
};

}  // namespace jrecomp
