// Coefficients to entropy-coded data (T.81 F.1.2, G.1.2), by libjpeg's rules and the exceptions to them.

#include <algorithm>

#include "bit_writer.hpp"
#include "nonzero.hpp"
#include "scan.hpp"

namespace jrecomp {
namespace {

// Bits that one block can take at most, without correction bits carried over from earlier blocks.
constexpr size_t kBlockBits = 64 * 32 + 64 + 64 * 16;

// Walks a sorted list of exceptions along with the blocks.
template <class Item, class Index>
class Follower {
 public:
  Follower(const std::vector<Item>& items, int64_t first, Index index) : index_(index), end_(items.end()) {
    at_ = std::lower_bound(items.begin(), end_, first,
                           [&](const Item& item, int64_t value) { return index_(item) < value; });
  }

  // The item at an index not below those asked for before, or null.
  const Item* find(int64_t index) {
    while (at_ != end_ && index_(*at_) < index) ++at_;
    return at_ != end_ && index_(*at_) == index ? &*at_ : nullptr;
  }

 private:
  Index index_;
  typename std::vector<Item>::const_iterator at_, end_;
};

int64_t exception_index(const Exception& e) { return e.first; }
int64_t own_index(const int64_t& index) { return index; }
using Exceptions = Follower<Exception, int64_t (*)(const Exception&)>;
using Indices = Follower<int64_t, int64_t (*)(const int64_t&)>;

// What all kinds of scans share. A kind's encode() writes one MCU; flush() ends what is pending.
struct Emitter {
  const Scan& scan;
  BitWriter& out;
  Exceptions zero_runs;
  bool failed = false;  // a symbol had no code or a choice did not fit

  Emitter(const Scan& s, const Choices& choices, int64_t first_mcu, BitWriter& writer)
      : scan(s), out(writer), zero_runs(choices.zero_runs, first_mcu * s.blocks_per_mcu(), exception_index) {}

  void symbol(const HuffmanEncoder& table, unsigned symbol) {
    const HuffmanEncoder::Entry entry = table[symbol];
    failed |= entry.length == 0;
    out.put(entry.code, entry.length);
  }

  // A symbol of run and category together with the additional bits of a value that is not zero.
  void coefficient(const HuffmanEncoder& table, int run, int value) {
    const int magnitude = value < 0 ? -value : value;
    const int category = category_of(static_cast<uint32_t>(magnitude));
    if (category > 15) {
      failed = true;
      return;
    }
    const HuffmanEncoder::Entry entry = table[static_cast<unsigned>(run << 4 | category)];
    failed |= entry.length == 0;
    const uint64_t bits = static_cast<uint64_t>(value < 0 ? value - 1 : value) & ((1u << category) - 1);
    out.put(static_cast<uint64_t>(entry.code) << category | bits, entry.length + category);
  }

  void dc_difference(const HuffmanEncoder& table, int value, int16_t& prediction) {
    const int difference = static_cast<int16_t>(value - prediction);
    prediction = static_cast<int16_t>(value);
    if (difference == 0) {
      symbol(table, 0);
    } else {
      coefficient(table, 0, difference);
    }
  }

  // Symbols for run > 15 before a coefficient; returns what is left of the run.
  int long_run(const HuffmanEncoder& table, int run) {
    for (; run > 15; run -= 16) symbol(table, 0xF0);
    return run;
  }

  // The needless ZRL symbols of a block whose last coefficient is `last`; returns where they end.
  int needless_zero_runs(const HuffmanEncoder& table, int count, int last, int end) {
    if (count > (end - last) / 16) {
      failed = true;
      return last;
    }
    for (int i = 0; i < count; ++i) symbol(table, 0xF0);
    return last + 16 * count;
  }
};

class SequentialKind : public Emitter {
 public:
  using Emitter::Emitter;

  void reset() { std::fill(std::begin(prediction_), std::end(prediction_), int16_t{0}); }
  void flush() {}

  void encode(const McuCursor& cursor, int64_t mcu) {
    int64_t index = mcu * blocks_per_mcu_;
    cursor.each_block(scan, [&](size_t i, const int16_t* block) {
      encode_block(scan.components[i], prediction_[i], block, index++);
      return true;
    });
  }

