#include "network.hpp"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace jrecomp {

Dense::Dense(const std::int8_t* weight, const std::int32_t* bias, int inputs, int outputs, int offset,
             int largest)
    : groups_((inputs + 3) / 4),
      padded_outputs_((outputs + 3) / 4 * 4),
      weight_(static_cast<std::size_t>(groups_) * padded_outputs_),
      bias_(padded_outputs_) {
    std::vector<std::int8_t> row(4 * static_cast<std::size_t>(groups_));  // of one output, 0 past the inputs
    for (int o = 0; o < outputs; ++o) {
        std::copy_n(weight + static_cast<std::size_t>(o) * inputs, inputs, row.begin());
        std::int32_t total = 0, magnitude = 0;
        for (const std::int8_t w : row) {
            total += w;
            magnitude += std::abs(w);
        }
        if (I64{magnitude} * largest + std::abs(I64{bias[o]}) >= 1 << 24)
            throw std::invalid_argument("a sum of the network can reach 2^24");
        bias_[o] = bias[o] - offset * total;
        FourWeights* to = &weight_[static_cast<std::size_t>(o / 4) * groups_ * 4 + o % 4];
        for (int g = 0; g < groups_; ++g) to[4 * g] = four_weights(&row[4 * g]);
    }
}

template <class Use>
void Dense::run(const Packed& x, int lanes, Use use) const {
    constexpr int kTile = kLanes * kVectors;
    for (int lane = 0; lane < lanes; lane += kTile) {
        const FourWeights* w = weight_.data();
        for (int o = 0; o < padded_outputs_; o += 4) {
            Ints sums[4][kVectors];
            for (int j = 0; j < 4; ++j)
                for (int v = 0; v < kVectors; ++v) sums[j][v] = Ints{} + bias_[o + j];
            const std::uint8_t* in = x.data() + 4 * lane;
            for (int g = 0; g < groups_; ++g, in += kGroup, w += 4) {
                Ints four[kVectors];
                for (int v = 0; v < kVectors; ++v) std::memcpy(&four[v], in + kRegister * v, kRegister);
                for (int j = 0; j < 4; ++j)
                    for (int v = 0; v < kVectors; ++v) sums[j][v] = dot(sums[j][v], four[v], w[j]);
            }
            use(o, lane, sums);
        }
    }
}

void Dense::activations(const Packed& x, int lanes, Packed& out) const {
    out.resize(static_cast<std::size_t>(padded_outputs_ / 4) * kGroup);
    run(x, lanes, [&](int output, int lane, const Ints sums[4][kVectors]) {
        for (int v = 0; v < kVectors; ++v) {
            Ints four{};
            for (int j = 0; j < 4; ++j) four |= limited(sums[j][v] >> kHiddenShift, 0, 255) << 8 * j;
            std::memcpy(out.data() + output / 4 * kGroup + 4 * (lane + kLanes * v), &four, sizeof(four));
        }
    });
}

void Dense::logits(const Packed& x, int lanes, Logits& out) const {
    using Narrow = std::int16_t __attribute__((vector_size(kRegister / 2)));
    out.resize(static_cast<std::size_t>(padded_outputs_) * kChunk);
    run(x, lanes, [&](int output, int lane, const Ints sums[4][kVectors]) {
        for (int j = 0; j < 4; ++j)
            for (int v = 0; v < kVectors; ++v) {
                const Ints logits = limited(sums[j][v] >> kLogitShift, -kLogitLimit, kLogitLimit);
                const Narrow narrow = __builtin_convertvector(logits, Narrow);
                std::memcpy(out.data() + (output + j) * kChunk + lane + kLanes * v, &narrow, sizeof(narrow));
            }
    });
}

}  // namespace jrecomp
