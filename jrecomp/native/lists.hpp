// Lists as arguments and results. nanobind converts arguments to std::vector in functions that are noexcept, so
// that a shortage of memory ends the process. Hence its header for vectors is not included anywhere.
#pragma once

#include <nanobind/nanobind.h>

#include <utility>
#include <vector>

namespace jrecomp {

// The items of a list; std::bad_alloc reaches the caller. Where an item has another type, this is the TypeError of
// a call that fits no overload. convert: whether arrays of other types or layouts are copied.
template <class T>
std::vector<T> items(const nanobind::sequence& list, bool convert = true) {
    std::vector<T> result;
    result.reserve(nanobind::len(list));
    for (const nanobind::handle item : list) {
        T value{};
        if (!nanobind::try_cast(item, value, convert)) throw nanobind::next_overload();
        result.push_back(std::move(value));
    }
    return result;
}

template <class T>
nanobind::list list_of(const std::vector<T>& values) {
    nanobind::list result;
    for (const T& value : values) result.append(value);
    return result;
}

}  // namespace jrecomp
