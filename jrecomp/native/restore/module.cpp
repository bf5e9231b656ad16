// The Python module _restoration: restoration of samples. All arguments are checked here.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "../lists.hpp"
#include "../require.hpp"
#include "network.hpp"
#include "shifts.hpp"

namespace nb = nanobind;

namespace jrecomp {
namespace {

template <class T>
using Array = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

template <class T>
std::vector<T> limited(const Array<const T>& array, std::size_t size, int low, int high) {
    require(array.size() == size, "an array has the wrong size");
    const std::vector<T> values(array.data(), array.data() + size);
    for (const T value : values) require(low <= value && value <= high, "a value is out of range");
    return values;
}

void shrink_plane(const Array<const std::int32_t>& gains, const Array<const std::int32_t>& weights,
                  const Array<const std::int32_t>& radius, const Array<const std::int16_t>& padded,
                  const Array<std::int16_t>& out) {
    const Shrinkage shrinkage{limited(gains, 64 * kClasses * kLevels, 0, 384), limited(weights, 64, 1, 64)};
    const std::vector<std::int32_t> steps = limited(radius, 64, 0, 1 << 15);
    require(padded.ndim() == 2 && out.ndim() == 2 && out.shape(0) > 0 && out.shape(1) > 0 &&
                padded.shape(0) == out.shape(0) + 16 && padded.shape(1) == out.shape(1) + 16,
            "an array has the wrong shape");
    const std::int64_t rows = static_cast<std::int64_t>(out.shape(0)), columns = static_cast<std::int64_t>(out.shape(1));
    for (std::size_t i = 0; i < padded.size(); ++i)
        require(-4096 <= padded.data()[i] && padded.data()[i] <= 4096, "a sample is out of range");
    const nb::gil_scoped_release released;
    shrink(shrinkage, steps.data(), padded.data(), rows, columns, out.data());
}

constexpr std::size_t kMostChannels = 256;  // so that no sum overflows

Network network_of(const nb::sequence& list) {
    const auto weights = items<Array<const std::int8_t>>(list);
    require(weights.size() >= 2 && weights.size() % 2 == 0, "the number of convolutions is wrong");
    std::vector<Convolution> convolutions;
    std::size_t inputs = kInputs;
    for (const auto& weight : weights) {
        const bool first = convolutions.empty(), last = convolutions.size() + 1 == weights.size();
        require(weight.ndim() == 4 && weight.shape(1) == inputs && weight.shape(2) == 3 && weight.shape(3) == 3,
                "an array has the wrong shape");
        const std::size_t outputs = weight.shape(0);
        require(last ? outputs == kSamples : first || outputs == inputs, "an array has the wrong shape");
        require(0 < outputs && outputs <= kMostChannels, "the number of channels is wrong");
        convolutions.emplace_back(weight.data(), static_cast<int>(outputs), static_cast<int>(inputs),
                                  first ? kInputs : convolutions.back().outputs, first ? kInputOffset : 0);
        inputs = outputs;
    }
    return {std::move(convolutions), static_cast<int>(weights[1].shape(1))};
}

void correct(const Network& network, const Array<const std::int16_t>& gains,
             const Array<const std::int32_t>& offsets, const Array<const std::int32_t>& shifts,
             const Array<const std::int32_t>& factors, std::pair<bool, bool> halved,
             const Array<const std::int16_t>& restored, const Array<const std::int16_t>& decoded,
             std::int64_t first, std::int64_t end, const Array<std::int16_t>& out) {
    const std::size_t pairs = network.pairs(), width = network.width();
    const Controls controls{limited(gains, (2 + 3 * pairs) * width + kSamples, -(1 << 15), (1 << 15) - 1),
                            limited(offsets, (2 + 2 * pairs) * width + kSamples, -(1 << 30), 1 << 30)};
    CellInputs inputs{restored.data(), decoded.data(), 0, 0, {}, {}, halved.first, halved.second};
    const auto given = limited(shifts, kSamples, 0, 30), scales = limited(factors, kComponents, 1 << 7, 1 << 17);
    std::copy(given.begin(), given.end(), inputs.shifts);
    std::copy(scales.begin(), scales.end(), inputs.factors);
    require(out.ndim() == 3 && out.shape(0) == kComponents && out.shape(1) % kSide == 0 &&
                out.shape(2) % kSide == 0 && out.shape(2) > 0,
            "an array has the wrong shape");
    for (const auto& array : {restored, decoded})
        for (std::size_t axis = 0; axis < 3; ++axis)
            require(array.ndim() == 3 && array.shape(axis) == out.shape(axis), "an array has the wrong shape");
    inputs.rows = static_cast<std::int64_t>(out.shape(1));
    inputs.columns = static_cast<std::int64_t>(out.shape(2));
    require(0 <= first && first <= end && end <= inputs.rows / kSide, "the rows are out of range");
    const nb::gil_scoped_release released;
    network.correct(controls, inputs, first, end, out.data());
}

}  // namespace
}  // namespace jrecomp

NB_MODULE(JRECOMP_RESTORATION, module) {
    module.def("shrink", &jrecomp::shrink_plane, nb::arg("gains"), nb::arg("weights"), nb::arg("radius"),
               nb::arg("padded"), nb::arg("out").noconvert());
    nb::class_<jrecomp::Network>(module, "Network")
        .def("__init__",
             [](jrecomp::Network* self, const nb::sequence& convolutions) {
                 new (self) jrecomp::Network(jrecomp::network_of(convolutions));
             },
             nb::arg("convolutions"))
        .def("correct", &jrecomp::correct, nb::arg("gains"), nb::arg("offsets"), nb::arg("shifts"),
             nb::arg("factors"), nb::arg("halved"), nb::arg("restored"), nb::arg("decoded"), nb::arg("first"),
             nb::arg("end"), nb::arg("out").noconvert());
}
