// Networks that several AC planes share (docs/format/planes.md on weights files).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "../require.hpp"
#include "../t81.hpp"
#include "planes.hpp"
#include "walk.hpp"

namespace jrecomp {

// The planes of each network, ascending. networks: [kLastNetwork + 1], the number of the network of each plane
// and of `last`. Throws std::invalid_argument unless networks are numbered in the order of their first planes,
// and DC and `last` have networks of their own.
inline std::vector<std::vector<int>> groups_of(const std::uint8_t* networks) {
    std::vector<std::vector<int>> groups;
    for (int plane = 0; plane <= kLastNetwork; ++plane) {
        const std::size_t number = networks[plane];
        require(number <= groups.size(),
                "the weights do not fit: networks are not in the order of their planes");
        if (number == groups.size()) groups.emplace_back();
        groups[number].push_back(plane);
    }
    require(groups[0].size() == 1 && groups[networks[kLastNetwork]].size() == 1,
            "the weights do not fit: DC and `last` cannot share a network");
    return groups;
}

// The known values that are inputs of a network: those of any of its planes.
class SharedInputs {
public:
    using Selections = std::array<AcSelection, 64>;

    // planes: of the network, all AC.
    SharedInputs(const Selections& selections, const std::vector<int>& planes) : selections_(selections) {
        for (const int plane : planes)
            for (std::size_t i = 0; i < selections[plane].plane.size(); ++i) indices_[key(plane, i)] = 1;
        for (int& index : indices_) index = index ? count_++ : -1;
    }

    // Number of the inputs.
    int count() const { return count_; }

    // The first layer for one of the planes: the columns of its known values, and of all inputs after known
    // values. weight: [outputs][inputs] of the network.
    std::vector<std::int8_t> layer_of(int plane, const std::int8_t* weight, int inputs, int outputs) const {
        std::vector<int> columns;
        for (std::size_t i = 0; i < selections_[plane].plane.size(); ++i)
            columns.push_back(indices_[key(plane, i)]);
        for (int column = count_; column < inputs; ++column) columns.push_back(column);
        std::vector<std::int8_t> layer(columns.size() * outputs);
        auto to = layer.begin();
        for (int output = 0; output < outputs; ++output, weight += inputs)
            for (const int column : columns) *to++ = weight[column];
        return layer;
    }

private:
    static constexpr int kOffsets = 16 * 16;  // of rows and columns in frequency, each -7 to 7

    // Ascending in the order of the inputs, and equal for the same input: side, offsets of row and column in
    // frequency from the plane; DC differences are last.
    int key(int plane, std::size_t i) const {
        const AcSelection& selection = selections_[plane];
        const int known = selection.plane[i], side = selection.side[i] + 1;
        if (known >= kDifference) return 9 * kOffsets + known - kDifference;
        const int from = kZigZag[plane], to = kZigZag[known];
        return side * kOffsets + (to / 8 - from / 8 + 8) * 16 + to % 8 - from % 8 + 8;
    }

    const Selections& selections_;
    std::array<int, 9 * kOffsets + kPlanes - kDifference> indices_{};  // by key, -1 for what is no input
    int count_ = 0;
};

}  // namespace jrecomp
