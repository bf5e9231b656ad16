// The order in which the components of a slice are coded (docs/format/planes.md on the order). Encoding,
// decoding and collecting training examples share it; they differ in the sink.
#pragma once

#include <array>
#include <vector>

#include "ac_inputs.hpp"
#include "symbols.hpp"

namespace jrecomp {

constexpr int kLastNetwork = 64;  // the network of `last` follows those of planes 0 to 63

struct ClassWeights {
    std::vector<Network> networks;         // planes 0 to 63, then `last`
    std::vector<std::vector<I64>> linear;  // per plane [phase][known value], in units of 2^-12
};

struct Model {
    Tables tables;
    std::array<AcSelection, 64> selections;
    std::array<ClassWeights, kClasses> classes;
};

constexpr int kHighest = 63;  // the highest index of a coefficient

// Processes a component in coding order: dc(), then with all coefficients of the components before it known,
// rest(). A Sink gets chunks of blocks, and encodes or decodes their Values:
//   void values(int plane, Build build, Values&): coefficients of a plane, for DC less their predictions
//   void last(Build build, Values&): `last`
//   void end_plane(): after each AC plane
// It must first call build(rows) once, which writes the inputs, [input][kChunk], and up to one row more.
template <class Sink>
class Walk {
public:
    Walk(const Model& model, const ClassWeights& weights, Planes& planes, Sink& sink)
        : model_(model),
          tables_(model.tables),
          weights_(weights),
          planes_(planes),
          sink_(sink) {}

    // truth: DC [planes.size] to encode, null to decode.
    void dc(const std::int16_t* truth) {
        truth_ = truth;
        for (const PyramidPhase& phase : pyramid(planes_.rows, planes_.columns)) dc(phase);
        planes_.finish_dc();
    }

    // `last`, and the AC planes up to an index. truth: the coefficients [64][planes.size] to encode, null to
    // decode.
    void rest(const std::int16_t* truth, int highest = kHighest) {
        truth_ = truth;
        for (const PyramidPhase& phase : pyramid(planes_.rows, planes_.columns)) last(phase);
        planes_.finish_last();
        std::vector<Slopes> slopes;
        for (const auto& reference : planes_.references) slopes.emplace_back(planes_, *reference);
        highest = std::min<int>(highest, *std::max_element(planes_.last.begin(), planes_.last.end()));
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
            one(blocks.data() + start,
                static_cast<int>(std::min<std::size_t>(kChunk, blocks.size() - start)));
    }

    int block(const Block& place) const { return planes_.block(place.first, place.second); }

    int wanted(int plane, int block) const { return truth_ ? truth_[plane * planes_.size + block] : 0; }

    static int checked(int value) {
        if (std::abs(value) > kLimit) throw Damaged("a coefficient is out of range");
        return value;
    }

    void dc(const PyramidPhase& phase) {
        const Neighbourhood near(planes_, phase);
        const I64* weights = &weights_.linear[0][phase.number * kSlots];
        chunks(phase.blocks, [&](const Block* blocks, int count) {
            int predicted[kChunk];
            Values values;
            for (int i = 0; i < count; ++i) values.add(wanted(0, block(blocks[i])), false);
            const auto build = [&](Row rows) {
                for (int i = 0; i < count; ++i) {
                    predicted[i] =
                        static_cast<int>(dc_inputs(planes_, near, blocks[i].first, blocks[i].second, weights,
                                                   tables_, InputWriter(rows + i)));
                    values.value[i] -= predicted[i];
                }
            };
            sink_.values(0, build, values);
            for (int i = 0; i < count; ++i)
                planes_.plane(0)[block(blocks[i])] = static_cast<std::int16_t>(
                    truth_ ? wanted(0, block(blocks[i])) : checked(values.value[i] + predicted[i]));
        });
    }

    void last(const PyramidPhase& phase) {
        const Neighbourhood near(planes_, phase);
        chunks(phase.blocks, [&](const Block* blocks, int count) {
            Values values;
            for (int i = 0; i < count; ++i) values.add(wanted_last(block(blocks[i])), false);
            const auto build = [&](Row rows) {
                for (int i = 0; i < count; ++i)
                    last_inputs(planes_, near, blocks[i].first, blocks[i].second, tables_,
                                InputWriter(rows + i));
            };
            sink_.last(build, values);
            for (int i = 0; i < count; ++i)
                planes_.last[block(blocks[i])] = static_cast<std::int16_t>(values.value[i]);
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
            bool started = false;
            for_each_chunk(planes_, k, phase, [&](const AcChunk& chunk) {
                if (!started) inputs.start_phase(phase, &weights_.linear[k][phase * selection.plane.size()]);
                started = true;
                Values values;
                for (int i = 0; i < chunk.count; ++i)
                    values.add(wanted(k, chunk.blocks[i]), planes_.last[chunk.blocks[i]] == k);
                sink_.values(k, [&](Row rows) { inputs.build(chunk, rows); }, values);
                // No input of another block of the phase depends on what is set here.
                for (int i = 0; i < chunk.count; ++i) checked(values.value[i]);
                chunk.store(planes_, k, values.value);
            });
        }
    }

    const Model& model_;
    const Tables& tables_;
    const ClassWeights& weights_;
    Planes& planes_;
    const std::int16_t* truth_ = nullptr;
    Sink& sink_;
};

}  // namespace jrecomp
