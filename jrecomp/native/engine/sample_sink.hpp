// The sink of training: keeps what networks would see of some blocks.
#pragma once
#include <random>

#include "walk.hpp"

namespace jrecomp {

struct Samples {
    int width = 0;
    std::vector<std::int8_t> inputs;  // [samples][width]
    std::vector<std::int32_t> targets;
    std::vector<std::uint8_t> sure;
};

class SampleSink {
public:
    // shares: of the blocks of planes 0 to 63 and of `last` that are kept; widths: of their inputs.
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
            kept.sure.push_back(values.sure[i]);
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
