"""Tables that most JPEG files repeat: T.81 Annex K and the scaling of the Independent JPEG Group."""

from functools import cache

# Natural (row-major) position of every zig-zag index, T.81 figure A.6.
_ZIGZAG = (
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
)  # fmt: skip

# Tables K.1 and K.2, row-major.
_LUMINANCE = (
    16, 11, 10, 16, 24, 40, 51, 61,
    12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77,
    24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMINANCE = (
    17, 18, 24, 47, 99, 99, 99, 99,
    18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
)  # fmt: skip

# Tables K.3 and K.4: codes of 1 to 16 bits; the symbols are 0 to 11 in order.
_DC_COUNTS = (
    bytes.fromhex("00010501010101010100000000000000"),
    bytes.fromhex("00030101010101010101010000000000"),
)

# Tables K.5 and K.6: codes of 1 to 16 bits, then the symbols by length of code.
_AC_TABLES = (
    bytes.fromhex(
        "0002010303020403050504040000017d"
        "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a"
        "25262728292a3435363738393a434445464748494a535455565758595a636465666768696a73747576777879"
        "7a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9"
        "cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
    ),
    bytes.fromhex(
        "00020102040403040705040400010277"
        "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f117"
        "18191a262728292a35363738393a434445464748494a535455565758595a636465666768696a737475767778"
        "797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7"
        "c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
    ),
)


def huffman_table(is_ac: bool, chrominance: bool) -> bytes:
    """A table of T.81 K.3.3 as a DHT segment holds it: class and destination, counts, symbols.

    Luminance tables have destination 0, chrominance tables 1.
    """
    table = _AC_TABLES[chrominance] if is_ac else _DC_COUNTS[chrominance] + bytes(range(12))
    return bytes([is_ac << 4 | chrominance]) + table


@cache
def quantization_table(quality: int, chrominance: bool) -> bytes:
    """The 64 steps, in zig-zag order, of libjpeg's quality 1 to 100, limited to 8 bits."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    base = _CHROMINANCE if chrominance else _LUMINANCE
    return bytes(min(max((base[natural] * scale + 50) // 100, 1), 255) for natural in _ZIGZAG)


def nearest_quality(steps: list[int]) -> int:
    """The libjpeg quality (1 to 100) whose luminance table is nearest to 64 steps in zig-zag order."""

    def distance(quality: int) -> int:
        return sum(abs(a - b) for a, b in zip(steps, quantization_table(quality, False), strict=True))

    return min(range(100, 0, -1), key=distance)
