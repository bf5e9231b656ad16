// Codes a slice with logits that are computed elsewhere, for example on a GPU.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "adaptation.hpp"
#include "range_coder.hpp"
#include "symbols.hpp"

namespace jrecomp {

// Logits of the blocks of a phase, a row for each output; rows lie `stride` values apart.
struct LogitRows {
    const std::int16_t* data;
    std::int64_t stride;

    int operator()(int output, std::size_t block) const {
        return data[output * stride + static_cast<std::int64_t>(block)];
    }
};

template <class Coder>
class LogitCoder {
public:
    LogitCoder(const Tables& tables, Coder coder) : tables_(tables), coder_(std::move(coder)) { select(0); }

    // Codes a component from now on, with the adaptation to what was coded of it.
    void select(int component) {
        const auto index = static_cast<std::size_t>(component);
        if (components_.size() <= index) components_.resize(index + 1);
        auto& learned = components_[index];
        if (!learned)
            learned.reset(new Learned{Adaptation(tables_), Adaptation(tables_), Adaptation(tables_), 1});
        learned_ = learned.get();
    }

    // Codes the values of a phase of a plane, for DC less their predictions. An encoder sets them before, a
    // decoder has them afterwards. known_nonzero: where zero is impossible.
    void values(int plane, const LogitRows& logits, std::vector<I64>& values,
                const std::vector<char>& known_nonzero) {
        for (; learned_->plane < plane; ++learned_->plane) learned_->ac.fade();
        Adaptation& adaptation = plane ? learned_->ac : learned_->dc;
        chunks(values, known_nonzero, [&](std::size_t start, Values& chunk) {
            Nonzero found;
            code_signs(chunk, found, [&](int i, int output, bool truth) {
                return adaptation.decide(coder_, output, logits(output, start + i), truth);
            });
            code_magnitudes(found, [&](int j, int output, bool truth) {
                const auto logit = [&] { return logits(output, start + found.index[j]); };
                return adaptation.decide_magnitude(coder_, output, logit, truth);
            });
            found.store(chunk);
            adaptation.refresh();
        });
    }

    // Codes `last` of a phase.
    void last(const LogitRows& logits, std::vector<I64>& values) {
        chunks(values, std::vector<char>(values.size()), [&](std::size_t start, Values& chunk) {
            code_last(chunk, [&](int i, int node, bool truth) {
                return learned_->last.decide(coder_, node, logits(node, start + i), truth);
            });
            learned_->last.refresh();
        });
    }

    Coder& coder() { return coder_; }

private:
    // Calls code(start, chunk) for up to kChunk values at a time, those from index `start` on.
    template <class Code>
    static void chunks(std::vector<I64>& values, const std::vector<char>& known_nonzero, Code code) {
        for (std::size_t start = 0; start < values.size(); start += kChunk) {
            Values chunk;
            for (std::size_t i = start; i < values.size() && chunk.count < kChunk; ++i)
                chunk.add(static_cast<int>(values[i]), known_nonzero[i]);
            code(start, chunk);
            std::copy(chunk.value, chunk.value + chunk.count,
                      values.begin() + static_cast<std::ptrdiff_t>(start));
        }
    }

    struct Learned {
        Adaptation dc, ac, last;
        int plane;
    };

    const Tables& tables_;
    Coder coder_;
    std::vector<std::unique_ptr<Learned>> components_;
    Learned* learned_ = nullptr;
};

}  // namespace jrecomp
