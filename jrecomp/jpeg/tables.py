"""Huffman tables: checking those of DHT marker segments, the typical ones of T.81 K.3.3, and the shortest.

A table is bytes as in the segment: 16 counts of codes per length, then the symbols.
"""

from collections import Counter
from collections.abc import Sequence
from operator import itemgetter

_LONGEST_CODE = 16


def is_huffman_table(table: bytes) -> bool:
    """Whether the counts fit a prefix code (T.81 C.2) and as many symbols follow."""
    counts = table[:16]
    code = 0
    for length, count in enumerate(counts, 1):
        code += count
        if code > 1 << length:
            return False
        code <<= 1
    return len(counts) == 16 and sum(counts) <= 256 and len(table) == 16 + sum(counts)


def shortest_table(counts: Sequence[int]) -> bytes:
    """The table that codes symbols of these counts (256, at least one not 0) in the fewest bits.

    Package-merge (Larmore and Hirschberg, 1990) finds the lengths. One more symbol, which never occurs,
    takes the code of nothing but 1 bits that T.81 C.2 forbids.
    """
    leaves = [(0, (256,)), *sorted((count, (symbol,)) for symbol, count in enumerate(counts) if count)]
    packages: list[tuple[int, tuple[int, ...]]] = []
    for _ in range(_LONGEST_CODE):
        items = sorted(leaves + packages, key=itemgetter(0))
        pairs = zip(items[::2], items[1::2], strict=False)
        packages = [(a + b, symbols + others) for (a, symbols), (b, others) in pairs]
    lengths = Counter(symbol for _, symbols in packages[: len(leaves) - 1] for symbol in symbols)
    del lengths[256]
    per_length = Counter(lengths.values())
    symbols = sorted(lengths, key=lambda symbol: (lengths[symbol], symbol))
    return bytes([per_length[length] for length in range(1, _LONGEST_CODE + 1)] + symbols)


def coded_bits(table: bytes, counts: Sequence[int]) -> int:
    """Bits of the codes of all symbols, which the table must have, without their additional bits."""
    lengths = [length for length, count in enumerate(table[:16], 1) for _ in range(count)]
    return sum(length * counts[symbol] for length, symbol in zip(lengths, table[16:], strict=True))


# By table class (0 for DC, 1 for AC) and identifier. In force where a file defines none, as in the frames
# of Motion JPEG and the decoders that read them.
TYPICAL_TABLES: dict[tuple[int, int], bytes] = {
    # DC, luminance (table K.3)
    (0, 0): bytes.fromhex("00010501010101010100000000000000000102030405060708090a0b"),
    # DC, chrominance (K.4)
    (0, 1): bytes.fromhex("00030101010101010101010000000000000102030405060708090a0b"),
    # AC, luminance (K.5)
    (1, 0): bytes.fromhex(
        "0002010303020403050504040000017d"
        "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a16"
        "1718191a25262728292a3435363738393a434445464748494a535455565758595a63646566676869"
        "6a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6"
        "b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8"
        "f9fa"
    ),
    # AC, chrominance (K.6)
    (1, 1): bytes.fromhex(
        "00020102040403040705040400010277"
        "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434"
        "e125f11718191a262728292a35363738393a434445464748494a535455565758595a636465666768"
        "696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4"
        "b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8"
        "f9fa"
    ),
}
