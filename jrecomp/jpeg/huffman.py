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
