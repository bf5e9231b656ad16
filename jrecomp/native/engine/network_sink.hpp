// The sink that codes: networks predict, a range coder writes or reads.
#pragma once
#include "adaptation.hpp"
#include "range_coder.hpp"
#include "symbols.hpp"
#include "walk.hpp"

namespace jrecomp {

template <class Coder>
class NetworkSink {
public:
    NetworkSink(const Tables& tables, const ClassWeights& weights, Coder& coder)
        : weights_(weights),
          coder_(coder),
          dc_(tables),
          ac_(tables),
          last_(tables) {}

    template <class Build>
    void values(int plane, int count, Build build, std::vector<I64>& values, const std::vector<char>& sure) {
        Adaptation& adaptation = plane ? ac_ : dc_;
        hidden(weights_.networks[plane], count, build);
        code_values(weights_.networks[plane], adaptation, values, sure);
        adaptation.refresh();
    }

    template <class Build>
    void last(int count, Build build, std::vector<I64>& values) {
        const Network& network = weights_.networks[kLastNetwork];
        hidden(network, count, build);
        const int width = network.outputs[0].outputs();
        sums_.resize(static_cast<std::size_t>(padded(count)) * width);
        network.outputs[0].run(hidden_.data(), padded(count), sums_.data());
        code_last(values, [&](int i, int node, bool truth) {
            return last_.decide(coder_, node, logit(sums_[i * width + node]), truth);
        });
        last_.refresh();
    }

    // What was learned of an AC plane weighs less in the next.
    void end_plane() { ac_.fade(); }

private:
    static int logit(std::int32_t sum) { return static_cast<int>(clamp(sum >> kLogitShift, -kLogitLimit, kLogitLimit)); }

    static int padded(int count) { return (count + kRows - 1) / kRows * kRows; }

    // Fills hidden_ with the second layer's activations of `count` blocks, inputs written by build(i, writer).
    template <class Build>
    void hidden(const Network& network, int count, Build build) {
        constexpr int kTile = 64;
        const int stride = network.first.input_stride(), middle = network.second.input_stride();
        const int width = network.outputs[0].input_stride();
        inputs_.assign(static_cast<std::size_t>(kTile) * stride, kInputOffset);
        middle_.assign(static_cast<std::size_t>(kTile) * middle, 0);
        hidden_.assign(static_cast<std::size_t>(padded(count)) * width, 0);
        sums_.resize(static_cast<std::size_t>(kTile) * std::max(network.first.outputs(), network.second.outputs()));
        for (int start = 0; start < count; start += kTile) {
            const int rows = std::min(kTile, count - start);
            for (int i = 0; i < rows; ++i) build(start + i, InputWriter(inputs_.data() + i * stride));
            network.first.run(inputs_.data(), padded(rows), sums_.data());
            activate(sums_.data(), rows, network.first.outputs(), middle_.data(), middle);
            network.second.run(middle_.data(), padded(rows), sums_.data());
            activate(sums_.data(), rows, network.second.outputs(), hidden_.data() + start * width, width);
        }
    }

    // Codes coefficients of the blocks in hidden_; values hold what to encode.
    void code_values(const Network& network, Adaptation& adaptation, std::vector<I64>& values,
                     const std::vector<char>& sure) {
        const int count = static_cast<int>(values.size()), width = network.outputs[0].input_stride();
        const int heads = network.outputs[0].outputs();
        sums_.resize(static_cast<std::size_t>(padded(count)) * heads);
        network.outputs[0].run(hidden_.data(), padded(count), sums_.data());
        const auto head = [&](int i, int output, bool truth) {
            return adaptation.decide(coder_, output, logit(sums_[i * heads + output]), truth);
        };
        Nonzero found = code_signs(values, sure, head);
        std::vector<int> by_sign[2];
        for (std::size_t j = 0; j < found.index.size(); ++j)
            by_sign[found.starts[j] != kHead].push_back(static_cast<int>(j));
        tails_.resize(found.index.size() * kPerSign);
        for (int sign = 0; sign < 2; ++sign) tails(network.outputs[1 + sign], width, by_sign[sign], found.index);
        code_magnitudes(found.magnitudes, found.starts, [&](int j, int output, bool truth) {
            if (output == kNoOutput) return coder_.code(kHalf, truth);
            if (output >= kValueOutputs) return adaptation.decide(coder_, output, 0, truth);
            const std::int32_t sum = tails_[static_cast<std::size_t>(j) * kPerSign + output - found.starts[j]];
            return adaptation.decide(coder_, output, logit(sum), truth);
        });
        found.store(values);
    }

    // Sums for the magnitudes of some non-zero values of one sign.
    void tails(const Dense& layer, int width, const std::vector<int>& chosen, const std::vector<int>& index) {
        constexpr int kTile = 64;
        std::vector<std::uint8_t> rows(kTile * width);
        std::vector<std::int32_t> sums(static_cast<std::size_t>(kTile) * layer.outputs());
        for (std::size_t start = 0; start < chosen.size(); start += kTile) {
            const int count = static_cast<int>(std::min<std::size_t>(kTile, chosen.size() - start));
            for (int r = 0; r < count; ++r) {
                const std::uint8_t* from = hidden_.data() + static_cast<std::size_t>(index[chosen[start + r]]) * width;
                std::copy(from, from + width, rows.data() + r * width);
            }
            layer.run(rows.data(), padded(count), sums.data());
            for (int r = 0; r < count; ++r)
                std::copy_n(sums.data() + r * layer.outputs(), kPerSign,
                            tails_.data() + static_cast<std::size_t>(chosen[start + r]) * kPerSign);
        }
    }

    const ClassWeights& weights_;
    Coder& coder_;
    Adaptation dc_, ac_, last_;
    std::vector<std::uint8_t> inputs_, middle_, hidden_;
    std::vector<std::int32_t> sums_, tails_;
};

}  // namespace jrecomp
