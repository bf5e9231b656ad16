// Huffman-coded data to coefficients (T.81 F.2.2, G.2).
//
// Nothing is repaired here. Decoding stops at the first MCU that encode_segment() could not write again, and
// the caller keeps the bytes from there on as they are. Blocks may be decoded in part there. That does no
// harm, because those bytes are not encoded again from coefficients.

#include <algorithm>
#include <cstdlib>

#include "bit_reader.hpp"
#include "nonzero.hpp"
#include "scan.hpp"

namespace jrecomp {
namespace {

// Decodes one Huffman symbol, or returns -1. Needs 16 bits.
inline int decode_symbol(BitReader& in, const HuffmanDecoder& table) {
    const HuffmanDecoder::Entry entry = table.find(in.peek(16));
    in.skip(entry.length);
    return entry.length != 0 ? entry.symbol : -1;
}

// The value of `category` > 0 additional bits (T.81 F.2.2.1, EXTEND).
inline int take_value(BitReader& in, int category) {
    const int value = static_cast<int>(in.take(category));
    return value < (1 << (category - 1)) ? value - (1 << category) + 1 : value;
}

// Decodes a DC difference and adds it to the prediction modulo 2^16, as decoders with 16-bit integers do.
// Returns false for bad data and for -2^15, which is no coefficient here.
inline bool decode_dc(BitReader& in, const HuffmanDecoder& table, std::int16_t& prediction) {
    in.refill();
    const int category = decode_symbol(in, table);
    if (category < 0 || category > kMaxCategory) return false;
    if (category != 0) prediction = static_cast<std::int16_t>(prediction + take_value(in, category));
    return prediction != INT16_MIN;
}

}  // namespace

// What all kinds of scans share. A kind's decode() reads one MCU, or the empty ones of an EOB run, and
// returns their number, 0 for bad data. `clean`: no EOB run is pending, so a segment may end here.
struct Recorder {
    ScanDecoder& out;
    const Scan& scan;
    bool clean = true;

    explicit Recorder(ScanDecoder& decoder) : out(decoder), scan(decoder.scan_) {}

    void zero_run(std::int64_t block, int count) { out.zero_runs_.emplace_back(block, count); }
    void eob_switch(std::int64_t block, int run) { out.eob_switches_.push_back({block, run}); }
    // left: MCUs up to the end of the interval. A longer run is that of the scan's end.
    void eob_run(int run, std::int64_t left) {
        out.longest_run_ = std::max(out.longest_run_, run);
        if (run > left) out.last_run_ = run;
    }
};

namespace {

class SequentialKind : public Recorder {
public:
    explicit SequentialKind(ScanDecoder& decoder)
        : Recorder(decoder),
          blocks_per_mcu_(scan.blocks_per_mcu()) {}

    void reset() { std::fill(std::begin(prediction_), std::end(prediction_), std::int16_t{0}); }

    std::int64_t decode(BitReader& in, const McuCursor& cursor, std::int64_t mcu, std::int64_t) {
        std::int64_t index = mcu * blocks_per_mcu_;
        const bool good = cursor.each_block(scan, [&](std::size_t i, std::int16_t* block) {
            return decode_block(in, scan.components[i], prediction_[i], block, index++);
        });
        return good ? 1 : 0;
    }

private:
    bool decode_block(BitReader& in, const ScanComponent& component, std::int16_t& prediction,
                      std::int16_t* block, std::int64_t index) {
        if (!decode_dc(in, component.dc_decoder, prediction)) return false;
        std::fill(block, block + 64, std::int16_t{0});  // an earlier scan may have filled the block already
        block[0] = prediction;
        int zero_runs = 0;
        for (int k = 1; k < 64;) {
            in.refill();
            const int symbol = decode_symbol(in, component.ac_decoder);
            const int category = symbol & 15;
            if (symbol < 0) return false;
            if (category != 0) {
                k += symbol >> 4;
                if (k > 63) return false;
                block[k++] = static_cast<std::int16_t>(take_value(in, category));
                zero_runs = 0;
            } else if (symbol == kZrl) {
                k += 16;
                if (k > 64) return false;
                ++zero_runs;
            } else if (symbol == kEob) {
                break;
            } else {
                return false;
            }
        }
        if (zero_runs != 0) zero_run(index, zero_runs);
        return true;
    }

