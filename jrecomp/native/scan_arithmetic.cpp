// Arithmetic-coded scans (T.81 F.1.4, G.1.3): which decisions code the coefficients, and segments of them.
//
// The same code encodes and decodes: a coder takes the decision to encode, or ignores it, and returns the
// decision. As in scan_decode.cpp nothing is repaired.

#include <algorithm>
#include <array>
#include <cstdlib>

#include "bit_reader.hpp"
#include "exceptions.hpp"
#include "nonzero.hpp"
#include "qm_coder.hpp"
#include "scan.hpp"

namespace jrecomp {
namespace {

// The classes of a DC difference that are the contexts of the next one (F.1.4.4.1), as offsets of
// statistics.
constexpr int kZero = 0, kPositive = 4, kNegative = 8, kLargeOffset = 8;

// Statistics of magnitudes in the areas of DC and of AC (tables F.4 and F.5). Those of the bits below the
// first follow at kBits.
constexpr int kDcLadder = 20, kAcLowLadder = 189, kAcHighLadder = 217, kBits = 14;

// First scans hardly ever drop more zeros from the end of an interval, so data that need more were cut.
// Refinement scans may drop all their bits.
constexpr int kMaxDropped = 64;

// Codes MCUs from the start of a restart interval on.
template <class Coder>
class McuCoder {
public:
    McuCoder(const Scan& scan, Coder& coder) : scan_(scan), coder_(coder) {}

    // Returns false for bad data.
    bool code(const McuCursor& cursor) {
        return cursor.each_block(scan_, [&](std::size_t i, std::int16_t* block) {
            if (!scan_.progressive) {
                if (!Coder::kEncodes) std::fill(block, block + 64, std::int16_t{0});
                return code_dc(i, block) && code_ac(i, block);
            }
            if (scan_.ss == 0) return scan_.ah == 0 ? code_dc(i, block) : refine_dc(block);
            return scan_.ah == 0 ? code_ac(i, block) : refine_ac(i, block);
        });
    }

private:
    bool code_dc(std::size_t i, std::int16_t* block) {
        const Conditioning& conditioning = scan_.components[i].conditioning;
        QmEstimate* const area = dc_[conditioning.dc_destination].data();
        QmEstimate* const estimates = area + context_[i];
        const int difference = static_cast<std::int16_t>((block[0] >> scan_.al) - prediction_[i]);
        context_[i] = kZero;
        if (coder_.code(estimates[0], difference != 0)) {
            const bool negative = coder_.code(estimates[1], difference < 0);
            Magnitude magnitude{std::abs(difference)};
            if (!code_magnitude(magnitude, estimates + (negative ? 3 : 2), area + kDcLadder, false))
                return false;
            // 2^15 is the same difference as -2^15, which is what encoders write.
            if (magnitude.value > INT16_MAX && !negative) return false;
            if (magnitude.top >= 1 << conditioning.lower >> 1) {
                context_[i] = negative ? kNegative : kPositive;
                if (magnitude.top > 1 << conditioning.upper >> 1) context_[i] += kLargeOffset;
            }
            prediction_[i] =
                static_cast<std::int16_t>(prediction_[i] + (negative ? -magnitude.value : magnitude.value));
        }
        return store(block[0], prediction_[i] * (1 << scan_.al));
    }

    bool refine_dc(std::int16_t* block) {
        const int bit = 1 << scan_.al;
        if (coder_.code(half_, (block[0] & bit) != 0) && !Coder::kEncodes)
            block[0] = static_cast<std::int16_t>(block[0] | bit);
        return true;
    }

    // The AC coefficients of a sequential scan, or of a first scan.
    bool code_ac(std::size_t i, std::int16_t* block) {
        const Conditioning& conditioning = scan_.components[i].conditioning;
        QmEstimate* const area = ac_[conditioning.ac_destination].data();
        const std::uint64_t nonzero = nonzero_to_encode(block);
        for (int k = std::max(scan_.ss, 1); k <= scan_.se; ++k) {
            QmEstimate* estimates = area + 3 * (k - 1);
            if (coder_.code(estimates[0], nonzero >> k == 0)) return true;  // end of block
            for (; !coder_.code(estimates[1], (nonzero >> k & 1) != 0); estimates += 3)
                if (++k > scan_.se) return false;
            const bool negative = coder_.code(half_, block[k] < 0);
            Magnitude magnitude{std::abs(block[k]) >> scan_.al};
            QmEstimate* const ladder = area + (k <= conditioning.kx ? kAcLowLadder : kAcHighLadder);
            if (!code_magnitude(magnitude, estimates + 2, ladder, true)) return false;
            const int value = magnitude.value * (1 << scan_.al);
            if (!store(block[k], negative ? -value : value)) return false;
        }
        return true;
    }

