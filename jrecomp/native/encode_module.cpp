// The Python module _encode: from pixels to coefficients, and from coefficients to levels.
//
// Sums are in a fixed order and not contracted, so that every machine computes the same levels.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "lists.hpp"
#include "refine.hpp"
#include "require.hpp"

namespace nb = nanobind;

namespace jrecomp {
namespace {

template <class T, int dimensions>
using Array = nb::ndarray<T, nb::ndim<dimensions>, nb::c_contig, nb::device::cpu>;
using Plane = Array<float, 2>;
using Blocks = Array<float, 3>;
using Levels = Array<std::int16_t, 3>;

// ---- Colour ----

// Y, Cb and Cr (ITU-T T.871, clause 7) of R, G and B in the first three of the pixels' channels; Y is less 128.
template <class Sample>
void convert(const Array<const Sample, 3>& pixels, const Plane& y, const Plane& cb, const Plane& cr,
             float scale) {
    const std::size_t channels = pixels.shape(2), number = pixels.shape(0) * pixels.shape(1);
    require(channels >= 3, "colour has three channels");
    for (const Plane* plane : {&y, &cb, &cr})
        require(plane->shape(0) == pixels.shape(0) && plane->shape(1) == pixels.shape(1), "bad shape");
    const nb::gil_scoped_release released;
    const Sample* p = pixels.data();
    float *const ys = y.data(), *const bs = cb.data(), *const rs = cr.data();
    for (std::size_t i = 0; i < number; ++i, p += channels) {
        const float r = p[0] * scale, g = p[1] * scale, b = p[2] * scale;
        ys[i] = 0.299f * r + 0.587f * g + 0.114f * b - 128.0f;
        bs[i] = -0.168735892f * r - 0.331264108f * g + 0.5f * b;
        rs[i] = 0.5f * r - 0.418687589f * g - 0.081312411f * b;
    }
}

// ---- Chroma ----

// The half of a sequence from which the triangle filter of decoders restores the sequence with the least
// squared error. The filter gives 3/4 of the nearest sample and 1/4 of the next one; beyond the ends it repeats
// samples. The normal equations have the diagonal 5/4, 13/8 at the ends, and 3/8 beside it. Rows of `width`
// numbers are solved side by side.
class Halving {
public:
    explicit Halving(std::size_t length) : length_(length), half_((length + 1) / 2), pivots_(half_) {
        for (std::size_t i = 0; i < half_; ++i) {
            const float diagonal = half_ == 1 ? 2.0f : i == 0 || i + 1 == half_ ? 1.625f : 1.25f;
            pivots_[i] = 1.0f / (i == 0 ? diagonal : diagonal - kBeside * kBeside * pivots_[i - 1]);
        }
    }

