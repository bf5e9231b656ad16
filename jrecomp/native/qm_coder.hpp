// The adaptive binary arithmetic coder of T.81, annex D, also called QM coder.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "t81.hpp"

namespace jrecomp {

// A state of the estimation of probabilities (table D.3): the size of the less probable symbol's part of an
// interval in units of 2^-16, about 4/3 of its probability; the states after that symbol and after the other
// one; whether the two change roles after the less probable one.
struct QmState {
    std::uint16_t size;
    std::uint8_t after_less, after_more;
    std::uint8_t exchange;
};

// The last state is that of decisions whose probability is always 1/2 (F.1.4.4).
// clang-format off
inline constexpr std::array<QmState, 114> kQmStates = {{
    {0x5A1D, 1, 1, 1},     {0x2586, 14, 2, 0},    {0x1114, 16, 3, 0},    {0x080B, 18, 4, 0},
    {0x03D8, 20, 5, 0},    {0x01DA, 23, 6, 0},    {0x00E5, 25, 7, 0},    {0x006F, 28, 8, 0},
    {0x0036, 30, 9, 0},    {0x001A, 33, 10, 0},   {0x000D, 35, 11, 0},   {0x0006, 9, 12, 0},
    {0x0003, 10, 13, 0},   {0x0001, 12, 13, 0},   {0x5A7F, 15, 15, 1},   {0x3F25, 36, 16, 0},
    {0x2CF2, 38, 17, 0},   {0x207C, 39, 18, 0},   {0x17B9, 40, 19, 0},   {0x1182, 42, 20, 0},
    {0x0CEF, 43, 21, 0},   {0x09A1, 45, 22, 0},   {0x072F, 46, 23, 0},   {0x055C, 48, 24, 0},
    {0x0406, 49, 25, 0},   {0x0303, 51, 26, 0},   {0x0240, 52, 27, 0},   {0x01B1, 54, 28, 0},
    {0x0144, 56, 29, 0},   {0x00F5, 57, 30, 0},   {0x00B7, 59, 31, 0},   {0x008A, 60, 32, 0},
    {0x0068, 62, 33, 0},   {0x004E, 63, 34, 0},   {0x003B, 32, 35, 0},   {0x002C, 33, 9, 0},
    {0x5AE1, 37, 37, 1},   {0x484C, 64, 38, 0},   {0x3A0D, 65, 39, 0},   {0x2EF1, 67, 40, 0},
    {0x261F, 68, 41, 0},   {0x1F33, 69, 42, 0},   {0x19A8, 70, 43, 0},   {0x1518, 72, 44, 0},
    {0x1177, 73, 45, 0},   {0x0E74, 74, 46, 0},   {0x0BFB, 75, 47, 0},   {0x09F8, 77, 48, 0},
    {0x0861, 78, 49, 0},   {0x0706, 79, 50, 0},   {0x05CD, 48, 51, 0},   {0x04DE, 50, 52, 0},
    {0x040F, 50, 53, 0},   {0x0363, 51, 54, 0},   {0x02D4, 52, 55, 0},   {0x025C, 53, 56, 0},
    {0x01F8, 54, 57, 0},   {0x01A4, 55, 58, 0},   {0x0160, 56, 59, 0},   {0x0125, 57, 60, 0},
    {0x00F6, 58, 61, 0},   {0x00CB, 59, 62, 0},   {0x00AB, 61, 63, 0},   {0x008F, 61, 32, 0},
    {0x5B12, 65, 65, 1},   {0x4D04, 80, 66, 0},   {0x412C, 81, 67, 0},   {0x37D8, 82, 68, 0},
    {0x2FE8, 83, 69, 0},   {0x293C, 84, 70, 0},   {0x2379, 86, 71, 0},   {0x1EDF, 87, 72, 0},
    {0x1AA9, 87, 73, 0},   {0x174E, 72, 74, 0},   {0x1424, 72, 75, 0},   {0x119C, 74, 76, 0},
    {0x0F6B, 74, 77, 0},   {0x0D51, 75, 78, 0},   {0x0BB6, 77, 79, 0},   {0x0A40, 77, 48, 0},
    {0x5832, 80, 81, 1},   {0x4D1C, 88, 82, 0},   {0x438E, 89, 83, 0},   {0x3BDD, 90, 84, 0},
    {0x34EE, 91, 85, 0},   {0x2EAE, 92, 86, 0},   {0x299A, 93, 87, 0},   {0x2516, 86, 71, 0},
    {0x5570, 88, 89, 1},   {0x4CA9, 95, 90, 0},   {0x44D9, 96, 91, 0},   {0x3E22, 97, 92, 0},
    {0x3824, 99, 93, 0},   {0x32B4, 99, 94, 0},   {0x2E17, 93, 86, 0},   {0x56A8, 95, 96, 1},
    {0x4F46, 101, 97, 0},  {0x47E5, 102, 98, 0},  {0x41CF, 103, 99, 0},  {0x3C3D, 104, 100, 0},
    {0x375E, 99, 93, 0},   {0x5231, 105, 102, 0}, {0x4C0F, 106, 103, 0}, {0x4639, 107, 104, 0},
    {0x415E, 103, 99, 0},  {0x5627, 105, 106, 1}, {0x50E7, 108, 107, 0}, {0x4B85, 109, 103, 0},
    {0x5597, 110, 109, 0}, {0x504F, 111, 107, 0}, {0x5A10, 110, 111, 1}, {0x5522, 112, 109, 0},
    {0x59EB, 112, 111, 1}, {0x5A1D, 113, 113, 0},
}};
// clang-format on
constexpr std::uint8_t kFixedState = 113;

// What is known of a decision (a statistics bin of F.1.4): its state and its more probable value.
struct QmEstimate {
    std::uint8_t state = 0;
    std::uint8_t more_probable = 0;
};

// The interval of annex D. Its lower part belongs to the more probable value, unless that part has become the
// smaller one (conditional exchange).
class QmInterval {
protected:
    // Adapts the estimate to a decision after which the interval has a new size (D.1.5).
    void learn(QmEstimate& estimate, const QmState& state, bool probable) const {
        if (probable) {
            if (range_ < kHalf) estimate.state = state.after_more;
        } else {
            estimate.more_probable ^= state.exchange;
            estimate.state = state.after_less;
        }
    }

