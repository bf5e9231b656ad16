"""What is left of a damaged container: good slices, or the beginning of a stored file."""

from typing import NamedTuple

from jrecomp.container.boxes import (
    Container,
    Stored,
    original_fields,
    read_description,
    restorer_field,
    source_fields,
    with_slices,
)
from jrecomp.container.envelope import LOSSY_MODE, RESTORABLE_MODE, STORED_MODE, check_version, read_mode
from jrecomp.container.fields import FieldReader
from jrecomp.container.packing import Expander
from jrecomp.container.tables import read_slices
from jrecomp.errors import check_memory
from jrecomp.options import DEFAULT_LIMITS, Limits
from jrecomp.skeleton import pictures


class Remains(NamedTuple):
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
    elif mode == RESTORABLE_MODE:
        restorer_field(reader)
    box = read_description(reader, limits, brief=False)
    slices = read_slices(reader, len(pictures(box.steps)), intact=False)
    lost = tuple(tuple(i for i, part in enumerate(parts) if part is None) for _, parts in slices)
    return Remains(with_slices(box, slices), lost)


def _stored(reader: FieldReader, limits: Limits) -> Stored:
    original, reason = original_fields(reader), reader.byte()
    check_memory(original.length, limits.max_memory)
    length, squeezed = reader.varint(), reader.varint()
    left = reader.raw(b"", min(squeezed or length, reader.left))
    return Stored(original, reason, Expander(left, length).salvaged() if squeezed else left)