    // from, to: the first of `width` neighbouring sequences; step_from, step_to: distance of their elements.
    void run(const float* from, std::size_t step_from, float* to, std::size_t step_to, std::size_t width) const {
        const auto row = [&](std::size_t i) { return from + std::min(i, length_ - 1) * step_from; };
        for (std::size_t i = 0; i < half_; ++i) {
            const float *const a = row(2 * i), *const b = row(2 * i + 1);
            const float* const before = i == 0 ? a : row(2 * i - 1);
            const float* const after = i + 1 == half_ ? b : row(2 * i + 2);
            const float* const known = to + (i == 0 ? 0 : i - 1) * step_to;
            const float factor = i == 0 ? 0.0f : kBeside * pivots_[i - 1];
            float* const result = to + i * step_to;
            for (std::size_t x = 0; x < width; ++x)
                result[x] = 0.75f * (a[x] + b[x]) + 0.25f * (before[x] + after[x]) -
                            (i == 0 ? 0.0f : factor * known[x]);
        }
        for (std::size_t i = half_; i-- > 0;) {
            float* const result = to + i * step_to;
            const float* const next = i + 1 == half_ ? result : result + step_to;
            const float factor = i + 1 == half_ ? 0.0f : kBeside;
            for (std::size_t x = 0; x < width; ++x) result[x] = (result[x] - factor * next[x]) * pivots_[i];
        }
    }

private:
    static constexpr float kBeside = 0.375f;
    std::size_t length_, half_;
    std::vector<float> pivots_;
};

// Halves the columns of a plane, and its rows too if the result has half as many.
void halve(const Plane& plane, const Plane& result) {
    const std::size_t rows = plane.shape(0), columns = plane.shape(1), half = (columns + 1) / 2;
    const bool both = result.shape(0) != rows;
    require(rows > 0 && columns > 0 && result.shape(1) == half, "bad shape");
    require(!both || result.shape(0) == (rows + 1) / 2, "bad shape");
    const nb::gil_scoped_release released;
    const Halving horizontal(columns), vertical(rows);
    std::vector<float> wide(both ? rows * half : 0);
    float* const narrow = both ? wide.data() : result.data();
    for (std::size_t r = 0; r < rows; ++r)
        horizontal.run(plane.data() + r * columns, 1, narrow + r * half, 1, 1);
    if (both) vertical.run(narrow, half, result.data(), half, half);
}

// The plane's value at a column (or, with `step`, a row) of the whole, restored by the triangle filter.
float restored(const float* half, std::ptrdiff_t step, std::size_t index, std::size_t length) {
    const std::size_t near = index / 2;
    const std::size_t next = index % 2 == 0 ? (near == 0 ? 0 : near - 1) : std::min(near + 1, length - 1);
    return 0.75f * half[static_cast<std::ptrdiff_t>(near) * step] +
           0.25f * half[static_cast<std::ptrdiff_t>(next) * step];
}

// Adds to sums [rows / 8, columns / 8] the squared differences between a plane and what decoders restore from
// its half in both directions.
void residual(const Plane& plane, const Plane& half, const Plane& sums) {
    const std::size_t rows = plane.shape(0), columns = plane.shape(1);
    const std::size_t narrow = half.shape(1), low = half.shape(0);
    require(low == (rows + 1) / 2 && narrow == (columns + 1) / 2, "bad shape");
    require(sums.shape(0) == (rows + 7) / 8 && sums.shape(1) == (columns + 7) / 8, "bad shape");
    const nb::gil_scoped_release released;
    std::vector<float> line(narrow);
    for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t c = 0; c < narrow; ++c)
            line[c] = restored(half.data() + c, static_cast<std::ptrdiff_t>(narrow), r, low);
        float* const sum = sums.data() + r / 8 * sums.shape(1);
        const float* const row = plane.data() + r * columns;
        for (std::size_t c = 0; c < columns; ++c) {
            const float error = row[c] - restored(line.data(), 1, c, narrow);
            sum[c / 8] += error * error;
        }
    }
}

// ---- Transform ----

struct Cosines {
    float values[8][8];
    Cosines() {
        for (int u = 0; u < 8; ++u)
            for (int x = 0; x < 8; ++x)
                values[u][x] = static_cast<float>((u == 0 ? std::sqrt(0.125) : 0.5) *
                                                  std::cos((2 * x + 1) * u * 3.14159265358979323846 / 16));
    }
};

// The transform of eight columns side by side.
void transform_columns(const float (&in)[8][8], float (&out)[8][8]) {
    static const Cosines cosines;
    float sums[4][8], differences[4][8];
    for (int x = 0; x < 4; ++x)
        for (int i = 0; i < 8; ++i) {
            sums[x][i] = in[x][i] + in[7 - x][i];
            differences[x][i] = in[x][i] - in[7 - x][i];
        }
    for (int u = 0; u < 8; ++u) {
        const float(&half)[4][8] = u % 2 == 0 ? sums : differences;
        const float* const c = cosines.values[u];
        for (int i = 0; i < 8; ++i)
            out[u][i] = (c[0] * half[0][i] + c[1] * half[1][i]) + (c[2] * half[2][i] + c[3] * half[3][i]);
    }
}

void transpose(const float (&in)[8][8], float (&out)[8][8]) {
    for (int r = 0; r < 8; ++r)
        for (int c = 0; c < 8; ++c) out[c][r] = in[r][c];
}

