// The Python module _scan: the scan codec, counts of coefficients, and the processor's instruction sets.
// All data from files is checked here or by the codec.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/tuple.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "lists.hpp"
#include "require.hpp"
#include "scan.hpp"

namespace nb = nanobind;

namespace jrecomp {
namespace {

using Blocks = nb::ndarray<std::int16_t, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
// Blocks, blocks per MCU across and down, DC and AC table as in the DHT or DAC segment.
using Table = std::optional<nb::bytes>;
using Component = std::tuple<Blocks, int, int, Table, Table>;
using PyExtraneous = std::pair<std::int64_t, nb::bytes>;

// Checks a table. The result refers to the bytes.
HuffmanSpec checked_table(const Table& bytes) {
    require(bytes.has_value(), "the scan needs a Huffman table that is missing");
    const HuffmanSpec spec{static_cast<const std::uint8_t*>(bytes->data()), bytes->size()};
    require(spec.valid(), "invalid Huffman table");
    return spec;
}

// Checks an entry of a DAC segment (T.81 B.2.4.3): class and destination, and the parameters.
std::pair<int, int> checked_conditioning(const Table& bytes) {
    require(bytes.has_value() && bytes->size() == 2, "the scan needs conditioning that is missing");
    const std::uint8_t* const entry = static_cast<const std::uint8_t*>(bytes->data());
    require((entry[0] & 15) <= 3, "invalid conditioning");
    return {entry[0] & 15, entry[1]};
}

// A scan over the coefficient arrays that it is decoded into or encoded from; see _scan.pyi.
class PyScan {
public:
    // parameters: Ss, Se, Ah, Al.
    PyScan(bool arithmetic, bool progressive, std::tuple<int, int, int, int> parameters,
           std::int64_t mcu_columns, std::int64_t mcu_rows, const nb::sequence& list)
        : decoder_(scan_) {
        scan_.arithmetic = arithmetic;
        scan_.progressive = progressive;
        std::tie(scan_.ss, scan_.se, scan_.ah, scan_.al) = parameters;
        scan_.mcu_columns = mcu_columns;
        scan_.mcu_rows = mcu_rows;
        require(mcu_columns > 0 && mcu_rows > 0 && mcu_columns <= 65535 && mcu_rows <= 65535, "bad size");
        const std::vector<Component> components = items<Component>(list);
        require(!components.empty() && components.size() <= 4, "a scan has 1 to 4 components");
        const int start = scan_.ss;
        if (progressive) {
            require(start >= 0 && start <= scan_.se && scan_.se <= 63, "bad spectral selection");
            require(start != 0 || scan_.se == 0, "DC and AC coefficients share a scan");
            require(start == 0 || components.size() == 1,
                    "AC coefficients of several components share a scan");
            require(scan_.al >= 0 && scan_.al <= 13, "bad successive approximation");
        } else {
            require(parameters == std::make_tuple(0, 63, 0, 0), "bad parameters of a sequential scan");
        }
        for (const auto& [blocks, horizontal, vertical, dc, ac] : components) {
            require(horizontal >= 1 && horizontal <= 4 && vertical >= 1 && vertical <= 4,
                    "bad sampling factors");
            require(components.size() > 1 || horizontal * vertical == 1,
                    "a single component has MCUs of one block");
            require(blocks.shape(2) == 64, "blocks have 64 coefficients");
            require(mcu_rows * vertical <= static_cast<std::int64_t>(blocks.shape(0)) &&
                        mcu_columns * horizontal <= static_cast<std::int64_t>(blocks.shape(1)),
                    "the scan is larger than its component");
            ScanComponent& c = scan_.components.emplace_back();
            c.blocks = blocks.data();
            c.block_columns = static_cast<std::int64_t>(blocks.shape(1));
            c.horizontal = horizontal;
            c.vertical = vertical;
            if (start == 0 && scan_.ah == 0) set_dc_table(c, dc);
            if (start != 0 || !progressive) set_ac_table(c, ac);
            arrays_.push_back(blocks);
        }
    }
    PyScan(const PyScan&) = delete;
    PyScan& operator=(const PyScan&) = delete;