    static constexpr std::uint32_t kHalf = 0x8000;
    std::uint32_t range_ = 2 * kHalf;  // the size of the interval, in units of 2^-16 of its scale
};

// Encodes decisions. The code is a number of the final interval, as base-256 digits after the point.
class QmEncoder : QmInterval {
public:
    static constexpr bool kEncodes = true;

    // Encodes a decision and returns it.
    bool code(QmEstimate& estimate, bool decision) {
        const QmState& state = kQmStates[estimate.state];
        const bool probable = decision == (estimate.more_probable != 0);
        range_ -= state.size;
        const bool lower = probable == (range_ >= state.size);
        if (!lower) {
            low_ += range_;
            range_ = state.size;
        }
        learn(estimate, state, probable);
        for (; range_ < kHalf; range_ <<= 1) {
            low_ <<= 1;
            if (--count_ == 0) {
                put_digit();
                count_ = 8;
            }
        }
        return decision;
    }

    // Appends the digits of the number in the interval that ends in the most zero bits, without the zero
    // digits at its end (D.1.8).
    void finish(std::vector<std::uint8_t>& out) const {
        std::uint32_t number = (low_ + range_ - 1) & ~std::uint32_t{0xFFFF};
        if (number < low_) number += kHalf;
        append(digits_of(number), out);
    }

    // Appends the digits that all numbers in the interval begin with, without the zero digits at their end.
    void truncate(std::vector<std::uint8_t>& out) const {
        std::vector<std::uint8_t> digits = digits_of(low_);
        const std::vector<std::uint8_t> last = digits_of(low_ + range_ - 1);
        digits.erase(std::mismatch(digits.begin(), digits.end(), last.begin()).first, digits.end());
        append(digits, out);
    }

private:
    // Moves the upper bits of low_ to digits_.
    void put_digit() {
        if (low_ >> 27 != 0) carry(digits_);
        digits_.push_back(static_cast<std::uint8_t>(low_ >> 19));
        low_ &= (1u << 19) - 1;
    }

    static void carry(std::vector<std::uint8_t>& digits) {
        auto at = digits.rbegin();
        while (++*at == 0) ++at;
    }

    // All digits with those of `number`, a value of low_, up to the place at which the interval has its size.
    std::vector<std::uint8_t> digits_of(std::uint32_t number) const {
        std::vector<std::uint8_t> digits = digits_;
        const std::uint64_t bits = std::uint64_t{number} << count_;
        if (bits >> 27 != 0) carry(digits);
        digits.push_back(static_cast<std::uint8_t>(bits >> 19));
        digits.push_back(static_cast<std::uint8_t>(bits >> 11));
        return digits;
    }

    // Appends digits with a zero byte stuffed after every 0xFF, without the zero digits at the end.
    static void append(const std::vector<std::uint8_t>& digits, std::vector<std::uint8_t>& out) {
        std::size_t size = digits.size();
        while (size > 0 && digits[size - 1] == 0) --size;
        for (std::size_t i = 0; i < size; ++i) {
            out.push_back(digits[i]);
            if (digits[i] == kMarker) out.push_back(0);
        }
    }

    std::vector<std::uint8_t> digits_;  // so far; a carry may still change them
    std::uint32_t low_ = 0;             // the lower bound of the interval, in units of range_, below digits_
    int count_ = 11;                    // doublings of the interval until the next digit
};

// Decodes decisions. After the end of the data there are zeros.
class QmDecoder : QmInterval {
public:
    static constexpr bool kEncodes = false;

    // Every 0xFF between begin and end is followed by a stuffed zero.
    QmDecoder(const std::uint8_t* begin, const std::uint8_t* end) : next_(begin), end_(end) {
        offset_ = next_digit() << 24;
        offset_ |= next_digit() << 16;
    }

    // Decodes and returns a decision; the second argument has no meaning here.
    bool code(QmEstimate& estimate, bool) {
        const QmState& state = kQmStates[estimate.state];
        range_ -= state.size;
        const bool lower = offset_ >> 16 < range_;
        const bool probable = lower == (range_ >= state.size);
        if (!lower) {
            offset_ -= range_ << 16;
            range_ = state.size;
        }
        const bool decision = probable == (estimate.more_probable != 0);
        learn(estimate, state, probable);
        for (; range_ < kHalf; range_ <<= 1) {
            if (count_ == 0) {
                offset_ |= next_digit() << 8;
                count_ = 8;
            }
            offset_ <<= 1;
            --count_;
        }
        return decision;
    }

    // The number of zeros read after the end. They need not have mattered yet.
    int zeros_after_end() const { return zeros_after_end_; }

private:
    std::uint32_t next_digit() {
        if (next_ == end_) {
            ++zeros_after_end_;
            return 0;
        }
        const std::uint8_t digit = *next_;
        next_ += digit == kMarker ? 2 : 1;
        return digit;
    }

    const std::uint8_t* next_;
    const std::uint8_t* end_;
    std::uint32_t offset_;  // of the code in the interval: 16 bits in units of range_, then unread ones
    int count_ = 0;         // doublings of the interval until another digit is needed
    int zeros_after_end_ = 0;
};

}  // namespace jrecomp
