// The Python side of models of blocks.

#include <nanobind/stl/string.h>

#include <string>

#include "binding.hpp"
#include "block_coder.hpp"

namespace jrecomp {
namespace {

constexpr int kClasses = 3;

// The arrays of a component class, by name.
class Arrays {
public:
    explicit Arrays(const nb::dict& arrays) : arrays_(arrays) {}

    template <class T>
    std::vector<T> get(const char* name, std::size_t size) const {
        require(arrays_.contains(name), "an array of the model is missing");
        return copy(nb::cast<Array<T>>(arrays_[name]), size);
    }

    Rows rows(const char* name, std::size_t count) const {
        return Rows(get<std::int16_t>(name, 64 * count).data(), count);
    }

    Wide64 wide(const char* name, int count) const {
        Wide64 result{};
        const std::vector<std::int32_t> values = get<std::int32_t>(name, count);
        for (int i = 0; i < count; ++i) result[i] = values[i];
        return result;
    }

    PairProducts products(const char* name, int outputs, int values) const {
        return PairProducts(get<std::int16_t>(name, std::size_t{1} * outputs * values).data(), outputs, values);
    }

private:
    nb::dict arrays_;
};

std::vector<Wide64> with_zeros(const std::vector<std::int16_t>& weights) {
    std::vector<Wide64> pairs(64);
    for (int i = 0; i < 64 * 64; ++i) pairs[i / 64][i % 64] = static_cast<std::uint16_t>(weights[i]);
    return pairs;
}

class BlocksEngine {
public:
    BlocksEngine(const Array<std::uint16_t>& sigmoid, const Array<std::int16_t>& basis) {
        model_.tables.sigmoid = copy(sigmoid, 2 * kLogitLimit + 1);
        const std::vector<std::int16_t> values = copy(basis, 64 * kBasis);
        model_.basis.resize(64);
        for (int k = 0; k < 64; ++k) std::copy_n(values.begin() + k * kBasis, kBasis, model_.basis[k].begin());
    }

    void add_class(int number, const nb::dict& named) {
        require(number >= 0 && number < kClasses, "bad class");
        const Arrays arrays(named);
        BlockClass c;
        c.edge = arrays.products("edge", 64, kEdgeValues);
        c.within = with_zeros(arrays.get<std::int16_t>("within", 64 * 64));
        c.across = arrays.rows("across", 1);
        std::copy_n(arrays.get<std::int32_t>("bias", kHidden).begin(), kHidden, c.bias.begin());
        c.step_weight = arrays.get<std::int16_t>("step_weight", kStepInputs * kHidden);
        c.near = arrays.rows("near", kNear * 63 * kNearLevels);
        c.near_last = arrays.rows("near_last", kNear * 64);
        c.energy = arrays.rows("energy", kBands * kLevels);
        c.across_near = arrays.rows("across_near", 63 * kOwnLevels);
        c.own_last = arrays.rows("own_last", 64);
        c.last = arrays.products("last_weight", kNodes, kHidden);
        c.last_bias = arrays.wide("last_bias", kNodes);
        c.scale = arrays.products("scale_weight", 64, kHidden);
        c.scale_bias = arrays.wide("scale_bias", 64);
        c.own = arrays.rows("own", 63 * kOwnLevels);
        c.trust = arrays.get<std::int16_t>("trust", kReaches);
        c.length_slope = arrays.get<std::int16_t>("length_slope", kModelledLengths);
        c.length_trust = arrays.get<std::int16_t>("length_trust", kModelledLengths * 2 * kReaches);
        c.sign_start = arrays.get<std::int16_t>("sign_start", 64 * kReaches);
        model_.classes[number] = std::move(c);
    }

    nb::bytes encode(const KnownComponents& components) const {
        std::vector<BlockPart> parts;
        for (const auto& [steps, blocks] : components) {
            require(blocks.shape(2) == 64, "blocks have 64 coefficients");
            parts.push_back(part(steps, static_cast<int>(blocks.shape(0)), static_cast<int>(blocks.shape(1)),
                                 const_cast<std::int16_t*>(blocks.data())));  // not written
        }
        RangeEncoder coder;
        std::string bytes;
        {
            const nb::gil_scoped_release released;
            code(parts, coder);
            bytes = coder.finish();
        }
        return nb::bytes(bytes.data(), bytes.size());
    }

    nb::list decode(const Shapes& components, const nb::bytes& data) const {
        using Decoded = nb::ndarray<nb::numpy, std::int16_t, nb::ndim<3>>;
        std::vector<BlockPart> parts;
        nb::list result;
        for (const auto& [steps, rows, columns] : components) {
            parts.push_back(part(steps, rows, columns, nullptr));
            auto* blocks = new std::int16_t[64 * parts.back().at(rows, 0)]();
            const nb::capsule owner(blocks, [](void* p) noexcept { delete[] static_cast<std::int16_t*>(p); });
            parts.back().blocks = blocks;
            result.append(Decoded(blocks, {static_cast<std::size_t>(rows), static_cast<std::size_t>(columns), 64}, owner));
        }
        RangeDecoder coder(static_cast<const std::uint8_t*>(static_cast<const void*>(data.c_str())), data.size());
        {
            const nb::gil_scoped_release released;
            code(parts, coder);
        }
        return result;
    }

private:
    static BlockPart part(const std::vector<I64>& steps, int rows, int columns, std::int16_t* blocks) {
        require(steps.size() == 64 && rows > 0 && columns > 0 && I64{rows} * columns < 1 << 24, "bad component");
        for (const I64 step : steps) require(step >= 1 && step <= 65535, "bad quantization step");
        BlockPart part{{}, rows, columns, blocks, {}, {}};
        std::copy(steps.begin(), steps.end(), part.steps.begin());
        part.last.resize(part.at(rows, 0));
        return part;
    }

    template <class Coder>
    void code(std::vector<BlockPart>& parts, Coder& coder) const {
        if (parts.size() > 1) parts[0].magnitudes.resize(parts[0].last.size());
        for (std::size_t i = 0; i < parts.size(); ++i) {
            const BlockClass& weights = model_.classes[std::min<std::size_t>(i, kClasses - 1)];
            require(!weights.near.empty(), "the model lacks a class");
            const BlockPart* first = i >= 1 && covers(parts[0], parts[i]) ? &parts[0] : nullptr;
            const BlockPart* before = i >= 2 && alike(parts[i - 1], parts[i]) ? &parts[i - 1] : nullptr;
            BlockCoder<Coder>(model_, weights, parts[i], first, before, coder).run();
        }
    }

    static bool alike(const BlockPart& a, const BlockPart& b) { return a.rows == b.rows && a.columns == b.columns; }

    static bool covers(const BlockPart& fine, const BlockPart& coarse) {
        const auto ratio = [](int a, int b) { return a == b || a == 2 * b || a == 4 * b; };
        return ratio(fine.rows, coarse.rows) && ratio(fine.columns, coarse.columns);
    }

    BlockModel model_;
};

}  // namespace

void define_blocks(nb::module_& module) {
    nb::class_<BlocksEngine>(module, "BlocksEngine")
        .def(nb::init<const Array<std::uint16_t>&, const Array<std::int16_t>&>(), nb::arg("sigmoid"), nb::arg("basis"))
        .def("add_class", &BlocksEngine::add_class, nb::arg("number"), nb::arg("arrays"))
        .def("encode", &BlocksEngine::encode, nb::arg("components"))
        .def("decode", &BlocksEngine::decode, nb::arg("components"), nb::arg("data"));
}

}  // namespace jrecomp