// The orthonormal DCT of the blocks from first_row on; beyond its edges the plane is repeated.
void transform(const Plane& plane, const Blocks& blocks, std::size_t first_row) {
    const std::size_t rows = plane.shape(0), columns = plane.shape(1);
    require(rows > 0 && columns > 0 && blocks.shape(2) == 64, "bad shape");
    const nb::gil_scoped_release released;
    float block[8][8], half[8][8];
    float* out = blocks.data();
    for (std::size_t row = 0; row < blocks.shape(0); ++row)
        for (std::size_t column = 0; column < blocks.shape(1); ++column, out += 64) {
            for (std::size_t r = 0; r < 8; ++r) {
                const float* const line = plane.data() + std::min((first_row + row) * 8 + r, rows - 1) * columns;
                if (column * 8 + 8 <= columns) {
                    std::copy_n(line + column * 8, 8, block[r]);
                } else {
                    for (std::size_t c = 0; c < 8; ++c) block[r][c] = line[std::min(column * 8 + c, columns - 1)];
                }
            }
            transform_columns(block, half);
            transpose(half, block);
            transform_columns(block, half);
            for (int k = 0; k < 64; ++k) out[k] = half[kZigZag[k] & 7][kZigZag[k] >> 3];
        }
}

// ---- Levels ----

int category(int magnitude) {
    int bits = 0;
    for (; magnitude != 0; magnitude >>= 1) ++bits;
    return bits;
}

constexpr int kLargestAc = 1023, kLargestDc = 1023;

// Chooses the AC levels of blocks: the shortest path through the coefficients that may become other than 0.
class Trellis {
public:
    // bits: of the symbols of a sequential scan (T.81 F.1.2.2), without the bits that follow them.
    Trellis(const float* bits, float lambda) : lambda_(lambda) {
        for (int run = 0; run < 64; ++run)
            for (int size = 1; size < 11; ++size)
                cost_[run][size] =
                    lambda * ((run >> 4) * bits[0xF0] + bits[(run & 15) << 4 | size] + static_cast<float>(size));
        end_ = lambda * bits[0];
    }

    // x: magnitudes in steps. weights: of squared errors. kept: coefficients up to this index are rounded.
    // Sets levels[1..63].
    void run(const float* x, const float* weights, int kept, int (&levels)[64]) {
        zeros_[0] = 0;
        nodes_[0] = Node{0, 0, 0, 0.0f, true};
        int count = 1;
        for (int k = 1; k < 64; ++k) {
            const float error = weights[k] * x[k] * x[k];
            zeros_[k] = zeros_[k - 1] + error;
            levels[k] = 0;
            const int rounded = std::min(static_cast<int>(x[k] + 0.5f), kLargestAc);
            if (rounded == 0) continue;
            Node& node = nodes_[count];
            node = best(k, count, rounded, weights[k] * square(x[k] - rounded));
            if (k > kept && rounded > 1 && rounded > x[k]) {
                const Node other = best(k, count, rounded - 1, weights[k] * square(x[k] - (rounded - 1)));
                if (other.cost < node.cost) node = other;
            }
            node.needed = k <= kept || error > kMostBits * lambda_;
            ++count;
        }
        int last = 0;
        float least = INFINITY;
        for (int i = count - 1; i >= 0; --i) {
            const Node& node = nodes_[i];
            const float cost = node.cost + (zeros_[63] - zeros_[node.index]) + (node.index < 63 ? end_ : 0.0f);
            if (cost < least) least = cost, last = i;
            if (node.needed) break;
        }
        for (int i = last; i > 0; i = nodes_[i].before) levels[nodes_[i].index] = nodes_[i].level;
    }

private:
    // A coefficient that is not 0: its zig-zag index and level, the node before it, and the cost up to it.
    struct Node {
        int index, level, before;
        float cost;
        bool needed;  // it cannot become 0
    };

    static constexpr float kMostBits = 24;  // no coefficient saves more when it becomes 0

    static float square(float value) { return value * value; }

    Node best(int k, int count, int level, float error) const {
        const int size = category(level);
        Node result{k, level, 0, INFINITY, false};
        for (int i = count - 1; i >= 0; --i) {
            const Node& node = nodes_[i];
            const float cost =
                node.cost + (zeros_[k - 1] - zeros_[node.index]) + cost_[k - node.index - 1][size];
            if (cost < result.cost) result.cost = cost, result.before = i;
            if (node.needed) break;
        }
        result.cost += error;
        return result;
    }

    float lambda_, end_;
    float cost_[64][11];
    float zeros_[64];
    Node nodes_[64];
};

// Counts the symbols of the AC coefficients of a block in a sequential scan.
void count_symbols(const int (&levels)[64], std::int64_t* counts) {
    int last = 0;
    for (int k = 1; k < 64; ++k) {
        if (levels[k] == 0) continue;
        int run = k - last - 1;
        for (; run > 15; run -= 16) ++counts[0xF0];
        ++counts[run << 4 | category(std::abs(levels[k]))];
        last = k;
    }
    if (last < 63) ++counts[0];
}

