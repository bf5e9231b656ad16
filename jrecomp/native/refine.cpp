#include "refine.hpp"

#include <algorithm>
#include <cmath>

namespace jrecomp {

const std::uint8_t kZigZag[64] = {0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
                                  12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
                                  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
                                  58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

namespace {

struct Waves {
    float values[8][8];  // [frequency][place]
    Waves() {
        for (int u = 0; u < 8; ++u)
            for (int x = 0; x < 8; ++x)
                values[u][x] = static_cast<float>((u == 0 ? std::sqrt(0.125) : 0.5) *
                                                  std::cos((2 * x + 1) * u * 3.14159265358979323846 / 16));
    }
};

// The inverse transform of eight columns side by side; rows of zeros are skipped.
void inverse_columns(const float (&in)[8][8], float (&out)[8][8]) {
    static const Waves waves;
    float even[4][8] = {}, odd[4][8] = {};
    for (int u = 0; u < 8; ++u) {
        bool zero = true;
        for (int i = 0; i < 8; ++i) zero &= in[u][i] == 0;
        if (zero) continue;
        float(&half)[4][8] = u % 2 == 0 ? even : odd;
        for (int x = 0; x < 4; ++x)
            for (int i = 0; i < 8; ++i) half[x][i] += waves.values[u][x] * in[u][i];
    }
    for (int x = 0; x < 4; ++x)
        for (int i = 0; i < 8; ++i) {
            out[x][i] = even[x][i] + odd[x][i];
            out[7 - x][i] = even[x][i] - odd[x][i];
        }
}

// The sample besides the nearest that the triangle filter takes for an index of the picture.
std::size_t next_sample(std::size_t index, std::size_t length) {
    const std::size_t near = index / 2;
    return index % 2 == 0 ? (near == 0 ? 0 : near - 1) : std::min(near + 1, length - 1);
}

// How much sample `near` counts at an index of the picture.
float share(std::size_t index, std::size_t near, std::size_t length) {
    return (index / 2 == near ? 0.75f : 0.0f) + (next_sample(index, length) == near ? 0.25f : 0.0f);
}

}  // namespace

void block_samples(const std::int16_t* levels, const float* steps, float* samples, std::size_t width) {
    float block[8][8], half[8][8];
    for (int k = 0; k < 64; ++k) block[kZigZag[k] >> 3][kZigZag[k] & 7] = levels[k] * steps[k];
    inverse_columns(block, half);
    for (int r = 0; r < 8; ++r)
        for (int c = 0; c < 8; ++c) block[c][r] = half[r][c];
    inverse_columns(block, half);
    for (int r = 0; r < 8; ++r)
        for (int c = 0; c < 8; ++c) samples[static_cast<std::size_t>(r) * width + c] = half[c][r];
}

void enlarged_row(const Halved& plane, std::size_t row, std::size_t columns, float* line, float* out) {
    const float* near = plane.data + row / plane.down * plane.width;
    if (plane.down == 2) {
        const float* const next = plane.data + next_sample(row, plane.rows) * plane.width;
        for (std::size_t c = 0; c < plane.columns; ++c) line[c] = 0.75f * near[c] + 0.25f * next[c];
        near = line;
    }
    if (plane.across == 1) {
        std::copy_n(near, columns, out);
        return;
    }
    const std::size_t last = plane.columns - 1;
    for (std::size_t c = 1; c < last; ++c) {
        out[2 * c] = 0.75f * near[c] + 0.25f * near[c - 1];
        out[2 * c + 1] = 0.75f * near[c] + 0.25f * near[c + 1];
    }
    for (const std::size_t c : {std::size_t{0}, std::size_t{1}, 2 * last, 2 * last + 1})
        if (c < columns) out[c] = 0.75f * near[c / 2] + 0.25f * near[next_sample(c, plane.columns)];
}

void projected_row(const float* pixels, std::size_t rows, std::size_t columns, std::size_t channels,
                   const float* mix, std::size_t down, std::size_t across, std::size_t row, float* line,
                   float* out) {
    std::fill_n(line, columns, 0.0f);
    const std::size_t half = (rows + down - 1) / down;
    const std::size_t first = down == 1 ? row : row == 0 ? 0 : 2 * row - 1;
    const std::size_t end = down == 1 ? row + 1 : std::min(2 * row + 3, rows);
    for (std::size_t r = first; r < end; ++r) {
        const float weight = down == 1 ? 1.0f : share(r, row, half);
        const float* p = pixels + r * columns * channels;
        if (channels == 1) {
            for (std::size_t c = 0; c < columns; ++c) line[c] += weight * mix[0] * p[c];
        } else {
            const float red = weight * mix[0], green = weight * mix[1], blue = weight * mix[2];
            for (std::size_t c = 0; c < columns; ++c, p += 3)
                line[c] += red * p[0] + green * p[1] + blue * p[2];
        }
    }
    if (across == 1) {
        std::copy_n(line, columns, out);
        return;
    }
    const std::size_t narrow = (columns + 1) / 2;
    for (std::size_t c = 0; c < narrow; ++c) {
        if (c > 0 && c + 1 < narrow) {
            out[c] = 0.75f * (line[2 * c] + line[2 * c + 1]) + 0.25f * (line[2 * c - 1] + line[2 * c + 2]);
            continue;
        }
        out[c] = 0;
        for (std::size_t i = c == 0 ? 0 : 2 * c - 1; i < std::min(2 * c + 3, columns); ++i)
            out[c] += share(i, c, narrow) * line[i];
    }
}

void block_bands(const float* gradients, const std::int16_t* levels, const float* coefficients,
                 const float* steps, const float* importance, float* slopes, float* sizes) {
    float slope[64], size[64];
    for (int k = 0; k < 64; ++k) {
        const float g = gradients[k] * steps[k], error = levels[k] - coefficients[k] / steps[k];
        slope[k] = g * g / importance[k];
        size[k] = error * error * importance[k];
    }
    for (int band = 0, k = 0; band < kBands; ++band) {
        const int first = k;
        float s = 0, e = 0;
        for (; k < kBandEnds[band]; ++k) s += slope[k], e += size[k];
        slopes[band] = s / static_cast<float>(k - first);
        sizes[band] = e / static_cast<float>(k - first);
    }
}

void move_block(const Move& move, const float* gradients, const std::int16_t* levels, const float* coefficients,
                const float* steps, const float* importance, const float* curvatures, float* targets) {
    for (int band = 0, k = 0; band < kBands; ++band) {
        for (; k < kBandEnds[band]; ++k) {
            const float inverse = 1.0f / std::max(2 * curvatures[band] * importance[k], 1e-12f);
            const float truth = coefficients[k], step = steps[k];
            const float wanted = step * (levels[k] - gradients[k] * step * inverse);
            const float anchored = (1 - move.anchor) * wanted + move.anchor * truth;
            const float moved = (1 - move.step) * targets[k] + move.step * anchored;
            const float range = move.farthest * step;
            targets[k] = k <= move.fixed ? truth : std::min(std::max(moved, truth - range), truth + range);
        }
    }
}

}  // namespace jrecomp