 private:
  void encode_block(const ScanComponent& component, int16_t& prediction, const int16_t* block, int64_t index) {
    out.reserve(kBlockBits);
    dc_difference(component.dc_encoder, block[0], prediction);
    const HuffmanEncoder& table = component.ac_encoder;
    int last = 0;
    for (uint64_t mask = nonzero_mask(block, 0) & ~uint64_t{1}; mask != 0; mask &= mask - 1) {
      const int k = lowest_bit(mask);
      coefficient(table, long_run(table, k - last - 1), block[k]);
      last = k;
    }
    if (const Exception* e = zero_runs.find(index)) {
      last = needless_zero_runs(table, e->second, last, 63);
    }
    if (last != 63) symbol(table, 0);
  }

  int64_t blocks_per_mcu_ = scan.blocks_per_mcu();
  int16_t prediction_[4] = {};
};

class DcFirstKind : public Emitter {
 public:
  using Emitter::Emitter;

  void reset() { std::fill(std::begin(prediction_), std::end(prediction_), int16_t{0}); }
  void flush() {}

  void encode(const McuCursor& cursor, int64_t) {
    cursor.each_block(scan, [&](size_t i, const int16_t* block) {
      out.reserve(kBlockBits);
      // An arithmetic shift, for both signs: the point transform of DC (T.81 G.1.2.1).
      dc_difference(scan.components[i].dc_encoder, block[0] >> scan.approximation_low, prediction_[i]);
      return true;
    });
  }

 private:
  int16_t prediction_[4] = {};
};

class DcRefineKind : public Emitter {
 public:
  using Emitter::Emitter;

  void reset() {}
  void flush() {}

  void encode(const McuCursor& cursor, int64_t) {
    cursor.each_block(scan, [&](size_t, const int16_t* block) {
      out.reserve(8);
      out.put((static_cast<uint16_t>(block[0]) >> scan.approximation_low) & 1, 1);
      return true;
    });
  }
};

// What first and refinement scans of AC coefficients share: EOB runs and the correction bits in them.
class AcKind : public Emitter {
 public:
  AcKind(const Scan& s, const Choices& choices, int64_t first_mcu, BitWriter& writer)
      : Emitter(s, choices, first_mcu, writer),
        table(s.components[0].ac_encoder),
        band(band_mask(s)),
        max_run_(choices.max_eob_run),
        switches_(choices.eob_switches, first_mcu, own_index) {}

  void reset() {}

  void flush() {
    if (run_ == 0) return;
    out.reserve(64 + waiting_.size());
    const int n = category_of(static_cast<uint32_t>(run_)) - 1;
    symbol(table, static_cast<unsigned>(n << 4));
    out.put(static_cast<uint64_t>(run_ - (1 << n)), n);
    for (const uint8_t bit : waiting_) out.put(bit, 1);
    run_ = 0;
    waiting_.clear();
  }

 protected:
  // Adds a block to the run, with the correction bits after its last new coefficient.
  void extend_run(int64_t mcu, const uint8_t* bits, int count) {
    const size_t before = waiting_.size();
    waiting_.insert(waiting_.end(), bits, bits + count);
    ++run_;
    const size_t limit = kCorrectionLimit;
    const bool by_rule = run_ == max_run_ || (before <= limit && waiting_.size() > limit);
    const bool reversed = switches_.find(mcu) != nullptr;
    if (by_rule != reversed || run_ == kMaxEobRun) flush();
  }

  const HuffmanEncoder& table;
  const uint64_t band;

 private:
  const int max_run_;
  Indices switches_;
  int run_ = 0;
  std::vector<uint8_t> waiting_;
};

class AcFirstKind : public AcKind {
 public:
  using AcKind::AcKind;

  void encode(const McuCursor& cursor, int64_t mcu) {
    const int16_t* const block = cursor.block(scan);
    const int low = scan.approximation_low;
    uint64_t mask = nonzero_mask(block, low) & band;
    const Exception* const exception = zero_runs.find(mcu);
    if (mask != 0 || exception != nullptr) flush();
    out.reserve(kBlockBits);
    int last = scan.spectral_start - 1;
    for (; mask != 0; mask &= mask - 1) {
      const int k = lowest_bit(mask);
      const int magnitude = (block[k] < 0 ? -block[k] : block[k]) >> low;
      coefficient(table, long_run(table, k - last - 1), block[k] < 0 ? -magnitude : magnitude);
      last = k;
    }
    if (exception != nullptr) {
      last = needless_zero_runs(table, exception->second, last, scan.spectral_end);
    }
    if (last != scan.spectral_end) extend_run(mcu, nullptr, 0);
  }
};

class AcRefineKind : public AcKind {
 public:
  using AcKind::AcKind;

