#include "ssimulacra2.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace jrecomp {
namespace {

constexpr int kRadius = 5, kTaps = 2 * kRadius + 1;
constexpr double kSigma = 1.5;
constexpr float kC2 = 0.0009f;

constexpr int kTileRows = 48, kTileColumns = 256;
// A tile with what its gradient depends on; rows of planes are this long.
constexpr int kMostRows = kTileRows + 4 * kRadius, kStride = kTileColumns + 4 * kRadius;

// Absorbance of linear light by the three receptors, and their bias.
constexpr float kAbsorbance[3][3] = {{0.30f, 0.622f, 0.078f},
                                     {0.23f, 0.692f, 0.078f},
                                     {0.24342268924547819f, 0.20476744424496821f, 0.55180986650955360f}};
constexpr float kBias = 0.0037930732552754493f, kBiasRoot = 0.15595420054924863f;
// Factors and offsets that make the colours positive.
constexpr float kRedGreen = 14.0f, kRedGreenOffset = 0.42f, kLumaOffset = 0.01f, kBlueOffset = 0.55f;

struct Tables {
    std::array<float, kRadius + 1> window;
    std::array<float, 256> linear, slope;  // linear light of a sample of sRGB, and its derivative

    Tables() {
        double sum = 0;
        for (int k = -kRadius; k <= kRadius; ++k) sum += std::exp(-k * k / (2 * kSigma * kSigma));
        for (int k = 0; k <= kRadius; ++k)
            window[k] = static_cast<float>(std::exp(-k * k / (2 * kSigma * kSigma)) / sum);
        for (int i = 0; i < 256; ++i) {
            const double s = i / 255.0, base = (s + 0.055) / 1.055;
            const bool straight = s <= 0.04045;
            linear[i] = static_cast<float>(straight ? s / 12.92 : std::pow(base, 2.4));
            slope[i] = static_cast<float>((straight ? 1 / 12.92 : 2.4 / 1.055 * std::pow(base, 1.4)) / 255);
        }
    }
};

const Tables kTables;

// A sample between two integers; the curve between them is the cubic with the slopes of both.
struct Between {
    int below;
    float offset, rise, lower, upper;

