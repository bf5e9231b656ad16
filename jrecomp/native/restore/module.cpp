// The Python module _restoration: restoration of samples. All arguments are checked here.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <vector>

#include "../require.hpp"
#include "shifts.hpp"

namespace nb = nanobind;

namespace jrecomp {
namespace {

template <class T>
using Array = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

std::vector<std::int32_t> limited(const Array<const std::int32_t>& array, std::size_t size, int low, int high) {
    require(array.size() == size, "an array has the wrong size");
    const std::vector<std::int32_t> values(array.data(), array.data() + size);
    for (const std::int32_t value : values) require(low <= value && value <= high, "a value is out of range");
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

}  // namespace
}  // namespace jrecomp

NB_MODULE(JRECOMP_RESTORATION, module) {
    module.def("shrink", &jrecomp::shrink_plane, nb::arg("gains"), nb::arg("weights"), nb::arg("radius"),
               nb::arg("padded"), nb::arg("out").noconvert());
}
