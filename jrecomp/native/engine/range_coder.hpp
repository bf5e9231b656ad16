// The range coder (docs/format/models.md, "Range coder"). Its bytes are those of the library constriction.
#pragma once

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
inline std::uint32_t split_of(std::uint32_t ones) {
    return static_cast<std::uint32_t>((65536ull - ones) * (kTotal - 2) >> 16) + 1;
}

// All bits set where the condition holds, else none. The empty assembly keeps compilers from making a branch
// of it, which processors would often mispredict: decisions are nearly random.
inline std::uint64_t mask_of(bool condition) {
    std::uint64_t mask = -std::uint64_t{condition};
    __asm__("" : "+r"(mask));
    return mask;
}

class RangeEncoder {
public:
    static constexpr bool kDecodes = false;

    // Codes a decision whose probability of `true` is ones / 2^16, and returns it.
    bool code(std::uint32_t ones, bool decision) {
        const std::uint32_t split = split_of(ones);
        const std::uint64_t scale = range_ >> 24;
        const std::uint64_t bound = scale * split;
        const std::uint64_t mask = mask_of(decision);
        add(bound & mask);
        range_ = bound + ((scale * kTotal - 2 * bound) & mask);
        if (range_ < 1ull << 32) {
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
        if (lower_ < value)  // the carry runs through all words that are full
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
    RangeDecoder(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {
        offset_ = static_cast<std::uint64_t>(next()) << 32;
        offset_ |= next();
    }

    // Decodes a decision whose probability of `true` is ones / 2^16. Throws Damaged.
    bool code(std::uint32_t ones, bool) {
        const std::uint32_t split = split_of(ones);
        const std::uint64_t scale = range_ >> 24;
        const std::uint64_t bound = scale * split, end = scale * kTotal;
        if (offset_ >= end) throw Damaged("range-coded data is damaged");
        const std::uint64_t below = mask_of(offset_ < bound), rest = end - bound;
        offset_ -= bound & ~below;
        range_ = rest + ((bound - rest) & below);
        if (range_ < 1ull << 32) advance();
        return !below;
    }

private:
    __attribute__((noinline)) void advance() {  // rare; a call keeps inlined copies of code() small
        range_ <<= 32;
        offset_ = offset_ << 32 | next();
    }

    std::uint32_t next() {
        std::uint32_t word = 0;
        for (int shift = 0; shift < 32 && at_ < size_; shift += 8)
            word |= std::uint32_t{data_[at_++]} << shift;
        return word;
    }

    const std::uint8_t* data_;
    std::size_t size_, at_ = 0;
    std::uint64_t range_ = ~0ull, offset_;  // offset_: the point less the lower end of the range
};

}  // namespace jrecomp
