// What planes_module.cpp and blocks_module.cpp share; together they are the Python module of an engine.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/tuple.h>

#include <string>
#include <tuple>
#include <vector>

#include "../lists.hpp"
#include "../require.hpp"
#include "range_coder.hpp"
#include "tables.hpp"

namespace nb = nanobind;

namespace jrecomp {

template <class T>
using Array = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;

// The coefficients of a component, [rows][columns][64] in zig-zag order, and its quantization steps [64].
using Blocks = nb::ndarray<const std::int16_t, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using KnownComponent = std::tuple<nb::sequence, Blocks>;

// The same to be filled by a decoder.
using FilledComponent =
    std::tuple<nb::sequence, nb::ndarray<std::int16_t, nb::ndim<3>, nb::c_contig, nb::device::cpu>>;

// Throws std::invalid_argument unless the array has this number of entries.
template <class T>
std::vector<T> copy(const Array<T>& array, std::size_t size) {
    require(array.size() == size, "an array of the model has the wrong size");
    return {array.data(), array.data() + size};
}

// Throws std::invalid_argument for shapes and steps that no component can have.
template <class Array>
void check_component(const std::vector<I64>& steps, const Array& blocks) {
    require(steps.size() == 64 && blocks.shape(0) > 0 && blocks.shape(1) > 0 && blocks.shape(2) == 64,
            "bad component");
    for (const I64 step : steps) require(step >= 1 && step <= 65535, "bad quantization step");
}

// The bytes that a range coder makes of what code(coder) codes, without the GIL.
template <class Code>
nb::bytes encoded(Code code) {
    RangeEncoder coder;
    std::string bytes;
    {
        const nb::gil_scoped_release released;
        code(coder);
        bytes = coder.finish();
    }
    return nb::bytes(bytes.data(), bytes.size());
}

// Adds BlocksEngine.
void define_blocks(nb::module_& module);

}  // namespace jrecomp