    std::int64_t blocks_per_mcu_;
    std::int16_t prediction_[4] = {};
};

class DcFirstKind : public Recorder {
public:
    using Recorder::Recorder;

    void reset() { std::fill(std::begin(prediction_), std::end(prediction_), std::int16_t{0}); }

    std::int64_t decode(BitReader& in, const McuCursor& cursor, std::int64_t, std::int64_t) {
        const bool good = cursor.each_block(scan, [&](std::size_t i, std::int16_t* block) {
            if (!decode_dc(in, scan.components[i].dc_decoder, prediction_[i])) return false;
            const int value = prediction_[i] * (1 << scan.al);
            if (std::abs(value) > INT16_MAX) return false;
            block[0] = static_cast<std::int16_t>(value);
            return true;
        });
        return good ? 1 : 0;
    }

private:
    std::int16_t prediction_[4] = {};
};

class DcRefineKind : public Recorder {
public:
    using Recorder::Recorder;

    void reset() {}

    std::int64_t decode(BitReader& in, const McuCursor& cursor, std::int64_t, std::int64_t) {
        const int bit = 1 << scan.al;
        cursor.each_block(scan, [&](std::size_t, std::int16_t* block) {
            in.refill();
            if (in.take(1) != 0) block[0] = static_cast<std::int16_t>(block[0] | bit);
            return true;
        });
        return 1;
    }
};

// Takes an EOBn symbol's additional bits; n = symbol >> 4, at most 14 (T.81 G.1.2.2).
inline int take_eob_run(BitReader& in, int n) { return n == 0 ? 1 : (1 << n) + static_cast<int>(in.take(n)); }

class AcFirstKind : public Recorder {
public:
    using Recorder::Recorder;

    void reset() { after_run_ = -1; }

    std::int64_t decode(BitReader& in, const McuCursor& cursor, std::int64_t mcu, std::int64_t interval_end) {
        const int low = scan.al;
        const int end = scan.se;
        std::int16_t* const block = cursor.block(scan);
        bool empty = true;
        int zero_runs = 0;
        for (int k = scan.ss; k <= end; empty = false) {
            in.refill();
            const int symbol = decode_symbol(in, scan.components[0].ac_decoder);
            const int category = symbol & 15;
            if (symbol < 0) return 0;
            if (category != 0) {
                k += symbol >> 4;
                if (k > end || category + low > kMaxCategory) return 0;
                block[k++] = static_cast<std::int16_t>(take_value(in, category) * (1 << low));
                zero_runs = 0;
            } else if (symbol == kZrl) {
                k += 16;
                if (k > end + 1) return 0;
                ++zero_runs;
            } else {
                const int run = take_eob_run(in, symbol >> 4);
                const std::int64_t left = interval_end - mcu;
                if (run > left && interval_end != scan.mcus()) return 0;
                if (empty && mcu == after_run_ && last_run_ < kMaxEobRun) eob_switch(mcu - 1, last_run_);
                if (zero_runs != 0) zero_run(mcu, zero_runs);
                eob_run(run, left);
                after_run_ = mcu + run;
                last_run_ = run;
                return std::min<std::int64_t>(run, left);
            }
        }
        if (zero_runs != 0) zero_run(mcu, zero_runs);
        return 1;
    }

private:
    std::int64_t after_run_ = -1;  // the block that follows the last EOB run
    int last_run_ = 0;
};

class AcRefineKind : public Recorder {
public:
    using Recorder::Recorder;

    void reset() { after_run_ = -1; }