    std::pair<std::int64_t, std::int64_t> decode(const nb::bytes& data, std::int64_t begin, std::int64_t end,
                                                 std::int64_t first_mcu, std::int64_t restart_interval,
                                                 int first_restart) {
        require(0 <= begin && begin <= end && end <= static_cast<std::int64_t>(data.size()),
                "bad range of data");
        check_segment(first_mcu, 0, restart_interval, first_restart);
        const std::uint8_t* const bytes = static_cast<const std::uint8_t*>(data.data());
        const nb::gil_scoped_release released;
        const Decoded decoded =
            decoder_.decode(bytes + begin, bytes + end, first_mcu, restart_interval, first_restart);
        return {decoded.mcus, decoded.stop - bytes};
    }

    void finish() { choices_ = decoder_.choices(); }

    nb::tuple choices() const {
        nb::list extraneous;
        for (const Extraneous& e : choices_.extraneous)
            extraneous.append(nb::make_tuple(e.first, nb::bytes(e.second.data(), e.second.size())));
        return nb::make_tuple(choices_.padding_bit, list_of(choices_.padding), list_of(choices_.zero_runs),
                              choices_.max_eob_run, choices_.last_eob_run, list_of(choices_.eob_switches),
                              extraneous);
    }

    void set_choices(int padding_bit, const nb::sequence& padding_list, const nb::sequence& zero_runs_list,
                     int max_eob_run, int last_eob_run, const nb::sequence& eob_switches_list,
                     const nb::sequence& extraneous_list) {
        std::vector<Exception> padding = items<Exception>(padding_list);
        std::vector<Exception> zero_runs = items<Exception>(zero_runs_list);
        std::vector<std::int64_t> eob_switches = items<std::int64_t>(eob_switches_list);
        const std::vector<PyExtraneous> extraneous = items<PyExtraneous>(extraneous_list);
        require(padding_bit == 0 || padding_bit == 1, "bad padding bit");
        require(max_eob_run >= 1 && max_eob_run <= kMaxEobRun, "bad longest EOB run");
        require(last_eob_run >= 0 && last_eob_run <= kMaxEobRun, "bad last EOB run");
        for (const Exception& e : padding) require(e.second >= 0 && e.second <= 127, "bad padding");
        for (const Exception& e : zero_runs) require(e.second >= 1 && e.second <= 4, "bad zero runs");
        const auto by_index = [](const auto& a, const auto& b) { return a.first < b.first; };
        require(std::is_sorted(padding.begin(), padding.end(), by_index) &&
                    std::is_sorted(zero_runs.begin(), zero_runs.end(), by_index) &&
                    std::is_sorted(eob_switches.begin(), eob_switches.end()) &&
                    std::is_sorted(extraneous.begin(), extraneous.end(), by_index),
                "exceptions out of order");
        choices_ = Choices{padding_bit,  std::move(padding),      std::move(zero_runs), max_eob_run,
                           last_eob_run, std::move(eob_switches), {}};
        for (const PyExtraneous& e : extraneous)
            choices_.extraneous.emplace_back(e.first, std::string(e.second.c_str(), e.second.size()));
    }

    nb::bytes encode(std::int64_t first_mcu, std::int64_t mcus, std::int64_t restart_interval,
                     int first_restart, bool pad) const {
        check_segment(first_mcu, mcus, restart_interval, first_restart);
        std::vector<std::uint8_t> out;
        bool good;
        {
            const nb::gil_scoped_release released;
            good =
                encode_segment(scan_, choices_, first_mcu, mcus, restart_interval, first_restart, pad, out);
        }
        require(good, "the coefficients do not fit the scan's tables");
        return nb::bytes(out.data(), out.size());
    }

    nb::list symbol_counts() const {
        std::vector<ComponentCounts> counts;
        bool good;
        {
            const nb::gil_scoped_release released;
            good = count_symbols(scan_, counts);
        }
        require(good, "a coefficient is too large");
        nb::list result;
        for (const ComponentCounts& c : counts) result.append(nb::make_tuple(c.dc, c.ac));
        return result;
    }

private:
    void check_segment(std::int64_t first_mcu, std::int64_t mcus, std::int64_t restart_interval,
                       int first_restart) const {
        require(first_mcu >= 0 && mcus >= 0 && first_mcu <= scan_.mcus() && mcus <= scan_.mcus() - first_mcu,
                "segment out of range");
        require(restart_interval >= 0 && restart_interval <= 65535, "bad restart interval");
        require(first_restart >= 0 && first_restart <= 7, "bad restart number");
    }

