// One walk over a component of a slice that encodes or decodes, by the coder that it is given.
#pragma once
#include <array>
#include <vector>

#include "inputs.hpp"
#include "symbols.hpp"

namespace jrecomp {

constexpr int kClasses = 3, kLastNetwork = 64, kChunk = 4096;

struct ClassWeights {
    std::vector<Network> networks;         // planes 0 to 63, then `last`
    std::vector<std::vector<I64>> linear;  // per plane [phase][input]
};

struct Model {
    Tables tables;
    std::array<AcSelection, 64> selections;
    std::array<ClassWeights, kClasses> classes;
};

template <class Coder>
class Walk {
public:
    // truth: [64][planes.size] to encode, null to decode.
    Walk(const Model& model, const ClassWeights& weights, Planes& planes, const std::int16_t* truth, Coder& coder)
        : model_(model), tables_(model.tables), weights_(weights), planes_(planes), truth_(truth), coder_(coder) {}

    void run() {
        const std::vector<PyramidPhase> phases = pyramid(planes_.rows, planes_.columns);
        for (const PyramidPhase& phase : phases) dc(phase);
        planes_.finish_dc();
        for (const PyramidPhase& phase : phases) last(phase);
        planes_.repeat_edge(planes_.last.data());
        std::vector<Slopes> slopes;
        for (const auto& reference : planes_.references) slopes.emplace_back(planes_, *reference);
        const int highest = *std::max_element(planes_.last.begin(), planes_.last.end());
        for (int k = 1; k <= highest; ++k) {
            ac(k, slopes);
            for (Slopes& slope : slopes) slope.learn(k);
        }
    }

private:
    using Block = std::pair<int, int>;

    // Runs `one` for up to kChunk blocks at a time.
    template <class Function>
    static void chunks(const std::vector<Block>& blocks, Function one) {
        for (std::size_t start = 0; start < blocks.size(); start += kChunk)
            one(blocks.data() + start, static_cast<int>(std::min<std::size_t>(kChunk, blocks.size() - start)));
    }

    int wanted(int plane, int block) const { return truth_ ? truth_[plane * planes_.size + block] : 0; }

    void store(std::int16_t* plane, int block, I64 value) const {
        if (std::llabs(value) > kLimit) throw Damaged("a coefficient is out of range");
        plane[block] = static_cast<std::int16_t>(value);
    }

    void dc(const PyramidPhase& phase) {
        const Neighbourhood near(planes_, phase);
        const I64* weights = &weights_.linear[0][phase.number * kSlots];
        chunks(phase.blocks, [&](const Block* blocks, int count) {
            std::vector<I64> predicted(count), values(count);
            hidden(weights_.networks[0], count, [&](int i, InputWriter out) {
                predicted[i] = dc_inputs(planes_, near, blocks[i].first, blocks[i].second, weights, tables_, out);
            });
            std::vector<char> sure(count, 0);
            for (int i = 0; i < count; ++i)
                values[i] = wanted(0, planes_.block(blocks[i].first, blocks[i].second)) - predicted[i];
            code_values(weights_.networks[0], values, sure);
            for (int i = 0; i < count; ++i)
                store(planes_.plane(0), planes_.block(blocks[i].first, blocks[i].second), values[i] + predicted[i]);
        });
    }

    void last(const PyramidPhase& phase) {
        const Neighbourhood near(planes_, phase);
        const Network& network = weights_.networks[kLastNetwork];
        chunks(phase.blocks, [&](const Block* blocks, int count) {
            hidden(network, count, [&](int i, InputWriter out) {
                last_inputs(planes_, near, blocks[i].first, blocks[i].second, tables_, out);
            });
            const int width = network.outputs[0].outputs();
            sums_.resize(static_cast<std::size_t>(padded(count)) * width);
            network.outputs[0].run(hidden_.data(), padded(count), sums_.data());
            std::vector<int> prefix(count, 0), truth(count);
            for (int i = 0; i < count; ++i) truth[i] = wanted_last(planes_.block(blocks[i].first, blocks[i].second));
            for (int level = 0; level < kLastLevels; ++level)
                for (int i = 0; i < count; ++i) {
                    const std::int32_t sum = sums_[i * width + (1 << level) - 1 + prefix[i]];
                    const bool bit = truth[i] >> (kLastLevels - 1 - level) & 1;
                    prefix[i] = 2 * prefix[i] + coder_.code(tables_.ones(sum >> kLogitShift), bit);
                }
            for (int i = 0; i < count; ++i)
                planes_.last[planes_.block(blocks[i].first, blocks[i].second)] = static_cast<std::int16_t>(prefix[i]);
        });
    }

    int wanted_last(int block) const {
        int k = truth_ ? 63 : 0;
        while (k > 0 && truth_[k * planes_.size + block] == 0) --k;
        return k;
    }

    void ac(int k, const std::vector<Slopes>& slopes) {
        const AcSelection& selection = model_.selections[k];
        AcInputs inputs(planes_, k, selection, tables_, slopes);
        for (int phase = 0; phase < 2; ++phase) {
            std::vector<Block> eligible;
            for (int row = 0; row < planes_.rows; ++row)
                for (int column = (row + phase) % 2; column < planes_.columns; column += 2)
                    if (planes_.last[planes_.block(row, column)] >= k) eligible.emplace_back(row, column);
            if (eligible.empty()) continue;
            inputs.start_phase(phase, &weights_.linear[k][phase * selection.plane.size()]);
            std::vector<I64> found;
            chunks(eligible, [&](const Block* blocks, int count) {
                hidden(weights_.networks[k], count, [&](int i, InputWriter out) {
                    inputs.build(blocks[i].first, blocks[i].second, out);
                });
                std::vector<I64> values(count);
                std::vector<char> sure(count);
                for (int i = 0; i < count; ++i) {
                    const int block = planes_.block(blocks[i].first, blocks[i].second);
                    values[i] = wanted(k, block);
                    sure[i] = planes_.last[block] == k;
                }
                code_values(weights_.networks[k], values, sure);
                found.insert(found.end(), values.begin(), values.end());
            });
            for (std::size_t i = 0; i < eligible.size(); ++i)
                store(planes_.plane(k), planes_.block(eligible[i].first, eligible[i].second), found[i]);
        }
    }

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

    const Model& model_;
    const Tables& tables_;
    const ClassWeights& weights_;
    Planes& planes_;
    const std::int16_t* truth_;
    Coder& coder_;
    std::vector<std::uint8_t> inputs_, middle_, hidden_;
    std::vector<std::int32_t> sums_;
};

}  // namespace jrecomp
