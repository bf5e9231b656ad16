// Inputs of the networks (docs/format/model.md, section 5), written as unsigned bytes: value + 128.
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

// Writes inputs one after the other.
class InputWriter {
public:
    explicit InputWriter(std::uint8_t* out) : out_(out) {}
    void add(I64 value) { *out_++ = static_cast<std::uint8_t>(value + kInputOffset); }

private:
    std::uint8_t* out_;
};

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

// Inputs of AC plane k.
class AcInputs {
public:
    AcInputs(const Planes& planes, int k, const AcSelection& selection, const Tables& tables,
             const std::vector<Slopes>& slopes);
    void start_phase(int phase, const I64* weights);
    void build(int row, int column, InputWriter out) const;

private:
    // Summed magnitudes of some planes in sixteenths of the step, as an integral image.
    void integrate(const std::vector<int>& planes, std::vector<I64>& total) const;
    I64 box(const std::vector<I64>& total, int row, int column, int radius) const;

    const Planes& planes_;
    const int k_;
    const AcSelection& selection_;
    const Tables& tables_;
    const std::vector<Slopes>& slopes_;
    const I64 step_;
    int phase_ = 0;
    std::vector<int> deltas_;
    std::vector<std::uint8_t> lookup_;  // [input][255]
    std::vector<I64> products_;         // weight times step
    std::vector<I64> near_, own_;
};

}  // namespace jrecomp
