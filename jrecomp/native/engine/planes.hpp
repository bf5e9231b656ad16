// The known coefficients of a component of a slice, as planes (docs/format/planes.md).
#pragma once

#include <memory>
#include <vector>

#include "lanes.hpp"
#include "tables.hpp"

namespace jrecomp {

constexpr int kBorder = 2;       // rings of blocks around the component
constexpr int kClip = 127;       // the largest magnitude of clipped coefficients
constexpr int kHints = 9;        // inputs of `last` that depend on one block of a reference
constexpr int kDifference = 64;  // planes 64 to 71: DC of each neighbour less the block's own DC
constexpr int kPlanes = 72;

// The neighbours (rows, columns) of a block.
constexpr int kAround[8][2] = {{-1, -1}, {-1, 0}, {-1, 1}, {0, -1}, {0, 1}, {1, -1}, {1, 0}, {1, 1}};

// An order of the blocks of a plane with its border: in each row first those in even, then those in odd
// columns. The blocks of a row in one phase of the checkerboard are contiguous in it, and so are the blocks
// at a common offset from them.
struct SplitGrid {
    SplitGrid(int height, int width)
        : stride((width + 1) / 2),
          size(2 * static_cast<std::size_t>(height) * stride) {}

    // The place of a block, whose row and column count from the border's corner.
    int place(int y, int x) const { return (2 * y + x % 2) * stride + x / 2; }

    // What to add to the place of a block in an even (0) or odd (1) column to get that of one at an offset.
    int delta(int parity, int dy, int dx) const {
        const int x = 2 + parity + dx;
        return 2 * dy * stride + (x % 2 - parity) * stride + x / 2 - 1;
    }

    int stride;  // places for half a row
    std::size_t size;
};

// Another component on this component's block grid (docs/format/planes.md on references). size and split.size
// are those of this component's Planes.
struct Reference {
    std::vector<std::int16_t> values;  // [64][size], dequantized
    std::vector<std::int16_t> last;    // [size]
    std::vector<std::int16_t> split;   // [64][split.size], the values in the order of SplitGrid
    std::vector<std::int8_t> hints;    // [size][kHints]
};

// The planes of a component, each with its border; coefficients that are not known yet are 0.
struct Planes {
    Planes(const I64* quantization, int block_rows, int block_columns)
        : steps(quantization, quantization + 64),
          rows(block_rows),
          columns(block_columns),
          height(block_rows + 2 * kBorder),
          width(block_columns + 2 * kBorder),
          size(static_cast<std::size_t>(height) * width),
          values(kPlanes * size),
          last(size),
          split(height, width),
          clipped(kPlanes * split.size + kSegment),
          dequantized(kPlanes * split.size + kSegment),
          lasts(split.size + kSegment) {
        for (int n = 0; n < 8; ++n) around[n] = kAround[n][0] * width + kAround[n][1];
    }

    // The index of a block in a plane.
    int block(int row, int column) const { return (row + kBorder) * width + column + kBorder; }
    std::int16_t* plane(int k) { return values.data() + k * size; }
    const std::int16_t* plane(int k) const { return values.data() + k * size; }

    // Copies the outermost blocks of a plane into the ring of blocks around them.
    template <class T>
    void repeat_edge(T* grid) const {
        for (int c = 0; c < columns; ++c) {
            grid[block(-1, c)] = grid[block(0, c)];
            grid[block(rows, c)] = grid[block(rows - 1, c)];
        }
        for (int r = -1; r <= rows; ++r) {
            grid[block(r, -1)] = grid[block(r, 0)];
            grid[block(r, columns)] = grid[block(r, columns - 1)];
        }
    }

