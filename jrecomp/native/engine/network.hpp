// The integer network (docs/format/model.md, section 6) on 8-bit operands and 32-bit sums, for the blocks of
// a chunk.
#pragma once
#include <vector>

#include "lanes.hpp"
#include "tables.hpp"

namespace jrecomp {

constexpr int kInputOffset = 128;
constexpr int kHiddenShift = 6, kLogitShift = 5;

// Unsigned values of a chunk, four to a lane: [group][lane][4].
using Packed = std::vector<std::uint8_t>;

constexpr int kGroup = 4 * kChunk;  // bytes of a group of four

// Logits of a chunk, [output][lane].
using Logits = std::vector<std::int16_t>;

class Dense {
public:
    // offset: what was added to the signed inputs to make them unsigned; largest: their magnitude before.
    // Throws std::invalid_argument where a sum could reach 2^24 and other engines be inexact.
    Dense(const std::int8_t* weight, const std::int32_t* bias, int inputs, int outputs, int offset,
          int largest);

    int groups() const { return groups_; }

    // Activations 0 to 255 of the first `lanes` lanes.
    void activations(const Packed& x, int lanes, Packed& out) const;
    void logits(const Packed& x, int lanes, Logits& out) const;

private:
    // Calls use(output, lane, sums) for four outputs of kVectors times sixteen lanes at a time.
    template <class Use>
    void run(const Packed& x, int lanes, Use use) const;

    int groups_, padded_outputs_;
    std::vector<std::int8_t> weight_;  // [output / 4][group][output % 4][4]
    std::vector<std::int32_t> bias_;
};

// One plane's network; the output layer in parts, of which `last` has one.
struct Network {
    Dense first, second;
    std::vector<Dense> outputs;  // head, tail of positive values, tail of negative values
};

}  // namespace jrecomp
