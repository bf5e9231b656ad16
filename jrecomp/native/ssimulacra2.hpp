// The maps of SSIMULACRA2 (J. Sneyers, Cloudinary, 2022) and their gradient; see ../metrics/ssimulacra2.py.
//
// Every operation on numbers is one that IEEE 754 defines, in an order that does not depend on the instruction
// set or the number of threads. So all builds and machines give the same result.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

namespace jrecomp {

constexpr int kChannels = 3, kScales = 6, kSmallestSide = 8;

// A picture in linear light at all scales. Each scale is half as large as the one before, by means of 2x2.
class Picture {
public:
    // Samples of sRGB, 0 to 255, [rows, columns, channels] with 1 or 3 channels. The picture refers to them.
    using Samples = std::variant<const std::uint8_t*, const float*>;

    Picture(Samples samples, int rows, int columns, int channels);

    int scales() const { return static_cast<int>(scales_.size()); }
    int rows(int scale) const { return scales_[scale].rows; }
    int columns(int scale) const { return scales_[scale].columns; }
    int channels() const { return channels_; }

    // Columns [begin, end) of a row as linear light, into `out` for each channel.
    void read(int scale, int row, int begin, int end, const std::array<float*, kChannels>& out) const;
    // Derivatives of linear light by the sample, for columns [begin, end) of a row of scale 0.
    void slopes(int row, int begin, int end, const std::array<float*, kChannels>& out) const;

private:
    struct Scale {
        int rows, columns;
        std::vector<float> linear;  // [channel, row, column]; empty for scale 0
    };

    void halve(const Scale& finer, int scale);

    Samples samples_;
    int channels_;
    std::vector<Scale> scales_;
};

// Of each channel, sums over pixels of the three maps (error of structure, edges added, edges lost): sums and
// sums of fourth powers, [channel][map][power].
using Sums = std::array<std::array<std::array<double, 2>, 3>, kChannels>;

// Rows [begin, end) of a scale.
Sums sums(const Picture& reference, const Picture& distorted, int scale, int begin, int end);

// Gradient for rows [begin, end) of a scale.
// factors: the derivative of the result by a value of a map is factors[..][0] + factors[..][1] * value^3.
// coarser: gradient by linear light of the next scale, [channel, row, column], or null.
// out: gradient by linear light, [channel, row, column]; for scale 0 by samples, [row, column, channel].
void gradient(const Picture& reference, const Picture& distorted, int scale, int begin, int end,
              const Sums& factors, const float* coarser, float* out);

}  // namespace jrecomp
