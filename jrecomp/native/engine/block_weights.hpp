// The weights of models of blocks (docs/format/blocks.md on weights files).
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "block_vectors.hpp"
#include "offsets.hpp"
#include "tables.hpp"

namespace jrecomp {

// Sizes of the arrays.
constexpr int kHidden = 32;                   // hidden units
constexpr int kStepInputs = 9;                // steps that are inputs of hidden units
constexpr int kNear = 4, kNearLevels = 8;     // neighbours, and levels of their magnitudes
constexpr int kBands = 5, kLevels = 64;       // bands of coefficients, and levels of their energies
constexpr int kOwnLevels = 5;                 // levels of magnitudes in the block itself
constexpr int kBasis = 32, kEdgeValues = 41;  // edges of a block; values that predict a block
constexpr int kConfidences = 18;              // levels of confidence
constexpr int kTrainedConfidences = 12;       // of these, levels that have weights
constexpr int kModelledLengths = 10;          // bit lengths whose decisions have weights

// Values of all hidden units, and scales of all coefficients.
using Hidden = Values16<kHidden>;
using Scales = Narrow64;

// An array [rows][values of a row], with the rows in vectors.
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

// The weights of a component class; the arrays have the names and shapes of weights files.
struct BlockClass {
    Rows<Hidden> near_last, energy, across_near, own_last;
    Rows<Hidden> near;  // [63][kNearLevels][kNear], since all neighbours of a block are used together
    Rows<Scales> own;
    PairProducts edge, last, scale;
    std::vector<Wide64> within;  // [64], weights as pairs of 16-bit values (weight, 0) for add_products()
    std::array<std::int32_t, kHidden> bias;
    Wide64 last_bias, scale_bias;
    std::unique_ptr<Offsets> offsets;  // at the start of a component
    std::vector<std::int16_t> across, step_weight, trust, length_slope, length_trust, sign_start;
};

struct BlockModel {
    Tables tables;                                        // only the sigmoid is set
    std::vector<std::array<std::int16_t, kBasis>> basis;  // [64]
    std::array<BlockClass, kClasses> classes;
};

}  // namespace jrecomp
