// The network inputs of DC and `last` (docs/format/planes.md on inputs), as unsigned bytes: value + 128.
#pragma once

#include <vector>

#include "network.hpp"
#include "planes.hpp"

namespace jrecomp {

constexpr int kPhases = 7;   // of the pyramid
constexpr int kSlots = 16;   // inputs for known values
constexpr int kPrimary = 4;  // of the slots: the mean of these replaces values outside the component

// The blocks (row, column) of a phase of the pyramid (docs/format/planes.md on the order), in raster order,
// and the offsets (rows, columns) of the blocks that are known by then.
struct PyramidPhase {
    int number;
    std::vector<std::pair<int, int>> blocks, offsets;
};

// All phases of a component with this many block rows and columns.
std::vector<PyramidPhase> pyramid(int rows, int columns);

// Writes the inputs of one block, each to the next row of a chunk. first: the block's place in the first row.
class InputWriter {
public:
    explicit InputWriter(Row first) : out_(first) {}
    void add(I64 value) {
        *out_ = static_cast<std::uint8_t>(value + kInputOffset);
        out_ += kChunk;
    }

    // Adds the eight values that Tables::tanh_of() returns.
    void add_tanh(std::uint64_t values) {
        for (int s = 0; s < kScales; ++s, values >>= 8, out_ += kChunk)
            *out_ = static_cast<std::uint8_t>(values);
    }

private:
    Row out_;
};

// Adds the twelve inputs from the slope prediction of a coefficient. sums: those of Slopes; y: the
// reference's value; step: that of the coefficient.
void add_slope(const I64* sums, I64 y, I64 step, const Tables& tables, InputWriter& out);

// Finds the values of a plane at a phase's offsets from a block.
class Neighbourhood {
public:
    Neighbourhood(const Planes& planes, const PyramidPhase& phase) : planes_(planes), phase_(phase) {}

    // Fills slots [kSlots] with those values; plane: with its border. Where an offset leads outside, the mean
    // of those of the first kPrimary that are inside takes its place. Slots without an offset are 0.
    template <class T>
    void gather(const T* plane, int row, int column, I64* slots) const {
        I64 total = 0;
        int count = 0;
        bool inside[kSlots];
        const int used = static_cast<int>(phase_.offsets.size());
        for (int i = 0; i < kSlots; ++i) slots[i] = 0;
        for (int i = 0; i < used; ++i) {
            const int y = row + phase_.offsets[i].first, x = column + phase_.offsets[i].second;
            inside[i] = y >= 0 && y < planes_.rows && x >= 0 && x < planes_.columns;
            if (!inside[i]) continue;
            slots[i] = plane[planes_.block(y, x)];
            if (i < kPrimary) total += slots[i], ++count;
        }
        const I64 mean = floor_div(total, count ? count : 1);
        for (int i = 0; i < used; ++i)
            if (!inside[i]) slots[i] = mean;
    }

    const PyramidPhase& phase() const { return phase_; }

private:
    const Planes& planes_;
    const PyramidPhase& phase_;
};

// Writes the inputs of DC and returns the prediction of DC, rounded. weights: [kSlots], in units of 2^-12.
I64 dc_inputs(const Planes& planes, const Neighbourhood& near, int row, int column, const I64* weights,
              const Tables& tables, InputWriter out);

// Writes the inputs of `last`.
void last_inputs(const Planes& planes, const Neighbourhood& near, int row, int column, const Tables& tables,
                 InputWriter out);

}  // namespace jrecomp