// Chooses levels for coefficients. steps: [64]. weights: of squared errors in steps, [rows, columns, 1 or 64].
// kept: of each block, the AC coefficients up to this index are rounded. Adds to counts [256].
void choose(const Array<const float, 3>& coefficients, const Array<const float, 1>& steps,
            const Array<const float, 1>& importance, const Array<const float, 3>& weights, const Array<const std::uint8_t, 2>& kept,
            const Array<const float, 1>& bits, float lambda, const Levels& levels,
            const Array<std::int64_t, 1>& counts) {
    const std::size_t number = coefficients.shape(0) * coefficients.shape(1), each = weights.shape(2);
    require(coefficients.shape(2) == 64 && levels.shape(2) == 64 && steps.shape(0) == 64, "bad shape");
    require(importance.shape(0) == 64, "bad shape");
    require(bits.shape(0) == 256 && counts.shape(0) == 256 && (each == 1 || each == kBands || each == 64), "bad shape");
    require(levels.shape(0) * levels.shape(1) == number && weights.shape(0) * weights.shape(1) == number &&
                kept.shape(0) * kept.shape(1) == number,
            "bad shape");
    const nb::gil_scoped_release released;
    Trellis trellis(bits.data(), lambda);
    float inverse[64], x[64], own[64];
    for (int k = 0; k < 64; ++k) inverse[k] = 1.0f / steps.data()[k];
    int chosen[64];
    for (std::size_t i = 0; i < number; ++i) {
        const float* const in = coefficients.data() + i * 64;
        const float* const w = weights.data() + i * each;
        for (int k = 0; k < 64; ++k) x[k] = std::fabs(in[k]) * inverse[k];
        if (each == 1) std::fill_n(own, 64, *w);
        if (each == kBands)
            for (int band = 0, k = 0; band < kBands; ++band)
                for (; k < kBandEnds[band]; ++k) own[k] = w[band];
        if (each == 64) std::copy_n(w, 64, own);
        for (int k = 0; k < 64; ++k) own[k] *= importance.data()[k];
        trellis.run(x, own, kept.data()[i], chosen);
        count_symbols(chosen, counts.data());
        chosen[0] = std::min(static_cast<int>(x[0] + 0.5f), kLargestDc);
        std::int16_t* const out = levels.data() + i * 64;
        for (int k = 0; k < 64; ++k) out[k] = static_cast<std::int16_t>(in[k] < 0 ? -chosen[k] : chosen[k]);
    }
}

// ---- Optimization ----

// Samples of blocks of levels; plane: [8 rows, 8 columns].
void untransform(const Array<const std::int16_t, 3>& levels, const Array<const float, 1>& steps, const Plane& plane) {
    const std::size_t rows = levels.shape(0), columns = levels.shape(1);
    require(levels.shape(2) == 64 && steps.shape(0) == 64, "bad shape");
    require(plane.shape(0) == 8 * rows && plane.shape(1) == 8 * columns, "bad shape");
    const nb::gil_scoped_release released;
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < columns; ++c)
            block_samples(levels.data() + (r * columns + c) * 64, steps.data(),
                          plane.data() + r * 64 * columns + 8 * c, 8 * columns);
}

std::uint8_t rounded(float value) {
    return static_cast<std::uint8_t>(std::min(std::max(value, 0.0f), 255.0f) + 0.5f);
}

