// One scan: its parameters, where its blocks lie, and the choices that its encoder made.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "huffman.hpp"

namespace jrecomp {

constexpr int kMaxEobRun = 0x7FFF;
// libjpeg ends an EOB run once more correction bits than this wait for it (jcphuff.c: a buffer of 1000
// bits must hold those of another block).
constexpr int kCorrectionLimit = 1000 - 64 + 1;

struct ScanComponent {
    std::int16_t* blocks;  // [block row][block column][64]
    std::int64_t block_columns;
    int horizontal;
    int vertical;
    HuffmanDecoder dc_decoder, ac_decoder;
    HuffmanEncoder dc_encoder, ac_encoder;
};

// A value attached to an index: of a block or an MCU, both counted in coding order from the scan's start.
using Exception = std::pair<std::int64_t, int>;

// What an encoder may choose freely. Lists are sorted by index.
struct Choices {
    int padding_bit = 1;               // fills the last byte of an interval ...
    std::vector<Exception> padding;    // ... but at these MCUs, after which the interval ends: the bits
    std::vector<Exception> zero_runs;  // blocks that end with this many needless ZRL symbols
    int max_eob_run = kMaxEobRun;
    std::vector<std::int64_t> eob_switches;  // blocks after which the rule for ending an EOB run is reversed
};

struct Scan {
    bool progressive;
    int ss, se;
    int ah, al;
    std::int64_t mcu_columns, mcu_rows;
    std::vector<ScanComponent> components;

    std::int64_t mcus() const { return mcu_columns * mcu_rows; }

    std::int64_t blocks_per_mcu() const {
        std::int64_t blocks = 0;
        for (const ScanComponent& c : components) blocks += c.horizontal * c.vertical;
        return blocks;
    }
};

// Bit k is set for the zig-zag indices k of the scan's spectral selection.
inline std::uint64_t band_mask(const Scan& scan) {
    return (~std::uint64_t{0} << scan.ss) & (~std::uint64_t{0} >> (63 - scan.se));
}

// An MCU's place in the scan, moved along without divisions.
class McuCursor {
public:
    McuCursor(const Scan& scan, std::int64_t mcu)
        : columns_(scan.mcu_columns),
          row_(mcu / scan.mcu_columns),
          column_(mcu % scan.mcu_columns) {}

    void advance(std::int64_t mcus) {
        column_ += mcus;
        if (column_ >= columns_) {
            row_ += column_ / columns_;
            column_ %= columns_;
        }
    }

    // Calls visit(component index, block) for the MCU's blocks in coding order until it returns false.
    template <class Visit>
    bool each_block(const Scan& scan, Visit visit) const {
        for (std::size_t i = 0; i < scan.components.size(); ++i) {
            const ScanComponent& c = scan.components[i];
            for (int y = 0; y < c.vertical; ++y) {
                std::int16_t* block =
                    c.blocks + ((row_ * c.vertical + y) * c.block_columns + column_ * c.horizontal) * 64;
                for (int x = 0; x < c.horizontal; ++x, block += 64) {
                    if (!visit(i, block)) return false;
                }
            }
        }
        return true;
    }

    // The only block of an MCU of a non-interleaved scan.
    std::int16_t* block(const Scan& scan) const {
        const ScanComponent& c = scan.components[0];
        return c.blocks + (row_ * c.block_columns + column_) * 64;
    }

private:
    std::int64_t columns_, row_, column_;
};

// How far a segment of regular data reaches (see scan_decode.cpp).
struct Decoded {
    std::int64_t mcus;
    const std::uint8_t* stop;  // the first byte that is not, or only in part, the segment's
};

// Decodes from `begin` on, MCUs from first_mcu on, into the components' blocks.
// Appends the encoder's choices to `choices`, which finish_choices() then brings into their final form.
class ScanDecoder {
public:
    explicit ScanDecoder(const Scan& scan) : scan_(scan) {}

    Decoded decode(const std::uint8_t* begin, const std::uint8_t* end, std::int64_t first_mcu,
                   std::int64_t restart_interval, int first_restart);

    // The choices made in all that was decoded, with the defaults that leave the fewest exceptions.
    Choices choices() const;

private:
    struct Padding {
        std::int64_t mcu;
        std::uint8_t bits;
        std::uint8_t count;
    };
    struct EobSwitch {
        std::int64_t block;
        int run;  // length of the run that ended, 0 where one went on
    };
    friend struct Recorder;
    friend struct SegmentDecoder;

    const Scan& scan_;
    std::vector<Padding> padding_;
    std::vector<Exception> zero_runs_;
    std::vector<EobSwitch> eob_switches_;
    int longest_run_ = 0;
};

// Encodes a segment. Returns false where a symbol has no code or a choice does not fit.
bool encode_segment(const Scan& scan, const Choices& choices, std::int64_t first_mcu, std::int64_t mcus,
                    std::int64_t restart_interval, int first_restart, bool pad,
                    std::vector<std::uint8_t>& out);

using SymbolCounts = std::array<std::int64_t, 256>;

struct ComponentCounts {
    SymbolCounts dc{}, ac{};
};

// Counts the symbols of the whole scan, as encode_segment() writes it with default choices and without
// restarts; the tables are not looked at. Returns false where a value is too large for any symbol.
bool count_symbols(const Scan& scan, std::vector<ComponentCounts>& counts);

}  // namespace jrecomp
