// The sink of Walk that collects training examples: the inputs and targets of networks at some blocks.
#pragma once

#include <random>

#include "walk.hpp"

namespace jrecomp {

// Examples of one network.
struct Samples {
    int width = 0;                            // number of inputs
    std::vector<std::int8_t> inputs;          // [samples][width]
    std::vector<std::int32_t> targets;        // [samples], coefficients, residuals of DC, or `last`
    std::vector<std::uint8_t> known_nonzero;  // [samples], 1 where zero is impossible
};

class SampleSink {
public:
    // shares: the probabilities that a block is kept; widths: numbers of inputs. Both for each of the planes
    // 0 to 63, then for `last`.
    SampleSink(const std::vector<double>& shares, const std::vector<int>& widths, std::uint64_t seed)
        : samples(widths.size()),
          shares_(shares),
          random_(seed) {
        for (std::size_t i = 0; i < widths.size(); ++i) samples[i].width = widths[i];
    }

    template <class Build>
    void values(int plane, Build build, Values& values) {
        Samples& kept = samples[plane];
        std::vector<std::uint8_t> rows(static_cast<std::size_t>(kept.width + 1) * kChunk);
        build(rows.data());
        for (int i = 0; i < values.count; ++i) {
            if (static_cast<double>(random_() >> 11) * 0x1p-53 >= shares_[plane]) continue;
            for (int input = 0; input < kept.width; ++input)
                kept.inputs.push_back(static_cast<std::int8_t>(rows[input * kChunk + i] - kInputOffset));
            kept.targets.push_back(values.value[i]);
            kept.known_nonzero.push_back(values.known_nonzero[i]);
        }
    }

    template <class Build>
    void last(Build build, Values& targets) {
        values(kLastNetwork, build, targets);
    }

    void end_plane() {}

    std::vector<Samples> samples;  // of planes 0 to 63, then of `last`

private:
    std::vector<double> shares_;
    std::mt19937_64 random_;
};

}  // namespace jrecomp
