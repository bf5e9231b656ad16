// The Python module of an engine: its definition, Engine (models of planes), SliceEncoder and SliceDecoder.

#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <numeric>
#include <optional>

#include "binding.hpp"
#include "logit_coder.hpp"
#include "network_sink.hpp"
#include "sample_sink.hpp"
#include "sharing.hpp"
#include "team.hpp"

namespace jrecomp {
namespace {

// Planes and sides of known values, planes of energies, planes of references; see AcSelection.
using Selection = std::tuple<nb::sequence, nb::sequence, nb::sequence, std::array<int, 5>>;

constexpr int kMostComponents = 255;  // of a frame (T.81 B.2.2)

// Inputs besides known values: those independent of references, and those for each reference.
constexpr int kDcScalars = 2 + kPhases, kDcPerReference = 13;
constexpr int kLastScalars = 16 + kPhases, kLastPerReference = 11;

// Splits an array into consecutive pieces.
template <class T>
class Reader {
public:
    explicit Reader(const Array<T>& array) : at_(array.data()), end_(at_ + array.size()) {}

    // The next `count` entries; throws std::invalid_argument where there are fewer.
    const T* take(std::size_t count) {
        require(count <= static_cast<std::size_t>(end_ - at_), "weights do not fit the network");
        at_ += count;
        return at_ - count;
    }

    bool empty() const { return at_ == end_; }

private:
    const T *at_, *end_;
};

// A NumPy array that owns a vector's memory.
template <class T>
nb::ndarray<nb::numpy, T> moved(std::vector<T>&& values, std::vector<std::size_t> shape) {
    auto* kept = new std::vector<T>(std::move(values));
    const nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
    return nb::ndarray<nb::numpy, T>(kept->data(), shape.size(), shape.data(), owner);
}

// A LogitCoder that has its own tables, for NumPy arrays; see _SliceCoder in _engine.pyi.
template <class Coder>
class SliceCoder {
public:
    using Phase = nb::ndarray<const std::int16_t, nb::ndim<2>, nb::device::cpu>;
    using Known = std::optional<Array<I64>>;

    SliceCoder(const Array<std::uint16_t>& sigmoid, Coder coder)
        : tables_(std::make_unique<Tables>()),
          coder_(*tables_, std::move(coder)) {
        tables_->sigmoid = copy(sigmoid, 2 * kLogitLimit + 1);
    }

    void select(int component) {
        require(0 <= component && component < kMostComponents, "bad component");
        coder_.select(component);
    }

    nb::ndarray<nb::numpy, I64> values(int plane, const Phase& logits, const Known& truth,
                                       const Array<bool>& known_nonzero) {
        const std::size_t count = known_nonzero.size();
        const LogitRows view = checked(logits, kValueOutputs, count);
        std::vector<I64> values = start(truth, count);
        {
            const std::vector<char> nonzero(known_nonzero.data(), known_nonzero.data() + count);
            const nb::gil_scoped_release released;
            coder_.values(plane, view, values, nonzero);
        }
        return moved(std::move(values), {count});
    }

    nb::ndarray<nb::numpy, I64> last(const Phase& logits, const Known& truth) {
        const std::size_t count = logits.shape(1);
        const LogitRows view = checked(logits, kLastOutputs, count);
        std::vector<I64> values = start(truth, count);
        {
            const nb::gil_scoped_release released;
            coder_.last(view, values);
        }
        return moved(std::move(values), {count});
    }

    // Codes the values of a phase of a component that lie from `start` to `end`, of a plane or with number 64 of
    // `last`; see code_phase() in _engine.pyi. A coder whose data are damaged codes nothing any more.
    void part(int component, int plane, const LogitRows& logits, std::int32_t* values, std::size_t start,
              std::size_t end) {
        coder_.select(component);
        std::vector<I64> coded(end - start);
        std::vector<char> nonzero(end - start);
        for (std::size_t i = 0; i < coded.size(); ++i) {
            coded[i] = values[start + i] >> 1;
            nonzero[i] = values[start + i] & 1;
        }
        const LogitRows rows{logits.data + start, logits.stride};
        try {
            if (damaged_)
                std::fill(coded.begin(), coded.end(), 0);
            else if (plane == kLastNetwork)
                coder_.last(rows, coded);
            else
                coder_.values(plane, rows, coded, nonzero);
        } catch (const Damaged&) {
            damaged_ = true;
        }
        for (std::size_t i = 0; i < coded.size(); ++i)
            values[start + i] = static_cast<std::int32_t>(coded[i]);
    }

