// The weights of models of blocks (docs/format/blocks.md, section 5).
#pragma once
#include <array>
#include <vector>

#include "block_vectors.hpp"
#include "tables.hpp"

namespace jrecomp {

constexpr int kHidden = 32, kBasis = 32, kEdgeValues = 41, kNear = 4, kBands = 5, kLevels = 64, kReaches = 12;
constexpr int kNearLevels = 8, kOwnLevels = 5, kNodes = 63, kModelledLengths = 10, kStepInputs = 9;

using Hidden = Values16<kHidden>;
using Scales = Values16<64>;

// A row for each of some cases.
template <class Values>
class Rows {
public:
    Rows() = default;
    explicit Rows(const std::vector<std::int16_t>& values)
        : rows_(values.size() * sizeof(values[0]) / sizeof(Values)) {
        std::memcpy(rows_.data(), values.data(), rows_.size() * sizeof(Values));
    }
    const Values& operator[](std::size_t i) const { return rows_[i]; }
    bool empty() const { return rows_.empty(); }

private:
    std::vector<Values> rows_;
};

struct BlockClass {
    Rows<Hidden> near, near_last, energy, across_near, own_last;
    Rows<Scales> own;
    PairProducts edge, last, scale;
    std::vector<Wide64> within;  // of each coefficient, each weight with a zero beside it
    std::array<std::int32_t, kHidden> bias;
    Wide64 last_bias, scale_bias;
    std::vector<std::int16_t> across, step_weight, trust, length_slope, length_trust, sign_start;
};

struct BlockModel {
    Tables tables;                                        // the sigmoid alone
    std::vector<std::array<std::int16_t, kBasis>> basis;  // of each coefficient
    std::array<BlockClass, 3> classes;
};

}  // namespace jrecomp
