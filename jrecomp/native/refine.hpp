// What the optimization of a picture computes in each round: the picture that decoders show, the way back from
// the gradient by its pixels, and new targets. Sums are in a fixed order.
#pragma once

#include <cstddef>
#include <cstdint>

namespace jrecomp {

// Bands of frequencies in zig-zag order; the first is DC.
constexpr int kBands = 7;
constexpr int kBandEnds[kBands] = {1, 3, 6, 10, 21, 43, 64};

extern const std::uint8_t kZigZag[64];

// Samples of blocks, row by row, `width` apart; levels and steps in zig-zag order.
void block_samples(const std::int16_t* levels, const float* steps, float* samples, std::size_t width);

// A plane that is `down` and `across` times smaller than the picture.
struct Halved {
    const float* data;
    std::size_t width;          // distance of rows
    std::size_t rows, columns;  // that belong to the picture
    std::size_t down, across;   // 1 or 2
};

// One row of the plane enlarged with the triangle filter. line: [plane.columns] is scratch space.
void enlarged_row(const Halved& plane, std::size_t row, std::size_t columns, float* line, float* out);

// One row of the transpose of enlarged_row() for a picture of mixed pixels: the sum over `channels` of the
// pixels times `mix`. size: rows and columns of the picture. line: [columns] is scratch space.
void projected_row(const float* pixels, std::size_t rows, std::size_t columns, std::size_t channels,
                   const float* mix, std::size_t down, std::size_t across, std::size_t row, float* line,
                   float* out);

// Mean squares in bands of a block's gradients by levels, and of its errors in levels, in units in which all
// errors cost the same. importance: the cost of squared errors in levels by frequency.
void block_bands(const float* gradients, const std::int16_t* levels, const float* coefficients,
                 const float* steps, const float* importance, float* slopes, float* sizes);

struct Move {
    float step, anchor, farthest;  // see refine.py
    int fixed;                     // coefficients up to this index are not edited
};

// Moves the targets of a block. curvatures: [kBands].
void move_block(const Move& move, const float* gradients, const std::int16_t* levels, const float* coefficients,
                const float* steps, const float* importance, const float* curvatures, float* targets);

}  // namespace jrecomp
