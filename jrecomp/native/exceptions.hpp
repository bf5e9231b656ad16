// Look-up of exceptions by index during encoding.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "scan.hpp"

namespace jrecomp {

// Finds items of a list that is sorted by index, for increasing indices.
template <class Item, class Index>
class Follower {
public:
    Follower(const std::vector<Item>& items, std::int64_t first, Index index)
        : index_(index),
          end_(items.end()) {
        at_ = std::lower_bound(items.begin(), end_, first,
                               [&](const Item& item, std::int64_t value) { return index_(item) < value; });
    }

    // The item at an index, or null. The index must not be below those of earlier calls.
    const Item* find(std::int64_t index) {
        while (at_ != end_ && index_(*at_) < index) ++at_;
        return at_ != end_ && index_(*at_) == index ? &*at_ : nullptr;
    }

private:
    Index index_;
    typename std::vector<Item>::const_iterator at_, end_;
};

inline std::int64_t exception_index(const Exception& e) { return e.first; }
inline std::int64_t own_index(const std::int64_t& index) { return index; }
inline std::int64_t extraneous_index(const Extraneous& e) { return e.first; }
using ExtraneousBytes = Follower<Extraneous, std::int64_t (*)(const Extraneous&)>;
using Exceptions = Follower<Exception, std::int64_t (*)(const Exception&)>;
using Indices = Follower<std::int64_t, std::int64_t (*)(const std::int64_t&)>;

}  // namespace jrecomp