    explicit Between(float sample) {
        below = std::min(static_cast<int>(sample), 254);
        offset = sample - static_cast<float>(below);
        rise = kTables.linear[below + 1] - kTables.linear[below];
        lower = kTables.slope[below];
        upper = kTables.slope[below + 1];
    }
    float second() const { return 3 * rise - 2 * lower - upper; }
    float third() const { return lower + upper - 2 * rise; }
};

float clamped(float sample) { return sample > 0 ? std::min(sample, 255.0f) : 0.0f; }  // NaN becomes 0

float linear(std::uint8_t sample) { return kTables.linear[sample]; }
float linear(float sample) {
    const Between b(clamped(sample));
    return kTables.linear[b.below] + b.offset * (b.lower + b.offset * (b.second() + b.offset * b.third()));
}

float slope(std::uint8_t sample) { return kTables.slope[sample]; }
float slope(float sample) {
    if (!(sample >= 0 && sample <= 255)) return 0;
    const Between b(sample);
    return b.lower + b.offset * (2 * b.second() + b.offset * 3 * b.third());
}

template <class Sample, class Function>
void convert(const Sample* from, int channels, int count, const std::array<float*, kChannels>& out,
             Function function) {
    for (int c = 0; c < kChannels; ++c) {
        const Sample* const own = from + (channels == kChannels ? c : 0);
        for (int x = 0; x < count; ++x) out[c][x] = function(own[x * channels]);
    }
}

// For values of at least kBias.
inline float cube_root(float x) {
    std::int32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    bits = static_cast<std::int32_t>(static_cast<float>(bits) * (1.0f / 3)) + 709921077;
    float root;
    std::memcpy(&root, &bits, sizeof root);
    for (int i = 0; i < 2; ++i) {  // Halley's method
        const float cube = root * root * root;
        root = root * (cube + 2 * x) / (2 * cube + x);
    }
    return root;
}

// Linear light to positive XYB, in place.
void to_colours(const std::array<float*, kChannels>& planes, int count) {
    float *const p = planes[0], *const q = planes[1], *const r = planes[2];
    for (int i = 0; i < count; ++i) {
        float roots[3];
        for (int j = 0; j < 3; ++j) {
            const float* const a = kAbsorbance[j];
            roots[j] = cube_root(a[0] * p[i] + a[1] * q[i] + a[2] * r[i] + kBias) - kBiasRoot;
        }
        const float luma = 0.5f * (roots[0] + roots[1]);
        p[i] = 0.5f * (roots[0] - roots[1]) * kRedGreen + kRedGreenOffset;
        q[i] = luma + kLumaOffset;
        r[i] = roots[2] - luma + kBlueOffset;
    }
}

// Gradient by positive XYB to gradient by linear light, in place.
void to_linear_gradient(const std::array<const float*, kChannels>& colours,
                        const std::array<float*, kChannels>& planes, int count) {
    float *const p = planes[0], *const q = planes[1], *const r = planes[2];
    for (int i = 0; i < count; ++i) {
        const float opponent = (colours[0][i] - kRedGreenOffset) / kRedGreen;
        const float luma = colours[1][i] - kLumaOffset;
        const float roots[3] = {luma + opponent + kBiasRoot, luma - opponent + kBiasRoot,
                                colours[2][i] - kBlueOffset + luma + kBiasRoot};
        const float half = 0.5f * (q[i] - r[i]), side = 0.5f * kRedGreen * p[i];
        const float by_root[3] = {half + side, half - side, r[i]};
        float by_mixture[3];
        for (int j = 0; j < 3; ++j) by_mixture[j] = by_root[j] / (3 * roots[j] * roots[j]);
        float* const out[3] = {p, q, r};
        for (int j = 0; j < 3; ++j)
            out[j][i] = kAbsorbance[0][j] * by_mixture[0] + kAbsorbance[1][j] * by_mixture[1] +
                        kAbsorbance[2][j] * by_mixture[2];
    }
}

// A row that the blur takes for a row outside: rows are reflected, the outermost ones twice.
int reflected(int row, int rows) {
    const int period = 2 * rows, r = ((row % period) + period) % period;
    return std::min(r, period - 1 - r);
}

// Blurs a row; in: count + 2 * kRadius values.
void blur_row(const float* in, float* out, int count) {
    const std::array<float, kRadius + 1> w = kTables.window;
    in += kRadius;
    for (int i = 0; i < count; ++i)
        out[i] = w[0] * in[i] + w[1] * (in[i - 1] + in[i + 1]) + w[2] * (in[i - 2] + in[i + 2]) +
                 w[3] * (in[i - 3] + in[i + 3]) + w[4] * (in[i - 4] + in[i + 4]) +
                 w[5] * (in[i - 5] + in[i + 5]);
}

// Blurs columns: the weighted sum of kTaps rows that are kStride apart.
void blur_column(const float* in, float* out, int count) {
    const std::array<float, kRadius + 1> w = kTables.window;
    in += kRadius * kStride;
    constexpr int s = kStride;
    for (int i = 0; i < count; ++i)
        out[i] = w[0] * in[i] + w[1] * (in[i - s] + in[i + s]) + w[2] * (in[i - 2 * s] + in[i + 2 * s]) +
                 w[3] * (in[i - 3 * s] + in[i + 3 * s]) + w[4] * (in[i - 4 * s] + in[i + 4 * s]) +
                 w[5] * (in[i - 5 * s] + in[i + 5 * s]);
}

// What is blurred: colours and their squares of the reference; the difference of the distorted picture, its
// square, and the square of the distorted picture's colours. The difference is blurred instead of a product
// of both pictures, as small differences would be lost in rounding.
enum Quantity { kMean, kSquare, kShift, kShiftSquare, kOtherSquare, kQuantities };
// What the result depends on after a blur.
enum Blurred { kByShift, kByShiftSquare, kByOtherSquare, kBlurred };

struct Line {
    float values[kStride];
};

// The maps of a pixel, with what their derivatives need.
struct Point {
    float mean, shift, variance, spread, structure;  // variance: the denominator; spread: of the difference
    float edge, other_edge, edges;

    // a, b: the colours. of: their blurred quantities.
    Point(float a, float b, float m, float square, float d, float d_square, float other_square) {
        mean = m + d;
        shift = d;
        variance = std::max(square - m * m, 0.0f) + std::max(other_square - mean * mean, 0.0f) + kC2;
        spread = std::max(d_square - d * d, 0.0f);
        structure = std::max(d * d + (1 - d * d) * (spread / variance), 0.0f);
        edge = a - m;
        other_edge = edge + ((b - a) - d);
        edges = (std::abs(other_edge) - std::abs(edge)) / (1 + std::abs(edge));
    }
    float added() const { return std::max(edges, 0.0f); }
    float lost() const { return std::max(-edges, 0.0f); }
};

// A tile of a scale of both pictures, in XYB, with a margin on all sides.
class Tile {
public:
    Tile(const Picture& reference, const Picture& distorted, int scale, int margin)
        : pictures_{&reference, &distorted}, scale_(scale), margin_(margin), rows_(reference.rows(scale)),
          columns_(reference.columns(scale)), planes_(2 * kChannels * kMostRows),
          blurred_(kQuantities * kMostRows), derivatives_(kBlurred * kMostRows), direct_(kMostRows),
          result_(kChannels * kTileRows) {}

