// The sink of Walk that codes: networks compute logits, and a range coder writes or reads the decisions.
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
    void values(int plane, Build build, Values& values) {
        const Network& network = weights_.networks[plane];
        Adaptation& adaptation = plane ? ac_ : dc_;
        hidden(network, values.count, build);
        network.outputs[0].logits(hidden_, lanes(values.count), logits_);
        Nonzero found;
        code_signs(values, found, [&](int i, int output, bool truth) {
            return adaptation.decide(coder_, output, logits_[output * kChunk + lane_of(i)], truth);
        });
        tails(network, found);
        code_magnitudes(found, [&](int j, int output, bool truth) {
            const int start = found.start[j];
            const auto logit = [&] { return tails_[start != kHead][(output - start) * kChunk + slots_[j]]; };
            return adaptation.decide_magnitude(coder_, output, logit, truth);
        });
        found.store(values);
        adaptation.refresh();
    }

    template <class Build>
    void last(Build build, Values& values) {
        const Network& network = weights_.networks[kLastNetwork];
        hidden(network, values.count, build);
        network.outputs[0].logits(hidden_, lanes(values.count), logits_);
        code_last(values, [&](int i, int node, bool truth) {
            return last_.decide(coder_, node, logits_[node * kChunk + lane_of(i)], truth);
        });
        last_.refresh();
    }

    // Reduces the weight of the counts of this AC plane for the next one.
    void end_plane() { ac_.fade(); }

private:
    // How many of the first lanes contain `count` blocks, in the order of lane_of() or one after the other.
    static int lanes(int count) { return count > kChunk / 2 ? kChunk : kChunk / 2; }

    // Fills hidden_ with the activations of the second layer. build(rows) writes the inputs of the blocks.
    template <class Build>
    void hidden(const Network& network, int count, Build build) {
        const int groups = network.first.groups();
        rows_.resize(static_cast<std::size_t>(4 * groups + 1) * kChunk);
        packed_.resize(static_cast<std::size_t>(groups) * kGroup);
        build(rows_.data());
        for (int g = 0; g < groups; ++g) interleave(rows_.data() + g * kGroup, packed_.data() + g * kGroup);
        network.first.activations(packed_, lanes(count), middle_);
        network.second.activations(middle_, lanes(count), hidden_);
    }

    // Computes the logits for the magnitudes of non-zero values, those of each sign only where it occurs: the
    // logits of the j-th value are those of lane slots_[j] in tails_[whether it is negative].
    void tails(const Network& network, const Nonzero& found) {
        int counts[2] = {0, 0}, chosen[2][kChunk];
        for (int j = 0; j < found.count; ++j) {
            const int sign = found.start[j] != kHead;
            slots_[j] = counts[sign];
            chosen[sign][counts[sign]++] = lane_of(found.index[j]);
        }
        packed_.resize(hidden_.size());
        for (int sign = 0; sign < 2; ++sign) {
            if (!counts[sign]) continue;
            for (std::size_t group = 0; group < hidden_.size(); group += kGroup)
                for (int i = 0; i < counts[sign]; ++i)
                    std::memcpy(packed_.data() + group + 4 * i, hidden_.data() + group + 4 * chosen[sign][i],
                                4);
            network.outputs[1 + sign].logits(packed_, counts[sign], tails_[sign]);
        }
    }

    const ClassWeights& weights_;
    Coder& coder_;
    Adaptation dc_, ac_, last_;
    std::vector<std::uint8_t> rows_;  // inputs, [input][kChunk]
    Packed packed_, middle_, hidden_;
    Logits logits_, tails_[2];
    int slots_[kChunk];
};

}  // namespace jrecomp