    void set_dc_table(ScanComponent& component, const Table& table) const {
        if (scan_.arithmetic) {
            const auto [destination, bounds] = checked_conditioning(table);
            component.conditioning.dc_destination = destination;
            component.conditioning.lower = bounds & 15;
            component.conditioning.upper = bounds >> 4;
        } else {
            const HuffmanSpec spec = checked_table(table);
            component.dc_decoder = HuffmanDecoder(spec);
            component.dc_encoder = HuffmanEncoder(spec);
        }
    }

    void set_ac_table(ScanComponent& component, const Table& table) const {
        if (scan_.arithmetic) {
            std::tie(component.conditioning.ac_destination, component.conditioning.kx) =
                checked_conditioning(table);
        } else {
            const HuffmanSpec spec = checked_table(table);
            component.ac_decoder = HuffmanDecoder(spec);
            component.ac_encoder = HuffmanEncoder(spec);
        }
    }

    Scan scan_{};
    ScanDecoder decoder_;
    Choices choices_;
    std::vector<Blocks> arrays_;  // keeps the coefficients alive
};

using Counts = nb::ndarray<std::int64_t, nb::numpy, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// Adds to counts [64, largest + 1] how often each magnitude occurs at each zig-zag index; larger ones count
// as the largest.
void count_magnitudes(const Blocks& blocks, const Counts& counts) {
    require(blocks.shape(2) == 64 && counts.shape(0) == 64 && counts.shape(1) > 0, "bad shape");
    const nb::gil_scoped_release released;
    const std::size_t width = counts.shape(1);
    const int largest = static_cast<int>(std::min<std::size_t>(width - 1, 32768));
    const std::int16_t* value = blocks.data();
    const std::int16_t* const end = value + blocks.shape(0) * blocks.shape(1) * 64;
    for (std::int64_t* const first = counts.data(); value != end; value += 64)
        for (std::size_t k = 0; k < 64; ++k)
            ++first[k * width + static_cast<std::size_t>(std::min(std::abs(value[k]), largest))];
}

// Throws an exception, so that a thread has its storage for exceptions before memory is short: without that
// storage std::bad_alloc would end the process.
void prepare_thread() {
    try {
        throw std::bad_alloc();
    } catch (const std::bad_alloc&) {
    }
}

// Those instruction sets that the engine is built for (CMakeLists.txt) and this processor has.
nb::list instructions() {
    nb::list result;
#if defined(__x86_64__)
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                      __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
    if (avx2) result.append("avx2");
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512vbmi") &&
        __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512vnni"))
        result.append("avx512");
#endif
    return result;
}

}  // namespace
}  // namespace jrecomp

NB_MODULE(_scan, module) {
    using jrecomp::PyScan;
    module.def("instructions", &jrecomp::instructions);
    module.def("prepare_thread", &jrecomp::prepare_thread);
    module.def("count_magnitudes", &jrecomp::count_magnitudes, nb::arg("blocks").noconvert(),
               nb::arg("counts").noconvert());
    nb::class_<PyScan>(module, "Scan")
        .def(nb::init<bool, bool, std::tuple<int, int, int, int>, std::int64_t, std::int64_t,
                      const nb::sequence&>(),
             nb::arg("arithmetic"), nb::arg("progressive"), nb::arg("parameters"), nb::arg("mcu_columns"),
             nb::arg("mcu_rows"), nb::arg("components"))
        .def("decode", &PyScan::decode, nb::arg("data"), nb::arg("begin"), nb::arg("end"),
             nb::arg("first_mcu"), nb::arg("restart_interval"), nb::arg("first_restart"))
        .def("finish", &PyScan::finish)
        .def("choices", &PyScan::choices)
        .def("set_choices", &PyScan::set_choices, nb::arg("padding_bit"), nb::arg("padding"),
             nb::arg("zero_runs"), nb::arg("max_eob_run"), nb::arg("last_eob_run"), nb::arg("eob_switches"),
             nb::arg("extraneous"))
        .def("encode", &PyScan::encode, nb::arg("first_mcu"), nb::arg("mcus"), nb::arg("restart_interval"),
             nb::arg("first_restart"), nb::arg("pad"))
        .def("symbol_counts", &PyScan::symbol_counts);
}