    // To be called once plane 0 is known: sets its border and the planes of differences.
    void finish_dc() {
        repeat_edge(plane(0));
        const std::int16_t* dc = plane(0);
        for (int n = 0; n < 8; ++n) {
            const int k = kDifference + n;
            for (int r = 0; r < rows; ++r)
                for (int c = 0; c < columns; ++c) {
                    const int b = block(r, c);
                    const std::size_t place = k * split.size + split.place(r + kBorder, c + kBorder);
                    const I64 value = clamp(dc[b + around[n]] - dc[b], -kLimit, kLimit);
                    const I64 exact = value * steps[0];
                    plane(k)[b] = static_cast<std::int16_t>(value);
                    clipped[place] = static_cast<std::int8_t>(clamp(value, -kClip, kClip));
                    dequantized[place] = static_cast<std::int16_t>(clamp(exact, -kLimit, kLimit));
                    largest[k] = std::max<I64>(largest[k], std::llabs(exact));
                }
        }
    }

    // To be called once `last` is known: sets its border and `lasts`.
    void finish_last() {
        repeat_edge(last.data());
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x)
                lasts[split.place(y, x)] = static_cast<std::int8_t>(last[y * width + x]);
    }

    // The quantization step of a plane.
    I64 step_of(int k) const { return steps[k < kDifference ? k : 0]; }

    // A dequantized value, limited to +-kLimit.
    I64 limited(int k, int b) const { return clamp(plane(k)[b] * step_of(k), -kLimit, kLimit); }

    std::vector<I64> steps;                  // [64], of quantization
    int rows, columns, height, width;        // in blocks, without and with the border
    std::size_t size;                        // height * width
    std::vector<std::int16_t> values, last;  // [kPlanes][size], quantized; [size]
    SplitGrid split;
    std::vector<std::int8_t> clipped;       // [kPlanes][split.size], the values within +-kClip
    std::vector<std::int16_t> dequantized;  // [kPlanes][split.size], within +-kLimit
    std::vector<std::int8_t> lasts;         // [split.size], `last`
    I64 largest[kPlanes] = {};              // the largest dequantized magnitude of each plane, not limited
    int around[8];                          // from a block to its neighbours
    std::vector<std::shared_ptr<const Reference>> references;
};

// Brings `source` to the block grid of `target`. All values are zero where the number of blocks is not 1, 2
// or 4 times that of `target` in each direction.
std::shared_ptr<const Reference> make_reference(const Planes& source, const Planes& target,
                                                const Tables& tables);

// The same where only DC of the source is known, for the DC of `target`: the reference has plane 0 alone.
std::shared_ptr<const Reference> make_dc_reference(const Planes& source, const Planes& target,
                                                   const Tables& tables);

// The sums that local slopes on a reference result from (docs/format/planes.md on references and slopes).
class Slopes {
public:
    Slopes(const Planes& planes, const Reference& reference);

    // Adds AC plane k, which is known now.
    void learn(int k);

    // The sums of c y, y y, c c of a block, with c of this component and y of the reference.
    const I64* sums(int b) const { return &sums_[3 * static_cast<std::size_t>(b)]; }

private:
    const Planes& planes_;
    const Reference& reference_;
    std::vector<I64> own_, differences_, sums_;  // [size][3]
};

// The slope prediction of a coefficient in sixteenths of its step. sums: those of Slopes; y: the reference's
// value; step: that of the coefficient. Writes three inputs on the reliability of the slope to `trust`.
template <class Out>
I64 slope_prediction(const I64* sums, I64 y, I64 step, const Tables& tables, Out trust) {
    constexpr I64 kBias = 300;
    const I64 product = sums[0], energy = sums[1], own = sums[2];
    const I64 log_step = tables.log2_of(step);
    const I64 l_product = tables.log2_of(std::llabs(product) + 1);
    const I64 l_energy = tables.log2_of(energy + 1), l_own = tables.log2_of(own + 1);
    const I64 agreement = clamp(127 + 2 * (2 * l_product - l_energy - l_own), 0, 127);
    trust[0] = static_cast<int>(product > 0 ? agreement : product < 0 ? -agreement : 0);
    trust[1] = static_cast<int>(clamp((l_energy >> 1) - log_step, -127, 127));
    trust[2] = static_cast<int>(clamp((l_own >> 1) - log_step, -127, 127));
    return floor_div(16 * product * y, (energy + kBias) * step);
}

}  // namespace jrecomp
