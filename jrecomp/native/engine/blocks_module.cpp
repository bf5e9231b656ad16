// The Python class BlocksEngine: models of blocks.

#include "binding.hpp"
#include "block_coder.hpp"

namespace jrecomp {
namespace {

// The offsets of `last` in the order of weights files: for each node those of cells and those of neighbours.
using LastOffsets = std::array<std::array<std::uint32_t, kCells + kNearLasts * kNearLasts>, kNodes>;

// The arrays of a component class by name. All functions throw std::invalid_argument unless an array has the
// size that they are given.
class Arrays {
public:
    explicit Arrays(const nb::dict& arrays) : arrays_(arrays) {}

    template <class T>
    std::vector<T> get(const char* name, std::size_t size) const {
        require(arrays_.contains(name), "an array of the model is missing");
        return copy(nb::cast<Array<T>>(arrays_[name]), size);
    }

    Rows<Hidden> hidden(const char* name, std::size_t count) const {
        return Rows<Hidden>(get<std::int16_t>(name, count * kHidden));
    }

    // The rows of all neighbours next to each other.
    Rows<Hidden> near() const {
        constexpr int kRows = 63 * kNearLevels;
        const std::vector<std::int16_t> values = get<std::int16_t>("near", kNear * kRows * kHidden);
        std::vector<std::int16_t> together(values.size());
        for (int n = 0; n < kNear; ++n)
            for (int i = 0; i < kRows; ++i)
                std::copy_n(&values[(n * kRows + i) * kHidden], kHidden,
                            &together[(i * kNear + n) * kHidden]);
        return Rows<Hidden>(together);
    }

    Wide64 wide(const char* name, int count) const {
        Wide64 result{};
        const std::vector<std::int32_t> values = get<std::int32_t>(name, count);
        for (int i = 0; i < count; ++i) result[i] = values[i];
        return result;
    }

    PairProducts products(const char* name, int outputs, int values) const {
        return PairProducts(get<std::int16_t>(name, std::size_t{1} * outputs * values).data(), outputs,
                            values);
    }

    // Terms from entries, each multiplied by `unit`.
    template <class T>
    void terms(const char* name, int unit, std::uint32_t* to, std::size_t count) const {
        const std::vector<T> entries = get<T>(name, count);
        for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<std::uint32_t>(unit * entries[i]);
    }

    std::unique_ptr<Offsets> offsets() const {
        constexpr int kUnit = 1 << 12;  // of entries of 8 bits
        auto o = std::make_unique<Offsets>();
        terms<std::int8_t>("offset", kUnit, o->rows[0], kRows * kSlots);
        terms<std::int8_t>("bit_offset", kUnit, o->bits[0], kBitRows * kBitSlots);
        terms<std::int8_t>("index_bit_offset", kUnit, o->index_bits[0], 64 * kIndexBits);
        LastOffsets last;
        terms<std::int8_t>("last_offset", kUnit, last[0].data(), kNodes * last[0].size());
        for (int n = 0; n < kNodes; ++n) {
            std::copy_n(last[n].begin(), kCells, o->last_cells[n]);
            for (int i = 0; i < kNearLasts * kNearLasts; ++i)
                o->last_near[i][n] = static_cast<std::int32_t>(last[n][kCells + i]);
        }
        o->last_gain = wide("last_gain", kNodes);
        o->last_intercept = wide("last_intercept", kNodes);
        const std::vector<std::int32_t> gains = get<std::int32_t>("gain", kSets * kSlots);
        const std::vector<std::int32_t> intercepts = get<std::int32_t>("intercept", kSets * kSlots);
        for (int i = 0; i < kSets * kSlots; ++i)
            o->factors[i / kSlots][i % kSlots] = {static_cast<std::uint32_t>(gains[i]),
                                                  static_cast<std::uint32_t>(intercepts[i])};
        return o;
    }

private:
    nb::dict arrays_;
};

// Weights [64][64] as pairs (weight, 0). Those of coefficients that are not known yet are 0.
std::vector<Wide64> with_zeros(const std::vector<std::int16_t>& weights) {
    std::vector<Wide64> pairs(64);
    for (int j = 1; j < 64; ++j)
        for (int k = 0; k < 64; ++k)
            pairs[j][k] = k == 0 || k > j ? static_cast<std::uint16_t>(weights[64 * j + k]) : 0;
    return pairs;
}

class BlocksEngine {
public:
    BlocksEngine(const Array<std::uint16_t>& sigmoid, const Array<std::int16_t>& basis) {
        model_.tables.sigmoid = copy(sigmoid, 2 * kLogitLimit + 1);
        const std::vector<std::int16_t> values = copy(basis, 64 * kBasis);
        model_.basis.resize(64);
        for (int k = 0; k < 64; ++k)
            std::copy_n(values.begin() + k * kBasis, kBasis, model_.basis[k].begin());
    }