    bool damaged() const { return damaged_; }

    Coder& coder() { return coder_.coder(); }

private:
    static LogitRows checked(const Phase& logits, std::size_t outputs, std::size_t count) {
        require(logits.shape(0) == outputs && logits.shape(1) == count, "logits have the wrong shape");
        require(count < 2 || logits.stride(1) == 1, "logits of an output must lie side by side");
        return {logits.data(), logits.stride(0)};
    }

    static std::vector<I64> start(const Known& truth, std::size_t count) {
        if (!truth) return std::vector<I64>(count);
        require(truth->size() == count, "values have the wrong size");
        return {truth->data(), truth->data() + count};
    }

    std::unique_ptr<Tables> tables_;
    LogitCoder<Coder> coder_;
    bool damaged_ = false;
};

using Logits = nb::ndarray<const std::int16_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Coded = nb::ndarray<std::int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Fewest values that are worth a thread.
constexpr std::size_t kShare = 512;

// Codes the parts of a phase, each with its coder, those with most values first.
template <class Coder>
void code_phase(const nb::sequence& coder_list, int component, int plane, const Logits& logits,
                const Coded& values, const nb::sequence& start_list, Team& team) {
    const auto coders = items<SliceCoder<Coder>*>(coder_list);
    const auto starts = items<std::size_t>(start_list);
    const std::size_t outputs = plane == kLastNetwork ? kLastOutputs : kValueOutputs;
    require(0 <= component && component < kMostComponents, "bad component");
    require(0 <= plane && plane <= kLastNetwork, "bad plane");
    require(logits.shape(0) == outputs && logits.shape(1) == values.size(), "logits have the wrong shape");
    require(starts.size() == coders.size() + 1 && starts.back() <= values.size() &&
                std::is_sorted(starts.begin(), starts.end()),
            "the parts do not fit");
    const LogitRows view{logits.data(), static_cast<std::int64_t>(logits.shape(1))};
    std::int32_t* const all = values.data();
    const nb::gil_scoped_release released;
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < coders.size(); ++i)
        if (starts[i] < starts[i + 1]) order.push_back(i);
    const auto count = [&](std::size_t i) { return starts[i + 1] - starts[i]; };
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return count(a) > count(b); });
    const std::size_t shares = std::min(order.size(), values.size() / kShare);
    team.run(order.size(), shares ? shares - 1 : 0, [&](std::size_t place) {
        const std::size_t i = order[place];
        coders[i]->part(component, plane, view, all, starts[i], starts[i + 1]);
    });
}

template <class Coder>
nb::class_<SliceCoder<Coder>> define_coder(nb::module_& module, const char* name) {
    using Defined = SliceCoder<Coder>;
    module.def("code_phase", &code_phase<Coder>, nb::arg("coders"), nb::arg("component"), nb::arg("plane"),
               nb::arg("logits"), nb::arg("values").noconvert(), nb::arg("starts"), nb::arg("team"));
    return nb::class_<Defined>(module, name)
        .def("select", &Defined::select, nb::arg("component"))
        .def("values", &Defined::values, nb::arg("plane"), nb::arg("logits"), nb::arg("truth").none(),
             nb::arg("known_nonzero"))
        .def("last", &Defined::last, nb::arg("logits"), nb::arg("truth").none())
        .def_prop_ro("damaged", &Defined::damaged);
}