    std::int64_t decode(BitReader& in, const McuCursor& cursor, std::int64_t mcu, std::int64_t interval_end) {
        std::int16_t* const block = cursor.block(scan);
        const std::uint64_t known = nonzero_mask(block, 0) & band_;
        if (left_ != 0) {
            const int before = waiting_;
            waiting_ += correct(in, block, known, scan.ss, 64).bits;
            const bool full = before <= kCorrectionLimit && waiting_ > kCorrectionLimit;
            --left_;
            if (left_ != 0 && full) eob_switch(mcu, 0);
            if (left_ == 0) end_run(mcu, full);
            return 1;
        }
        const int end = scan.se;
        const int bit = 1 << scan.al;
        bool empty = true;
        int zero_runs = 0;
        for (int k = scan.ss; k <= end; empty = false) {
            in.refill();
            const int symbol = decode_symbol(in, scan.components[0].ac_decoder);
            const int category = symbol & 15;
            if (symbol < 0 || category > 1) return 0;
            if (category == 0 && symbol != kZrl) {
                const int run = take_eob_run(in, symbol >> 4);
                const std::int64_t left = interval_end - mcu;
                if (run > left && interval_end != scan.mcus()) return 0;
                if (empty && mcu == after_run_ && !rule_ended_) eob_switch(mcu - 1, last_run_);
                if (zero_runs != 0) zero_run(mcu, zero_runs);
                eob_run(run, left);
                waiting_ = correct(in, block, known, k, 64).bits;
                last_run_ = run;
                left_ = static_cast<int>(std::min<std::int64_t>(run, left)) - 1;
                if (left_ == 0) end_run(mcu, false);
                clean = left_ == 0;
                return 1;
            }
            const bool positive = category != 0 && in.take(1) != 0;
            k = correct(in, block, known, k, symbol >> 4).stop;
            if (k > end) return 0;
            if (category != 0) {
                block[k] = static_cast<std::int16_t>(positive ? bit : -bit);
                zero_runs = 0;
            } else {
                ++zero_runs;
            }
            ++k;
        }
        if (zero_runs != 0) zero_run(mcu, zero_runs);
        return 1;
    }

private:
    struct Corrected {
        int stop;
        int bits;
    };

    // Reads a correction bit (T.81 G.1.2.3) for every coefficient of the mask `known` from k on, up to the
    // zero coefficient that follows `zeros` other ones, or to the end of the band. Returns the index of the
    // zero, or one past the band, and the number of bits read.
    Corrected correct(BitReader& in, std::int16_t* block, std::uint64_t known, int k, int zeros) {
        const int bit = 1 << scan.al;
        const int end = scan.se;
        int bits = 0;
        while (k <= end) {
            const std::uint64_t rest = known >> k;
            const int gap = rest != 0 ? lowest_bit(rest) : 64;
            if (gap > zeros || rest == 0) return Corrected{k + zeros, bits};
            zeros -= gap;
            k += gap;
            in.refill();
            ++bits;
            const int value = block[k];
            if (in.take(1) != 0 && (std::abs(value) & bit) == 0) {
                block[k] = static_cast<std::int16_t>(value < 0 ? value - bit : value + bit);
            }
            ++k;
        }
        return Corrected{k, bits};
    }

    // An EOB run ends after this MCU. full: the limit of correction bits was exceeded with it.
    void end_run(std::int64_t mcu, bool full) {
        after_run_ = mcu + 1;
        rule_ended_ = full || last_run_ == kMaxEobRun;
        clean = true;
    }

    const std::uint64_t band_ = band_mask(scan);
    int left_ = 0;  // blocks that the EOB run still covers; they have correction bits to be read
    int last_run_ = 0;
    int waiting_ = 0;  // correction bits read in the run
    std::int64_t after_run_ = -1;
    bool rule_ended_ = false;  // libjpeg's rule would have ended the last EOB run where it ended
};

}  // namespace

// Decodes a segment with the class of its kind of scan, restart interval by restart interval.
struct SegmentDecoder {
    ScanDecoder& out;
    const std::uint8_t* end;
    std::int64_t restart_interval;
    int restart;

    // The last place where the segment may end.
    struct Clean {
        std::int64_t mcu;
        BitReader::Position position;
        std::size_t padding, zero_runs, eob_switches, extraneous;
    };

