"""One scan: what decodes encodes to the same bytes, and what encodes decodes to the same coefficients."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from fuzz.reader import Reader
from jrecomp.array_types import Int16
from jrecomp.native._scan import Scan
from jrecomp.t81 import LARGEST_EOB_RUN, TYPICAL_TABLES
from tests.jpeg.builder import AC_TABLE, DC_TABLE


@dataclass(frozen=True)
class Component:
    """Blocks per MCU across and down, shape of the coefficients, and Huffman tables or conditioning."""

    horizontal: int
    vertical: int
    shape: tuple[int, int, int]
    dc: bytes
    ac: bytes


@dataclass(frozen=True)
class Parameters:
    """The parameters of a scan; bands: Ss, Se, Ah, Al. columns, rows: size in MCUs."""

    arithmetic: bool
    progressive: bool
    bands: tuple[int, int, int, int]
    columns: int
    rows: int
    components: list[Component]

    @property
    def mcus(self) -> int:
        """Number of MCUs."""
        return self.columns * self.rows

    def scan(self, arrays: list[Int16]) -> Scan:
        """The codec over the coefficients of each component."""
        pairs = zip(arrays, self.components, strict=True)
        components: list[tuple[Int16, int, int, bytes | None, bytes | None]] = [
            (array, c.horizontal, c.vertical, c.dc, c.ac) for array, c in pairs
        ]
        return Scan(self.arithmetic, self.progressive, self.bands, self.columns, self.rows, components)

    def truncated(self, array: Int16, lowest: int) -> Int16:
        """Coefficients with only the bits from `lowest` on (T.81 G.1.2.1, G.1.2.2)."""
        if self.bands[0] == 0:
            shifted: Int16 = array >> lowest << lowest
            return shifted
        magnitudes: Int16 = np.abs(array) >> lowest << lowest
        return np.where(array < 0, -magnitudes, magnitudes)

    def before(self, array: Int16) -> Int16:
        """What is known of coefficients before the scan."""
        return self.truncated(array, self.bands[2]) if self.bands[2] else np.zeros_like(array)

    def after(self, array: Int16, component: Component, first: int, mcus: int) -> Int16:
        """What is known of coefficients after the MCUs from `first` on were decoded."""
        result, (start, stop, _, lowest) = self.before(array), self.bands
        coded = self._mcu_numbers(component)
        inside = (coded >= first) & (coded < first + mcus)
        result[inside, start : stop + 1] = self.truncated(array, lowest)[inside, start : stop + 1]
        return result

    def _mcu_numbers(self, component: Component) -> Int16:
        """The number of each block's MCU, -1 outside."""
        rows, columns = np.indices(component.shape[:2])
        row, column = rows // component.vertical, columns // component.horizontal
        return np.where(column < self.columns, row * self.columns + column, -1)


@dataclass(frozen=True)
class Part:
    """A part of a scan as for Scan.decode()."""

    first: int
    restart_interval: int
    first_restart: int


def check(data: bytes) -> None:
    """Decode any data, encode coefficients, or decode what was encoded with an error in it."""
    reader = Reader(data)
    parameters = _parameters(reader)
    first = reader.choose([0, 0, reader.below(parameters.mcus)])
    part = Part(first, reader.choose([0, 0, 1, 2, 5]), reader.below(8))
    way = reader.choose(["decode", "encode", "error"])
    if way == "encode":
        _encode_first(reader, parameters, part)
        return
    arrays = [reader.coefficients(reader.below(64), c.shape) for c in parameters.components]
    if way == "error":
        place, error = reader.below(512), reader.take(reader.below(3))
        data = _coded(parameters.scan(arrays), part, parameters.mcus - part.first) or b""
        data = data[:place] + error + data[place + 1 :]
    else:
        data = reader.rest()
    _decode_first(parameters, part, [parameters.before(array) for array in arrays], data)


def _decode_first(parameters: Parameters, part: Part, arrays: list[Int16], data: bytes) -> None:
    scan = parameters.scan(arrays)
    mcus, stop = scan.decode(data, 0, len(data), part.first, part.restart_interval, part.first_restart)
    assert 0 <= mcus <= parameters.mcus - part.first and 0 <= stop <= len(data)
    scan.finish()
    interval, restart = part.restart_interval, part.first_restart
    assert scan.encode(part.first, mcus, interval, restart, stop == len(data)) == data[:stop]


