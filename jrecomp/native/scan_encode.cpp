// Coefficients to Huffman-coded data (T.81 F.1.2, G.1.2), by libjpeg's rules and the exceptions to them.

#include <algorithm>
#include <cstdlib>

#include "bit_writer.hpp"
#include "exceptions.hpp"
#include "nonzero.hpp"
#include "scan.hpp"

namespace jrecomp {
namespace {

// The most bits that one block can take, without correction bits pending from earlier blocks.
constexpr std::size_t kBlockBits = 64 * 32 + 64 + 64 * 16;

// A sink takes the symbols of a scan, each with the additional bits that follow it. This one writes them.
class BitSink : public BitWriter {
public:
    using Table = const HuffmanEncoder;

    explicit BitSink(const Scan& scan) : scan_(scan) {}

    Table& dc_table(std::size_t component) const { return scan_.components[component].dc_encoder; }
    Table& ac_table(std::size_t component) const { return scan_.components[component].ac_encoder; }

    // Returns false where the symbol has no code. additional: the low `count` bits.
    bool symbol(Table& table, unsigned symbol, std::uint64_t additional, int count) {
        const HuffmanEncoder::Entry entry = table[symbol];
        put(static_cast<std::uint64_t>(entry.code) << count | additional, entry.length + count);
        return entry.length != 0;
    }

private:
    const Scan& scan_;
};

// The sink that counts symbols, so that counting and writing share all other code.
class CountSink {
public:
    using Table = SymbolCounts;

    explicit CountSink(std::vector<ComponentCounts>& counts) : counts_(counts) {}

    Table& dc_table(std::size_t component) const { return counts_[component].dc; }
    Table& ac_table(std::size_t component) const { return counts_[component].ac; }

    bool symbol(Table& table, unsigned symbol, std::uint64_t, int) {
        ++table[symbol];
        return true;
    }
    void reserve(std::size_t) {}
    void put(std::uint64_t, int) {}

private:
    std::vector<ComponentCounts>& counts_;
};

// What all kinds of scans share. A kind's encode() writes one MCU; flush() writes a pending EOB run.
template <class Sink>
struct Emitter {
    using Table = typename Sink::Table;

    const Scan& scan;
    Sink& out;
    Exceptions zero_runs;
    bool failed = false;  // a symbol had no code or a choice did not fit

    Emitter(const Scan& s, const Choices& choices, std::int64_t first_mcu, Sink& sink)
        : scan(s),
          out(sink),
          zero_runs(choices.zero_runs, first_mcu * s.blocks_per_mcu(), exception_index) {}

    void symbol(Table& table, unsigned symbol, std::uint64_t additional = 0, int count = 0) {
        failed |= !out.symbol(table, symbol, additional, count);
    }

    // Writes the symbol of a zero run and the category of a value (not 0), and the value's additional bits.
    void coefficient(Table& table, int run, int value) {
        const int category = category_of(static_cast<std::uint32_t>(std::abs(value)));
        if (category > kMaxCategory) {
            failed = true;
            return;
        }
        const std::uint64_t bits =
            static_cast<std::uint64_t>(value < 0 ? value - 1 : value) & ((1u << category) - 1);
        symbol(table, static_cast<unsigned>(run << 4 | category), bits, category);
    }

    void dc_difference(Table& table, int value, std::int16_t& prediction) {
        const int difference = static_cast<std::int16_t>(value - prediction);
        prediction = static_cast<std::int16_t>(value);
        if (difference == 0) {
            symbol(table, 0);
        } else {
            coefficient(table, 0, difference);
        }
    }

    // Writes the ZRL symbols of a zero run before a coefficient; returns the rest of the run, at most 15.
    int long_run(Table& table, int run) {
        for (; run > 15; run -= 16) symbol(table, kZrl);
        return run;
    }

    // Writes the needless ZRL symbols of a block whose last coefficient is `last`. Returns the last
    // index that they cover.
    int needless_zero_runs(Table& table, int count, int last, int end) {
        if (count > (end - last) / 16) {
            failed = true;
            return last;
        }
        for (int i = 0; i < count; ++i) symbol(table, kZrl);
        return last + 16 * count;
    }
};

template <class Sink>
class SequentialKind : public Emitter<Sink> {
    using Base = Emitter<Sink>;
    using typename Base::Table;

public:
    using Base::Base;
    using Base::scan, Base::out, Base::zero_runs;
    using Base::symbol, Base::coefficient, Base::dc_difference, Base::long_run, Base::needless_zero_runs;

