// Huffman tables of a DHT marker segment (T.81 B.2.4.2, Annex C), for decoding and for encoding.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace jrecomp {

// A table as the DHT segment holds it: 16 counts of codes, for lengths 1 to 16, then the symbols (uint8).
// The two classes below must be built from valid tables only; they do not check.
struct HuffmanSpec {
    const std::uint8_t* bytes;
    std::size_t size;

    bool valid() const {
        if (size < 16) return false;
        std::size_t symbols = 0;
        std::uint32_t code = 0;
        for (int length = 1; length <= 16; ++length) {
            symbols += bytes[length - 1];
            code += bytes[length - 1];
            if (code > (1u << length)) return false;  // more codes than the length has room for
            code <<= 1;
        }
        return symbols <= 256 && size == 16 + symbols;
    }
};

// Finds symbols of codes. Codes of up to kFastBits bits take one table look-up, longer ones a search.
class HuffmanDecoder {
public:
    static constexpr int kFastBits = 10;

    // A decoded symbol with the length of its code; length 0 means that no code matches.
    struct Entry {
        std::uint8_t symbol;
        std::uint8_t length;
    };

    HuffmanDecoder() = default;

    explicit HuffmanDecoder(const HuffmanSpec& spec) {
        std::uint32_t code = 0;
        int index = 0;
        for (int length = 1; length <= 16; ++length) {
            offset_[length] = index - static_cast<int>(code);
            for (int i = 0; i < spec.bytes[length - 1]; ++i, ++index, ++code) {
                const std::uint8_t symbol = spec.bytes[16 + index];
                symbols_[index] = symbol;
                if (length > kFastBits) continue;
                const std::uint32_t first = code << (kFastBits - length);
                for (std::uint32_t j = 0; j < (1u << (kFastBits - length)); ++j) {
                    fast_[first + j] = Entry{symbol, static_cast<std::uint8_t>(length)};
                }
            }
            limit_[length] = code << (16 - length);
            code <<= 1;
        }
    }

    // The symbol with the code that the 16 bits of `window` begin with.
    Entry find(std::uint32_t window) const {
        const Entry entry = fast_[window >> (16 - kFastBits)];
        return entry.length != 0 ? entry : find_long(window);
    }

private:
    Entry find_long(std::uint32_t window) const {
        for (int length = kFastBits + 1; length <= 16; ++length) {
            if (window < limit_[length]) {
                const int index = static_cast<int>(window >> (16 - length)) + offset_[length];
                return Entry{symbols_[index & 255], static_cast<std::uint8_t>(length)};
            }
        }
        return Entry{0, 0};
    }

    std::array<Entry, 1 << kFastBits> fast_{};
    std::array<std::uint32_t, 17> limit_{};  // the first 16-bit window past the codes of each length
    std::array<int, 17> offset_{};           // from a code to its index in symbols_
    std::array<std::uint8_t, 256> symbols_{};
};

// The code of each symbol, its length in bits, and length 0 for a symbol that is not in the table. Of
// several codes of a symbol the first one counts.
class HuffmanEncoder {
public:
    struct Entry {
        std::uint16_t code;
        std::uint8_t length;
    };

    HuffmanEncoder() = default;

    explicit HuffmanEncoder(const HuffmanSpec& spec) {
        std::uint32_t code = 0;
        int index = 0;
        for (int length = 1; length <= 16; ++length) {
            for (int i = 0; i < spec.bytes[length - 1]; ++i, ++index, ++code) {
                Entry& entry = entries_[spec.bytes[16 + index]];
                if (entry.length == 0)
                    entry = Entry{static_cast<std::uint16_t>(code), static_cast<std::uint8_t>(length)};
            }
            code <<= 1;
        }
    }

    const Entry& operator[](unsigned symbol) const { return entries_[symbol]; }

private:
    std::array<Entry, 256> entries_{};
};

}  // namespace jrecomp
