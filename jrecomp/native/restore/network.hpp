// The network that corrects restored samples (jrecomp/restoration/network.py): operands of 8 bits, sums of 32.
#pragma once

#include <cstdint>
#include <vector>

#include "../engine/instructions.hpp"

namespace jrecomp {

constexpr int kComponents = 3, kSide = 4;  // pixels of a cell, down and across
constexpr int kPixels = kSide * kSide, kSamples = kComponents * kPixels;
constexpr int kPlaces = 8;
constexpr int kInputs = 2 * kSamples + kPlaces;
constexpr int kInputOffset = 128;  // makes them unsigned

#if defined(__AVX512VNNI__)
using Activation = std::uint8_t;
using Weight = std::int8_t;
#else
using Activation = std::int16_t;
using Weight = std::int16_t;
#endif
constexpr int kStep = 4 / sizeof(Activation);  // products that are added to a sum at once

// A 3 x 3 convolution. Weights of 0 fill up its inputs and outputs.
struct Convolution {
    // weight: [outputs][inputs][3][3]. channels: number of inputs after filling up, a multiple of kStep. offset:
    // what is added to inputs, so that they are not negative.
    Convolution(const std::int8_t* weight, int outputs, int inputs, int channels, int offset);

    int inputs, outputs;
    std::vector<Weight> weight;      // [block of outputs][row][column][input / kStep][output][kStep]
    std::vector<std::int32_t> bias;  // [outputs], what sums begin with
};

// Factors and offsets of the channels of all convolutions for a picture, one group after the other: after the
// first convolution; before, within and after each pair (the last has no offset); before and after the last
// convolution.
struct Controls {
    std::vector<std::int16_t> gains;
    std::vector<std::int32_t> offsets;  // at most 2^30
};

// What the inputs of a picture are computed from; rows and columns are those of pixels.
struct CellInputs {
    const std::int16_t *restored, *decoded;  // [kComponents][rows][columns]
    std::int64_t rows, columns;
    std::int32_t shifts[kSamples];      // of Hadamard coefficients
    std::int32_t factors[kComponents];  // of differences, 2^7 to 2^17
    bool halved_across, halved_down;    // chroma
};

class Network {
public:
    // convolutions: a first one, pairs, and a last one with kSamples outputs. width: channels between them.
    Network(std::vector<Convolution> convolutions, int width);

    int width() const { return width_; }
    int pairs() const { return static_cast<int>(convolutions_.size()) / 2 - 1; }

    // Writes the corrections [kComponents][rows][columns] in the rows of cells `first` to `end` - 1.
    void correct(const Controls& controls, const CellInputs& inputs, std::int64_t first, std::int64_t end,
                 std::int16_t* out) const;

private:
    std::vector<Convolution> convolutions_;
    int width_;
};

}  // namespace jrecomp
