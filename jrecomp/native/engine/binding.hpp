// What the parts of the Python side share.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>
#include <tuple>
#include <vector>

#include "tables.hpp"

namespace nb = nanobind;

namespace jrecomp {

template <class T>
using Array = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
using Blocks = nb::ndarray<const std::int16_t, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using KnownComponents = std::vector<std::tuple<std::vector<I64>, Blocks>>;

// Steps, rows and columns.
using Shapes = std::vector<std::tuple<std::vector<I64>, int, int>>;

inline void require(bool condition, const char* message) {
    if (!condition) throw std::invalid_argument(message);
}

template <class T>
std::vector<T> copy(const Array<T>& array, std::size_t size) {
    require(array.size() == size, "an array of the model has the wrong size");
    return {array.data(), array.data() + size};
}

// Adds the engine of models of blocks.
void define_blocks(nb::module_& module);

}  // namespace jrecomp
