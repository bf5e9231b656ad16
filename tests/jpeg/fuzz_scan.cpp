// Random scans through the native codec: no sanitizer may complain, and whatever decodes must encode to
// the same bytes. By hand, with more rounds than test_sanitizers.py:
//
//   g++ -std=c++17 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -I jrecomp/native
//       tests/jpeg/fuzz_scan.cpp jrecomp/native/scan_{decode,encode,arithmetic}.cpp
//       -o /tmp/fuzz_scan && /tmp/fuzz_scan 1000000 1
//
// (one line; the arguments are rounds and seed).

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "scan.hpp"

using namespace jrecomp;

namespace {

std::mt19937 random_source;

int random_below(int n) { return static_cast<int>(random_source() % static_cast<unsigned>(n)); }

// A prefix code of random lengths for distinct symbols in random order, as the DHT segment holds it.
std::vector<std::uint8_t> random_table(bool dc) {
    std::vector<std::uint8_t> symbols;
    const int most = dc ? 18 : 256;
    for (int s = 0; s < most; ++s) {
        if (random_below(8) != 0) symbols.push_back(static_cast<std::uint8_t>(s));
    }
    std::shuffle(symbols.begin(), symbols.end(), random_source);
    std::vector<std::uint8_t> table(16);
    int left = static_cast<int>(symbols.size());
    int room = 1;
    for (int length = 1; length <= 16; ++length) {
        room *= 2;
        const int later = (left + (1 << (16 - length)) - 1) >> (16 - length);
        const int most_here = room - (length < 16 ? later : 0);
        int count = most_here <= 0 ? 0 : random_below(std::min({most_here, left, 255}) + 1);
        if (length == 16) count = std::min({left, room, 255});
        table[length - 1] = static_cast<std::uint8_t>(count);
        left -= count;
        room -= count;
    }
    symbols.resize(symbols.size() - left);
    table.insert(table.end(), symbols.begin(), symbols.end());
    return table;
}

std::vector<std::uint8_t> random_data() {
    std::vector<std::uint8_t> data;
    const int kind = random_below(3);
    for (int n = random_below(400); n > 0; --n) {
        std::uint8_t byte = static_cast<std::uint8_t>(random_source());
        if (kind == 1 && random_below(2) != 0) byte = random_below(2) != 0 ? 0 : 0xFF;
        data.push_back(byte);
        if (byte == 0xFF && random_below(20) != 0) data.push_back(0);
        if (random_below(60) == 0) {
            data.push_back(0xFF);
            data.push_back(static_cast<std::uint8_t>(kRst0 + random_below(9)));
        }
    }
    return data;
}

// Data that an encoder writes for coefficients at random, changed or cut in some places.
std::vector<std::uint8_t> damaged_data(const Scan& scan, std::int64_t first, std::int64_t interval,
                                       int restart) {
    Choices choices;
    for (std::int64_t i = 0; i < 300; i += 1 + random_below(60))
        choices.extraneous.emplace_back(i, std::string(static_cast<std::size_t>(random_below(9)), '\0'));
    for (const ScanComponent& c : scan.components) {
        const int most = 1 << random_below(16);
        for (std::int64_t i = 0; i < scan.mcu_rows * c.vertical * c.block_columns * 64; ++i) {
            const int value = random_below(4) != 0 ? 0 : random_below(2 * most - 1) - most + 1;
            if (random_below(8) != 0) c.blocks[i] = static_cast<std::int16_t>(value);
        }
    }
    std::vector<std::uint8_t> data;
    if (!encode_segment(scan, choices, first, scan.mcus() - first, interval, restart, true, data))
        data.clear();
    for (int n = random_below(4); n > 0 && !data.empty(); --n) {
        const int at = random_below(static_cast<int>(data.size()));
        if (random_below(2) != 0) data[at] = static_cast<std::uint8_t>(random_source());
        if (random_below(3) == 0) data.resize(at);
    }
    return data;
}

void round_trip() {
    Scan scan{};
    scan.arithmetic = random_below(2) != 0;
    scan.progressive = random_below(4) != 0;
    const bool ac = scan.progressive && random_below(3) != 0;
    if (scan.progressive) {
        scan.ss = ac ? 1 + random_below(63) : 0;
        scan.se = ac ? scan.ss + random_below(64 - scan.ss) : 0;
        scan.al = random_below(14);
        scan.ah = random_below(2) != 0 ? scan.al + 1 : 0;
    } else {
        scan.se = 63;
    }
    const int components = ac ? 1 : 1 + random_below(4);
    scan.mcu_columns = 1 + random_below(9);
    scan.mcu_rows = 1 + random_below(9);
    std::vector<std::vector<std::int16_t>> planes(components);
    for (auto& plane : planes) {
        ScanComponent& c = scan.components.emplace_back();
        c.horizontal = components == 1 ? 1 : 1 + random_below(4);
        c.vertical = components == 1 ? 1 : 1 + random_below(4);
        c.block_columns = scan.mcu_columns * c.horizontal + random_below(2);
        plane.resize(static_cast<std::size_t>(scan.mcu_rows * c.vertical * c.block_columns * 64));
        if (scan.ah != 0) {
            // What earlier scans may have decoded: multiples of the step before.
            const int step = 1 << scan.ah;
            for (std::int16_t& v : plane) {
                if (random_below(3) == 0)
                    v = static_cast<std::int16_t>((random_below(65535) - 32767) / step * step);
            }
        }
        c.blocks = plane.data();
        const int lower = random_below(16);
        c.conditioning = Conditioning{random_below(4), random_below(4), lower,
                                      lower + random_below(16 - lower), random_below(256)};
        const std::vector<std::uint8_t> dc_table = random_table(true), ac_table = random_table(false);
        const HuffmanSpec dc_spec{dc_table.data(), dc_table.size()},
            ac_spec{ac_table.data(), ac_table.size()};
        if (!dc_spec.valid() || !ac_spec.valid()) abort();
        c.dc_decoder = HuffmanDecoder(dc_spec);
        c.dc_encoder = HuffmanEncoder(dc_spec);
        c.ac_decoder = HuffmanDecoder(ac_spec);
        c.ac_encoder = HuffmanEncoder(ac_spec);
    }
    const std::int64_t interval = random_below(2) * random_below(20);
    const int restart = random_below(8);
    const std::int64_t first = random_below(3) != 0 ? 0 : random_below(static_cast<int>(scan.mcus()));
    std::vector<std::uint8_t> data = random_data();
    if (random_below(2) != 0) {
        const auto before = planes;
        data = damaged_data(scan, first, interval, restart);
        for (std::size_t i = 0; i < planes.size(); ++i)
            std::copy(before[i].begin(), before[i].end(), planes[i].begin());
    }
    const std::uint8_t* const begin = data.data();
    const std::uint8_t* const end = begin + data.size();
    ScanDecoder decoder(scan);
    const Decoded decoded = decoder.decode(begin, end, first, interval, restart);
    if (decoded.stop < begin || decoded.stop > end || decoded.mcus < 0 ||
        first + decoded.mcus > scan.mcus()) {
        abort();
    }
    std::vector<std::uint8_t> coded;
    const Choices choices = decoder.choices();
    const bool good =
        encode_segment(scan, choices, first, decoded.mcus, interval, restart, decoded.stop == end, coded);
    if (!good || !std::equal(coded.begin(), coded.end(), begin, decoded.stop)) {
        std::fprintf(stderr, "not the same bytes\n");
        abort();
    }
    std::vector<ComponentCounts> counts;
    count_symbols(scan, counts);
    // Choices that do not fit the scan, as from a damaged container.
    Choices odd;
    odd.padding_bit = random_below(2);
    odd.max_eob_run = 1 + random_below(kMaxEobRun);
    odd.last_eob_run = random_below(kMaxEobRun + 1);
    for (std::int64_t i = 0; i < 300; i += 1 + random_below(60)) {
        odd.padding.emplace_back(i, random_below(128));
        odd.zero_runs.emplace_back(i, 1 + random_below(4));
        odd.eob_switches.push_back(i);
        odd.extraneous.emplace_back(i, std::string(static_cast<std::size_t>(random_below(100)), '\xff'));
    }
    encode_segment(scan, odd, first, scan.mcus() - first, interval, restart, true, coded);
}

}  // namespace

int main(int count, char** arguments) {
    const long rounds = count > 1 ? std::atol(arguments[1]) : 10000;
    random_source.seed(count > 2 ? static_cast<unsigned>(std::atol(arguments[2])) : 1);
    for (long i = 0; i < rounds; ++i) round_trip();
    std::printf("%ld rounds\n", rounds);
}
