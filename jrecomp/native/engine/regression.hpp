// Prediction of a component's innovations from those of the component before (docs/format/blocks.md).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace jrecomp {

// For each coefficient of a block: dequantized, less its prediction from the block's own component.
using Innovations = std::array<std::int16_t, 64>;

// A weight for each coefficient, in units of 2^-14, which follows the last few hundred blocks.
class Regression {
public:
    explicit Regression(const std::array<std::int32_t, 64>& steps) {
        for (int k = 0; k < 64; ++k) squares_[k] = std::int64_t{4} * steps[k] * steps[k];
    }

    // Predictions in units of 2^-14. Both functions work on the first `count` coefficients, a multiple of 16.
    void predict(const Innovations& other, int count, std::int32_t* sums) const {
        for (int first = 0; first < count; first += 16)
            for (int k = first; k < first + 16; ++k) sums[k] = weights_[k] * other[k];
    }

    // Takes the innovations of a block into account.
    void learn(const Innovations& other, const Innovations& own, int count) {
        for (int first = 0; first < count; first += 16)
            for (int k = first; k < first + 16; ++k) {
                squares_[k] += std::int32_t{other[k]} * other[k];
                products_[k] += std::int32_t{other[k]} * own[k];
            }
        ++blocks_;
        if (blocks_ % kInterval == 0) forget();
        if (blocks_ % kInterval == 0 || (blocks_ & (blocks_ - 1)) == 0) update();
    }

private:
    static constexpr int kInterval = 64, kWeightLimit = 32767;

    void forget() {
        for (int k = 0; k < 64; ++k) {
            squares_[k] -= squares_[k] >> 2;
            products_[k] -= products_[k] >> 2;
        }
    }

    void update() {
        for (int k = 0; k < 64; ++k) {
            const std::int64_t weight = products_[k] * (1 << 14) / squares_[k];  // rounded towards zero
            weights_[k] = static_cast<std::int16_t>(
                std::clamp<std::int64_t>(weight, -kWeightLimit, kWeightLimit));
        }
    }

    std::array<std::int64_t, 64> squares_, products_{};
    std::array<std::int16_t, 64> weights_{};
    std::int64_t blocks_ = 0;
};

}  // namespace jrecomp