    template <class Kind>
    Decoded run(const std::uint8_t* begin, std::int64_t first_mcu) {
        const Scan& scan = out.scan_;
        const std::int64_t total = scan.mcus();
        Kind kind(out);
        BitReader in(begin, end);
        McuCursor cursor(scan, first_mcu);
        Clean clean = mark(first_mcu, in);
        std::int64_t mcu = first_mcu;
        while (mcu < total) {
            kind.reset();
            const std::int64_t interval_end =
                restart_interval != 0 ? std::min(mcu + restart_interval, total) : total;
            while (mcu < interval_end) {
                const std::int64_t mcus = kind.decode(in, cursor, mcu, interval_end);
                if (mcus == 0 || in.overrun()) return stop(clean, first_mcu);
                mcu += mcus;
                cursor.advance(mcus);
                if (kind.clean) clean = mark(mcu, in);
            }
            const std::uint8_t* const next = take_padding(in, mcu);
            const std::uint8_t* const marker = mcu == total ? end : find_restart(next, end);
            if (mcu != total && (marker == end || marker[1] != kRst0 + restart)) return stop(clean, first_mcu);
            if (marker != next) out.extraneous_.emplace_back(mcu, std::string(next, marker));
            if (mcu == total) return Decoded{total - first_mcu, end};
            restart = (restart + 1) & 7;
            in.reset(marker + 2);
        }
        return stop(clean, first_mcu);
    }

private:
    Clean mark(std::int64_t mcu, const BitReader& in) const {
        return Clean{mcu, in.position(), out.padding_.size(), out.zero_runs_.size(),
                     out.eob_switches_.size(), out.extraneous_.size()};
    }

    Decoded stop(const Clean& clean, std::int64_t first_mcu) const {
        out.padding_.resize(clean.padding);
        out.zero_runs_.resize(clean.zero_runs);
        out.eob_switches_.resize(clean.eob_switches);
        out.extraneous_.resize(clean.extraneous);
        return Decoded{clean.mcu - first_mcu, byte_at(clean.position)};
    }

    // Records the unread bits of the current byte as padding. Returns the next byte.
    const std::uint8_t* take_padding(BitReader& in, std::int64_t mcu) const {
        const int count = in.partial_bits();
        if (count != 0) {
            out.padding_.push_back(
                {mcu, static_cast<std::uint8_t>(in.take(count)), static_cast<std::uint8_t>(count)});
        }
        return byte_at(in.position());
    }
};

Decoded ScanDecoder::decode(const std::uint8_t* begin, const std::uint8_t* end, std::int64_t first_mcu,
                            std::int64_t restart_interval, int first_restart) {
    if (scan_.arithmetic) return decode_arithmetic(begin, end, first_mcu, restart_interval, first_restart);
    SegmentDecoder segment{*this, end, restart_interval, first_restart};
    if (!scan_.progressive) return segment.run<SequentialKind>(begin, first_mcu);
    if (scan_.ss == 0) {
        return scan_.ah == 0 ? segment.run<DcFirstKind>(begin, first_mcu)
                             : segment.run<DcRefineKind>(begin, first_mcu);
    }
    return scan_.ah == 0 ? segment.run<AcFirstKind>(begin, first_mcu)
                         : segment.run<AcRefineKind>(begin, first_mcu);
}

Choices ScanDecoder::choices() const {
    Choices result;
    std::int64_t balance = 0;  // paddings all ones less those all zeros
    for (const Padding& p : padding_) {
        balance += (p.bits == (1 << p.count) - 1) - (p.bits == 0);
    }
    result.padding_bit = balance < 0 ? 0 : 1;
    for (const Padding& p : padding_) {
        const int usual = result.padding_bit != 0 ? (1 << p.count) - 1 : 0;
        if (p.bits != usual) result.padding.emplace_back(p.mcu, p.bits);
    }
    result.zero_runs = zero_runs_;
    result.last_eob_run = last_run_;
    result.extraneous = extraneous_;
    // Some encoders have a lower limit of EOB runs than T.81. Then runs of that length need no exceptions.
    for (const EobSwitch& s : eob_switches_) {
        if (s.run != 0 && s.run == longest_run_) {
            result.max_eob_run = longest_run_;
        } else {
            result.eob_switches.push_back(s.block);
        }
    }
    return result;
}

}  // namespace jrecomp