// Rows of pixels from first_row on as decoders show them. size: rows of the picture. Chroma is that of luma's
// size or half of it; for gray pixels it is ignored.
void show(const Plane& luma, const Plane& blue, const Plane& red, const Array<std::uint8_t, 3>& pixels,
          std::size_t first_row, std::size_t rows) {
    const std::size_t columns = pixels.shape(1), channels = pixels.shape(2), end = first_row + pixels.shape(0);
    require(channels == 1 || channels == 3, "one or three channels");
    require(end <= rows && rows <= luma.shape(0) && columns <= luma.shape(1) && columns > 0, "bad shape");
    require(blue.shape(0) > 0 && blue.shape(1) > 0, "bad shape");
    const std::size_t down = luma.shape(0) / blue.shape(0), across = luma.shape(1) / blue.shape(1);
    require((down == 1 || down == 2) && (across == 1 || across == 2), "bad factor");
    for (const Plane* plane : {&blue, &red})
        require(down * plane->shape(0) == luma.shape(0) && across * plane->shape(1) == luma.shape(1), "bad shape");
    const nb::gil_scoped_release released;
    std::vector<float> scratch(3 * columns);
    float *const line = scratch.data(), *const cb = line + columns, *const cr = cb + columns;
    const auto chroma = [&](const Plane& plane) {
        return Halved{plane.data(), plane.shape(1), (rows + down - 1) / down, (columns + across - 1) / across,
                      down, across};
    };
    std::uint8_t* out = pixels.data();
    for (std::size_t row = first_row; row < end; ++row) {
        const float* const y = luma.data() + row * luma.shape(1);
        if (channels == 1) {
            for (std::size_t c = 0; c < columns; ++c) *out++ = rounded(y[c] + 128.0f);
            continue;
        }
        enlarged_row(chroma(blue), row, columns, line, cb);
        enlarged_row(chroma(red), row, columns, line, cr);
        for (std::size_t c = 0; c < columns; ++c, out += 3) {
            out[0] = rounded(y[c] + 128.0f + 1.402f * cr[c]);
            out[1] = rounded(y[c] + 128.0f - 0.344136f * cb[c] - 0.714136f * cr[c]);
            out[2] = rounded(y[c] + 128.0f + 1.772f * cb[c]);
        }
    }
}

// Rows of the gradient by a plane from that by the pixels: from first_row of the plane up to end. mix: how much
// the plane counts in each channel. down, across: how many times the plane is smaller.
void project(const Array<const float, 3>& pixels, const nb::sequence& mix_list, std::size_t down,
             std::size_t across, const Plane& plane, std::size_t first_row, std::size_t end) {
    const std::size_t rows = pixels.shape(0), columns = pixels.shape(1), channels = pixels.shape(2);
    const std::vector<float> mix = items<float>(mix_list);
    require((channels == 1 || channels == 3) && mix.size() == channels, "one or three channels");
    require((down == 1 || down == 2) && (across == 1 || across == 2), "bad factor");
    require(end <= (rows + down - 1) / down && end <= plane.shape(0) &&
                (columns + across - 1) / across <= plane.shape(1) && columns > 0,
            "bad shape");
    const nb::gil_scoped_release released;
    std::vector<float> line(columns);
    for (std::size_t row = first_row; row < end; ++row)
        projected_row(pixels.data(), rows, columns, channels, mix.data(), down, across, row, line.data(),
                      plane.data() + row * plane.shape(1));
}

using ConstBlocks = Array<const float, 3>;
using ConstLevels = Array<const std::int16_t, 3>;

void require_blocks(const ConstBlocks& gradients, const ConstLevels& levels, const ConstBlocks& coefficients,
                    const Array<const float, 1>& steps) {
    const std::size_t number = gradients.shape(0) * gradients.shape(1);
    require(steps.shape(0) == 64 && gradients.shape(2) == 64 && levels.shape(2) == 64 &&
                coefficients.shape(2) == 64 && levels.shape(0) * levels.shape(1) == number &&
                coefficients.shape(0) * coefficients.shape(1) == number,
            "bad shape");
}

// Mean squares of slopes and errors in the bands of each block, [rows, columns, kBands].
void bands(const ConstBlocks& gradients, const ConstLevels& levels, const ConstBlocks& coefficients,
           const Array<const float, 1>& steps, const Array<const float, 1>& importance, const Blocks& slopes,
           const Blocks& sizes) {
    require_blocks(gradients, levels, coefficients, steps);
    require(importance.shape(0) == 64, "bad shape");
    const std::size_t number = gradients.shape(0) * gradients.shape(1);
    for (const Blocks* result : {&slopes, &sizes})
        require(result->shape(0) * result->shape(1) == number && result->shape(2) == kBands, "bad shape");
    const nb::gil_scoped_release released;
    for (std::size_t i = 0; i < number; ++i)
        block_bands(gradients.data() + 64 * i, levels.data() + 64 * i, coefficients.data() + 64 * i, steps.data(),
                    importance.data(), slopes.data() + kBands * i, sizes.data() + kBands * i);
}

