// The Python module _metrics: SSIMULACRA2 and its gradient; see _metrics.pyi.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>

#include <optional>

#include "require.hpp"
#include "ssimulacra2.hpp"

namespace nb = nanobind;

namespace jrecomp {
namespace {

template <class T>
using Pixels = nb::ndarray<const T, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using Planes = nb::ndarray<float, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

// A picture that keeps the array of its samples alive.
class PyPicture {
public:
    template <class T>
    explicit PyPicture(const Pixels<T>& pixels)
        : kept_(pixels), picture_(made(pixels)) {}

    const Picture& get() const { return picture_; }

private:
    template <class T>
    static Picture made(const Pixels<T>& pixels) {
        const std::size_t rows = pixels.shape(0), columns = pixels.shape(1), channels = pixels.shape(2);
        require(channels == 1 || channels == kChannels, "a picture has 1 or 3 channels");
        require(rows >= kSmallestSide && columns >= kSmallestSide, "the picture is too small");
        require(rows < (1 << 28) && columns < (1 << 28), "the picture is too large");
        const nb::gil_scoped_release released;
        return Picture(pixels.data(), static_cast<int>(rows), static_cast<int>(columns),
                       static_cast<int>(channels));
    }

    nb::ndarray<nb::ro> kept_;
    Picture picture_;
};

void check(const Picture& a, const Picture& b, int scale, int begin, int end) {
    require(a.rows(0) == b.rows(0) && a.columns(0) == b.columns(0), "pictures of different sizes");
    require(scale >= 0 && scale < a.scales(), "no such scale");
    require(begin >= 0 && begin <= end && end <= a.rows(scale), "bad range of rows");
}

bool shaped(const Planes& planes, int a, int b, int c) {
    return planes.shape(0) == static_cast<std::size_t>(a) && planes.shape(1) == static_cast<std::size_t>(b) &&
           planes.shape(2) == static_cast<std::size_t>(c);
}

Sums py_sums(const PyPicture& reference, const PyPicture& distorted, int scale, int begin, int end) {
    check(reference.get(), distorted.get(), scale, begin, end);
    const nb::gil_scoped_release released;
    return sums(reference.get(), distorted.get(), scale, begin, end);
}

void py_gradient(const PyPicture& reference, const PyPicture& distorted, int scale, int begin, int end,
                 const Sums& factors, const std::optional<Planes>& coarser, const Planes& out) {
    const Picture& picture = distorted.get();
    check(reference.get(), picture, scale, begin, end);
    const int rows = picture.rows(scale), columns = picture.columns(scale);
    require(scale == 0 ? shaped(out, rows, columns, picture.channels())
                       : shaped(out, kChannels, rows, columns),
            "the result has another shape");
    require(coarser.has_value() == (scale + 1 < picture.scales()), "all scales but the last have a coarser");
    require(!coarser || shaped(*coarser, kChannels, picture.rows(scale + 1), picture.columns(scale + 1)),
            "the coarser gradient has another shape");
    const float* const from = coarser ? coarser->data() : nullptr;
    float* const to = out.data();
    const nb::gil_scoped_release released;
    gradient(reference.get(), picture, scale, begin, end, factors, from, to);
}

}  // namespace

NB_MODULE(JRECOMP_METRICS, m) {
    nb::class_<PyPicture>(m, "Picture")
        .def(nb::init<const Pixels<std::uint8_t>&>(), nb::arg("pixels"))
        .def(nb::init<const Pixels<float>&>(), nb::arg("pixels"))
        .def_prop_ro("rows",
                     [](const PyPicture& p) {
                         nb::list rows;
                         for (int i = 0; i < p.get().scales(); ++i) rows.append(p.get().rows(i));
                         return rows;
                     })
        .def_prop_ro("columns", [](const PyPicture& p) {
            nb::list columns;
            for (int i = 0; i < p.get().scales(); ++i) columns.append(p.get().columns(i));
            return columns;
        });
    m.def("sums", &py_sums);
    m.def("gradient", &py_gradient, nb::arg("reference"), nb::arg("distorted"), nb::arg("scale"),
          nb::arg("begin"), nb::arg("end"), nb::arg("factors"), nb::arg("coarser").none(), nb::arg("out"));
}

}  // namespace jrecomp
