// Inputs of the networks of DC and `last` (docs/format/model.md, section 5), as unsigned bytes: value + 128.
#pragma once
#include <vector>

#include "network.hpp"
#include "planes.hpp"

namespace jrecomp {

constexpr int kPhases = 7, kSlots = 16, kPrimary = 4;

// Blocks of a pyramid phase and the offsets of the known blocks that they see, in blocks.
struct PyramidPhase {
    int number;
    std::vector<std::pair<int, int>> blocks, offsets;
};

std::vector<PyramidPhase> pyramid(int rows, int columns);

// Writes the inputs of one block, each to the next row.
class InputWriter {
public:
    explicit InputWriter(Row first) : out_(first) {}
    void add(I64 value) {
        *out_ = static_cast<std::uint8_t>(value + kInputOffset);
        out_ += kChunk;
    }

    // The views of Tables::tanh_of.
    void add_views(std::uint64_t views) {
        for (int s = 0; s < kScales; ++s, views >>= 8, out_ += kChunk)
            *out_ = static_cast<std::uint8_t>(views);
    }

private:
    Row out_;
};

// The twelve inputs of a local slope.
void add_slope(const I64* sums, I64 y, I64 step, const Tables& tables, InputWriter& out);

// The values of a bordered plane at a phase's offsets from a block.
class Neighbourhood {
public:
    Neighbourhood(const Planes& planes, const PyramidPhase& phase) : planes_(planes), phase_(phase) {}

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

// Inputs of DC; returns the rounded prediction.
I64 dc_inputs(const Planes& planes, const Neighbourhood& near, int row, int column, const I64* weights,
              const Tables& tables, InputWriter out);

void last_inputs(const Planes& planes, const Neighbourhood& near, int row, int column, const Tables& tables,
                 InputWriter out);

}  // namespace jrecomp