    bool refine_ac(std::size_t i, std::int16_t* block) {
        QmEstimate* const area = ac_[scan_.components[i].conditioning.ac_destination].data();
        const int bit = 1 << scan_.al;
        const std::uint64_t nonzero = nonzero_to_encode(block);
        const std::uint64_t known = nonzero_mask(block, Coder::kEncodes ? scan_.al + 1 : 0) & band_;
        for (int k = scan_.ss; k <= scan_.se; ++k) {
            QmEstimate* estimates = area + 3 * (k - 1);
            if (known >> k == 0 && coder_.code(estimates[0], nonzero >> k == 0)) return true;
            while ((known >> k & 1) == 0 && !coder_.code(estimates[1], (nonzero >> k & 1) != 0)) {
                estimates += 3;
                if (++k > scan_.se) return false;
            }
            if ((known >> k & 1) != 0) {
                const bool set = coder_.code(estimates[2], (std::abs(block[k]) & bit) != 0);
                if (!Coder::kEncodes && set && (std::abs(block[k]) & bit) == 0)
                    block[k] = static_cast<std::int16_t>(block[k] < 0 ? block[k] - bit : block[k] + bit);
            } else {
                const bool negative = coder_.code(half_, block[k] < 0);
                store(block[k], negative ? -bit : bit);
            }
        }
        return true;
    }

    // A magnitude that is not 0, and the highest bit of one less, 0 if there is none.
    struct Magnitude {
        int value;
        int top = 0;
    };

    // Codes a magnitude (F.1.4.3): estimates of its first decision, and of those that find its highest bit.
    // twice: the second decision has the estimate of the first one. Returns false for one above 2^15.
    bool code_magnitude(Magnitude& magnitude, QmEstimate* estimate, QmEstimate* ladder, bool twice) {
        int excess = magnitude.value - 1;
        int& top = magnitude.top;
        if (coder_.code(*estimate, excess > 0)) {
            top = 1;
            if (!twice || coder_.code(*estimate, excess > 1)) {
                if (twice) top = 2;
                for (estimate = ladder; coder_.code(*estimate, excess >= 2 * top); ++estimate) {
                    top *= 2;
                    if (top > INT16_MAX) return false;
                }
            }
        }
        int bits = top;
        for (int bit = top >> 1; bit != 0; bit >>= 1)
            if (coder_.code(estimate[kBits], (excess & bit) != 0)) bits |= bit;
        magnitude.value = bits + 1;
        return true;
    }

    // Sets a coefficient that was decoded. Returns false if it is out of range.
    static bool store(std::int16_t& coefficient, int value) {
        if (Coder::kEncodes) return true;
        if (std::abs(value) > INT16_MAX) return false;
        coefficient = static_cast<std::int16_t>(value);
        return true;
    }

    // The mask of the coefficients that are not 0 with the precision of the scan.
    std::uint64_t nonzero_to_encode(const std::int16_t* block) const {
        return Coder::kEncodes ? nonzero_mask(block, scan_.al) & band_ : 0;
    }

