// The integer network (docs/format/model.md, section 6) on 8-bit operands and 32-bit sums.
#pragma once
#include <cstdint>
#include <vector>

#include "tables.hpp"

namespace jrecomp {

constexpr int kRows = 4;  // blocks that a kernel takes at once

// A layer, its weights packed by four inputs for sixteen outputs at a time.
class Dense {
public:
    // offset: what was added to the signed inputs to make them unsigned; largest: their magnitude before.
    // Throws std::invalid_argument where a sum could reach 2^24 and other engines be inexact.
    Dense(const std::int8_t* weight, const std::int32_t* bias, int inputs, int outputs, int offset, int largest);

    int outputs() const { return padded_outputs_; }
    int input_stride() const { return 4 * groups_; }

    // sums[r][o] for `rows` (a multiple of kRows) rows of unsigned inputs, each input_stride() bytes.
    void run(const std::uint8_t* x, int rows, std::int32_t* sums) const;

private:
    int groups_, padded_outputs_;
    std::vector<std::int8_t> weight_;  // [group][output][4]
    std::vector<std::int32_t> bias_;
};

constexpr int kInputOffset = 128;
constexpr int kHiddenShift = 6, kLogitShift = 5;

// sums -> activations 0 to 255 in rows of `stride` bytes; padding beyond the stride is dropped.
inline void activate(const std::int32_t* sums, int rows, int outputs, std::uint8_t* out, int stride) {
    const int used = std::min(outputs, stride);
    for (int r = 0; r < rows; ++r)
        for (int o = 0; o < used; ++o) {
            const std::int32_t value = sums[r * outputs + o] >> kHiddenShift;
            out[r * stride + o] = static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
        }
}

// One plane's network; the output layer in parts, of which `last` has one.
struct Network {
    Dense first, second;
    std::vector<Dense> outputs;  // head, tail of positive values, tail of negative values
};

}  // namespace jrecomp
