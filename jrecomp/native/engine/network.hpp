// The integer networks (docs/format/planes.md on networks) with 8-bit operands and 32-bit sums, for the
// blocks of a chunk.
#pragma once

#include <vector>

#include "lanes.hpp"
#include "tables.hpp"

namespace jrecomp {

constexpr int kInputOffset = 128;                 // makes inputs unsigned
constexpr int kHiddenShift = 6, kLogitShift = 5;  // sums to activations and to logits

// Unsigned values of a chunk, in groups of four: [group][lane][4]. Each lane is a block.
using Packed = std::vector<std::uint8_t>;

constexpr int kGroup = 4 * kChunk;  // bytes of a group

// Logits of a chunk, [output][lane].
using Logits = std::vector<std::int16_t>;

// A fully connected layer.
class Dense {
public:
    Dense() = default;

    // weight: [outputs][inputs]; bias: [outputs]. offset: what was added to signed inputs to make them
    // unsigned; largest: the largest magnitude of inputs before. Throws std::invalid_argument where a sum
    // could reach 2^24, since engines with 32-bit floats would not be exact then.
    Dense(const std::int8_t* weight, const std::int32_t* bias, int inputs, int outputs, int offset,
          int largest);

    // Groups of four inputs.
    int groups() const { return groups_; }

    // Writes activations, 0 to 255, of at least the first `lanes` lanes.
    void activations(const Packed& x, int lanes, Packed& out) const;

    // Writes logits, within +-kLogitLimit, of at least the first `lanes` lanes.
    void logits(const Packed& x, int lanes, Logits& out) const;

private:
    // Calls use(output, lane, sums) for four outputs and kVectors * kLanes lanes at a time, from these on.
    template <class Use>
    void run(const Packed& x, int lanes, Use use) const;

    int groups_ = 0, padded_outputs_ = 0;
    std::vector<FourWeights> weight_;  // [output / 4][group][output % 4]
    std::vector<std::int32_t> bias_;
};

// The network of a plane or of `last`.
struct Network {
    Dense first, second;
    // The output layer in parts. Of planes: non-zero and negative; magnitudes of positive values; magnitudes
    // of negative values. Of `last` a single part.
    std::vector<Dense> outputs;
};

}  // namespace jrecomp