    void reset() { std::fill(std::begin(prediction_), std::end(prediction_), std::int16_t{0}); }
    void flush() {}

    void encode(const McuCursor& cursor, std::int64_t mcu) {
        std::int64_t index = mcu * blocks_per_mcu_;
        cursor.each_block(scan, [&](std::size_t i, const std::int16_t* block) {
            encode_block(out.dc_table(i), out.ac_table(i), prediction_[i], block, index++);
            return true;
        });
    }

private:
    void encode_block(Table& dc_table, Table& ac_table, std::int16_t& prediction, const std::int16_t* block,
                      std::int64_t index) {
        out.reserve(kBlockBits);
        dc_difference(dc_table, block[0], prediction);
        int last = 0;
        for (std::uint64_t mask = nonzero_mask(block, 0) & ~std::uint64_t{1}; mask != 0; mask &= mask - 1) {
            const int k = lowest_bit(mask);
            coefficient(ac_table, long_run(ac_table, k - last - 1), block[k]);
            last = k;
        }
        if (const Exception* e = zero_runs.find(index)) {
            last = needless_zero_runs(ac_table, e->second, last, 63);
        }
        if (last != 63) symbol(ac_table, kEob);
    }

    std::int64_t blocks_per_mcu_ = scan.blocks_per_mcu();
    std::int16_t prediction_[4] = {};
};

template <class Sink>
class DcFirstKind : public Emitter<Sink> {
    using Base = Emitter<Sink>;

public:
    using Base::Base;
    using Base::scan, Base::out, Base::dc_difference;

    void reset() { std::fill(std::begin(prediction_), std::end(prediction_), std::int16_t{0}); }
    void flush() {}

    void encode(const McuCursor& cursor, std::int64_t) {
        cursor.each_block(scan, [&](std::size_t i, const std::int16_t* block) {
            out.reserve(kBlockBits);
            // An arithmetic shift, for both signs: the point transform of DC (T.81 G.1.2.1).
            dc_difference(out.dc_table(i), block[0] >> scan.al, prediction_[i]);
            return true;
        });
    }

private:
    std::int16_t prediction_[4] = {};
};

template <class Sink>
class DcRefineKind : public Emitter<Sink> {
    using Base = Emitter<Sink>;

public:
    using Base::Base;
    using Base::scan, Base::out;

    void reset() {}
    void flush() {}

    void encode(const McuCursor& cursor, std::int64_t) {
        cursor.each_block(scan, [&](std::size_t, const std::int16_t* block) {
            out.reserve(8);
            out.put((static_cast<std::uint16_t>(block[0]) >> scan.al) & 1, 1);
            return true;
        });
    }
};

// What first and refinement scans of AC coefficients share: EOB runs and the correction bits in them.
template <class Sink>
class AcKind : public Emitter<Sink> {
    using Base = Emitter<Sink>;

public:
    using Base::scan, Base::out, Base::symbol;
    AcKind(const Scan& s, const Choices& choices, std::int64_t first_mcu, Sink& sink)
        : Base(s, choices, first_mcu, sink),
          table(sink.ac_table(0)),
          band(band_mask(s)),
          max_run_(choices.max_eob_run),
          last_run_(choices.last_eob_run),
          switches_(choices.eob_switches, first_mcu, own_index) {}

    void reset() {}

    void flush() {
        if (run_ == 0) return;
        out.reserve(64 + waiting_.size());
        const int n = category_of(static_cast<std::uint32_t>(run_)) - 1;
        symbol(table, static_cast<unsigned>(n << 4), static_cast<std::uint64_t>(run_ - (1 << n)), n);
        for (const std::uint8_t bit : waiting_) out.put(bit, 1);
        run_ = 0;
        waiting_.clear();
    }

protected:
    // Adds a block to the EOB run, with the correction bits after its last new coefficient.
    void extend_run(std::int64_t mcu, const std::uint8_t* bits, int count) {
        const std::size_t before = waiting_.size();
        waiting_.insert(waiting_.end(), bits, bits + count);
        ++run_;
        if (mcu + 1 == scan.mcus()) run_ = std::max(run_, last_run_);
        const std::size_t limit = kCorrectionLimit;
        const bool by_rule = run_ == max_run_ || (before <= limit && waiting_.size() > limit);
        const bool reversed = switches_.find(mcu) != nullptr;
        if (by_rule != reversed || run_ == kMaxEobRun) flush();
    }