  void encode(const McuCursor& cursor, int64_t mcu) {
    const int16_t* const block = cursor.block(scan);
    const int low = scan.approximation_low;
    const int end = scan.spectral_end;
    const Exception* const exception = zero_runs.find(mcu);
    const uint64_t known = nonzero_mask(block, low + 1) & band;
    uint64_t fresh = nonzero_mask(block, low) & band & ~known;
    if (fresh != 0 || exception != nullptr) flush();
    out.reserve(kBlockBits);
    int zeros = 0;
    int last = scan.spectral_start - 1;  // the last nonzero coefficient dealt with
    for (uint64_t mask = known | fresh; mask != 0; mask &= mask - 1) {
      if (fresh == 0 && exception != nullptr) break;
      const int k = lowest_bit(mask);
      zeros += k - last - 1;
      last = k;
      if (fresh != 0) {
        for (; zeros > 15; zeros -= 16) zero_run_symbol();
      }
      const int magnitude = block[k] < 0 ? -block[k] : block[k];
      if ((known >> k & 1) != 0) {
        bits_[count_++] = static_cast<uint8_t>(magnitude >> low & 1);
        continue;
      }
      symbol(table, static_cast<unsigned>(zeros << 4 | 1));
      out.put(block[k] > 0 ? 1 : 0, 1);
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
    symbol(table, 0xF0);
    put_bits();
  }

  // Like the function above, for the rest of a block with correction bits in it; returns the zeros left.
  int needless_zero_runs_among(const int16_t* block, uint64_t known, int k, int count) {
    int zeros = 0;
    for (; k <= scan.spectral_end; ++k) {
      if ((known >> k & 1) != 0) {
        const int magnitude = block[k] < 0 ? -block[k] : block[k];
        bits_[count_++] = static_cast<uint8_t>(magnitude >> scan.approximation_low & 1);
      } else if (++zeros == 16 && count != 0) {
        zero_run_symbol();
        zeros = 0;
        --count;
      }
    }
    failed |= count != 0;
    return zeros;
  }

  uint8_t bits_[64];  // the block's correction bits that no symbol was written for yet
  int count_ = 0;
};

struct SegmentEncoder {
  const Scan& scan;
  const Choices& choices;
  int64_t restart_interval;
  int restart;
  bool pad;

  template <class Kind>
  bool run(int64_t first_mcu, int64_t mcus, std::vector<uint8_t>& result) {
    BitWriter out;
    Kind kind(scan, choices, first_mcu, out);
    Exceptions padding(choices.padding, first_mcu, exception_index);
    McuCursor cursor(scan, first_mcu);
    const int64_t end = first_mcu + mcus;
    int64_t interval_end = restart_interval != 0 ? first_mcu + restart_interval : end;
    kind.reset();
    for (int64_t mcu = first_mcu; mcu < end; ++mcu, cursor.advance(1)) {
      if (mcu == interval_end) {
        kind.flush();
        end_interval(out, padding, mcu);
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
      end_interval(out, padding, end);
    } else {
      out.reserve(64);
      out.truncate();
    }
    result.assign(out.data(), out.data() + out.size());
    return true;
  }

 private:
  void end_interval(BitWriter& out, Exceptions& padding, int64_t mcu) const {
    out.reserve(64);
    const Exception* const e = padding.find(mcu);
    out.pad(e != nullptr ? static_cast<uint32_t>(e->second) : choices.padding_bit != 0 ? 0xFFu : 0u);
  }
};

}  // namespace

bool encode_segment(const Scan& scan, const Choices& choices, int64_t first_mcu, int64_t mcus,
                    int64_t restart_interval, int first_restart, bool pad, std::vector<uint8_t>& out) {
  SegmentEncoder segment{scan, choices, restart_interval, first_restart, pad};
  if (!scan.progressive) return segment.run<SequentialKind>(first_mcu, mcus, out);
  if (scan.spectral_start == 0) {
    return scan.approximation_high == 0 ? segment.run<DcFirstKind>(first_mcu, mcus, out)
                                        : segment.run<DcRefineKind>(first_mcu, mcus, out);
  }
  return scan.approximation_high == 0 ? segment.run<AcFirstKind>(first_mcu, mcus, out)
                                      : segment.run<AcRefineKind>(first_mcu, mcus, out);
}

}  // namespace jrecomp