    // Reads the tile of rows [top, bottom) and columns [left, right).
    void read(int top, int bottom, int left, int right) {
        top_ = top;
        left_ = left;
        height_ = bottom - top;
        width_ = right - left;
        const int begin = std::max(left - margin_, 0), end = std::min(right + margin_, columns_);
        const int skipped = begin - (left - margin_), count = end - begin;
        for (int i = 0; i < 2; ++i) {
            for (int y = 0; y < height_ + 2 * margin_; ++y) {
                std::array<float*, kChannels> out;
                for (int c = 0; c < kChannels; ++c) {
                    float* const row = plane(i, c, y);
                    std::fill(row, row + skipped, 0.0f);
                    std::fill(row + skipped + count, row + width_ + 2 * margin_, 0.0f);
                    out[c] = row + skipped;
                }
                pictures_[i]->read(scale_, reflected(top_ - margin_ + y, rows_), begin, end, out);
                to_colours(out, count);
            }
        }
    }

    void add_sums(Sums& sums) {
        for (int c = 0; c < kChannels; ++c) {
            blur_quantities(c);
            for (int y = 0; y < height_; ++y) {
                Line of[kQuantities], maps[3];
                finish_blur(of, y);
                const float *const a = plane(0, c, y + kRadius) + kRadius,
                            *const b = plane(1, c, y + kRadius) + kRadius;
                for (int x = 0; x < width_; ++x) {
                    const Point p = point(a[x], b[x], of, x);
                    maps[0].values[x] = p.structure;
                    maps[1].values[x] = p.added();
                    maps[2].values[x] = p.lost();
                }
                for (int m = 0; m < 3; ++m) add(maps[m].values, width_, sums[c][m]);
            }
        }
    }

    void gradient(const Sums& factors, const float* coarser, float* out) {
        for (int c = 0; c < kChannels; ++c) differentiate(c, factors);
        for (int y = 0; y < height_; ++y) {
            std::array<float*, kChannels> g;
            std::array<const float*, kChannels> colours;
            for (int c = 0; c < kChannels; ++c) {
                g[c] = result_[c * kTileRows + y].values;
                colours[c] = plane(1, c, y + margin_) + margin_;
            }
            to_linear_gradient(colours, g, width_);
            if (coarser) add_coarser(coarser, top_ + y, g);
            write(top_ + y, g, out);
        }
    }

private:
    static Point point(float a, float b, const Line* of, int x) {
        return Point(a, b, of[kMean].values[x], of[kSquare].values[x], of[kShift].values[x],
                     of[kShiftSquare].values[x], of[kOtherSquare].values[x]);
    }

    static void add(const float* map, int count, std::array<double, 2>& sums) {
        constexpr int lanes = 8;
        float sum[lanes] = {}, fourth[lanes] = {};
        const auto add_one = [&](int lane, float v) {
            sum[lane] += v;
            fourth[lane] += (v * v) * (v * v);
        };
        int i = 0;
        for (; i + lanes <= count; i += lanes)
            for (int j = 0; j < lanes; ++j) add_one(j, map[i + j]);
        for (; i < count; ++i) add_one(i % lanes, map[i]);
        for (int j = 0; j < lanes; ++j) {
            sums[0] += sum[j];
            sums[1] += fourth[j];
        }
    }

    float* plane(int picture, int channel, int row) {
        return planes_[(picture * kChannels + channel) * kMostRows + row].values;
    }

    // Blurs the rows of a channel; what remains is kRadius narrower on both sides.
    void blur_quantities(int channel) {
        const int count = width_ + 2 * margin_;
        for (int y = 0; y < height_ + 2 * margin_; ++y) {
            const float *const a = plane(0, channel, y), *const b = plane(1, channel, y);
            Line of[kQuantities];
            for (int x = 0; x < count; ++x) {
                const float difference = b[x] - a[x];
                of[kSquare].values[x] = a[x] * a[x];
                of[kShift].values[x] = difference;
                of[kShiftSquare].values[x] = difference * difference;
                of[kOtherSquare].values[x] = b[x] * b[x];
            }
            for (int q = 0; q < kQuantities; ++q)
                blur_row(q == kMean ? a : of[q].values, blurred_[q * kMostRows + y].values,
                         count - 2 * kRadius);
        }
    }