    typename Base::Table& table;
    const std::uint64_t band;

private:
    const int max_run_, last_run_;
    Indices switches_;
    int run_ = 0;
    std::vector<std::uint8_t> waiting_;
};

template <class Sink>
class AcFirstKind : public AcKind<Sink> {
    using Base = AcKind<Sink>;

public:
    using Base::Base;
    using Base::coefficient, Base::long_run, Base::needless_zero_runs;
    using Base::scan, Base::out, Base::zero_runs, Base::table, Base::band, Base::flush, Base::extend_run;

    void encode(const McuCursor& cursor, std::int64_t mcu) {
        const std::int16_t* const block = cursor.block(scan);
        const int low = scan.al;
        std::uint64_t mask = nonzero_mask(block, low) & band;
        const Exception* const exception = zero_runs.find(mcu);
        if (mask != 0 || exception != nullptr) flush();
        out.reserve(kBlockBits);
        int last = scan.ss - 1;
        for (; mask != 0; mask &= mask - 1) {
            const int k = lowest_bit(mask);
            const int magnitude = std::abs(block[k]) >> low;
            coefficient(table, long_run(table, k - last - 1), block[k] < 0 ? -magnitude : magnitude);
            last = k;
        }
        if (exception != nullptr) {
            last = needless_zero_runs(table, exception->second, last, scan.se);
        }
        if (last != scan.se) extend_run(mcu, nullptr, 0);
    }
};

template <class Sink>
class AcRefineKind : public AcKind<Sink> {
    using Base = AcKind<Sink>;

public:
    using Base::Base;
    using Base::scan, Base::out, Base::zero_runs, Base::table, Base::band, Base::flush, Base::extend_run;
    using Base::symbol, Base::failed;

    void encode(const McuCursor& cursor, std::int64_t mcu) {
        const std::int16_t* const block = cursor.block(scan);
        const int low = scan.al;
        const int end = scan.se;
        const Exception* const exception = zero_runs.find(mcu);
        const std::uint64_t known = nonzero_mask(block, low + 1) & band;
        std::uint64_t fresh = nonzero_mask(block, low) & band & ~known;
        if (fresh != 0 || exception != nullptr) flush();
        out.reserve(kBlockBits);
        int zeros = 0;
        int last = scan.ss - 1;  // the last non-zero coefficient so far
        for (std::uint64_t mask = known | fresh; mask != 0; mask &= mask - 1) {
            if (fresh == 0 && exception != nullptr) break;
            const int k = lowest_bit(mask);
            zeros += k - last - 1;
            last = k;
            if (fresh != 0) {
                for (; zeros > 15; zeros -= 16) zero_run_symbol();
            }
            if ((known >> k & 1) != 0) {
                bits_[count_++] = static_cast<std::uint8_t>(std::abs(block[k]) >> low & 1);
                continue;
            }
            symbol(table, static_cast<unsigned>(zeros << 4 | 1), block[k] > 0 ? 1 : 0, 1);
            put_bits();
            zeros = 0;
            fresh &= fresh - 1;
        }
        if (exception != nullptr) {
            zeros = needless_zero_runs_among(block, known, last + 1, exception->second);
        } else {
            zeros += end - last;
        }
        if (zeros != 0 || count_ != 0) extend_run(mcu, bits_, count_);
        count_ = 0;
    }

private:
    void put_bits() {
        for (int i = 0; i < count_; ++i) out.put(bits_[i], 1);
        count_ = 0;
    }

    void zero_run_symbol() {
        symbol(table, kZrl);
        put_bits();
    }