void define_coders(nb::module_& module) {
    using Encoder = SliceCoder<RangeEncoder>;
    using Decoder = SliceCoder<RangeDecoder>;
    nb::class_<Team>(module, "Team").def(nb::init<std::size_t>(), nb::arg("helpers"));
    define_coder<RangeEncoder>(module, "SliceEncoder")
        .def(
            "__init__",
            [](Encoder* self, const Array<std::uint16_t>& sigmoid) {
                new (self) Encoder(sigmoid, RangeEncoder());
            },
            nb::arg("sigmoid"))
        .def("finish", [](Encoder& self) {
            const std::string bytes = self.coder().finish();
            return nb::bytes(bytes.data(), bytes.size());
        });
    define_coder<RangeDecoder>(module, "SliceDecoder")
        .def(
            "__init__",
            [](Decoder* self, const Array<std::uint16_t>& sigmoid, const nb::bytes& data) {
                new (self) Decoder(sigmoid,
                                   RangeDecoder(static_cast<const std::uint8_t*>(data.data()), data.size()));
            },
            nb::arg("sigmoid"), nb::arg("data"), nb::keep_alive<1, 3>());
}

// The sum of magnitudes.
int magnitude(const std::int16_t* values, int count) {
    return std::accumulate(values, values + count, 0,
                           [](int sum, int value) { return sum + std::abs(value); });
}

// Whether an input of AC plane k is known to a decoder: no block may depend on others of its phase. side: an
// index of kAround, or -1.
bool is_known(int k, int plane, int side) {
    if (side < -1 || side > 7 || plane < 1 || plane >= kPlanes) return false;
    const bool direct = side >= 0 && (kAround[side][0] == 0 || kAround[side][1] == 0);
    return plane < k || (plane == k && direct) || (plane >= kDifference && side == -1);
}

// A model of planes; see Engine in _engine.pyi.
class Engine {
public:
    Engine(const Array<std::uint8_t>& log, const Array<std::int8_t>& tanh,
           const Array<std::int8_t>& log2_mantissa, const Array<std::uint16_t>& sigmoid,
           const Array<std::int16_t>& half, const Array<std::int16_t>& quarter,
           const nb::sequence& selection_list) {
        const std::vector<Selection> selections = items<Selection>(selection_list);
        Tables& t = model_.tables;
        t.log = copy(log, kMagnitudes);
        const std::vector<std::int8_t> views = copy(tanh, kScales * kMagnitudes);
        t.tanh.resize(kMagnitudes);
        for (int i = 0; i < kScales * kMagnitudes; ++i)
            t.tanh[i % kMagnitudes] |= std::uint64_t{static_cast<std::uint8_t>(views[i])}
                                       << 8 * (i / kMagnitudes);
        t.log2_mantissa = copy(log2_mantissa, 16);
        t.sigmoid = copy(sigmoid, 2 * kLogitLimit + 1);
        t.half = copy(half, 64);
        t.quarter = copy(quarter, 64);
        for (const auto* matrix : {&t.half, &t.quarter})
            for (int i = 0; i < 64; i += 8)
                require(magnitude(&(*matrix)[i], 8) < 1 << 14, "a row of a resampling matrix is too large");
        require(selections.size() == 64, "64 selections are needed");
        for (int k = 0; k < 64; ++k) {
            AcSelection& s = model_.selections[k];
            const auto& [plane, side, nearest, cross] = selections[k];
            s.plane = items<int>(plane);
            s.side = items<int>(side);
            s.nearest = items<int>(nearest);
            s.cross = cross;
            require(s.plane.size() == s.side.size(), "a selection is uneven");
            for (std::size_t i = 0; i < s.plane.size(); ++i)
                require(is_known(std::max(k, 1), s.plane[i], s.side[i]), "bad input");
            for (const int plane : s.nearest) require(plane >= 0 && plane < 64, "bad plane");
            for (const int plane : s.cross) require(plane >= 0 && plane < 64, "bad plane");
        }
    }