    // Blurs the columns; y counts from kRadius below the first row that was read.
    void finish_blur(Line* of, int y) {
        for (int q = 0; q < kQuantities; ++q)
            blur_column(blurred_[q * kMostRows + y].values, of[q].values, width_ + 2 * (margin_ - kRadius));
    }

    // The gradient by the colours of a channel into result_. The blur is its own transpose.
    void differentiate(int channel, const Sums& factors) {
        blur_quantities(channel);
        const int count = width_ + 2 * kRadius;
        const int first = std::max(kRadius - left_, 0), last = std::min(columns_ - left_ + kRadius, count);
        for (int y = 0; y < height_ + 2 * kRadius; ++y) {
            Line of[kQuantities], by[kBlurred] = {};
            finish_blur(of, y);
            const float *const a = plane(0, channel, y + kRadius) + kRadius,
                        *const b = plane(1, channel, y + kRadius) + kRadius;
            Line& direct = direct_[y];
            for (int x = first; x < last; ++x) {
                const Point p = point(a[x], b[x], of, x);
                const float by_edges = by_added(factors[channel], p) - by_lost(factors[channel], p);
                direct.values[x] = (p.other_edge < 0 ? -by_edges : by_edges) / (1 + std::abs(p.edge));
                const float by_structure = derivative(factors[channel][0], p.structure);
                const float ratio = p.spread / p.variance, rest = 1 - p.shift * p.shift;
                const float by_spread = by_structure * rest / p.variance;
                const float by_variance = -by_spread * ratio;
                by[kByShiftSquare].values[x] = by_spread;
                by[kByOtherSquare].values[x] = by_variance;
                by[kByShift].values[x] = 2 * p.shift * (by_structure * (1 - ratio) - by_spread) -
                                         2 * p.mean * by_variance - direct.values[x];
            }
            for (int q = 0; q < kBlurred; ++q)
                blur_row(by[q].values, derivatives_[q * kMostRows + y].values, width_);
        }
        for (int y = 0; y < height_; ++y) {
            Line by[kBlurred];
            for (int q = 0; q < kBlurred; ++q)
                blur_column(derivatives_[q * kMostRows + y].values, by[q].values, width_);
            const float *const a = plane(0, channel, y + margin_) + margin_,
                        *const b = plane(1, channel, y + margin_) + margin_,
                        *const direct = direct_[y + kRadius].values + kRadius;
            float* const out = result_[channel * kTileRows + y].values;
            for (int x = 0; x < width_; ++x)
                out[x] = direct[x] + by[kByShift].values[x] +
                         2 * ((b[x] - a[x]) * by[kByShiftSquare].values[x] +
                              b[x] * by[kByOtherSquare].values[x]);
        }
    }

    static float derivative(const std::array<double, 2>& factors, float value) {
        return static_cast<float>(factors[0]) + static_cast<float>(factors[1]) * (value * value * value);
    }
    static float by_added(const Sums::value_type& factors, const Point& p) {
        return p.edges > 0 ? derivative(factors[1], p.edges) : 0.0f;
    }
    static float by_lost(const Sums::value_type& factors, const Point& p) {
        return p.edges < 0 ? derivative(factors[2], -p.edges) : 0.0f;
    }

    void add_coarser(const float* coarser, int row, const std::array<float*, kChannels>& g) const {
        const int rows = (rows_ + 1) / 2, columns = (columns_ + 1) / 2;
        const float share = row + 1 == rows_ && rows_ % 2 ? 0.5f : 0.25f;
        for (int c = 0; c < kChannels; ++c) {
            const float* const own = coarser + (static_cast<std::ptrdiff_t>(c) * rows + row / 2) * columns;
            for (int x = 0; x < width_; ++x) {
                const int column = left_ + x;
                const bool alone = column + 1 == columns_ && columns_ % 2;
                g[c][x] += own[column / 2] * (alone ? 2 * share : share);
            }
        }
    }

    void write(int row, const std::array<float*, kChannels>& g, float* out) const {
        if (scale_ > 0) {
            for (int c = 0; c < kChannels; ++c)
                std::copy_n(g[c], width_,
                            out + (static_cast<std::ptrdiff_t>(c) * rows_ + row) * columns_ + left_);
            return;
        }
        const int channels = pictures_[1]->channels();
        float* const own = out + (static_cast<std::ptrdiff_t>(row) * columns_ + left_) * channels;
        Line slopes[kChannels];
        pictures_[1]->slopes(row, left_, left_ + width_,
                             {slopes[0].values, slopes[1].values, slopes[2].values});
        std::fill(own, own + width_ * channels, 0.0f);
        for (int c = 0; c < kChannels; ++c)
            for (int x = 0; x < width_; ++x)
                own[x * channels + (channels == kChannels ? c : 0)] += g[c][x] * slopes[c].values[x];
    }

