// One scan (T.81 B.2.3): its parameters, its components' coefficients, and the free choices of its encoder.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "huffman.hpp"
#include "t81.hpp"

namespace jrecomp {

// libjpeg ends an EOB run once more correction bits than this are pending (jcphuff.c: its buffer of 1000 bits
// must have room for those of one more block).
constexpr int kCorrectionLimit = 1000 - 64 + 1;

// What arithmetic coding has in place of Huffman tables (T.81 B.2.4.3, F.1.4.4): the destinations, 0 to 3,
// whose statistics a component uses, and the conditioning parameters L and U for DC and Kx for AC in them.
struct Conditioning {
    int dc_destination, ac_destination;
    int lower, upper;
    int kx;
};

struct ScanComponent {
    std::int16_t* blocks;        // [block row][block column][64], in zig-zag order
    std::int64_t block_columns;  // of the array
    int horizontal, vertical;    // blocks per MCU across and down
    HuffmanDecoder dc_decoder, ac_decoder;
    HuffmanEncoder dc_encoder, ac_encoder;
    Conditioning conditioning{};
};

// An index and the value attached to it. Indices count blocks or MCUs in coding order from the scan's start.
using Exception = std::pair<std::int64_t, int>;

// The number of MCUs before the end of a restart interval, and bytes between its padding and what follows.
using Extraneous = std::pair<std::int64_t, std::string>;

// The choices that T.81 leaves to the encoder, as exceptions to those of libjpeg. Lists are sorted by index.
struct Choices {
    int padding_bit = 1;  // fills up the last byte of a restart interval
    // Other padding: the number of MCUs before the end of the interval, and the padding bits.
    std::vector<Exception> padding;
    std::vector<Exception> zero_runs;  // blocks that end with needless ZRL symbols, and their number
    int max_eob_run = kMaxEobRun;
    int last_eob_run = 0;  // length of an EOB run that goes on after the last block of the scan, 0 for none
    std::vector<std::int64_t> eob_switches;  // blocks after which the rule for ending an EOB run is reversed
    std::vector<Extraneous> extraneous;
};

struct Scan {
    bool arithmetic;  // rather than Huffman-coded
    bool progressive;
    int ss, se;  // Ss, Se: the first and the last zig-zag index of the spectral selection
    int ah, al;  // Ah, Al: successive approximation, the lowest bit coded before (0: none) and now
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

// The place of an MCU in the scan. advance() needs no division within a row.
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
    // Returns whether all were visited.
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

// What was decoded as a segment of regular data, which is what encode_segment() can write.
struct Decoded {
    std::int64_t mcus;
    const std::uint8_t* stop;  // the first byte that is not part of the segment, or only in part
};

// Decodes segments of a scan into its components' blocks and collects its encoder's choices.
class ScanDecoder {
public:
    explicit ScanDecoder(const Scan& scan) : scan_(scan) {}

    // Decodes the bytes from `begin` on, MCUs from first_mcu on, up to the end or the first irregularity.
    // restart_interval: in MCUs, 0 for none; first_restart: the number of the first restart marker, 0 to 7.
    Decoded decode(const std::uint8_t* begin, const std::uint8_t* end, std::int64_t first_mcu,
                   std::int64_t restart_interval, int first_restart);

    // The choices in everything decoded so far, with the padding bit and the longest EOB run that leave the
    // fewest exceptions.
    Choices choices() const;

private:
    struct Padding {
        std::int64_t mcu;
        std::uint8_t bits;
        std::uint8_t count;
    };
    struct EobSwitch {
        std::int64_t block;
        int run;  // the length of the run that ended, 0 where one went on
    };
    // What was decoded of a restart interval.
    struct Interval {
        std::int64_t certain;  // MCUs decoded without zeros from after the end of the data
        std::ptrdiff_t bytes;  // of a regular interval; -1 if it is not regular
    };
    friend struct Recorder;
    friend struct SegmentDecoder;

    Decoded decode_arithmetic(const std::uint8_t* begin, const std::uint8_t* end, std::int64_t first_mcu,
                              std::int64_t restart_interval, int first_restart);
    Interval decode_interval(const std::uint8_t* begin, const std::uint8_t* marker, std::int64_t first_mcu,
                             std::int64_t count);

    const Scan& scan_;
    std::vector<Padding> padding_;
    std::int64_t after_end_ = 0;  // MCUs decoded after the end of arithmetic-coded data, at most all
    std::vector<Exception> zero_runs_;
    std::vector<EobSwitch> eob_switches_;
    std::vector<Extraneous> extraneous_;
    int longest_run_ = 0;
    int last_run_ = 0;
};

// Encodes a segment into `out`, with the parameters of ScanDecoder::decode(). pad: whether an incomplete last
// byte is padded; else it is left out. Returns false where a symbol has no code or a choice does not fit.
bool encode_segment(const Scan& scan, const Choices& choices, std::int64_t first_mcu, std::int64_t mcus,
                    std::int64_t restart_interval, int first_restart, bool pad,
                    std::vector<std::uint8_t>& out);

// encode_segment() for arithmetic-coded scans. finish: as pad; else only the bytes are written that do not
// depend on the MCUs that follow.
void encode_arithmetic_segment(const Scan& scan, const Choices& choices, std::int64_t first_mcu,
                               std::int64_t mcus, std::int64_t restart_interval, int first_restart,
                               bool finish, std::vector<std::uint8_t>& out);

// How often each symbol occurs.
using SymbolCounts = std::array<std::int64_t, 256>;

struct ComponentCounts {
    SymbolCounts dc{}, ac{};
};

// Counts the symbols per component that encode_segment() writes for the whole scan with default choices and
// without restarts, by any Huffman tables. Returns false where a value is too large for any symbol.
bool count_symbols(const Scan& scan, std::vector<ComponentCounts>& counts);

}  // namespace jrecomp
