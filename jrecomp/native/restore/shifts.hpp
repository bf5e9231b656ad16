// Shrinkage of the DCT coefficients of a plane at all 64 shifts of the grid of blocks
// (jrecomp/restoration/shifts.py).
#pragma once

#include <cstdint>
#include <vector>

namespace jrecomp {

constexpr int kClasses = 3, kLevels = 4;  // of frequencies, and of magnitudes in relation to the step
constexpr int kGainBits = 8;

// Gains in units of 2^-kGainBits, at most 384, by the number of large coefficients of a window, class and level;
// weights of windows by that number, 1 to 64.
struct Shrinkage {
    std::vector<std::int32_t> gains;    // [64][kClasses][kLevels]
    std::vector<std::int32_t> weights;  // [64]
};

// radius: half of the steps [64] in natural order, at most 2^15. padded: samples within +-2^12, rows + 16 rows
// of columns + 16. Writes rows * columns samples.
void shrink(const Shrinkage& shrinkage, const std::int32_t* radius, const std::int16_t* padded,
            std::int64_t rows, std::int64_t columns, std::int16_t* out);

}  // namespace jrecomp
