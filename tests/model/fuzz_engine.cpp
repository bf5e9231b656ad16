// Random coefficients and random bytes through the native engine: no sanitizer may complain, and what was
// encoded must decode to the same coefficients. By hand, with more rounds than test_sanitizers.py:
//
//   g++ -std=c++17 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -Wno-psabi
//       -I jrecomp/native/engine tests/model/fuzz_engine.cpp jrecomp/native/engine/ac_inputs.cpp
//       jrecomp/native/engine/inputs.cpp jrecomp/native/engine/network.cpp jrecomp/native/engine/planes.cpp
//       -o /tmp/fuzz_engine && /tmp/fuzz_engine 10000 1
//
// (one line; the arguments are rounds and seed).

#include "fuzz.hpp"

#include "network_sink.hpp"

using namespace jrecomp;

namespace {

template <class T>
std::vector<T> random_vector(std::size_t count, int low, int high) {
    std::vector<T> values(count);
    for (T& value : values) value = static_cast<T>(random_in(low, high));
    return values;
}

Dense random_dense(int inputs, int outputs, int offset) {
    const auto weights = random_vector<std::int8_t>(static_cast<std::size_t>(inputs) * outputs, -60, 60);
    const auto biases = random_vector<std::int32_t>(outputs, -5000, 5000);
    return Dense(weights.data(), biases.data(), inputs, outputs, offset, offset ? 127 : 255);
}

Network random_network(int inputs, const std::vector<int>& outputs) {
    const int first = random_in(1, 20), second = random_in(1, 20);  // also widths that need padding
    Network network{random_dense(inputs, first, kInputOffset), random_dense(first, second, 0), {}};
    for (const int count : outputs) network.outputs.push_back(random_dense(second, count, 0));
    return network;
}

Tables random_tables() {
    Tables tables;
    tables.log = random_vector<std::uint8_t>(kMagnitudes, 0, 127);
    tables.tanh.resize(kMagnitudes);
    for (std::uint64_t& values : tables.tanh)
        for (int s = 0; s < kScales; ++s)
            values = values << 8 | static_cast<std::uint64_t>(random_in(0, 127));
    tables.log2_mantissa = random_vector<std::int8_t>(16, -16, 0);
    tables.sigmoid = random_vector<std::uint16_t>(2 * kLogitLimit + 1, 1, 65535);
    tables.half = random_vector<std::int16_t>(64, -2000, 2000);
    tables.quarter = random_vector<std::int16_t>(64, -2000, 2000);
    return tables;
}

AcSelection random_selection(int k) {
    AcSelection selection;
    for (int i = random_in(1, 40); i > 0; --i) {
        const int kind = random_in(0, k > 1 ? 9 : 1);
        constexpr int kDirectSides[4] = {1, 3, 4, 6};
        selection.side.push_back(kind == 0   ? -1
                                 : kind == 1 ? kDirectSides[random_in(0, 3)]
                                             : random_in(-1, 7));
        selection.plane.push_back(kind == 0   ? random_in(kDifference, kPlanes - 1)
                                  : kind == 1 ? std::max(k, 1)
                                              : random_in(1, k - 1));
    }
    for (int i = random_in(0, 3); i > 0 && k > 1; --i) selection.nearest.push_back(random_in(1, k - 1));
    for (int& plane : selection.cross) plane = random_in(0, 63);
    return selection;
}

// linear: the largest weight of linear predictions, in units of 2^-12.
Model random_model(int linear) {
    Model model;
    model.tables = random_tables();
    for (int k = 0; k < 64; ++k) model.selections[k] = random_selection(k);
    for (int number = 0; number < kClasses; ++number) {
        ClassWeights& weights = model.classes[number];
        for (int plane = 0; plane <= kLastNetwork; ++plane) {
            const int known = plane % 64 ? static_cast<int>(model.selections[plane].plane.size()) : kSlots;
            // Inputs besides known values, as planes_module.cpp counts them.
            const int scalars = plane == 0 ? 9 : 23, each = plane == 0 ? 13 : plane == kLastNetwork ? 11 : 19;
            const bool last = plane == kLastNetwork;
            weights.networks.push_back(
                random_network(known + scalars + number * each,
                               last ? std::vector<int>{63} : std::vector<int>{2, kPerSign, kPerSign}));
            const int weight_count = plane ? 2 * known : kPhases * kSlots;
            if (!last) weights.linear.push_back(random_vector<I64>(weight_count, -linear, linear));
        }
    }
    return model;
}

struct Component {
    std::vector<I64> steps;
    int rows, columns;
};

std::vector<Component> random_components() {
    std::vector<Component> components(random_in(1, 4));
    const int mcu_rows = random_in(1, 3), mcu_columns = random_in(1, 5);
    for (Component& c : components) {
        const int kind = random_in(0, 2);
        for (int k = 0; k < 64; ++k)
            c.steps.push_back(kind == 0 ? 1 : kind == 1 ? 65535 : random_in(1, 65535));
        c.rows = mcu_rows * random_in(1, 4);
        c.columns = mcu_columns * random_in(1, 4);
    }
    return components;
}

// A component's coefficients [64][planes.size]. They are within +-32767, since the engine refuses others.
std::vector<std::int16_t> random_truth(const Planes& planes) {
    std::vector<std::int16_t> truth(64 * planes.size);
    const int kind = random_in(0, 3), density = random_in(0, 100);
    for (int k = 0; k < 64; ++k)
        for (int row = 0; row < planes.rows; ++row)
            for (int column = 0; column < planes.columns; ++column) {
                const int extreme = random_in(0, 1) ? 32767 : -32767;
                const int value = kind == 0   ? extreme
                                  : kind == 1 ? random_in(-3, 3)
                                              : random_in(-32767, 32767);
                if (random_in(1, 100) > density) continue;
                truth[k * planes.size + planes.block(row, column)] = static_cast<std::int16_t>(value);
            }
    return truth;
}

// truth: gets the random coefficients of each component that are encoded; null to decode. Returns all planes.
template <class Coder>
std::vector<Planes> walk(const Model& model, const std::vector<Component>& components,
                         std::vector<std::vector<std::int16_t>>* truth, Coder& coder) {
    std::vector<Planes> parts;
    std::deque<NetworkSink<Coder>> sinks;
    std::deque<Walk<NetworkSink<Coder>>> walks;
    const auto class_of = [](std::size_t i) { return std::min(static_cast<int>(i), kClasses - 1); };
    const auto refer = [&](std::size_t i, auto make) {
        parts[i].references.clear();
        for (int r = 0; r < class_of(i); ++r)
            parts[i].references.push_back(make(parts[r ? i - 1 : 0], parts[i], model.tables));
    };
    const auto truth_of = [&](std::size_t i) { return truth ? (*truth)[i].data() : nullptr; };
    for (const Component& c : components) parts.emplace_back(c.steps.data(), c.rows, c.columns);
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (truth) truth->push_back(random_truth(parts[i]));
        const ClassWeights& weights = model.classes[class_of(i)];
        sinks.emplace_back(model.tables, weights, coder);
        walks.emplace_back(model, weights, parts[i], sinks[i]);
        refer(i, make_dc_reference);
        walks[i].dc(truth_of(i));
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
        refer(i, make_reference);
        walks[i].rest(truth_of(i));
    }
    return parts;
}

