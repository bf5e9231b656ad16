// The range coder (docs/format/models.md, "Range coder"). Its bytes are those of the library constriction.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace jrecomp {

// Thrown for data that no encoder writes.
struct Damaged : std::runtime_error {
    using std::runtime_error::runtime_error;
};

constexpr std::uint32_t kTotal = 1u << 24;  // parts of a range
constexpr std::uint32_t kHalf = 1u << 15;   // probability 1/2 in units of 2^-16

// The parts of a range that stand for `false`. ones: the probability of `true` in units of 2^-16, not 0.
inline std::uint32_t split_of(std::uint32_t ones) {  // floor((2^16 - ones) (2^24 - 2) / 2^16) + 1
    return ((65536 - ones) << 8) + (ones >> 15) - 1;
}

// One of two values. Compilers are kept from making a branch of it, which processors would often mispredict:
// decisions are nearly random.
inline std::uint64_t choose(bool condition, std::uint64_t yes, std::uint64_t no) {
#if defined(__x86_64__)
    __asm__("test %1, %1\n\tcmovnz %2, %0" : "+r"(no) : "r"(condition), "r"(yes) : "cc");
    return no;
#else
    std::uint64_t mask = -std::uint64_t{condition};
    __asm__("" : "+r"(mask));
    return no ^ ((yes ^ no) & mask);
#endif
}

constexpr std::uint64_t kLeastRange = 1ull << 32;  // a smaller range is refilled from 32 bits more

class RangeEncoder {
public:
    static constexpr bool kDecodes = false;

    // Codes a decision whose probability of `true` is ones / 2^16, and returns it.
    bool code(std::uint32_t ones, bool decision) {
        const std::uint32_t split = split_of(ones);
        const std::uint64_t scale = range_ >> 24;
        const std::uint64_t bound = scale * split;
        add(choose(decision, bound, 0));
        range_ = choose(decision, scale * kTotal - bound, bound);
        if (__builtin_expect(range_ < kLeastRange, 0)) {
            words_.push_back(static_cast<std::uint32_t>(lower_ >> 32));
            lower_ <<= 32;
            range_ <<= 32;
        }
        return decision;
    }

    // The bytes of all decisions.
    std::string finish() {
        if (range_ != ~0ull || !words_.empty()) {
            add((1ull << 32) - 1);
            words_.push_back(static_cast<std::uint32_t>(lower_ >> 32));
        }
        std::string bytes;
        for (const std::uint32_t word : words_)
            for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(word >> shift));
        bytes.resize(bytes.find_last_not_of('\0') + 1);
        return bytes;
    }

private:
    void add(std::uint64_t value) {
        lower_ += value;
        if (__builtin_expect(lower_ < value, 0))  // the carry runs through all words that are full
            for (std::size_t i = words_.size(); i-- && ++words_[i] == 0;) {
            }
    }

    std::uint64_t lower_ = 0, range_ = ~0ull;
    std::vector<std::uint32_t> words_;
};

class RangeDecoder {
public:
    static constexpr bool kDecodes = true;

    // Refers to the data.
    RangeDecoder(const std::uint8_t* data, std::size_t size) : data_(data), end_(data + size) {
        refill();
        refill();
    }

    // Decodes a decision whose probability of `true` is ones / 2^16. Throws Damaged.
    bool code(std::uint32_t ones, bool) {
        const std::uint32_t split = split_of(ones);
        const std::uint64_t scale = range_ >> 24;
        const std::uint64_t bound = scale * split, end = scale * kTotal;
        if (__builtin_expect(offset_ >= end, 0)) damaged();
        const bool decision = offset_ >= bound;
        offset_ = choose(decision, offset_ - bound, offset_);
        range_ = choose(decision, end - bound, bound);
        if (__builtin_expect(range_ < kLeastRange, 0)) {
            range_ <<= 32;
            refill();
        }
        return decision;
    }

private:
    [[noreturn]] static void damaged() { throw Damaged("range-coded data is damaged"); }

    void refill() {
        offset_ = offset_ << 32 | word(data_, end_);
        data_ += std::min<std::ptrdiff_t>(4, end_ - data_);
    }

    // The next bytes, with zeros past the end. Rare; a call keeps inlined copies of code() small. It gets no
    // `this`, so that compilers can keep a decoder in registers.
    __attribute__((noinline)) static std::uint32_t word(const std::uint8_t* data, const std::uint8_t* end) {
        std::uint32_t word = 0;
        for (int shift = 0; shift < 32 && data < end; shift += 8) word |= std::uint32_t{*data++} << shift;
        return word;
    }

    const std::uint8_t *data_, *end_;
    std::uint64_t range_ = ~0ull, offset_ = 0;  // offset_: the point less the lower end of the range
};

}  // namespace jrecomp
