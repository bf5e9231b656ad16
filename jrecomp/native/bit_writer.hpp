// Writes bits to bytes, most significant first, with a zero byte stuffed after every 0xFF (T.81 F.1.2.3);
// the counterpart of bit_reader.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "t81.hpp"

namespace jrecomp {

class BitWriter {
public:
    // Makes room for `bits` bits, even if every byte needs stuffing. put() does not check for room.
    void reserve(std::size_t bits) {
        const std::size_t need = size_ + bits / 4 + 32;
        if (need > buffer_.size()) buffer_.resize(need + need / 2);
    }

    // Appends the low n bits of value, 0 <= n <= 32; the bits above must be zero.
    void put(std::uint64_t value, int n) {
        bits_ = bits_ << n | value;
        count_ += n;
        if (count_ >= 32) flush_word();
    }

    // Bits of the byte that is filled in part.
    int partial_bits() const { return count_ & 7; }

    // Writes out everything; fills up the last byte with the low bits of `padding`.
    void pad(std::uint32_t padding) {
        const int missing = (8 - partial_bits()) & 7;
        put(padding & ((1u << missing) - 1), missing);
        flush_bytes();
    }

    // Writes out the whole bytes and drops the bits of an incomplete last one.
    void truncate() {
        bits_ >>= partial_bits();
        count_ -= partial_bits();
        flush_bytes();
    }

    // Writes RST0 to RST7 for 0 to 7. Only after pad().
    void restart_marker(int number) {
        buffer_[size_++] = kMarker;
        buffer_[size_++] = static_cast<std::uint8_t>(kRst0 + number);
    }

    // Writes bytes as they are. Only after pad().
    void raw(const std::string& bytes) {
        reserve(8 * bytes.size());
        for (const char byte : bytes) buffer_[size_++] = static_cast<std::uint8_t>(byte);
    }

    // The bytes written up to the last pad() or truncate().
    const std::uint8_t* data() const { return buffer_.data(); }
    std::size_t size() const { return size_; }

private:
    void flush_word() {
        count_ -= 32;
        const std::uint32_t word = static_cast<std::uint32_t>(bits_ >> count_);
        const std::uint32_t inverted = ~word;
        if (((inverted - 0x01010101u) & word & 0x80808080u) == 0) {
            std::uint8_t* p = buffer_.data() + size_;
            p[0] = static_cast<std::uint8_t>(word >> 24);
            p[1] = static_cast<std::uint8_t>(word >> 16);
            p[2] = static_cast<std::uint8_t>(word >> 8);
            p[3] = static_cast<std::uint8_t>(word);
            size_ += 4;
        } else {
            for (int shift = 24; shift >= 0; shift -= 8) put_byte(static_cast<std::uint8_t>(word >> shift));
        }
    }

    void flush_bytes() {
        for (; count_ >= 8; count_ -= 8) put_byte(static_cast<std::uint8_t>(bits_ >> (count_ - 8)));
    }

    void put_byte(std::uint8_t byte) {
        buffer_[size_++] = byte;
        if (byte == kMarker) buffer_[size_++] = 0;
    }

    std::vector<std::uint8_t> buffer_;
    std::size_t size_ = 0;
    std::uint64_t bits_ = 0;  // the low count_ bits are not written yet
    int count_ = 0;
};

}  // namespace jrecomp