    void add_class(int number, int first_width, int second_width, const Array<std::uint8_t>& networks,
                   const Array<std::int8_t>& weights, const Array<std::int32_t>& biases,
                   const Array<std::int16_t>& linear) {
        require(number >= 0 && number < kClasses, "bad class");
        require(first_width > 0 && first_width <= 4096 && second_width > 0 && second_width <= 4096,
                "bad width");
        require(networks.size() == kLastNetwork + 1,
                "the weights do not fit: not every plane has a network");
        Reader<std::int8_t> w(weights);
        Reader<std::int32_t> b(biases);
        Reader<std::int16_t> l(linear);
        ClassWeights result;
        result.networks.resize(kLastNetwork + 1);
        for (const std::vector<int>& planes : groups_of(networks.data()))
            read_network(number, first_width, second_width, planes, w, b, result.networks);
        for (int plane = 0; plane < 64; ++plane) {
            const std::size_t count = plane ? 2 * model_.selections[plane].plane.size() : kPhases * kSlots;
            const std::int16_t* from = l.take(count);
            for (int phase = 0; plane == 0 && phase < kPhases; ++phase)
                require(magnitude(from + phase * kSlots, kSlots) <= 3 << 12,
                        "a prediction of DC can be too large");
            result.linear.emplace_back(from, from + count);
        }
        require(w.empty() && b.empty() && l.empty(), "weights do not fit the network");
        model_.classes[number] = std::move(result);
    }

    nb::bytes encode(const nb::sequence& components) const {
        const std::vector<KnownComponent> known = items<KnownComponent>(components);
        std::vector<Part> parts = known_parts(known);
        return encoded([&](RangeEncoder& coder) { code(parts, coder); });
    }

    void decode(const nb::sequence& components, const nb::bytes& data, int highest) const {
        require(0 <= highest && highest <= kHighest, "bad index of a coefficient");
        const std::vector<FilledComponent> filled = items<FilledComponent>(components, false);
        std::vector<Part> parts;
        for (const auto& [steps, blocks] : filled) parts.push_back(make_part(steps, blocks));
        RangeDecoder coder(static_cast<const std::uint8_t*>(data.data()), data.size());
        const nb::gil_scoped_release released;
        code(parts, coder, highest);
        for (std::size_t i = 0; i < parts.size(); ++i)
            fill(parts[i].planes, std::get<1>(filled[i]).data());
    }

    // Inputs, targets and known_nonzero of a share of the blocks, per component and network. shares: per
    // class and network.
    nb::list collect(const nb::sequence& components, const nb::sequence& share_lists, std::uint64_t seed) const {
        std::vector<std::vector<double>> shares;
        for (const auto& list : items<nb::sequence>(share_lists)) shares.push_back(items<double>(list));
        require(shares.size() == kClasses, "shares of each class are needed");
        for (const auto& row : shares)
            require(row.size() == kLastNetwork + 1, "shares of each network are needed");
        const std::vector<KnownComponent> known = items<KnownComponent>(components);
        std::vector<Part> parts = known_parts(known);
        std::vector<SampleSink> sinks;
        for (std::size_t i = 0; i < parts.size(); ++i) {
            std::vector<int> widths;
            for (int plane = 0; plane <= kLastNetwork; ++plane)
                widths.push_back(inputs_of(plane, class_of(i)));
            sinks.emplace_back(shares[class_of(i)], widths, seed + i);
        }
        {
            const nb::gil_scoped_release released;
            walk(parts, [&](std::size_t i) -> SampleSink& { return sinks[i]; });
        }
        nb::list result;
        for (SampleSink& sink : sinks) {
            nb::list networks;
            for (Samples& s : sink.samples) {
                const std::size_t count = s.targets.size(), width = s.width;
                networks.append(nb::make_tuple(moved(std::move(s.inputs), {count, width}),
                                               moved(std::move(s.targets), {count}),
                                               moved(std::move(s.known_nonzero), {count})));
            }
            result.append(networks);
        }
        return result;
    }

private:
    struct Part {
        Planes planes;
        const std::int16_t* source;  // [rows][columns][64], null to decode
    };

    static int class_of(std::size_t component) {
        return static_cast<int>(std::min<std::size_t>(component, kClasses - 1));
    }

