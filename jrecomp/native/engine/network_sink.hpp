// The sink that codes: networks predict, a range coder writes or reads.
#pragma once
#include "symbols.hpp"
#include "walk.hpp"

namespace jrecomp {

template <class Coder>
class NetworkSink {
public:
    NetworkSink(const Tables& tables, const ClassWeights& weights, Coder& coder)
        : tables_(tables), weights_(weights), coder_(coder) {}

    template <class Build>
    void values(int plane, int count, Build build, std::vector<I64>& values, const std::vector<char>& sure) {
        hidden(weights_.networks[plane], count, build);
        code_values(weights_.networks[plane], values, sure);
    }

    template <class Build>
    void last(int count, Build build, std::vector<I64>& values) {
        const Network& network = weights_.networks[kLastNetwork];
        hidden(network, count, build);
        const int width = network.outputs[0].outputs();
        sums_.resize(static_cast<std::size_t>(padded(count)) * width);
        network.outputs[0].run(hidden_.data(), padded(count), sums_.data());
        std::vector<int> prefix(count, 0);
        for (int level = 0; level < kLastLevels; ++level)
            for (int i = 0; i < count; ++i) {
                const std::int32_t sum = sums_[i * width + (1 << level) - 1 + prefix[i]];
                const bool bit = values[i] >> (kLastLevels - 1 - level) & 1;
                prefix[i] = 2 * prefix[i] + coder_.code(tables_.ones(sum >> kLogitShift), bit);
            }
        values.assign(prefix.begin(), prefix.end());
    }

private:
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
    void code_values(const Network& network, std::vector<I64>& values, const std::vector<char>& sure) {
        const int count = static_cast<int>(values.size()), width = network.outputs[0].input_stride();
        const int heads = network.outputs[0].outputs();
        sums_.resize(static_cast<std::size_t>(padded(count)) * heads);
        network.outputs[0].run(hidden_.data(), padded(count), sums_.data());
        std::vector<int> index;
        for (int i = 0; i < count; ++i)
            if (sure[i] || coder_.code(tables_.ones(sums_[i * heads] >> kLogitShift), values[i] != 0)) index.push_back(i);
            else values[i] = 0;
        std::vector<int> by_sign[2];
        std::vector<char> negative(index.size());
        std::vector<I64> magnitudes(index.size());
        for (std::size_t j = 0; j < index.size(); ++j) {
            const int i = index[j];
            negative[j] = coder_.code(tables_.ones(sums_[i * heads + 1] >> kLogitShift), values[i] < 0);
            magnitudes[j] = std::llabs(values[i]);
            by_sign[static_cast<int>(negative[j])].push_back(static_cast<int>(j));
        }
        std::vector<std::uint16_t> ones(index.size() * kPerSign);
        for (int sign = 0; sign < 2; ++sign) tails(network.outputs[1 + sign], width, by_sign[sign], index, ones);
        code_magnitudes(coder_, ones, magnitudes);
        for (std::size_t j = 0; j < index.size(); ++j) values[index[j]] = negative[j] ? -magnitudes[j] : magnitudes[j];
    }

    // Probabilities of the magnitudes of some non-zero values of one sign.
    void tails(const Dense& layer, int width, const std::vector<int>& chosen, const std::vector<int>& index,
               std::vector<std::uint16_t>& ones) {
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
                for (int o = 0; o < kPerSign; ++o)
                    ones[static_cast<std::size_t>(chosen[start + r]) * kPerSign + o] = static_cast<std::uint16_t>(
                        tables_.ones(sums[r * layer.outputs() + o] >> kLogitShift));
        }
    }

    const Tables& tables_;
    const ClassWeights& weights_;
    Coder& coder_;
    std::vector<std::uint8_t> inputs_, middle_, hidden_;
    std::vector<std::int32_t> sums_;
};

}  // namespace jrecomp