    const Scan& scan_;
    Coder& coder_;
    const std::uint64_t band_ = band_mask(scan_);
    std::array<std::array<QmEstimate, 64>, 4> dc_{};
    std::array<std::array<QmEstimate, 256>, 4> ac_{};
    QmEstimate half_{kFixedState, 0};  // of all decisions whose probability is always 1/2
    std::int16_t prediction_[4] = {};
    int context_[4] = {};
};

// Appends MCUs that are a restart interval or its beginning. finish: whether it ends there.
void encode_interval(const Scan& scan, std::int64_t first_mcu, std::int64_t mcus, bool finish,
                     std::vector<std::uint8_t>& out) {
    QmEncoder coder;
    McuCoder<QmEncoder> mcu_coder(scan, coder);
    McuCursor cursor(scan, first_mcu);
    for (std::int64_t i = 0; i < mcus; ++i, cursor.advance(1)) mcu_coder.code(cursor);
    finish ? coder.finish(out) : coder.truncate(out);
}

// The first 0xFF without a stuffed zero, or the end.
const std::uint8_t* find_marker(const std::uint8_t* at, const std::uint8_t* end) {
    for (;;) {
        at = std::find(at, end, kMarker);
        if (end - at < 2 || at[1] != 0) return at;
        at += 2;
    }
}

}  // namespace

void encode_arithmetic_segment(const Scan& scan, const Choices& choices, std::int64_t first_mcu,
                               std::int64_t mcus, std::int64_t restart_interval, int first_restart,
                               bool finish, std::vector<std::uint8_t>& out) {
    ExtraneousBytes extraneous(choices.extraneous, first_mcu, extraneous_index);
    const std::int64_t end = first_mcu + mcus;
    std::int64_t mcu = first_mcu;
    for (int restart = first_restart; mcu < end; restart = (restart + 1) & 7) {
        const std::int64_t left = end - mcu;
        const std::int64_t count = restart_interval != 0 ? std::min(restart_interval, left) : left;
        const bool last = count == left;
        encode_interval(scan, mcu, count, finish || !last, out);
        mcu += count;
        if (last && !finish) return;
        if (const Extraneous* e = extraneous.find(mcu)) out.insert(out.end(), e->second.begin(), e->second.end());
        if (!last) {
            out.push_back(kMarker);
            out.push_back(static_cast<std::uint8_t>(kRst0 + restart));
        }
    }
}

Decoded ScanDecoder::decode_arithmetic(const std::uint8_t* begin, const std::uint8_t* end,
                                       std::int64_t first_mcu, std::int64_t restart_interval,
                                       int first_restart) {
    const std::int64_t total = scan_.mcus();
    const std::ptrdiff_t known = static_cast<std::ptrdiff_t>(extraneous_.size());
    const std::uint8_t* at = begin;
    std::int64_t mcu = first_mcu;
    for (int restart = first_restart; mcu < total; restart = (restart + 1) & 7) {
        const std::int64_t left = total - mcu;
        const std::int64_t count = restart_interval != 0 ? std::min(restart_interval, left) : left;
        const std::uint8_t* const data_end = find_marker(at, end);
        const Interval interval = decode_interval(at, data_end, mcu, count);
        if (interval.bytes < 0) {
            mcu += interval.certain;
            break;
        }
        mcu += count;
        const std::uint8_t* const marker = mcu == total ? end : find_restart(data_end, end);
        if (mcu != total && (marker == end || marker[1] != kRst0 + restart)) break;
        at += interval.bytes;
        if (at != marker) extraneous_.emplace_back(mcu, std::string(at, marker));
        if (mcu == total) return Decoded{total - first_mcu, end};
        at = marker + 2;
    }
    Choices choices;
    choices.extraneous.assign(extraneous_.begin() + known, extraneous_.end());
    std::vector<std::uint8_t> regular;
    encode_arithmetic_segment(scan_, choices, first_mcu, mcu - first_mcu, restart_interval, first_restart,
                              false, regular);
    return Decoded{mcu - first_mcu, begin + regular.size()};
}

// Decodes an interval of `count` MCUs from the data between `begin` and a marker.
ScanDecoder::Interval ScanDecoder::decode_interval(const std::uint8_t* begin, const std::uint8_t* marker,
                                                   std::int64_t first_mcu, std::int64_t count) {
    Interval result{0, -1};
    QmDecoder coder(begin, marker);
    McuCoder<QmDecoder> mcu_coder(scan_, coder);
    McuCursor cursor(scan_, first_mcu);
    for (std::int64_t mcus = 1; mcus <= count; ++mcus, cursor.advance(1)) {
        if (!mcu_coder.code(cursor)) return result;
        if (coder.zeros_after_end() == 0) {
            result.certain = mcus;
        } else if ((scan_.ah == 0 && coder.zeros_after_end() > kMaxDropped) || ++after_end_ > scan_.mcus()) {
            return result;
        }
    }
    std::vector<std::uint8_t> regular;
    encode_interval(scan_, first_mcu, count, true, regular);
    const std::ptrdiff_t size = static_cast<std::ptrdiff_t>(regular.size());
    if (size <= marker - begin && std::equal(regular.begin(), regular.end(), begin)) result.bytes = size;
    return result;
}

}  // namespace jrecomp
