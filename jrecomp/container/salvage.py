"""What is left of a damaged container: good slices, or the beginning of a stored file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jrecomp.container.boxes import (
    Container,
    Lossless,
    Stored,
    most_metadata,
    original_fields,
    source_fields,
)
from jrecomp.container.envelope import LOSSY_MODE, STORED_MODE, check_version, read_mode
from jrecomp.container.fields import FieldReader
from jrecomp.container.metadata import unpack_metadata
from jrecomp.container.packing import Expander
from jrecomp.container.tables import read_tables, salvage_slices
from jrecomp.errors import check_memory
from jrecomp.options import DEFAULT_LIMITS, Limits
from jrecomp.skeleton import Picture, Step, pictures


@dataclass(frozen=True)
class Remains:
    """What is left of a container.

    box: its contents. Lost slices are empty, and a stored file may be shorter. lost: of each picture, the
    indices of its lost slices.
    """

    box: Container
    lost: tuple[tuple[int, ...], ...] = ()


def salvage(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Remains:
    """Read what is left of a damaged or truncated container.

    limits: as for unpack(). Raises CorruptContainerError if what describes the file is damaged.
    """
    check_version(data)
    reader = FieldReader(data)
    mode = read_mode(reader)
    if mode == STORED_MODE:
        return Remains(_stored(reader, limits))
    if mode == LOSSY_MODE:
        source_fields(reader)
    original, model = original_fields(reader), reader.varint()
    metadata = reader.packed(most_metadata(original))
    check_memory(original.length + len(metadata), limits.max_memory)
    front, back, steps = unpack_metadata(metadata, original.length, limits, brief=False)
    tables = read_tables(reader, len(pictures(steps)))
    slices = salvage_slices(reader, tables)
    rows = [tables[number - table.back].mcu_rows for number, table in enumerate(tables)]
    box = Lossless(original, model, front, back, _with_slices(steps, rows, slices))
    lost = tuple(tuple(i for i, part in enumerate(parts) if part is None) for parts in slices)
    return Remains(box, lost)


def _stored(reader: FieldReader, limits: Limits) -> Stored:
    original, reason = original_fields(reader), reader.byte()
    check_memory(original.length, limits.max_memory)
    length, squeezed = reader.varint(), reader.varint()
    left = reader.raw(b"", min(squeezed or length, reader.left))
    return Stored(original, reason, Expander(left, length).salvaged() if squeezed else left)


def _with_slices(
    steps: Sequence[Step], rows: Sequence[int], slices: Sequence[tuple[bytes | None, ...]]
) -> tuple[Step, ...]:
    """The steps; their pictures get MCU rows and slices."""
    coded = zip(rows, slices, strict=True)

    def filled(step: Picture) -> Picture:
        mcu_rows, parts = next(coded)
        whole = tuple(part or b"" for part in parts)
        return replace(step, coded=replace(step.coded, mcu_rows=mcu_rows, slices=whole))

    return tuple(filled(step) if isinstance(step, Picture) else step for step in steps)