// Moves targets. curvatures: [rows, columns, kBands]. fixed: of each block, coefficients up to this index keep
// their true values as targets.
void move(const ConstBlocks& gradients, const ConstLevels& levels, const ConstBlocks& coefficients,
          const Array<const float, 1>& steps, const Array<const float, 1>& importance,
          const ConstBlocks& curvatures, const Array<const std::uint8_t, 2>& fixed, float step, float anchor,
          float farthest, const Blocks& targets) {
    require_blocks(gradients, levels, coefficients, steps);
    require(importance.shape(0) == 64, "bad shape");
    const std::size_t number = gradients.shape(0) * gradients.shape(1);
    require(curvatures.shape(0) * curvatures.shape(1) == number && curvatures.shape(2) == kBands &&
                fixed.shape(0) * fixed.shape(1) == number && targets.shape(0) * targets.shape(1) == number &&
                targets.shape(2) == 64,
            "bad shape");
    const nb::gil_scoped_release released;
    for (std::size_t i = 0; i < number; ++i)
        move_block(Move{step, anchor, farthest, fixed.data()[i]}, gradients.data() + 64 * i,
                   levels.data() + 64 * i, coefficients.data() + 64 * i, steps.data(),
                   importance.data(), curvatures.data() + kBands * i, targets.data() + 64 * i);
}

// Sets for each 8x8 block of pixels whether it has at most `most` colours.
void few_colours(const Array<const std::uint8_t, 3>& pixels, int most, const Array<std::uint8_t, 2>& few) {
    const std::size_t rows = pixels.shape(0), columns = pixels.shape(1), channels = pixels.shape(2);
    require(channels == 1 || channels == 3, "one or three channels");
    require(most >= 0 && most < 64, "at most 63 colours");
    const nb::gil_scoped_release released;
    for (std::size_t y = 0; y < few.shape(0); ++y)
        for (std::size_t x = 0; x < few.shape(1); ++x) {
            std::uint32_t known[64];
            int number = 0;
            for (std::size_t r = 8 * y; r < std::min(8 * y + 8, rows) && number <= most; ++r)
                for (std::size_t c = 8 * x; c < std::min(8 * x + 8, columns) && number <= most; ++c) {
                    const std::uint8_t* const p = pixels.data() + (r * columns + c) * channels;
                    const std::uint32_t colour = channels == 1 ? p[0] : p[0] | p[1] << 8 | p[2] << 16;
                    if (std::find(known, known + number, colour) == known + number) known[number++] = colour;
                }
            few.data()[y * few.shape(1) + x] = number <= most;
        }
}

}  // namespace
}  // namespace jrecomp

NB_MODULE(_encode, module) {
    using namespace jrecomp;
    // Arrays of other types are refused, not converted: a converted result would be lost.
    const auto array = [](const char* name) { return nb::arg(name).noconvert(); };
    module.def("convert", &convert<std::uint8_t>, array("pixels"), array("y"), array("cb"), array("cr"),
               nb::arg("scale"));
    module.def("convert", &convert<std::uint16_t>, array("pixels"), array("y"), array("cb"), array("cr"),
               nb::arg("scale"));
    module.def("halve", &halve, array("plane"), array("result"));
    module.def("residual", &residual, array("plane"), array("half"), array("sums"));
    module.def("transform", &transform, array("plane"), array("blocks"), nb::arg("first_row"));
    module.def("choose", &choose, array("coefficients"), array("steps"), array("importance"), array("weights"),
               array("kept"), array("bits"), nb::arg("lmbda"), array("levels"), array("counts"));
    module.def("untransform", &untransform, array("levels"), array("steps"), array("plane"));
    module.def("show", &show, array("luma"), array("blue"), array("red"), array("pixels"), nb::arg("first_row"),
               nb::arg("rows"));
    module.def("project", &project, array("pixels"), nb::arg("mix"), nb::arg("down"), nb::arg("across"),
               array("plane"), nb::arg("first_row"), nb::arg("end"));
    module.def("bands", &bands, array("gradients"), array("levels"), array("coefficients"), array("steps"),
               array("importance"), array("slopes"), array("sizes"));
    module.def("move", &move, array("gradients"), array("levels"), array("coefficients"), array("steps"),
               array("importance"), array("curvatures"), array("fixed"), nb::arg("step"), nb::arg("anchor"),
               nb::arg("farthest"), array("targets"));
    module.def("few_colours", &few_colours, array("pixels"), nb::arg("most"), array("few"));
}
