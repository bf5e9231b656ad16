"""Huffman tables: validation, optimal construction, and the size of coded data.

A table has the layout of a DHT segment (T.81 B.2.4.2): the number of codes of each length from 1 to 16, then
the symbols.
"""

from collections import Counter
from collections.abc import Sequence
from operator import itemgetter

_LONGEST_CODE = 16


def is_huffman_table(table: bytes) -> bool:
    """Whether the numbers of codes allow a prefix code (T.81 C.2) and as many symbols follow."""
    counts = table[:16]
    code = 0
    for length, count in enumerate(counts, 1):
        code += count
        if code > 1 << length:
            return False
        code <<= 1
    return len(counts) == 16 and sum(counts) <= 256 and len(table) == 16 + sum(counts)


def shortest_table(counts: Sequence[int]) -> bytes:
    """The table that codes symbols in the fewest bits.

    counts: occurrences of each of the 256 symbols, at least one of them positive. Symbols with count 0 get no
    code.

    The code lengths come from the package-merge algorithm (Larmore and Hirschberg, 1990). An additional
    symbol of count 0 takes the code of 1 bits only, which T.81 C.2 reserves.
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
    """Total length in bits of the codes of symbols, without their additional bits.

    table: has a code for every symbol that occurs. counts: occurrences of each of the 256 symbols.
    """
    lengths = [length for length, count in enumerate(table[:16], 1) for _ in range(count)]
    return sum(length * counts[symbol] for length, symbol in zip(lengths, table[16:], strict=True))
