// Random coefficients and random bytes through the native engine of models of blocks: no sanitizer may
// complain, and what was encoded must decode to the same coefficients. By hand, with more rounds than
// test_sanitizers.py:
//
//   g++ -std=c++17 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -Wno-psabi
//       -I jrecomp/native/engine tests/model/fuzz_blocks.cpp -o /tmp/fuzz_blocks && /tmp/fuzz_blocks 10000 1
//
// (one line; the arguments are rounds and seed).

#include "fuzz.hpp"

#include "block_coder.hpp"

using namespace jrecomp;

namespace {

// Weights within +-limit; one time in four all of them are at a limit.
std::vector<std::int16_t> random_weights(std::size_t count, int limit) {
    const bool extreme = random_in(0, 3) == 0;
    std::vector<std::int16_t> values(count);
    for (auto& value : values)
        value = static_cast<std::int16_t>(extreme ? (random_in(0, 1) ? limit : -limit)
                                                  : random_in(-limit, limit));
    return values;
}

Rows<Hidden> random_rows(std::size_t count, int limit) {
    return Rows<Hidden>(random_weights(count * kHidden, limit));
}

Wide64 random_wide(int limit) {
    Wide64 result;
    for (int i = 0; i < 64; ++i) result[i] = random_in(-limit, limit);
    return result;
}

// The largest weights that weights files may have.
BlockClass random_class() {
    BlockClass c;
    c.near = random_rows(kNear * 63 * kNearLevels, 80);
    c.near_last = random_rows(kNear * 64, 400);
    c.energy = random_rows(kBands * kLevels, 200);
    c.across_near = random_rows(63 * kOwnLevels, 60);
    c.own_last = random_rows(64, 400);
    c.own = Rows<Scales>(random_weights(63 * kOwnLevels * 64, 500));
    c.edge = PairProducts(random_weights(64 * kEdgeValues, 32767).data(), 64, kEdgeValues);
    c.last = PairProducts(random_weights(kNodes * kHidden, 30000).data(), kNodes, kHidden);
    c.scale = PairProducts(random_weights(64 * kHidden, 30000).data(), 64, kHidden);
    c.within.resize(64);
    for (Wide64& row : c.within)
        for (int k = 0; k < 64; ++k) row[k] = random_in(0, 65535);
    for (auto& bias : c.bias) bias = random_in(-999, 999);
    c.last_bias = random_wide(1 << 20);
    c.scale_bias = random_wide(1 << 20);
    c.across = random_weights(64, 32767);
    c.step_weight = random_weights(kStepInputs * kHidden, 300);
    c.trust = random_weights(kConfidences, 32767);
    c.length_slope = random_weights(kModelledLengths, 32767);
    c.length_trust = random_weights(kModelledLengths * 2 * kConfidences, 32767);
    c.sign_start = random_weights(64 * kConfidences, 32767);
    return c;
}

BlockModel random_model() {
    BlockModel model;
    for (int i = 0; i < 2 * kLogitLimit + 1; ++i)
        model.tables.sigmoid.push_back(static_cast<std::uint16_t>(random_in(1, 65535)));
    model.basis.resize(64);
    for (auto& row : model.basis)
        for (auto& value : row) value = static_cast<std::int16_t>(random_in(-32767, 32767));
    for (BlockClass& c : model.classes) c = random_class();
    return model;
}

using Slice = std::vector<std::vector<std::int16_t>>;  // blocks of each component

std::vector<BlockPart> random_parts() {
    std::vector<BlockPart> parts;
    const int rows = random_in(1, 3), columns = random_in(1, 4);
    for (int i = random_in(1, 4); i > 0; --i) {
        const int kind = random_in(0, 2);
        BlockPart part{{}, rows << random_in(0, 2), columns << random_in(0, 2), nullptr, {}, {}};
        for (auto& step : part.steps) step = kind == 0 ? 1 : kind == 1 ? 65535 : random_in(1, 65535);
        part.last.resize(part.at(part.rows, 0));
        parts.push_back(std::move(part));
    }
    parts[0].magnitudes.resize(parts[0].last.size());
    return parts;
}

Slice random_slice(const std::vector<BlockPart>& parts) {
    Slice slice;
    for (const BlockPart& part : parts) {
        const int kind = random_in(0, 3), density = random_in(0, 100);
        std::vector<std::int16_t> values(64 * part.last.size());
        for (auto& value : values) {
            const int extreme = random_in(0, 1) ? 32767 : -32767;
            const int drawn = kind == 0 ? extreme : kind == 1 ? random_in(-3, 3) : random_in(-32767, 32767);
            if (random_in(1, 100) <= density) value = static_cast<std::int16_t>(drawn);
        }
        slice.push_back(std::move(values));
    }
    return slice;
}

template <class Coder>
void code(const BlockModel& model, std::vector<BlockPart> parts, Slice& slice, Coder& coder) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
        BlockPart& part = parts[i];
        part.blocks = slice[i].data();
        const bool covers = part.rows <= parts[0].rows && part.columns <= parts[0].columns;
        const bool alike = i >= 2 && part.rows == parts[i - 1].rows && part.columns == parts[i - 1].columns;
        BlockCoder<Coder>(model, model.classes[std::min<std::size_t>(i, 2)], part,
                          i && covers ? &parts[0] : nullptr, alike ? &parts[i - 1] : nullptr, coder)
            .run();
    }
}

void round_trip(const BlockModel& model) {
    const std::vector<BlockPart> parts = random_parts();
    Slice slice = random_slice(parts), decoded;
    RangeEncoder encoder;
    code(model, parts, slice, encoder);
    const std::string bytes = encoder.finish();
    for (const auto& values : slice) decoded.emplace_back(values.size());
    RangeDecoder decoder(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    code(model, parts, decoded, decoder);
    if (decoded != slice) {
        std::fprintf(stderr, "not the same coefficients\n");
        std::abort();
    }
}

// Returns whether the bytes decoded to something.
bool decode_damage(const BlockModel& model) {
    std::vector<std::uint8_t> bytes(random_in(1, 300));
    const int largest = random_in(0, 255);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random_in(0, largest));
    const std::vector<BlockPart> parts = random_parts();
    Slice slice;
    for (const BlockPart& part : parts) slice.emplace_back(64 * part.last.size());
    RangeDecoder decoder(bytes.data(), bytes.size());
    try {
        code(model, parts, slice, decoder);
        return true;
    } catch (const Damaged&) {
        return false;
    }
}

}  // namespace

int main(int count, char** arguments) {
    run_rounds(count, arguments, [] {
        const BlockModel model = random_model();
        round_trip(model);
        return decode_damage(model);
    });
}
