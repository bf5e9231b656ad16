"""docs/format/models.md, "Range coder"."""

from tests.specification.conventions import need


class RangeDecoder:
    """Decodes the decisions of a slice."""

    def __init__(self, data: bytes) -> None:
        self.data, self.position = data, 0
        self.lower, self.range = 0, 2**64 - 1
        self.point = (self.word() << 32) + self.word()

    def word(self) -> int:
        """The next word; bytes and words beyond the end are 0."""
        word = int.from_bytes(self.data[self.position : self.position + 4], "little")
        self.position += 4
        return word

    def decide(self, probability: int) -> bool:
        """A decision that is true with probability P/65536."""
        split = (65536 - probability) * (2**24 - 2) // 65536 + 1
        scale = self.range >> 24
        quantile = (self.point - self.lower) % 2**64 // scale
        need(quantile < 2**24, "range-coded data")
        decision = quantile >= split
        if decision:
            self.lower = (self.lower + scale * split) % 2**64
            self.range = scale * (2**24 - split)
        else:
            self.range = scale * split
        if self.range < 2**32:
            self.lower, self.range = (self.lower << 32) % 2**64, self.range << 32
            self.point = (self.point << 32) % 2**64 + self.word()
        return decision