    // The number of references of components of a class.
    static int references_of(int number) { return number; }

    // Reads a network and copies it to each of its planes.
    void read_network(int number, int first_width, int second_width, const std::vector<int>& planes,
                      Reader<std::int8_t>& w, Reader<std::int32_t>& b, std::vector<Network>& to) const {
        const int plane = planes[0], alone = inputs_of(plane, number);
        std::optional<SharedInputs> shared;
        if (planes.size() > 1) shared.emplace(model_.selections, planes);
        const int inputs =
            shared ? shared->count() + alone - static_cast<int>(model_.selections[plane].plane.size()) : alone;
        const std::int8_t* weight = w.take(static_cast<std::size_t>(first_width) * inputs);
        const std::int32_t* bias = b.take(planes.size() * first_width);
        const auto dense = [&](int columns, int rows) {
            return Dense(w.take(static_cast<std::size_t>(rows) * columns), b.take(rows), columns, rows, 0, 255);
        };
        Network network{Dense(), dense(first_width, second_width), {}};
        if (plane == kLastNetwork) {
            network.outputs.push_back(dense(second_width, kLastOutputs));
        } else {
            for (const int outputs : {2, kPerSign, kPerSign})
                network.outputs.push_back(dense(second_width, outputs));
        }
        for (const int each : planes) {
            std::vector<std::int8_t> own;
            if (shared) own = shared->layer_of(each, weight, inputs, first_width);
            network.first = Dense(shared ? own.data() : weight, bias, inputs_of(each, number), first_width,
                                  kInputOffset, 127);
            bias += first_width;
            to[each] = network;
        }
    }

    // The number of inputs of a network.
    int inputs_of(int plane, int number) const {
        const int references = references_of(number);
        if (plane == 0) return kSlots + kDcScalars + references * kDcPerReference;
        if (plane == kLastNetwork) return kSlots + kLastScalars + references * kLastPerReference;
        return static_cast<int>(model_.selections[plane].plane.size()) + kAcScalars +
               references * kAcPerReference;
    }

    template <class Array>
    static Part make_part(const nb::sequence& list, const Array& blocks) {
        const std::vector<I64> steps = items<I64>(list);
        const I64 rows = blocks.shape(0), columns = blocks.shape(1);
        check_component(steps, blocks);
        require((rows + 2 * kBorder) * (columns + 2 * kBorder) < 1 << 24, "the slice is too large");
        return {Planes(steps.data(), static_cast<int>(rows), static_cast<int>(columns)), nullptr};
    }

    static std::vector<Part> known_parts(const std::vector<KnownComponent>& components) {
        std::vector<Part> parts;
        for (const auto& [steps, blocks] : components) {
            parts.push_back(make_part(steps, blocks));
            parts.back().source = blocks.data();
        }
        return parts;
    }

    template <class Coder>
    void code(std::vector<Part>& parts, Coder& coder, int highest = kHighest) const {
        std::deque<NetworkSink<Coder>> sinks;
        for (std::size_t i = 0; i < parts.size(); ++i)
            sinks.emplace_back(model_.tables, model_.classes[class_of(i)], coder);
        walk(parts, [&](std::size_t i) -> NetworkSink<Coder>& { return sinks[i]; }, highest);
    }

    // Processes all components in coding order; sink_of(i) is the sink of component i. highest: the AC planes
    // of the first component above this index are not processed, nor are AC planes of others below kHighest.
    template <class SinkOf>
    void walk(std::vector<Part>& parts, SinkOf sink_of, int highest = kHighest) const {
        using Sink = std::remove_reference_t<decltype(sink_of(std::size_t{}))>;
        std::deque<Walk<Sink>> walks;
        const auto truth_of = [&](const Part& part, int count) {
            return part.source ? bordered(part.planes, part.source, count) : std::vector<std::int16_t>();
        };
        const auto data_of = [](const auto& truth) { return truth.empty() ? nullptr : truth.data(); };
        for (std::size_t i = 0; i < parts.size(); ++i) {
            require(!model_.classes[class_of(i)].networks.empty(), "the model lacks a class");
            walks.emplace_back(model_, model_.classes[class_of(i)], parts[i].planes, sink_of(i));
            refer(parts, i, make_dc_reference);
            walks[i].dc(data_of(truth_of(parts[i], 1)));
            parts[i].planes.references.clear();
        }
        const std::size_t count = highest == 0 ? 0 : highest == kHighest ? parts.size() : 1;
        for (std::size_t i = 0; i < count; ++i) {
            refer(parts, i, make_reference);
            walks[i].rest(data_of(truth_of(parts[i], 64)), highest);
            parts[i].planes.references.clear();
        }
    }

