// Reads bits of entropy-coded data, most significant first, without stuffed zero bytes (T.81 F.2.2.5).
#pragma once

#include <cstddef>
#include <cstdint>

#include "t81.hpp"

namespace jrecomp {

inline std::uint64_t load_big_endian(const std::uint8_t* p) {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8 | p[i];
    return value;
}

inline bool has_ff_byte(std::uint64_t word) {
    const std::uint64_t inverted = ~word;
    return ((inverted - 0x0101010101010101u) & word & 0x8080808080808080u) != 0;
}

// Reads up to the next marker (0xFF before anything but 0x00) or the end of the data. Past that point it
// returns any number of zero bits. So the decoding loops need no check, and overrun() reports
// afterwards whether such bits were taken.
class BitReader {
public:
    // A place in the data: the next byte to load, not below `begin`, and how many of the bits before that
    // byte are unread.
    struct Position {
        const std::uint8_t* begin;
        const std::uint8_t* next;
        int unread_bits;
    };

    BitReader(const std::uint8_t* begin, const std::uint8_t* end) : end_(end) { reset(begin); }

    // Starts again at a byte of the same data.
    void reset(const std::uint8_t* at) {
        begin_ = at;
        next_ = at;
        bits_ = 0;
        count_ = 0;
        virtual_ = 0;
    }

    // Makes at least 48 bits available to peek(), skip() and take(), which do not load any.
    void refill() {
        if (count_ >= 48) return;
        if (end_ - next_ >= 8) {
            const std::uint64_t word = load_big_endian(next_);
            if (!has_ff_byte(word)) {
                bits_ |= word >> count_;
                const int bytes = (63 - count_) >> 3;
                next_ += bytes;
                count_ += bytes * 8;
                return;
            }
        }
        refill_bytewise();
    }

    // The next n bits, 1 <= n <= 32, of those that refill() made available.
    std::uint32_t peek(int n) const { return static_cast<std::uint32_t>(bits_ >> (64 - n)); }

    void skip(int n) {
        bits_ <<= n;
        count_ -= n;
    }

    std::uint32_t take(int n) {
        const std::uint32_t value = peek(n);
        skip(n);
        return value;
    }

    // True once more bits were taken than there are.
    bool overrun() const { return count_ < virtual_; }

    // Only while overrun() is false.
    Position position() const { return Position{begin_, next_, count_ - virtual_}; }

    // Unread bits of the byte that is read in part; at the end of a restart interval they are padding.
    int partial_bits() const { return (count_ - virtual_) & 7; }

private:
    void refill_bytewise() {
        while (count_ < 56) {
            std::uint64_t byte = 0;
            if (next_ < end_ && *next_ != kMarker) {
                byte = *next_++;
            } else if (end_ - next_ >= 2 && next_[1] == 0) {
                byte = kMarker;
                next_ += 2;
            } else {
                virtual_ += 8;
            }
            bits_ |= byte << (56 - count_);
            count_ += 8;
        }
    }

    const std::uint8_t* begin_ = nullptr;
    const std::uint8_t* next_ = nullptr;
    const std::uint8_t* end_;
    std::uint64_t bits_ = 0;  // left-aligned; below the valid bits there may be copies of the next ones
    int count_ = 0;           // valid bits of bits_
    int virtual_ = 0;         // zero bits appended past the data
};

// The next restart marker from `at` on, or the end.
inline const std::uint8_t* find_restart(const std::uint8_t* at, const std::uint8_t* end) {
    for (; end - at >= 2; ++at) {
        if (at[0] == kMarker && (at[1] & 0xF8) == kRst0) return at;
    }
    return end;
}

// The byte that holds the first unread bit, or the next byte where no byte is read in part. Goes back over
// the unread bytes. A zero after 0xFF is stuffing there, since no reader passes a marker.
inline const std::uint8_t* byte_at(BitReader::Position position) {
    const std::uint8_t* p = position.next;
    for (int bytes = (position.unread_bits + 7) >> 3; bytes > 0; --bytes) {
        p -= (p[-1] == 0 && p - position.begin >= 2 && p[-2] == kMarker) ? 2 : 1;
    }
    return p;
}

}  // namespace jrecomp