def _encode_first(reader: Reader, parameters: Parameters, part: Part) -> None:
    mcus = parameters.mcus - part.first
    padding_bit, longest_run = reader.below(2), reader.choose([LARGEST_EOB_RUN, 1, 2, 5])
    last_run = reader.choose([0, 0, 0, reader.below(80)])
    choices = [[(reader.below(80), 1 + reader.below(4)) for _ in range(reader.below(3))] for _ in range(4)]
    padding, zero_runs, switches, extraneous = map(sorted, choices)
    least = (1 << parameters.bands[3]) - 32768  # others would be -32768 without their lowest bits
    drawn = [reader.coefficients(reader.below(256), c.shape) for c in parameters.components]
    arrays = [np.maximum(array, least) for array in drawn]
    scan = parameters.scan(arrays)
    scan.set_choices(
        padding_bit,
        padding,
        zero_runs,
        longest_run,
        last_run,
        [block for block, _ in switches],
        [(mcu, length * b"\xff") for mcu, length in extraneous],
    )
    coded = _coded(scan, part, mcus)
    if coded is None:
        return
    decoded = [parameters.before(array) for array in arrays]
    again = parameters.scan(decoded)
    interval, restart = part.restart_interval, part.first_restart
    assert again.decode(coded, 0, len(coded), part.first, interval, restart) == (mcus, len(coded))
    for array, values, component in zip(arrays, decoded, parameters.components, strict=True):
        assert (values == parameters.after(array, component, part.first, mcus)).all()
    again.finish()
    assert _coded(again, part, mcus) == coded


def _coded(scan: Scan, part: Part, mcus: int) -> bytes | None:
    """The data of MCUs, None if the scan has no code for a value or a choice."""
    try:
        scan.symbol_counts()
        return scan.encode(part.first, mcus, part.restart_interval, part.first_restart, True)
    except ValueError:
        return None


def _parameters(reader: Reader) -> Parameters:
    arithmetic, kind = bool(reader.below(2)), reader.choose(["sequential", "dc", "ac", "ac"])
    bands = 0, 63, 0, 0
    if kind != "sequential":
        lowest = reader.choose([0, 1, 2, 13])
        highest = reader.choose([0, lowest + 1])
        start = 1 + reader.below(63) if kind == "ac" else 0
        bands = start, start + reader.below(64 - start) if kind == "ac" else 0, highest, lowest
    columns, rows = 1 + reader.below(6), 1 + reader.below(6)
    count = 1 if kind == "ac" else reader.choose([1, 1, 2, 3, 4])
    components = [_component(reader, columns, rows, count == 1, arithmetic) for _ in range(count)]
    return Parameters(arithmetic, kind != "sequential", bands, columns, rows, components)


def _component(reader: Reader, columns: int, rows: int, alone: bool, arithmetic: bool) -> Component:
    horizontal, vertical = (1, 1) if alone else (1 + reader.below(4), 1 + reader.below(4))
    shape = rows * vertical, columns * horizontal + reader.below(2), 64
    if arithmetic:
        tables = [bytes([reader.below(4), reader.below(256)]) for _ in range(2)]
    else:
        tables = [_table(kind, reader.below(8)) for kind in (0, 1)]
    return Component(horizontal, vertical, shape, *tables)


@cache
def _table(kind: int, number: int) -> bytes:
    """A Huffman table as the DHT segment holds it; kind: 0 for DC, 1 for AC."""
    if number < 2:
        return TYPICAL_TABLES[kind, number]
    return (DC_TABLE, AC_TABLE)[kind] if number == 2 else _random_table(kind, number)


def _random_table(kind: int, seed: int) -> bytes:
    """A complete or incomplete code of random lengths for most symbols in random order."""
    rng = np.random.default_rng(seed)
    symbols = rng.permutation(256 if kind else 18)[: 230 if kind else 16].tolist()
    left, room, counts = len(symbols), 1, []
    for length in range(1, 17):
        room *= 2
        longer = -(-left >> (16 - length)) if length < 16 else 0  # codes that the rest needs as prefixes
        most = max(0, min(room - longer, left, 255))
        counts.append(int(rng.integers(0, most + 1)) if length < 16 else most)
        left, room = left - counts[-1], room - counts[-1]
    return bytes(counts) + bytes(symbols[: sum(counts)])