    // Sets the references of component i.
    template <class Make>
    void refer(std::vector<Part>& parts, std::size_t i, Make make) const {
        Planes& planes = parts[i].planes;
        for (int r = 0; r < references_of(class_of(i)); ++r)
            planes.references.push_back(make(parts[r ? i - 1 : 0].planes, planes, model_.tables));
    }

    // Calls use(k, b, at) for each coefficient k < planes_used, with its block's index b in a plane and its index in
    // [rows][columns][64]. It goes by tiles of few blocks, for the sake of caches.
    template <class Use>
    static void by_tiles(const Planes& planes, int planes_used, Use use) {
        constexpr int kTile = 32;
        for (int row = 0; row < planes.rows; ++row)
            for (int start = 0; start < planes.columns; start += kTile)
                for (int k = 0; k < planes_used; ++k)
                    for (int column = start; column < std::min(start + kTile, planes.columns); ++column)
                        use(k, planes.block(row, column),
                            (static_cast<std::size_t>(row) * planes.columns + column) * 64 + k);
    }

    // The first coefficients [count][planes.size] of blocks [rows][columns][64].
    static std::vector<std::int16_t> bordered(const Planes& planes, const std::int16_t* blocks, int count) {
        std::vector<std::int16_t> truth(count * planes.size);
        by_tiles(planes, count,
                 [&](int k, int b, std::size_t at) { truth[k * planes.size + b] = blocks[at]; });
        return truth;
    }

    // The inverse of bordered(), for all coefficients.
    static void fill(const Planes& planes, std::int16_t* blocks) {
        by_tiles(planes, 64, [&](int k, int b, std::size_t at) { blocks[at] = planes.plane(k)[b]; });
    }

    Model model_;
};

}  // namespace
}  // namespace jrecomp

NB_MODULE(JRECOMP_ENGINE, module) {
    nb::set_leak_warnings(false);  // Python keeps models until the process ends
    using jrecomp::Engine;
    nb::exception<jrecomp::Damaged>(module, "Damaged", PyExc_ValueError);
    jrecomp::define_coders(module);
    jrecomp::define_blocks(module);
    nb::class_<Engine>(module, "Engine")
        .def(nb::init<const jrecomp::Array<std::uint8_t>&, const jrecomp::Array<std::int8_t>&,
                      const jrecomp::Array<std::int8_t>&, const jrecomp::Array<std::uint16_t>&,
                      const jrecomp::Array<std::int16_t>&, const jrecomp::Array<std::int16_t>&,
                      const nb::sequence&>(),
             nb::arg("log"), nb::arg("tanh"), nb::arg("log2_mantissa"), nb::arg("sigmoid"), nb::arg("half"),
             nb::arg("quarter"), nb::arg("selections"))
        .def("add_class", &Engine::add_class, nb::arg("number"), nb::arg("first_width"),
             nb::arg("second_width"), nb::arg("networks"), nb::arg("weights"), nb::arg("biases"), nb::arg("linear"))
        .def("encode", &Engine::encode, nb::arg("components"))
        .def("decode", &Engine::decode, nb::arg("components"), nb::arg("data"),
             nb::arg("highest") = jrecomp::kHighest)
        .def("collect", &Engine::collect, nb::arg("components"), nb::arg("shares"), nb::arg("seed"));
}