void round_trip(const Model& model) {
    const std::vector<Component> components = random_components();
    std::vector<std::vector<std::int16_t>> truth;
    RangeEncoder encoder;
    walk(model, components, &truth, encoder);
    const std::string bytes = encoder.finish();
    RangeDecoder decoder(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    const std::vector<Planes> decoded = walk(model, components, nullptr, decoder);
    for (std::size_t i = 0; i < decoded.size(); ++i) {
        const Planes& planes = decoded[i];
        for (int k = 0; k < 64; ++k)
            for (int row = 0; row < planes.rows; ++row)
                for (int column = 0; column < planes.columns; ++column) {
                    const int b = planes.block(row, column);
                    if (planes.plane(k)[b] != truth[i][k * planes.size + b]) {
                        std::fprintf(stderr, "not the same coefficients\n");
                        std::abort();
                    }
                }
    }
}

// Returns whether the bytes decoded to something.
bool decode_damage(const Model& model) {
    const auto bytes = random_vector<std::uint8_t>(random_in(1, 300), 0, random_in(0, 255));
    RangeDecoder decoder(bytes.data(), bytes.size());
    try {
        walk(model, random_components(), nullptr, decoder);
        return true;
    } catch (const Damaged&) {
        return false;
    }
}

}  // namespace

int main(int count, char** arguments) {
    run_rounds(count, arguments, [] {
        round_trip(random_model(500));              // predicts DC within twice the range of a coefficient
        return decode_damage(random_model(32767));  // such weights do not come from training
    });
}
