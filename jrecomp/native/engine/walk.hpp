// One walk over a component of a slice that encodes, decodes or collects, by the sink that it is given.
#pragma once
#include <array>
#include <vector>

#include "inputs.hpp"
#include "symbols.hpp"

namespace jrecomp {

constexpr int kClasses = 3, kLastNetwork = 64;

struct ClassWeights {
    std::vector<Network> networks;         // planes 0 to 63, then `last`
    std::vector<std::vector<I64>> linear;  // per plane [phase][input]
};

struct Model {
    Tables tables;
    std::array<AcSelection, 64> selections;
    std::array<ClassWeights, kClasses> classes;
};

// What a Sink does with a chunk of blocks: Build writes the inputs of block i, as in build(i, InputWriter).
//   void values(int plane, int count, Build, std::vector<I64>& values, const std::vector<char>& sure)
//   void last(int count, Build, std::vector<I64>& values)
//   void end_plane(), after each AC plane
// values hold what to encode, and afterwards what a decoder knows. sure: where zero is impossible.
template <class Sink>
class Walk {
public:
    // truth: [64][planes.size] to encode, null to decode.
    Walk(const Model& model, const ClassWeights& weights, Planes& planes, const std::int16_t* truth, Sink& sink)
        : model_(model), tables_(model.tables), weights_(weights), planes_(planes), truth_(truth), sink_(sink) {}

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
            sink_.end_plane();
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

    int block(const Block& place) const { return planes_.block(place.first, place.second); }

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
            const std::vector<char> sure(count, 0);
            const auto build = [&](int i, InputWriter out) {
                predicted[i] = dc_inputs(planes_, near, blocks[i].first, blocks[i].second, weights, tables_, out);
                values[i] = wanted(0, block(blocks[i])) - predicted[i];
            };
            sink_.values(0, count, build, values, sure);
            for (int i = 0; i < count; ++i)
                store(planes_.plane(0), block(blocks[i]), truth_ ? wanted(0, block(blocks[i])) : values[i] + predicted[i]);
        });
    }

    void last(const PyramidPhase& phase) {
        const Neighbourhood near(planes_, phase);
        chunks(phase.blocks, [&](const Block* blocks, int count) {
            std::vector<I64> values(count);
            for (int i = 0; i < count; ++i) values[i] = wanted_last(block(blocks[i]));
            const auto build = [&](int i, InputWriter out) {
                last_inputs(planes_, near, blocks[i].first, blocks[i].second, tables_, out);
            };
            sink_.last(count, build, values);
            for (int i = 0; i < count; ++i) planes_.last[block(blocks[i])] = static_cast<std::int16_t>(values[i]);
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
                std::vector<I64> values(count);
                std::vector<char> sure(count);
                for (int i = 0; i < count; ++i) {
                    values[i] = wanted(k, block(blocks[i]));
                    sure[i] = planes_.last[block(blocks[i])] == k;
                }
                const auto build = [&](int i, InputWriter out) { inputs.build(blocks[i].first, blocks[i].second, out); };
                sink_.values(k, count, build, values, sure);
                found.insert(found.end(), values.begin(), values.end());
            });
            for (std::size_t i = 0; i < eligible.size(); ++i)
                store(planes_.plane(k), block(eligible[i]), found[i]);
        }
    }

    const Model& model_;
    const Tables& tables_;
    const ClassWeights& weights_;
    Planes& planes_;
    const std::int16_t* truth_;
    Sink& sink_;
};

}  // namespace jrecomp