    const Picture* pictures_[2];
    int scale_, margin_, rows_, columns_;
    int top_ = 0, left_ = 0, height_ = 0, width_ = 0;
    std::vector<Line> planes_, blurred_, derivatives_, direct_, result_;
};

template <class Use>
void for_tiles(Tile& tile, int begin, int end, int columns, Use use) {
    for (int top = begin; top < end; top += kTileRows) {
        for (int left = 0; left < columns; left += kTileColumns) {
            tile.read(top, std::min(top + kTileRows, end), left, std::min(left + kTileColumns, columns));
            use();
        }
    }
}

}  // namespace

Picture::Picture(Samples samples, int rows, int columns, int channels)
    : samples_(samples), channels_(channels) {
    scales_.reserve(kScales);
    scales_.push_back({rows, columns, {}});
    while (scales() < kScales) {
        const Scale& finer = scales_.back();
        const int r = (finer.rows + 1) / 2, c = (finer.columns + 1) / 2;
        if (r < kSmallestSide || c < kSmallestSide) break;
        const std::size_t size = static_cast<std::size_t>(kChannels) * r * c;
        scales_.push_back({r, c, std::vector<float>(size)});
        halve(scales_[scales() - 2], scales() - 2);
    }
}

void Picture::halve(const Scale& finer, int scale) {
    Scale& coarser = scales_.back();
    const int width = coarser.columns * 2;
    std::vector<float> buffer(static_cast<std::size_t>(2 * kChannels) * width);
    for (int y = 0; y < coarser.rows; ++y) {
        std::array<float*, kChannels> rows[2];
        for (int i = 0; i < 2; ++i) {
            for (int c = 0; c < kChannels; ++c) rows[i][c] = &buffer[(i * kChannels + c) * width];
            read(scale, std::min(2 * y + i, finer.rows - 1), 0, finer.columns, rows[i]);
            if (finer.columns % 2)
                for (int c = 0; c < kChannels; ++c) rows[i][c][width - 1] = rows[i][c][width - 2];
        }
        for (int c = 0; c < kChannels; ++c) {
            float* const out =
                &coarser.linear[(static_cast<std::size_t>(c) * coarser.rows + y) * coarser.columns];
            const float *const upper = rows[0][c], *const lower = rows[1][c];
            for (int x = 0; x < coarser.columns; ++x)
                out[x] = 0.25f * ((upper[2 * x] + upper[2 * x + 1]) + (lower[2 * x] + lower[2 * x + 1]));
        }
    }
}

void Picture::read(int scale, int row, int begin, int end, const std::array<float*, kChannels>& out) const {
    const Scale& own = scales_[scale];
    if (scale > 0) {
        for (int c = 0; c < kChannels; ++c)
            std::copy_n(&own.linear[(static_cast<std::size_t>(c) * own.rows + row) * own.columns + begin],
                        end - begin, out[c]);
        return;
    }
    const std::ptrdiff_t first = (static_cast<std::ptrdiff_t>(row) * own.columns + begin) * channels_;
    std::visit(
        [&](const auto* s) {
            convert(s + first, channels_, end - begin, out, [](auto v) { return linear(v); });
        },
        samples_);
}

void Picture::slopes(int row, int begin, int end, const std::array<float*, kChannels>& out) const {
    const std::ptrdiff_t first = (static_cast<std::ptrdiff_t>(row) * scales_[0].columns + begin) * channels_;
    std::visit(
        [&](const auto* s) {
            convert(s + first, channels_, end - begin, out, [](auto v) { return slope(v); });
        },
        samples_);
}

Sums sums(const Picture& reference, const Picture& distorted, int scale, int begin, int end) {
    Sums result{};
    Tile tile(reference, distorted, scale, kRadius);
    for_tiles(tile, begin, end, reference.columns(scale), [&] { tile.add_sums(result); });
    return result;
}

void gradient(const Picture& reference, const Picture& distorted, int scale, int begin, int end,
              const Sums& factors, const float* coarser, float* out) {
    Tile tile(reference, distorted, scale, 2 * kRadius);
    for_tiles(tile, begin, end, reference.columns(scale),
              [&] { tile.gradient(factors, coarser, out); });
}

}  // namespace jrecomp