    void add_class(int number, const nb::dict& named) {
        require(number >= 0 && number < kClasses, "bad class");
        const Arrays arrays(named);
        BlockClass c;
        c.edge = arrays.products("edge", 64, kEdgeValues);
        c.within = with_zeros(arrays.get<std::int16_t>("within", 64 * 64));
        c.across = arrays.get<std::int16_t>("across", 64);
        std::copy_n(arrays.get<std::int32_t>("bias", kHidden).begin(), kHidden, c.bias.begin());
        c.step_weight = arrays.get<std::int16_t>("step_weight", kStepInputs * kHidden);
        c.near = arrays.near();
        c.near_last = arrays.hidden("near_last", kNear * 64);
        c.energy = arrays.hidden("energy", kBands * kLevels);
        c.across_near = arrays.hidden("across_near", 63 * kOwnLevels);
        c.own_last = arrays.hidden("own_last", 64);
        c.last = arrays.products("last_weight", kNodes, kHidden);
        c.last_bias = arrays.wide("last_bias", kNodes);
        c.scale = arrays.products("scale_weight", 64, kHidden);
        c.scale_bias = arrays.wide("scale_bias", 64);
        c.own = Rows<Scales>(arrays.get<std::int16_t>("own", 63 * kOwnLevels * 64));
        c.trust = arrays.get<std::int16_t>("trust", kTrainedConfidences);
        c.length_slope = arrays.get<std::int16_t>("length_slope", kModelledLengths);
        c.length_trust = arrays.get<std::int16_t>("length_trust", kModelledLengths * 2 * kTrainedConfidences);
        c.sign_start = arrays.get<std::int16_t>("sign_start", 64 * kTrainedConfidences);
        c.offsets = arrays.offsets();
        model_.classes[number] = std::move(c);
    }

    nb::bytes encode(const nb::sequence& components) const {
        const std::vector<KnownComponent> kept = items<KnownComponent>(components);
        std::vector<BlockPart> parts = known(kept);
        return encoded([&](RangeEncoder& coder) { code(parts, coder, [](int, const Offsets&) {}); });
    }

    // Encodes, and begins with what was learned from then on.
    nb::bytes learn(const nb::sequence& components) {
        const std::vector<KnownComponent> kept = items<KnownComponent>(components);
        std::vector<BlockPart> parts = known(kept);
        const auto keep = [&](int number, const Offsets& learned) {
            *model_.classes[number].offsets = learned;
        };
        return encoded([&](RangeEncoder& coder) { code(parts, coder, keep); });
    }

    // The offsets of a class, by name: arrays of 32-bit integers, as bytes.
    nb::dict offsets(int number) const {
        require(number >= 0 && number < kClasses && model_.classes[number].offsets, "bad class");
        const Offsets& o = *model_.classes[number].offsets;
        nb::dict arrays;
        arrays["offset"] = nb::bytes(o.rows, sizeof(o.rows));
        arrays["bit_offset"] = nb::bytes(o.bits, sizeof(o.bits));
        arrays["index_bit_offset"] = nb::bytes(o.index_bits, sizeof(o.index_bits));
        LastOffsets last;
        for (int n = 0; n < kNodes; ++n) {
            std::copy_n(o.last_cells[n], kCells, last[n].begin());
            for (int i = 0; i < kNearLasts * kNearLasts; ++i)
                last[n][kCells + i] = static_cast<std::uint32_t>(o.last_near[i][n]);
        }
        std::array<std::int32_t, 2 * kNodes> last_factors;
        for (int n = 0; n < kNodes; ++n) {
            last_factors[2 * n] = o.last_gain[n];
            last_factors[2 * n + 1] = o.last_intercept[n];
        }
        arrays["last_offset"] = nb::bytes(last.data(), sizeof(last));
        arrays["factors"] = nb::bytes(o.factors, sizeof(o.factors));
        arrays["last_factors"] = nb::bytes(last_factors.data(), sizeof(last_factors));
        return arrays;
    }

