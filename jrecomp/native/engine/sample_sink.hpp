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
        : samples(widths.size()), shares_(shares), random_(seed) {
        for (std::size_t i = 0; i < widths.size(); ++i) samples[i].width = widths[i];
    }

    template <class Build>
    void values(int plane, int count, Build build, std::vector<I64>& values, const std::vector<char>& sure) {
        Samples& kept = samples[plane];
        std::vector<std::uint8_t> inputs(kept.width);
        for (int i = 0; i < count; ++i) {
            if (static_cast<double>(random_() >> 11) * 0x1p-53 >= shares_[plane]) continue;
            build(i, InputWriter(inputs.data()));
            for (const std::uint8_t value : inputs) kept.inputs.push_back(static_cast<std::int8_t>(value - kInputOffset));
            kept.targets.push_back(static_cast<std::int32_t>(values[i]));
            kept.sure.push_back(sure[i]);
        }
    }

    template <class Build>
    void last(int count, Build build, std::vector<I64>& targets) {
        values(kLastNetwork, count, build, targets, std::vector<char>(count, 0));
    }

    void end_plane() {}

    std::vector<Samples> samples;  // of planes 0 to 63, then of `last`

private:
    std::vector<double> shares_;
    std::mt19937_64 random_;
};

}  // namespace jrecomp