    // The counterpart of needless_zero_runs() where coefficients from k on have correction bits. known: those
    // coefficients; count: ZRL symbols to write. Returns the number of zeros after the last symbol.
    int needless_zero_runs_among(const std::int16_t* block, std::uint64_t known, int k, int count) {
        int zeros = 0;
        for (; k <= scan.se; ++k) {
            if ((known >> k & 1) != 0) {
                bits_[count_++] = static_cast<std::uint8_t>(std::abs(block[k]) >> scan.al & 1);
            } else if (++zeros == 16 && count != 0) {
                zero_run_symbol();
                zeros = 0;
                --count;
            }
        }
        failed |= count != 0;
        return zeros;
    }

    std::uint8_t bits_[64];  // correction bits of the block that follow its last symbol
    int count_ = 0;
};

struct SegmentEncoder {
    const Scan& scan;
    const Choices& choices;
    std::int64_t first_mcu, mcus;
    std::int64_t restart_interval;
    int restart;
    bool pad;
    std::vector<std::uint8_t>& result;

    template <template <class> class Kind>
    bool run() {
        BitSink out(scan);
        Kind<BitSink> kind(scan, choices, first_mcu, out);
        Exceptions padding(choices.padding, first_mcu, exception_index);
        ExtraneousBytes extraneous(choices.extraneous, first_mcu, extraneous_index);
        McuCursor cursor(scan, first_mcu);
        const std::int64_t end = first_mcu + mcus;
        std::int64_t interval_end = restart_interval != 0 ? first_mcu + restart_interval : end;
        kind.reset();
        for (std::int64_t mcu = first_mcu; mcu < end; ++mcu, cursor.advance(1)) {
            if (mcu == interval_end) {
                kind.flush();
                end_interval(out, padding, extraneous, mcu);
                out.restart_marker(restart);
                restart = (restart + 1) & 7;
                interval_end += restart_interval;
                kind.reset();
            }
            kind.encode(cursor, mcu);
            if (kind.failed) return false;
        }
        kind.flush();
        if (kind.failed) return false;
        if (pad) {
            end_interval(out, padding, extraneous, end);
        } else {
            out.reserve(64);
            out.truncate();
        }
        result.assign(out.data(), out.data() + out.size());
        return true;
    }

private:
    void end_interval(BitWriter& out, Exceptions& padding, ExtraneousBytes& extraneous,
                      std::int64_t mcu) const {
        out.reserve(64);
        const Exception* const e = padding.find(mcu);
        out.pad(e != nullptr ? static_cast<std::uint32_t>(e->second) : choices.padding_bit != 0 ? 0xFFu : 0u);
        const Extraneous* const bytes = extraneous.find(mcu);
        if (bytes != nullptr) out.raw(bytes->second);
        out.reserve(64);
    }
};

struct SymbolCounter {
    const Scan& scan;
    std::vector<ComponentCounts>& counts;

    template <template <class> class Kind>
    bool run() {
        const Choices choices;
        CountSink out(counts);
        Kind<CountSink> kind(scan, choices, 0, out);
        McuCursor cursor(scan, 0);
        for (std::int64_t mcu = 0; mcu < scan.mcus(); ++mcu, cursor.advance(1)) kind.encode(cursor, mcu);
        kind.flush();
        return !kind.failed;
    }
};

// Calls coder.run<Kind>() with the class for the kind of scan.
template <class Coder>
bool run(const Scan& scan, Coder coder) {
    if (!scan.progressive) return coder.template run<SequentialKind>();
    if (scan.ss == 0) {
        return scan.ah == 0 ? coder.template run<DcFirstKind>() : coder.template run<DcRefineKind>();
    }
    return scan.ah == 0 ? coder.template run<AcFirstKind>() : coder.template run<AcRefineKind>();
}

}  // namespace

bool encode_segment(const Scan& scan, const Choices& choices, std::int64_t first_mcu, std::int64_t mcus,
                    std::int64_t restart_interval, int first_restart, bool pad,
                    std::vector<std::uint8_t>& out) {
    if (scan.arithmetic) {
        encode_arithmetic_segment(scan, choices, first_mcu, mcus, restart_interval, first_restart, pad, out);
        return true;
    }
    return run(scan,
               SegmentEncoder{scan, choices, first_mcu, mcus, restart_interval, first_restart, pad, out});
}

bool count_symbols(const Scan& scan, std::vector<ComponentCounts>& counts) {
    counts.assign(scan.components.size(), ComponentCounts{});
    return run(scan, SymbolCounter{scan, counts});
}

}  // namespace jrecomp