    void decode(const nb::sequence& components, const nb::bytes& data) const {
        const std::vector<FilledComponent> filled = items<FilledComponent>(components, false);
        std::vector<BlockPart> parts;
        for (const auto& [steps, blocks] : filled) parts.push_back(part(steps, blocks, blocks.data()));
        RangeDecoder coder(static_cast<const std::uint8_t*>(data.data()), data.size());
        const nb::gil_scoped_release released;
        for (const BlockPart& part : parts)
            std::fill_n(part.blocks, 64 * part.at(part.rows, 0), std::int16_t{0});
        code(parts, coder, [](int, const Offsets&) {});
    }

private:
    static std::vector<BlockPart> known(const std::vector<KnownComponent>& components) {
        std::vector<BlockPart> parts;
        for (const auto& [steps, blocks] : components) {
            // An encoder does not write to the blocks.
            parts.push_back(part(steps, blocks, const_cast<std::int16_t*>(blocks.data())));
        }
        return parts;
    }

    template <class Array>
    static BlockPart part(const nb::sequence& list, const Array& blocks, std::int16_t* values) {
        const std::vector<I64> steps = items<I64>(list);
        const I64 rows = blocks.shape(0), columns = blocks.shape(1);
        check_component(steps, blocks);
        require(rows * columns < 1 << 24, "the slice is too large");
        BlockPart part{{}, static_cast<int>(rows), static_cast<int>(columns), values, {}, {}, {}};
        std::copy(steps.begin(), steps.end(), part.steps.begin());
        part.last.resize(part.at(part.rows, 0));
        return part;
    }

    // after: called after each component with its class and its offsets.
    template <class Coder, class After>
    void code(std::vector<BlockPart>& parts, Coder& coder, After after) const {
        if (parts.size() > 1) parts[0].magnitudes.resize(parts[0].last.size());
        for (std::size_t i = 0; i + 1 < parts.size(); ++i)
            if (alike(parts[i], parts[i + 1])) parts[i].innovations.resize(parts[i].last.size());
        const auto offsets = std::make_unique<Offsets>();
        for (std::size_t i = 0; i < parts.size(); ++i) {
            const int number = static_cast<int>(std::min<std::size_t>(i, kClasses - 1));
            const BlockClass& weights = model_.classes[number];
            require(!weights.near.empty(), "the model lacks a class");
            const BlockPart* first = i >= 1 && covers(parts[0], parts[i]) ? &parts[0] : nullptr;
            const BlockPart* before = i >= 1 && alike(parts[i - 1], parts[i]) ? &parts[i - 1] : nullptr;
            *offsets = *weights.offsets;
            BlockCoder<Coder>(model_, weights, parts[i], first, i >= 2 ? before : nullptr, before, *offsets,
                              coder)
                .run();
            after(number, *offsets);
        }
    }

    static bool alike(const BlockPart& a, const BlockPart& b) {
        return a.rows == b.rows && a.columns == b.columns;
    }

    // Whether the blocks of one component can be summed up to those of another.
    static bool covers(const BlockPart& fine, const BlockPart& coarse) {
        const auto ratio = [](int a, int b) { return a == b || a == 2 * b || a == 4 * b; };
        return ratio(fine.rows, coarse.rows) && ratio(fine.columns, coarse.columns);
    }

    BlockModel model_;
};

}  // namespace

void define_blocks(nb::module_& module) {
    nb::class_<BlocksEngine>(module, "BlocksEngine")
        .def(nb::init<const Array<std::uint16_t>&, const Array<std::int16_t>&>(), nb::arg("sigmoid"),
             nb::arg("basis"))
        .def("add_class", &BlocksEngine::add_class, nb::arg("number"), nb::arg("arrays"))
        .def("encode", &BlocksEngine::encode, nb::arg("components"))
        .def("learn", &BlocksEngine::learn, nb::arg("components"))
        .def("offsets", &BlocksEngine::offsets, nb::arg("number"))
        .def("decode", &BlocksEngine::decode, nb::arg("components"), nb::arg("data"));
}

}  // namespace jrecomp
